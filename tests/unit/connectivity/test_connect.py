"""Connectivity of one subject: interactions, beta series, runs and sessions, what is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from nilearn.glm.first_level import run_glm

from coupled_runs import DIFFERENCE, OTHER, SEED, TARGET, Asked, Scan, events_of, make_fit, rois_of, series_of, simulate
from deltaroi.connectivity import connect
from deltaroi.connectivity.beta_series import overlapping, trial_betas
from deltaroi.connectivity.gppi import LEAST_DOF, interact, interaction_columns
from deltaroi.connectivity.series import adjusted
from deltaroi.firstlevel import RunFit
from deltaroi.specs import FirstLevel
from deltaroi.types import RunKey

PRE1, PRE2, POST = (RunKey("01", s, "look", r) for s, r in (("pre", "1"), ("pre", "2"), ("post", "1")))


def run(key: RunKey = PRE1, seed: int = 1, spec: FirstLevel | None = None, **scan: object) -> RunFit:
    return simulate(Scan(**scan), np.random.default_rng(seed), key, spec)  # type: ignore[arg-type]


def value(fits: list[RunFit], asked: Asked | None = None, session: str = "pre") -> pd.Series:
    table = connect(fits, rois_of(fits), [(asked or Asked()).connection()]).table
    return table[table["session"] == session].iloc[0]


def test_the_interaction_is_that_of_run_glm_on_the_stated_columns() -> None:
    fit = run(strength=0.6, censored=(3, 40))
    seed, target = fit.series[0] - fit.series[0].mean(), fit.series[1] - fit.series[1].mean()
    clean = adjusted(fit, fit.voxels[:, 0].astype(float))
    columns = interaction_columns(fit, clean, True)
    labels, results = run_glm(target[:, None], np.column_stack([fit.design, seed, columns]), "ar1")
    vector = np.zeros(fit.design.shape[1] + 3)
    vector[-2:] = 1.0, -1.0
    found = results[labels[0]].Tcontrast(vector)
    row = value([fit])
    assert row["value"] == pytest.approx(float(np.squeeze(found.effect)), rel=1e-4)
    assert row["variance"] == pytest.approx(float(np.squeeze(found.sd)) ** 2, rel=1e-3)
    assert row["dof"] == fit.n_volumes - vector.size
    assert row["unit"] == "% per %"


def test_the_adjusted_seed_has_no_confounds_and_keeps_the_response() -> None:
    fit = run(censored=(3, 40), noise=0.0, fluctuation=1e-9)
    raw = fit.series[0] + 3.0 * fit.design[:, fit.n_task] + 7.0 * np.eye(fit.n_volumes)[40]
    beta = np.linalg.lstsq(fit.design, adjusted(fit, raw), rcond=None)[0]
    clean = np.linalg.lstsq(fit.design, fit.series[0], rcond=None)[0]
    np.testing.assert_allclose(beta[fit.n_task:], 0.0, atol=1e-8)
    np.testing.assert_allclose(beta[:fit.n_task], clean[:fit.n_task], atol=1e-8)


def test_products_of_measured_series_do_not_depend_on_centring() -> None:
    fit = run(strength=0.5)
    seed, targets = fit.voxels[:, 0].astype(float), fit.voxels[:, 1:].astype(float)
    centred = interact(fit, seed, targets, DIFFERENCE, deconvolve=False)
    clean = adjusted(fit, seed)
    raw = clean[:, None] * fit.design[:, :2]
    model = np.column_stack([fit.design, clean, raw])
    labels, results = run_glm(targets, model, "ar1")
    vector = np.zeros(model.shape[1])
    vector[-2:] = 1.0, -1.0
    for i in range(2):
        column = results[labels[i]].Tcontrast(vector)
        where = int((labels[:i] == labels[i]).sum())
        assert centred.effect[0, i] == pytest.approx(float(np.atleast_1d(column.effect)[where]), rel=1e-6)


def test_conditions_are_centred_before_the_response() -> None:
    """Di, Reynolds and Biswal: without centring the seed's main effect leaks into the interaction."""
    fit = run(strength=0.0, noise=0.8)
    clean = adjusted(fit, fit.voxels[:, 0].astype(float))
    correlations = np.corrcoef(np.column_stack([clean, interaction_columns(fit, clean, True)]).T)[0, 1:]
    assert np.abs(correlations).max() < 0.35


def test_a_seed_without_fluctuation_gives_the_condition_back() -> None:
    """With activity 1 throughout, the product is the centred condition: the reconvolution is nilearn's."""
    fit = run()
    constant = np.ones(fit.n_volumes)
    columns = interaction_columns(fit, constant, True)
    for i, name in enumerate(fit.trials.conditions):
        task = fit.design[:, fit.columns.index(name)]
        assert np.corrcoef(columns[20:, i], task[20:])[0, 1] > 0.99


