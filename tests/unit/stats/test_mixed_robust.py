"""Robust errors of mixed models where they are known in closed form, and what they say where there are none."""

import numpy as np
import pytest
from scipy import stats

from deltaroi.stats import means, mixed, mixed_designs
from deltaroi.stats.mixed_robust import RobustMixed
from deltaroi.stats.profile import ProfileWelch
from deltaroi.stats.record import Array, Test


def values_of(counts: tuple[int, ...], sessions: int, seed: int = 0) -> tuple[Array, Array]:
    """Values (n, sessions), the first group varying twice as much; groups."""
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(len(counts)), counts)
    spread = np.where(group == 0, 2.0, 1.0)[:, None]
    return spread * (rng.normal(size=(group.size, 1)) + rng.normal(size=(group.size, sessions))), group


def contrasts_of(values: Array, group: Array) -> dict[tuple[str, tuple[int, ...], tuple[int, ...]], Test]:
    """Every contrast of the values, NaN left out."""
    subject, session = np.nonzero(np.isfinite(values))
    design = mixed_designs.session_design(group[subject], session, (int(group.max()) + 1, values.shape[1]))
    y = values[subject, session]
    model = RobustMixed(mixed.fit_mixed(y, design.matrix, subject), y, design.matrix, subject, None, group[subject])
    return {(c.kind, c.groups, c.sessions): model.test_joint(c.weights) if c.joint else model.test_weights(c.weights[0])
            for c in mixed_designs.contrasts(design)}


def same(test: Test, other: Test) -> None:
    assert (test.estimate, test.se, test.df, test.p) == pytest.approx((other.estimate, other.se, other.df, other.p),
                                                                    rel=1e-9)


def test_with_two_sessions_it_is_welch_s_test_and_within_a_group_the_paired_t() -> None:
    values, group = values_of((6, 15), 2)
    change, found = values[:, 1] - values[:, 0], contrasts_of(values, group)
    same(found["first", (0, 1), (1, 0)], means.two_sample(change[group == 0], change[group == 1], "welch"))
    same(found["first", (0,), (1, 0)], means.one_sample(change[group == 0]))


def test_every_comparison_of_complete_sessions_is_welch_s_test_of_it() -> None:
    values, group = values_of((6, 15), 4, seed=1)
    found = contrasts_of(values, group)
    trend = values @ (np.arange(4) - 1.5) / 5
    same(found["trend", (0, 1), ()], means.two_sample(trend[group == 0], trend[group == 1], "welch"))
    step = values[:, 3] - values[:, 2]
    same(found["adjacent", (0, 1), (3, 2)], means.two_sample(step[group == 0], step[group == 1], "welch"))


def test_within_one_group_the_omnibus_test_is_hotelling_s() -> None:
    values, _ = values_of((9,), 4, seed=2)
    test = contrasts_of(values, np.zeros(9, dtype=np.int64))["any", (0,), ()]
    steps = values[:, 1:] - values[:, :1]
    mean, n, k = steps.mean(axis=0), 9, 3
    t2 = n * mean @ np.linalg.solve(np.cov(steps.T), mean)
    f = t2 * (n - k) / (k * (n - 1))
    assert (test.statistic, test.df, test.p) == pytest.approx((f, n - k, stats.f.sf(f, k, n - k)), rel=1e-9)


@pytest.mark.parametrize("seed", [3, 4])
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    values, group = values_of((6, 7, 9), 3, seed)
    values[np.random.default_rng(seed).random(values.shape) < 0.15] = np.nan
    turned = contrasts_of(values[::-1], group[::-1])
    for key, test in contrasts_of(values, group).items():
        assert (turned[key].statistic, turned[key].df) == pytest.approx((test.statistic, test.df), rel=1e-7)


@pytest.mark.parametrize(("counts", "sessions", "over"), [
    ((6, 9), 3, None), ((6, 9, 7), 3, None), ((5, 8), 4, None), ((6, 9, 7), 3, [-1.0, 0.0, 1.0]),
    ((6, 9), 2, None), ((7, 6), 4, [-1.5, -0.5, 0.5, 1.5]), ((9,), 3, None), ((9,), 4, [-1.5, -0.5, 0.5, 1.5])])
def test_the_profile_statistic_is_that_of_the_model_refitted(counts: tuple[int, ...], sessions: int,
                                                             over: list[float] | None) -> None:
    """Also for rearranged data: deviations from the mean profile, permuted or multiplied by signs, fitted again."""
    values, group = values_of(counts, sessions, seed=5)
    n, rng = group.size, np.random.default_rng(6)
    weights = None if over is None else np.array(over)
    profile = ProfileWelch(np.arange(n), values, group, weights)
    orders = np.stack([np.arange(n), rng.permutation(n), rng.permutation(n)])
    signs = np.stack([np.ones(n), rng.choice([-1.0, 1.0], n), rng.choice([-1.0, 1.0], n)])
    everyone = tuple(range(len(counts)))
    kind = ("trend", everyone, ()) if over is not None else \
        ("any", everyone, ()) if sessions > 2 else ("first", everyone, (1, 0))
    level = values.mean(axis=1, keepdims=True)
    deviations = values - level - (values - level).mean(axis=0) * (len(counts) > 1)
    permuted, flipped = [deviations[row] for row in orders], [row[:, None] * deviations for row in signs]
    for rows, moved in ((orders, permuted), (signs, flipped)) if len(counts) > 1 else ((signs, flipped),):
        for z, again in zip(profile.absolute(rows), moved, strict=True):
            p = contrasts_of(again + level, group)[kind].p
            assert z == pytest.approx(stats.norm.isf(p / 2), rel=1e-6)


def test_there_is_nothing_where_nothing_varies_or_a_group_is_one_subject() -> None:
    values, group = values_of((6, 9), 3, seed=7)
    assert np.isnan(ProfileWelch(np.arange(15), np.ones((15, 3)), group).absolute(np.ones((2, 15)))).all()
    flat = values.copy()
    flat[group == 0] = flat[group == 0, :1]
    assert contrasts_of(flat, group)["any", (0, 1), ()].problem == \
        "the values of a group do not vary, so its variance is unknown"
    values, group = values_of((1, 9), 3, seed=8)
    test = contrasts_of(values, group)["any", (0, 1), ()]
    assert np.isnan(test.p)
    assert test.problem == "robust errors do not exist: the model fits at least one subject by itself"


def test_too_few_subjects_for_so_many_sessions_are_said() -> None:
    values, group = values_of((3, 3), 6, seed=9)
    assert contrasts_of(values, group)["any", (0, 1), ()].problem == "there are too few subjects for so many effects"
