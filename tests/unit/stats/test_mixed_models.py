"""Linear mixed models: what must not matter, what equals simpler tests, and fits that cannot stand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats import linear, mixed, mixed_designs, mixed_likelihood
from deltaroi.stats.record import Array

Sample = tuple[Array, mixed_designs.MixedDesign, np.ndarray, np.ndarray, np.ndarray]


def sample(seed: int, n: int = 24, sessions: int = 3, lost: float = 0.2, between: float = 1.0, slope: float = 0.0,
           constrained: bool = False) -> Sample:
    """Values of two groups, design, subject, group, session."""
    rng = np.random.default_rng(seed)
    subject, session = np.repeat(np.arange(n), sessions), np.tile(np.arange(sessions), n)
    keep = (rng.random(subject.size) >= lost) | (session == 0)
    subject, session = subject[keep], session[keep]
    group = (subject >= n // 3).astype(int)
    y = (0.5 + 0.4 * session * (group == 0) + rng.normal(0, between, n)[subject]
         + rng.normal(0, slope, n)[subject] * session + rng.normal(0, 1, subject.size))
    design = mixed_designs.session_design(group, session, (2, sessions), None, constrained)
    return y, design, subject, group, session


def everything(fit: mixed.MixedFit, design: mixed_designs.MixedDesign) -> Array:
    """Estimates, errors, df and p of all contrasts."""
    tests = [mixed_designs.test_contrast(fit, contrast) for contrast in mixed_designs.contrasts(design)]
    return np.array([(t.estimate, t.se, t.df, t.statistic, t.p) for t in tests])


@pytest.mark.parametrize("slope", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_order_names_and_units_do_not_matter(seed: int, slope: bool) -> None:
    y, design, subject, _, session = sample(seed, sessions=4, slope=0.6 if slope else 0.0)
    random = mixed_designs.slope_columns(session, range(4)) if slope else None
    plain = everything(mixed.fit_mixed(y, design.matrix, subject, random), design)
    rng = np.random.default_rng(seed)
    order, names = rng.permutation(y.size), rng.permutation(1000)[: subject.max() + 1]
    shuffled = mixed.fit_mixed(y[order], design.matrix[order], names[subject[order]],
                               random[order] if random is not None else None)
    np.testing.assert_allclose(everything(shuffled, design), plain, rtol=1e-7)
    for scale in (1e-9, -3.0, 1e7):
        scaled = everything(mixed.fit_mixed(scale * y + 5 * scale, design.matrix, subject, random), design)
        np.testing.assert_allclose(scaled[:, 0], scale * plain[:, 0], rtol=1e-6)
        np.testing.assert_allclose(scaled[:, 1], abs(scale) * plain[:, 1], rtol=1e-6)
        np.testing.assert_allclose(scaled[:, [2, 4]], plain[:, [2, 4]], rtol=1e-5)


def test_the_same_data_give_the_same_bytes() -> None:
    y, design, subject, *_ = sample(5)
    first, second = (mixed.fit_mixed(y, design.matrix, subject) for _ in range(2))
    assert first.covariance.tobytes() == second.covariance.tobytes()
    assert everything(first, design).tobytes() == everything(second, design).tobytes()


@pytest.mark.parametrize("shift", [0.0, 100.0])
def test_the_unit_and_the_origin_of_time_do_not_matter(shift: float) -> None:
    y, design, subject, _, session = sample(7, n=30, sessions=4, slope=0.6)
    steps = mixed_designs.slope_columns(session, range(4))
    plain = everything(mixed.fit_mixed(y, design.matrix, subject, steps), design)
    days = mixed_designs.slope_columns(session, [shift + 28 * k for k in range(4)])
    np.testing.assert_allclose(everything(mixed.fit_mixed(y, design.matrix, subject, days), design), plain, rtol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_two_complete_sessions_give_the_t_test_of_changes(seed: int) -> None:
    y, design, subject, group, _ = sample(seed, sessions=2, lost=0.0, between=2.0)
    test = mixed.test_weights(mixed.fit_mixed(y, design.matrix, subject), np.array([0.0, 0, 0, 1]))
    change = y.reshape(-1, 2) @ [-1, 1]
    theirs = stats.ttest_ind(change[group[::2] == 0], change[group[::2] == 1])
    assert (test.statistic, test.df, test.p) == pytest.approx((theirs.statistic, theirs.df, theirs.pvalue), rel=1e-9)


def test_a_balanced_linear_trend_is_the_t_test_of_slopes() -> None:
    """With a random slope, and everybody seen at all sessions: df is n - 1, as of a t test of the subjects' slopes."""
    rng = np.random.default_rng(2)
    subject, session = np.repeat(np.arange(20), 4), np.tile(np.arange(4), 20)
    y = rng.normal(size=20)[subject] + rng.normal(size=20)[subject] * session + 0.5 * rng.normal(size=80)
    z = mixed_designs.slope_columns(session, range(4))
    test = mixed.test_weights(mixed.fit_mixed(y, z, subject, z), np.array([0.0, 1]))
    slopes = y.reshape(20, 4) @ np.array([-1.5, -0.5, 0.5, 1.5]) / 5
    theirs = stats.ttest_1samp(slopes, 0)
    assert (test.statistic, test.df) == pytest.approx((theirs.statistic, 19), rel=1e-8)