def test_runs_of_a_session_are_averaged_and_sessions_stay_apart() -> None:
    fits = [run(PRE1, 1, strength=0.9), run(PRE2, 2), run(POST, 3)]
    alone = [value([fit], session=fit.key.session) for fit in fits]
    pre, post = value(fits), value(fits, session="post")
    assert pre["value"] == pytest.approx((alone[0]["value"] + alone[1]["value"]) / 2)
    assert pre["variance"] == pytest.approx((alone[0]["variance"] + alone[1]["variance"]) / 4)
    assert (pre["n_runs"], pre["n_trials"], pre["dof"]) == (2, 48, alone[0]["dof"] + alone[1]["dof"])
    assert post["value"] == alone[2]["value"]


def test_a_run_without_a_condition_does_not_serve() -> None:
    scan, rng = Scan(), np.random.default_rng(5)
    events = events_of(scan, rng)
    series = series_of(scan, events, rng)
    lacking = make_fit(events[events["trial_type"] == "a"], series, scan, PRE2)
    assert value([run(PRE1), lacking])["n_runs"] == 1
    alone = connect([run(PRE1), replace(lacking, key=POST)], rois_of([run(PRE1), replace(lacking, key=POST)]),
                    [Asked().connection()])
    post = alone.table[alone.table["session"] == "post"].iloc[0]
    assert np.isnan(post["value"])
    assert post["n_runs"] == 0
    (row,) = alone.exclusions
    assert (row.stage, row.session, row.region) == ("connectivity", "post", "link: target-R_test a_b")
    assert row.reason.startswith("no run of this session is left")


@pytest.mark.parametrize("key", [SEED, TARGET])
@pytest.mark.parametrize("method", ["gppi", "beta_series"])
def test_both_rois_must_be_covered(key: object, method: str) -> None:
    fits = [run(PRE1, 1), run(PRE2, 2), run(POST, 3)]
    rois = rois_of(fits, {key: [PRE1, POST]})  # type: ignore[dict-item]
    found = connect(fits, rois, [Asked(method=method).connection()])
    rows = found.table.set_index("session")
    assert rows.loc["pre", "n_runs"] == 1
    assert np.isfinite(rows.loc["pre", "value"])
    assert np.isnan(rows.loc["post", "value"])
    (row,) = found.exclusions
    assert (row.session, row.value) == ("post", f"not covered: {key.label}")  # type: ignore[attr-defined]


def test_too_few_degrees_of_freedom() -> None:
    fit = run(volumes=40, trials=2, confounds=24)
    assert fit.dof - 3 < LEAST_DOF
    found = connect([fit], rois_of([fit]), [Asked().connection()])
    assert found.table["value"].isna().all()
    (row,) = found.exclusions
    assert (row.run, row.region, row.value, row.threshold) == ("1", "link", str(fit.dof - 3), str(LEAST_DOF))


def test_an_interaction_that_is_a_combination_of_others_is_left_out() -> None:
    fit = run(fluctuation=1e-9, noise=0.0, responses=(0.0, 0.5, 0.3))
    flat = replace(fit, voxels=np.zeros_like(fit.voxels))
    found = connect([flat], rois_of([flat]), [Asked().connection()])
    assert found.table["value"].isna().all()
    assert "cannot be told apart" in found.exclusions[0].reason


def test_runs_on_different_grids() -> None:
    fits = [run(PRE1, 1), replace(run(PRE2, 2), grid_digest="another")]
    found = connect(fits, rois_of(fits), [Asked().connection()])
    assert found.table["value"].isna().all()
    assert found.exclusions[0].reason == "the runs of this session lie on different grids"


def test_every_condition_has_its_interaction_also_modulated_ones() -> None:
    fit = run()
    more = replace(fit, trials=replace(fit.trials, conditions=(*fit.trials.conditions, "rated"), modulated=("rated",),
                                       condition=np.append(fit.trials.condition, [2, 2]),
                                       onset=np.append(fit.trials.onset, [30.0, 90.0]),
                                       duration=np.append(fit.trials.duration, [4.0, 4.0]),
                                       modulation=np.append(fit.trials.modulation, [-1.0, 1.0])))
    columns = interaction_columns(more, adjusted(fit, fit.voxels[:, 0].astype(float)), True)
    assert columns.shape == (fit.n_volumes, 3)
    assert value([more])["dof"] == value([fit])["dof"] - 1


def test_a_sign_is_a_sign_and_grows_with_the_strength() -> None:
    found = [np.mean([value([run(seed=s, strength=strength, noise=0.2)])["value"] for s in range(6)])
             for strength in (-0.8, 0.0, 0.8, 1.6)]
    assert found[0] < -0.4
    assert abs(found[1]) < 0.25
    assert found[2] > 0.4
    assert found[3] > found[2] + 0.4


