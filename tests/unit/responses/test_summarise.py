"""Runs of one subject into responses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nilearn.glm import compute_contrast
from nilearn.glm.first_level import run_glm

from deltaroi.errors import DataError
from deltaroi.firstlevel import RunFit
from deltaroi.grid import Grid
from deltaroi.masks import RegionSet, RoiVoxels
from deltaroi.responses import summarise
from deltaroi.signal.glm import fit_series
from deltaroi.summaries import eigenvariate
from deltaroi.tables import REGIONS
from deltaroi.types import RoiKey, RunKey

SHAPE, N = (5, 4, 3), 50
GRID = Grid(SHAPE, np.diag([3.0, 3, 3, 1]), "MNI152NLin2009cAsym")
LEFT, RIGHT = RoiKey("box", "L", "test"), RoiKey("box", "R", "test")


def regions(grid: Grid = GRID) -> RegionSet:
    weights = np.array([0.2, 0.9, 0.5, 0.7])
    rois = (RoiVoxels(LEFT, "majority", np.arange(0, 12), np.ones(12)),
            RoiVoxels(RIGHT, "fill_weight", np.array([11, 30, 31, 40]), weights))
    return RegionSet(grid, rois, pd.DataFrame(columns=REGIONS.names), (), ())


REGION_SETS = {GRID.digest: regions()}
FLAT = np.unique(np.concatenate([roi.flat for roi in regions().rois]))


def fit(session: str = "pre", run: str = "1", unused: Sequence[int] = (), serve: Sequence[bool] = (True, True),
        noise: str = "ar1", grid: Grid = GRID) -> RunFit:
    """A fit with correlated voxels; ``unused`` are grid positions."""
    rng = np.random.default_rng([len(session), int(run)])
    design = np.column_stack([rng.standard_normal((N, 4)), np.ones(N)])
    vectors = np.array([[1.0, -1, 0, 0, 0], [1.0, 0, 0, 0, 0]]) * np.array(serve)[:, None]
    used = ~np.isin(FLAT, unused)
    data = rng.standard_normal((N, FLAT.size)) + 2 * rng.standard_normal((N, 1)) + design[:, :1]
    data = (data - data.mean(axis=0)).astype(np.float32)
    data[:, ~used] = 0
    scale = np.where(used, 100 / rng.uniform(400, 600, FLAT.size), np.nan)
    estimate = fit_series(data.astype(np.float64), design, vectors, noise)
    served = np.where(vectors.any(axis=1), 1.0, np.nan)[:, None]
    return RunFit(
        key=RunKey("01", session, "look", run), grid_digest=grid.digest, flat=FLAT, used=used, mean=100 / scale,
        tsnr=np.where(used, rng.uniform(20, 80, FLAT.size), np.nan), scale=scale, voxels=data,
        contrasts=("diff", "main"), effect=estimate.effect * scale * served,
        variance=estimate.variance * scale**2 * served, vectors=vectors, design=design, columns=tuple("abcde"),
        n_task=2, frame_times=np.arange(N) * 2.0, censored=np.arange(int(run)), rois=(LEFT, RIGHT),
        roi_offset=np.array([0, 12, 16]), roi_index=np.zeros(16, np.int64), roi_weight=np.ones(16),
        series=np.zeros((2, N)), heights={"a": 1.0, "b": 1.0}, dof=N - 5, mean_fd_mm=0.1 * int(run), noise=noise,
        hrf="spm", scaling="percent", unit="% signal change")


def rows(fits: Sequence[RunFit], summary: str = "mean", minimum: float = 0.5) -> tuple[pd.DataFrame, Any]:
    found = summarise(fits, REGION_SETS, summary, minimum)
    return found.table.set_index(["session", "hemisphere", "contrast"]).sort_index(), found.exclusions


def places(key: RoiKey) -> np.ndarray:
    (roi,) = (roi for roi in regions().rois if roi.key == key)
    return np.searchsorted(FLAT, roi.flat)


def nilearn_variance(series: np.ndarray, one: RunFit) -> float:
    """Variance of the second contrast of a series."""
    labels, results = run_glm(series[:, None], one.design, one.noise)
    return float(compute_contrast(labels, results, one.vectors[1]).variance[0])


def test_one_row_per_session_roi_and_contrast() -> None:
    table, lost = rows([fit("pre"), fit("post")])
    assert len(table) == 2 * 2 * 2
    assert lost == ()
    first = table.loc[("pre", "L", "main")]
    assert (first["n_runs"], first["n_voxels"], first["n_voxels_used"], first["coverage"]) == (1, 12, 12, 1.0)
    assert (first["unit"], first["group"], first["specification"]) == ("% signal change", "n/a", "main")
    assert first["value"] == pytest.approx(fit("pre").effect[1, places(LEFT)].mean(), rel=1e-12)


def test_runs_are_averaged_within_their_session_and_sessions_stand_alone() -> None:
    alone = [rows([fit("pre", r)])[0].loc[("pre", "L", "diff")] for r in ("1", "2")]
    table, _ = rows([fit("pre", "1"), fit("pre", "2"), fit("post", "1")])
    both = table.loc[("pre", "L", "diff")]
    assert both["value"] == pytest.approx(np.mean([row["value"] for row in alone]), rel=1e-12)
    assert both["variance"] == pytest.approx(sum(row["variance"] for row in alone) / 4, rel=1e-12)
    assert (both["n_runs"], both["dof"]) == (2, 2 * (N - 5))
    assert both["mean_fd_mm"] == pytest.approx(0.15)
    assert both["censored_fraction"] == pytest.approx(3 / (2 * N))
    post = rows([fit("post", "1")])[0].loc[("post", "L", "diff")]
    assert table.loc[("post", "L", "diff"), "value"] == post["value"]
    assert table.loc[("post", "L", "diff"), "n_runs"] == 1


@pytest.mark.parametrize("noise", ["ar1", "ols"])
def test_the_variance_is_that_of_the_mean_series_by_nilearn(noise: str) -> None:
    one = fit(noise=noise)
    table, _ = rows([one])
    mean = (one.voxels[:, places(LEFT)] * one.scale[places(LEFT)]).astype(np.float64).mean(axis=1)
    labels, results = run_glm(mean[:, None], one.design, noise)
    expected = compute_contrast(labels, results, one.vectors[0])
    found = table.loc[("pre", "L", "diff")]
    assert found["variance"] == pytest.approx(expected.variance[0], rel=1e-6)
    assert found["variance"] > 3 * np.nanmean(one.variance[0, places(LEFT)]) / 12  # voxel errors are correlated
    if noise == "ols":
        assert found["value"] == pytest.approx(expected.effect[0], rel=1e-6)


def test_value_and_variance_rest_on_the_voxels_that_all_runs_share() -> None:
    fits = [fit("pre", "1", unused=[0, 1]), fit("post", "1", unused=[2])]
    table, lost = rows(fits)
    shared = places(LEFT)[3:]
    found = table.loc[("pre", "L", "main")]
    assert lost == ()
    assert (found["n_voxels_used"], found["coverage"]) == (9, 0.75)
    assert found["value"] == pytest.approx(fits[0].effect[1, shared].mean(), rel=1e-12)
    assert found["tsnr"] == pytest.approx(np.median(fits[0].tsnr[shared]))
    mean = (fits[0].voxels[:, shared] * fits[0].scale[shared]).astype(np.float64).mean(axis=1)
    assert found["variance"] == pytest.approx(nilearn_variance(mean, fits[0]), rel=1e-6)


def test_a_run_below_the_minimum_drops_out_before_the_intersection() -> None:
    fits = [fit("pre", "1"), fit("pre", "2", unused=range(0, 8)), fit("post", "1", unused=[0])]
    table, lost = rows(fits)
    assert table.loc[("pre", "L", "main"), "n_runs"] == 1
    assert table.loc[("pre", "L", "main"), "n_voxels_used"] == 11
    assert table.loc[("pre", "R", "main"), "n_runs"] == 2
    (gone,) = lost
    assert (gone.session, gone.run, gone.region) == ("pre", "2", "box-L_test")
    assert (gone.value, gone.threshold) == ("0.333", "0.5")


def test_too_few_shared_voxels_leave_no_value_in_any_session() -> None:
    table, lost = rows([fit("pre", unused=range(0, 5)), fit("post", unused=range(5, 10))])
    assert table.loc[("pre", "L"), "value"].isna().all()
    assert table.loc[("post", "L"), "value"].isna().all()
    assert table.loc[("post", "L"), "variance"].isna().all()
    assert table.loc[("post", "R"), "value"].notna().all()
    assert table.loc[("post", "L", "main"), "coverage"] == pytest.approx(2 / 12)
    (gone,) = lost
    assert "shared by all runs" in gone.reason
    assert gone.value == "0.167"


def test_a_session_without_a_run_for_a_contrast_has_an_empty_row_and_an_exclusion() -> None:
    table, lost = rows([fit("pre", serve=(False, True)), fit("post")])
    empty = table.loc[("pre", "L", "diff")]
    assert np.isnan(empty["value"])
    assert (empty["n_runs"], empty["n_voxels"], empty["summary"]) == (0, 12, "mean")
    assert np.isfinite(table.loc[("pre", "L", "main"), "value"])
    assert np.isfinite(table.loc[("post", "L", "diff"), "value"])
    assert {(e.session, e.region) for e in lost} == {("pre", "box-L_test diff"), ("pre", "box-R_test diff")}


def test_a_run_that_serves_nothing_takes_no_voxel_away() -> None:
    table, _ = rows([fit("pre", "1"), fit("pre", "2", unused=range(0, 5), serve=(False, False))])
    assert table.loc[("pre", "L", "main"), "n_voxels_used"] == 12


def test_auto_follows_the_rule_of_each_roi() -> None:
    table, _ = rows([fit()], "auto")
    assert table.loc[("pre", "L", "main"), "summary"] == "mean"
    weighted = table.loc[("pre", "R", "main")]
    assert weighted["summary"] == "weighted_mean"
    one, where = fit(), places(RIGHT)
    weights = regions().rois[1].weights
    assert weighted["value"] == pytest.approx(one.effect[1, where] @ weights / weights.sum(), rel=1e-12)
    assert weighted["n_voxels_effective"] == pytest.approx(weights.sum())
    mean = (one.voxels[:, where] * one.scale[where]).astype(np.float64) @ weights / weights.sum()
    assert weighted["variance"] == pytest.approx(nilearn_variance(mean, one), rel=1e-6)


def test_an_empty_session_keeps_the_summary_of_its_roi() -> None:
    table, _ = rows([fit("pre", unused=[11, 30, 31, 40]), fit("post")], "auto")
    assert set(table.xs("R", level="hemisphere")["summary"]) == {"weighted_mean"}


def test_the_median_is_of_the_combined_effect() -> None:
    fits = [fit("pre", "1"), fit("pre", "2")]
    table, _ = rows(fits, "median")
    both = (fits[0].effect[1] + fits[1].effect[1])[places(LEFT)] / 2
    assert table.loc[("pre", "L", "main"), "value"] == pytest.approx(np.median(both), rel=1e-12)


def test_series_summaries_take_value_and_variance_from_the_series() -> None:
    one = fit(noise="ols")
    scaled = (one.voxels[:, places(LEFT)] * one.scale[places(LEFT)]).astype(np.float64)
    table, _ = rows([one], "mean_timeseries")
    assert table.loc[("pre", "L", "main"), "value"] == pytest.approx(one.effect[1, places(LEFT)].mean(), rel=1e-6)
    table, _ = rows([one], "eigenvariate")
    nuisance = one.design[:, 2:]
    first = eigenvariate(scaled - nuisance @ np.linalg.pinv(nuisance) @ scaled)
    labels, results = run_glm(first[:, None], one.design, "ols")
    expected = compute_contrast(labels, results, one.vectors[1])
    assert table.loc[("pre", "L", "main"), "value"] == pytest.approx(expected.effect[0], rel=1e-5)
    assert table.loc[("pre", "L", "main"), "variance"] == pytest.approx(expected.variance[0], rel=1e-5)


@pytest.mark.parametrize("noise", ["ar1", "ols"])
def test_partial_volume_is_a_regression_on_the_fill_and_its_variance_that_of_the_same_sum(noise: str) -> None:
    """Two runs of the session, one voxel lost in the other session: the fill of the voxels that remain counts."""
    fits = [fit("pre", "1", noise=noise), fit("pre", "2", noise=noise), fit("post", unused=[31], noise=noise)]
    table, lost = rows(fits, "partial_volume")
    assert lost == ()
    kept = places(RIGHT)[[0, 1, 3]]
    fill = regions().rois[1].weights[[0, 1, 3]]
    model = np.column_stack([fill, 1 - fill])
    effect = (fits[0].effect[1, kept] + fits[1].effect[1, kept]) / 2
    found = table.loc[("pre", "R", "main")]
    assert (found["summary"], found["n_voxels_used"]) == ("partial_volume", 3)
    assert found["value"] == pytest.approx(np.linalg.lstsq(model, effect, rcond=None)[0][0], rel=1e-9)
    factors = np.linalg.pinv(model)[0]
    each = [nilearn_variance((one.voxels[:, kept] * one.scale[kept]).astype(np.float64) @ factors, one)
            for one in fits[:2]]
    assert found["variance"] == pytest.approx(sum(each) / 4, rel=1e-6)
    whole = rows(fits, "mean")[0].loc[("pre", "L", "main")]
    pd.testing.assert_series_equal(table.loc[("pre", "L", "main")].drop("summary"), whole.drop("summary"), rtol=1e-12)


def test_partial_volume_of_voxels_filled_alike_is_missing_and_listed() -> None:
    one = RoiVoxels(RIGHT, "fill_weight", np.array([11, 30, 31, 40]), np.full(4, 0.4))
    alike = {GRID.digest: replace(regions(), rois=(regions().rois[0], one))}
    made = summarise([fit("pre"), fit("post")], alike, "partial_volume", 0.5)
    table = made.table.set_index(["hemisphere"])
    assert table.loc["R", ["value", "variance"]].isna().all(axis=None)
    assert table.loc["L", ["value", "variance"]].notna().all(axis=None)
    assert [(row.session, row.region) for row in made.exclusions] == [("post", "box-R_test"), ("pre", "box-R_test")]
    assert all("filled too much alike" in row.reason for row in made.exclusions)
    assert summarise([fit("pre"), fit("post")], alike, "auto", 0.5).table["value"].notna().all()


def test_order_of_runs_changes_nothing() -> None:
    fits = [fit("pre", "1"), fit("pre", "2"), fit("post", "1", unused=[3])]
    pd.testing.assert_frame_equal(rows(fits)[0], rows(fits[::-1])[0], check_exact=True)


def test_an_added_roi_changes_nothing() -> None:
    few = {GRID.digest: replace(regions(), rois=regions().rois[1:])}
    fits = [fit("pre", "1"), fit("post", "1", unused=[3])]
    small = summarise(fits, few, "auto", 0.5).table
    large = summarise(fits, REGION_SETS, "auto", 0.5).table
    mine = large[large["hemisphere"] == "R"].reset_index(drop=True)
    pd.testing.assert_frame_equal(small, mine, check_exact=True)


def test_sessions_on_two_grids_each_have_their_own_voxels() -> None:
    other = Grid(SHAPE, np.diag([3.0, 3, 3.5, 1]), GRID.space)
    sets = {**REGION_SETS, other.digest: regions(other)}
    made = summarise([fit("pre"), fit("post", unused=[0], grid=other)], sets, "mean", 0.5)
    found = made.table.set_index(["session", "hemisphere", "contrast"])
    assert made.exclusions == ()
    assert found.loc[("pre", "L", "main"), "n_voxels_used"] == 12
    assert found.loc[("post", "L", "main"), "n_voxels_used"] == 11


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(DataError, match="no fitted run"):
        summarise([], REGION_SETS, "mean", 0.5)
    with pytest.raises(DataError, match="several subjects"):
        summarise([fit(), replace(fit(), key=RunKey("02", "pre", "look", "1"))], REGION_SETS, "mean", 0.5)
    with pytest.raises(DataError, match="several units"):
        summarise([fit(), replace(fit("post"), unit="raw units")], REGION_SETS, "mean", 0.5)
    with pytest.raises(DataError, match="given twice"):
        summarise([fit(), fit()], REGION_SETS, "mean", 0.5)
    with pytest.raises(DataError, match="for which there are no ROIs"):
        summarise([replace(fit(), grid_digest="elsewhere")], REGION_SETS, "mean", 0.5)
    grown = replace(regions(), rois=(RoiVoxels(LEFT, "majority", np.arange(0, 13), np.ones(13)),))
    with pytest.raises(DataError, match="without all voxels of box-L_test"):
        summarise([fit()], {GRID.digest: grown}, "mean", 0.5)