def test_the_baseline_constrained_model_is_close_to_ancova() -> None:
    """Equal variances of the sessions: estimates differ by a small share of their error, whatever the data drawn."""
    for seed in range(20):
        y, design, subject, group, _ = sample(seed, n=90, sessions=2, lost=0.0, constrained=True)
        ours = mixed.test_weights(mixed.fit_mixed(y, design.matrix, subject), np.array([0.0, 0, 1]))
        wide = y.reshape(-1, 2)
        x = np.column_stack([np.ones(90), wide[:, 0], group[::2] == 0])
        ancova = linear.test_weights(linear.fit(wide[:, 1], x), np.array([0.0, 0, 1]), "classical")
        assert abs(ours.estimate - ancova.estimate) < 0.15 * ancova.se
        assert ours.se == pytest.approx(ancova.se, rel=0.12)


def test_the_baseline_constrained_model_needs_equal_variances() -> None:
    """SD 1 before and 2 after: its error falls short of ANCOVA's, as the docstring says."""
    ratios = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        subject, session = np.repeat(np.arange(60), 2), np.tile([0, 1], 60)
        pre = rng.normal(size=60)
        post = pre + rng.normal(0, math.sqrt(3), 60)
        group = np.repeat([0, 1], 30)
        design = mixed_designs.session_design(group[subject], session, (2, 2), None, constrained=True)
        fit = mixed.fit_mixed(np.column_stack([pre, post]).ravel(), design.matrix, subject)
        x = np.column_stack([np.ones(60), pre, group == 0])
        ancova = linear.test_weights(linear.fit(post, x), np.array([0.0, 0, 1]), "classical")
        ratios.append(mixed.test_weights(fit, np.array([0.0, 0, 1])).se / ancova.se)
    assert 0.7 < np.mean(ratios) < 0.9


def test_those_without_the_last_session_inform_the_baseline() -> None:
    y, design, subject, *_ = sample(11, n=40, sessions=2, lost=0.3, constrained=True)
    fit = mixed.fit_mixed(y, design.matrix, subject)
    complete = np.isin(subject, subject[design.matrix[:, 1] == 1])
    fewer = mixed.fit_mixed(y[complete], design.matrix[complete], subject[complete])
    assert (fit.n_subjects, fewer.n_subjects) == (40, int(complete.sum() / 2))
    assert fit.covariance[0, 0] < fewer.covariance[0, 0]
    assert fit.beta[2] != fewer.beta[2]