def test_a_trial_added_to_the_design_is_lss() -> None:
    fit = run(noise=0.3)
    series = fit.voxels[:, :2].astype(float)
    betas = trial_betas(fit, "b", series)
    assert betas is not None
    assert (betas.lost, betas.values.shape) == (0, (12, 2))
    onset, duration, _ = fit.trials.of("b")
    trial = 4
    place = fit.columns.index("b")
    from nilearn.glm.first_level import compute_regressor

    parts = [compute_regressor((onset[rows], duration[rows], np.ones(int(rows.sum()))), "spm", fit.frame_times,
                               oversampling=50)[0][:, 0] for rows in (np.arange(12) == trial, np.arange(12) != trial)]
    others = np.delete(fit.design, place, axis=1)
    labels, results = run_glm(series, np.column_stack([*parts, others]), "ar1")
    vector = np.eye(others.shape[1] + 2)[0]
    for i in range(2):
        where = int((labels[:i] == labels[i]).sum())
        effect = np.atleast_1d(results[labels[i]].Tcontrast(vector).effect)[where]
        assert betas.values[trial, i] == pytest.approx(float(effect), rel=1e-6)


def test_trials_outside_the_scan_or_under_censored_volumes_are_lost() -> None:
    scan, rng = Scan(trials=6), np.random.default_rng(2)
    events = events_of(scan, rng)
    mine = np.flatnonzero(events["trial_type"] == "a")
    events.loc[mine[-1], "onset"] = scan.volumes * scan.tr_s - 0.1
    first = int(events.loc[mine[0], "onset"] / scan.tr_s)
    scan = replace(scan, censored=tuple(range(first, min(first + 19, scan.volumes))))
    fit = make_fit(events, series_of(scan, events, rng), scan, PRE1)
    betas = trial_betas(fit, "a", fit.voxels.astype(float))
    assert betas is not None
    assert betas.lost == 2
    assert betas.values.shape == (4, 3)
    found = connect([fit], rois_of([fit]), [Asked("beta_series", minimum_trials=5).connection()])
    lost, few = sorted(found.exclusions, key=lambda row: row.reason, reverse=True)
    assert (lost.region, lost.run, lost.value) == ("a", "1", "2")
    assert (few.region, few.value, few.threshold) == ("link: target-R_test a", "4", "5")
    assert found.table["value"].isna().all()


def test_beta_series_correlate_what_varies_from_trial_to_trial() -> None:
    fits = [run(PRE1, 1, baseline=0.9, noise=0.2), run(PRE2, 2, baseline=0.9, noise=0.2)]
    weights = {"a": {"a": 1.0}, "b": {"b": 1.0}, "a_b": {"a": 1.0, "b": -1.0}}
    fits = [replace(fit, contrasts=tuple(weights), vectors=np.ones((3, fit.design.shape[1]))) for fit in fits]
    asked = Asked("beta_series", targets=(TARGET, OTHER), contrasts=weights).connection()
    table = connect(fits, rois_of(fits), [asked]).table.set_index(["target_region", "contrast"])
    assert table.loc[("target", "a"), "value"] > 0.8
    assert abs(table.loc[("other", "a"), "value"]) < 0.6
    for region in ("target", "other"):
        a, b, both = (table.loc[(region, name)] for name in ("a", "b", "a_b"))
        assert both["value"] == pytest.approx(a["value"] - b["value"])
        assert both["variance"] == pytest.approx(a["variance"] + b["variance"]) == pytest.approx(2 / (24 - 4))
        assert (a["n_trials"], both["n_trials"], a["dof"], both["unit"]) == (24, 48, 21, "Fisher z")


def test_overlapping_events_are_noted() -> None:
    scan, rng = Scan(), np.random.default_rng(8)
    events = events_of(scan, rng)
    events.loc[1, "onset"] = events.loc[0, "onset"] + 1.0
    fit = make_fit(events, series_of(scan, events, rng), scan, PRE1)
    assert overlapping(fit, ["a", "b"]) == (2, 24)
    found = connect([fit], rois_of([fit]), [Asked("beta_series").connection()])
    assert found.notes == ("beta series: 2 of 24 trials of a run overlap in time with another event",)
    assert overlapping(run(), ["a", "b"])[0] == 0


@pytest.mark.parametrize("hrf", ["glover", "spm + derivative + dispersion"])
@pytest.mark.parametrize("method", ["gppi", "beta_series"])
def test_other_response_functions(hrf: str, method: str) -> None:
    spec = FirstLevel(hrf=hrf)  # type: ignore[arg-type]
    row = value([run(spec=spec, strength=0.8, noise=0.2)], Asked(method))
    assert np.isfinite(row["value"])


def test_the_order_of_runs_does_not_matter() -> None:
    fits = [run(PRE1, 1), run(PRE2, 2), run(POST, 3)]
    asked = [Asked(targets=(OTHER, TARGET)).connection(), Asked("beta_series", name="betas").connection()]
    one, other = connect(fits, rois_of(fits), asked), connect(fits[::-1], rois_of(fits), asked[::-1])
    pd.testing.assert_frame_equal(one.table, other.table)