@pytest.mark.parametrize("q", [1, 2])
def test_derivatives_agree_with_differences(q: int) -> None:
    y, design, subject, _, session = sample(13, sessions=4, slope=0.5)
    random = mixed_designs.slope_columns(session, range(4))[:, :q]
    sums = mixed_likelihood.collect(np.column_stack([design.matrix, y]), subject, random)
    theta = np.array([0.8, -0.3, 0.5])[: q * (q + 1) // 2]
    here, step = mixed_likelihood.expand(sums, theta), 1e-5 * np.eye(theta.size)
    assert mixed_likelihood.deviance(sums, theta) == pytest.approx(here.value, rel=1e-12)
    for k, move in enumerate(step):
        up, down = (mixed_likelihood.expand(sums, theta + sign * move) for sign in (1, -1))
        assert here.gradient[k] == pytest.approx((up.value - down.value) / 2e-5, abs=1e-5)
        np.testing.assert_allclose(here.hessian[k], (up.gradient - down.gradient) / 2e-5, rtol=1e-6, atol=1e-5)
        np.testing.assert_allclose(here.slopes[k], (up.inverse - down.inverse) / 2e-5, rtol=1e-6, atol=1e-7)


def test_a_singular_fit_says_so_and_is_the_fit_without_subjects() -> None:
    y, design, subject, *_ = sample(17, lost=0.0, between=0.0)
    y = y - 0.9 * (np.bincount(subject, y) / 3)[subject]
    fit = mixed.fit_mixed(y, design.matrix, subject)
    assert fit.singular
    assert fit.converged
    assert "singular fit" in fit.note
    assert fit.random_covariance[0, 0] == 0
    ours = mixed.test_weights(fit, np.eye(6)[5])
    plain = linear.test_weights(linear.fit(y, design.matrix), np.eye(6)[5], "classical")
    assert (ours.estimate, ours.se, ours.df) == pytest.approx((plain.estimate, plain.se, plain.df))


def test_a_perfect_correlation_says_so() -> None:
    rng = np.random.default_rng(4)
    subject, session = np.repeat(np.arange(20), 4), np.tile(np.arange(4), 20)
    z = mixed_designs.slope_columns(session, range(4))
    fit = mixed.fit_mixed(rng.normal(size=20)[subject] * (1 + session) + rng.normal(size=80), z, subject, z)
    cov = fit.random_covariance
    assert fit.singular
    assert "perfectly correlated" in fit.note
    assert cov[0, 1] ** 2 == pytest.approx(cov[0, 0] * cov[1, 1])
    assert not mixed.test_weights(fit, np.array([0.0, 1])).problem


def test_two_random_effects_need_three_sessions() -> None:
    y, design, subject, _, session = sample(3, sessions=2, lost=0.0)
    fit = mixed.fit_mixed(y, design.matrix, subject, mixed_designs.slope_columns(session, (0, 1)))
    assert "more sessions than random effects" in fit.problem
    assert math.isnan(mixed.test_weights(fit, np.eye(4)[3]).p)


def test_an_empty_cell_takes_only_its_own_effects() -> None:
    y, design, subject, group, session = sample(19)
    there = ~((group == 0) & (session == 2))
    fit = mixed.fit_mixed(y[there], design.matrix[there], subject[there])
    for contrast in mixed_designs.contrasts(design):
        run = mixed_designs.test_contrast(fit, contrast)
        needs = 0 in contrast.groups and (contrast.kind in ("any", "trend") or 2 in contrast.sessions)
        assert bool(run.problem) == needs, contrast
    kept = mixed.fit_mixed(y[there], np.delete(design.matrix[there], 5, axis=1), subject[there])
    one, two = mixed.test_weights(fit, np.eye(6)[4]), mixed.test_weights(kept, np.eye(5)[4])
    assert (one.estimate, one.se, one.df) == pytest.approx((two.estimate, two.se, two.df))
    assert fit.deviance == pytest.approx(kept.deviance)


def test_a_joint_test_of_one_row_is_the_squared_t() -> None:
    y, design, subject, *_ = sample(23)
    fit, row = mixed.fit_mixed(y, design.matrix, subject), np.eye(6)[5]
    t, f = mixed.test_weights(fit, row), mixed.test_joint(fit, np.vstack([row, 2 * row]))
    assert (f.statistic, f.df, f.df_between, f.p) == pytest.approx((t.statistic**2, t.df, 1, t.p))


@pytest.mark.parametrize(("y", "subject", "words"), [
    ([1.0, 2, 3, 4, 5], [0, 1, 2, 3, 4], "no subject has two sessions"),
    ([1.0, 2, 4, 3, 5], [0, 0, 0, 0, 0], "too few subjects"),
    ([2.0, 2, 2, 2, 2], [0, 0, 1, 1, 2], "exactly"),
    ([1.0, 1, 3, 3, 2], [0, 0, 1, 1, 2], "nothing varies within subjects"),
    ([1.0], [0], "not more values than coefficients"),
    ([], [], "not more values than coefficients"),
])
def test_what_cannot_be_fitted_is_said(y: list[float], subject: list[int], words: str) -> None:
    fit = mixed.fit_mixed(np.array(y), np.ones((len(y), 1)), np.array(subject, dtype=np.int64))
    assert words in fit.problem
    assert not fit.converged
    test = mixed.test_weights(fit, np.ones(1))
    assert test.problem
    assert math.isnan(test.p)


def test_cells_and_contrasts_of_a_small_design() -> None:
    """Means of cells come back; a trend is the least-squares slope of the means."""
    group, session = (part.ravel() for part in np.meshgrid(np.arange(3), np.arange(4), indexing="ij"))
    means = np.random.default_rng(1).normal(size=(3, 4))
    design = mixed_designs.session_design(group, session, (3, 4), np.arange(12.0)[:, None])
    beta = np.append(np.linalg.solve(design.matrix[:, :12], means.ravel()), 0.0)
    np.testing.assert_allclose(design.cells @ beta, means)
    times = [0.0, 1, 4, 6]
    named = {(c.kind, c.groups, c.sessions): c for c in mixed_designs.contrasts(design, times)}
    slopes = np.polyfit(times, means.T, 1)[0]
    assert named["trend", (1,), ()].weights @ beta == pytest.approx(slopes[[1]])
    assert named["trend", (0, 1, 2), ()].weights @ beta == pytest.approx(slopes[:2] - slopes[2])
    assert named["adjacent", (0, 2), (3, 2)].weights @ beta == pytest.approx(
        [means[0, 3] - means[0, 2] - means[2, 3] + means[2, 2]])
    assert {c.kind: c.weights.shape[0] for c in mixed_designs.contrasts(design) if len(c.groups) == 3} == {
        "any": 6, "first": 2, "adjacent": 2, "trend": 2}
    constrained = mixed_designs.session_design(group, session, (3, 4), None, constrained=True)
    assert constrained.matrix.shape == (12, 10)
    assert (constrained.cells[:, 0] == np.eye(10)[0]).all()
