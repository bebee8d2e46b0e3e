"""What the first level makes of one run."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from deltaroi.errors import DataError
from deltaroi.firstlevel import RunFit, fit_run, load_fit, save_fit
from deltaroi.grid import Grid
from deltaroi.masks import RegionSet
from deltaroi.signal.trials import Trials
from deltaroi.specs import Condition, Confounds


def at(fit: RunFit, i: int, j: int, k: int, shape: tuple[int, int, int] = (6, 7, 5)) -> int:
    return int(np.searchsorted(fit.flat, np.ravel_multi_index((i, j, k), shape)))


def test_a_run_leaves_every_field(tiny: Any, regions: RegionSet, asked: Any) -> None:
    fit = fit_run(tiny.write(), regions, asked())
    assert fit.flat.tolist() == sorted(set(regions.rois[0].flat) | set(regions.rois[1].flat))
    assert fit.used.all()
    assert fit.unit == "% signal change"
    assert fit.contrasts == ("a_b", "a")
    assert fit.censored.tolist() == [10, 31]
    assert fit.censored_fraction == pytest.approx(2 / 60)
    assert fit.dof == fit.n_volumes - len(fit.columns)
    assert np.isfinite(fit.effect).all()
    assert (fit.variance > 0).all()
    assert set(fit.heights) == {"a", "b"}
    kept = np.setdiff1d(np.arange(60), [10, 31])
    voxel = tiny.data[2, 2, 2].astype(np.float32).astype(np.float64)
    where = at(fit, 2, 2, 2)
    assert fit.mean[where] == pytest.approx(voxel[kept].mean(), rel=1e-12)
    np.testing.assert_allclose(fit.voxels[:, where] + fit.mean[where], voxel, rtol=1e-6)
    beta = np.linalg.lstsq(fit.design, voxel, rcond=None)[0]
    residual = voxel - fit.design @ beta
    assert fit.tsnr[where] == pytest.approx(fit.mean[where] / np.sqrt(residual @ residual / fit.dof), rel=1e-9)


def test_the_mean_series_of_an_roi_is_weighted_and_in_percent(tiny: Any, regions: RegionSet, asked: Any) -> None:
    fit = fit_run(tiny.write(), regions, asked())
    roi = regions.rois[1]
    voxels = np.array([tiny.data[tuple(np.unravel_index(f, (6, 7, 5)))] for f in roi.flat]).astype(np.float32)
    kept = np.setdiff1d(np.arange(60), [10, 31])
    means = voxels[:, kept].astype(np.float64).mean(axis=1)
    percent = 100 * (voxels / means[:, None] - 1)
    np.testing.assert_allclose(fit.series[1], roi.weights @ percent / roi.weights.sum(), atol=1e-5)


def test_voxels_that_cannot_be_used(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.mask[1, 1, 1] = 0
    tiny.data[2, 1, 1, 7] = np.nan
    tiny.data[3, 1, 1] = 480.0
    tiny.data[4, 1, 1] -= 900
    tiny.data[1, 2, 1] = 500.0
    tiny.data[1, 2, 1, 10] = 510.0  # moves in a censored volume only
    fit = fit_run(tiny.write(), regions, asked())
    out = [at(fit, *ijk) for ijk in ((1, 1, 1), (2, 1, 1), (3, 1, 1), (4, 1, 1), (1, 2, 1))]
    assert sorted(np.flatnonzero(~fit.used)) == sorted(out)
    for values in (fit.mean, fit.tsnr, fit.scale, fit.effect, fit.variance):
        assert np.isnan(values[..., out]).all()
    assert np.isfinite(fit.effect[:, fit.used]).all()
    assert (fit.voxels[:, out] == 0).all()
    raw = fit_run(tiny.write(), regions, asked(scaling="none"))
    assert sorted(np.flatnonzero(~raw.used)) == sorted(set(out) - {at(fit, 4, 1, 1)})


def test_smoothing_takes_in_voxels_outside_the_mask(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.mask[:] = 0
    tiny.mask[1:5, 1:4, 1:4] = 1
    inside = fit_run(tiny.write(), regions, asked(smoothing_fwhm_mm=6.0))
    tiny.data[0] += 300
    moved = fit_run(tiny.write(), regions, asked(smoothing_fwhm_mm=6.0))
    assert moved.mean[at(moved, 1, 2, 2)] > inside.mean[at(inside, 1, 2, 2)] + 10


def test_percent_is_per_event_and_percent_per_unit_per_unit(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.confounds["framewise_displacement"] = 0.1  # nothing censored: both means are the same
    run = tiny.write()
    event, unit, raw = (fit_run(run, regions, asked(scaling=s)) for s in ("percent", "percent_per_unit", "none"))
    np.testing.assert_allclose(event.effect[1], unit.effect[1] * event.heights["a"], rtol=1e-12)
    np.testing.assert_allclose(unit.effect[1], 100 * raw.effect[1] / raw.mean, rtol=1e-12)
    assert set(unit.heights.values()) == {1.0}
    assert (unit.unit, raw.unit) == ("% per unit regressor", "raw units")


def test_a_disagreeing_header_is_a_note_with_both_numbers(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.header_tr = 1.0
    (note,) = [note for note in fit_run(tiny.write(), regions, asked()).notes if "TR" in note]
    assert "2 s" in note
    assert "1 s" in note


def test_a_mask_on_another_grid_names_both(tiny: Any, regions: RegionSet, asked: Any) -> None:
    run = tiny.write()
    nib.Nifti1Image(np.ones((6, 7, 6), np.uint8), np.eye(4)).to_filename(run.mask)
    with pytest.raises(DataError, match=r"6x7x6 voxels of 1x1x1 mm.*bold.nii.gz has 6x7x5 voxels of 4x4x4 mm"):
        fit_run(run, regions, asked())


@pytest.mark.parametrize("what", ["bold", "mask", "events", "confounds"])
@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "pointer", "missing"])
def test_damaged_inputs_are_data_errors_that_name_the_file(tiny: Any, regions: RegionSet, asked: Any, what: str,
                                                           damage: str) -> None:
    run = tiny.write()
    path: Path = getattr(run, what)
    whole = path.read_bytes()
    path.unlink()
    if damage == "truncated":
        path.write_bytes(whole[: len(whole) * 2 // 3])
    elif damage == "flipped":
        path.write_bytes(whole[:40] + bytes(b ^ 0x5A for b in whole[40:80]) + whole[80:])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "pointer":
        path.write_text("/annex/objects/MD5E-s12--ab.nii.gz\n")
    with pytest.raises(DataError) as caught:
        fit_run(run, regions, asked())
    assert path.name in str(caught.value)


def test_rois_of_another_grid_are_refused(tiny: Any, regions: RegionSet, asked: Any) -> None:
    grid = Grid((6, 7, 5), np.diag([4.0, 4.0, 5.0, 1.0]), "MNI152NLin2009cAsym")
    with pytest.raises(DataError, match="the ROIs were built on"):
        fit_run(tiny.write(), replace(regions, grid=grid), asked())


@pytest.mark.parametrize(("what", "pattern"), [("events", "no events file"), ("mask", None),
                                               ("confounds", "no confounds")])
def test_what_is_missing(tiny: Any, regions: RegionSet, asked: Any, what: str, pattern: str | None) -> None:
    run = replace(tiny.write(), **{what: None})
    if pattern is None:
        assert any("no brain mask" in note for note in fit_run(run, regions, asked()).notes)
        return
    with pytest.raises(DataError, match=pattern):
        fit_run(run, regions, asked())


def test_no_roi_is_an_error(tiny: Any, regions: RegionSet, asked: Any) -> None:
    with pytest.raises(DataError, match="no ROI"):
        fit_run(tiny.write(), replace(regions, rois=()), asked())


def test_a_missing_condition_costs_only_its_contrast(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.events["trial_type"] = "a"
    fit = fit_run(tiny.write(), regions, asked())
    assert not fit.serves("a_b")
    assert fit.serves("a")
    assert np.isnan(fit.effect[0]).all()
    (gone,) = fit.exclusions
    assert (gone.stage, gone.region, gone.value) == ("first-level", "a_b", "b")


def test_a_response_outside_the_scan_is_no_estimate(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.events.loc[tiny.events["trial_type"] == "b", "onset"] = 119.5
    fit = fit_run(tiny.write(), regions, asked())
    assert not fit.serves("a_b")
    assert any("outside the scan" in row.reason and row.value == "b" for row in fit.exclusions)


def test_a_header_only_events_file_serves_nothing_and_is_no_error(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.events = tiny.events.iloc[:0]
    fit = fit_run(tiny.write(), regions, asked())
    assert not fit.serves("a")
    assert not fit.serves("a_b")
    assert np.isfinite(fit.tsnr).all()
    assert {row.region for row in fit.exclusions} == {"a", "a_b"}


def test_a_modulated_contrast_says_what_its_unit_is_per(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.events["amount"] = [1, 5, 2, 9, 4, 4, 8, 1]
    conditions = {"risk": Condition(where={"trial_type": "a"}, modulator="amount")}
    fit = fit_run(tiny.write(), regions, asked({"slope": "risk"}, conditions))
    assert fit.serves("slope")
    assert "risk__events" in fit.columns
    assert any("per unit of 'amount'" in note for note in fit.notes)


def test_a_constant_modulator_cannot_be_estimated(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.events["amount"] = 3
    conditions = {"risk": Condition(where={"trial_type": "a"}, modulator="amount")}
    fit = fit_run(tiny.write(), regions, asked({"slope": "risk", "b": "b"}, conditions))
    assert not fit.serves("slope")
    assert fit.serves("b")
    assert any("cannot be estimated" in row.reason for row in fit.exclusions)


def test_censored_volumes_do_not_move_the_estimate(tiny: Any, regions: RegionSet, asked: Any) -> None:
    before = fit_run(tiny.write(), regions, asked(noise="ols"))
    tiny.data[..., [10, 31]] += 400
    after = fit_run(tiny.write(), regions, asked(noise="ols"))
    np.testing.assert_allclose(after.effect, before.effect, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-12)
    np.testing.assert_allclose(after.tsnr, before.tsnr, rtol=1e-6)


@pytest.mark.parametrize("options", [{}, {"smoothing_fwhm_mm": 6.0}])
def test_an_added_roi_changes_no_byte_of_the_others(tiny: Any, regions: RegionSet, asked: Any,
                                                    options: dict[str, Any]) -> None:
    run = tiny.write()
    small = fit_run(run, replace(regions, rois=regions.rois[1:]), asked(**options))
    large = fit_run(run, regions, asked(**options))
    where = np.searchsorted(large.flat, small.flat)
    for name in ("used", "mean", "tsnr", "scale", "voxels", "effect", "variance"):
        assert getattr(small, name).tobytes() == np.ascontiguousarray(getattr(large, name)[..., where]).tobytes(), name
    assert small.series[0].tobytes() == large.series[1].tobytes()


def test_a_fit_comes_back_from_its_file_and_has_the_same_bytes_twice(tiny: Any, regions: RegionSet, asked: Any,
                                                                     tmp_path: Path) -> None:
    tiny.events.loc[0, "onset"] = 500.0
    fit = fit_run(tiny.write(), regions, asked())
    assert fit.exclusions
    save_fit(tmp_path / "a.npz", fit)
    save_fit(tmp_path / "b.npz", fit_run(tiny.write(), regions, asked()))
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    again = load_fit(tmp_path / "a.npz")
    for field in fields(RunFit):
        mine, stored = getattr(fit, field.name), getattr(again, field.name)
        if isinstance(mine, np.ndarray):
            assert mine.dtype == stored.dtype
            np.testing.assert_array_equal(mine, stored)
        elif isinstance(mine, Trials):
            assert (mine.conditions, mine.modulated) == (stored.conditions, stored.modulated)
            for part in ("condition", "onset", "duration", "modulation"):
                assert getattr(mine, part).dtype == getattr(stored, part).dtype
                np.testing.assert_array_equal(getattr(mine, part), getattr(stored, part))
        else:
            assert mine == stored, field.name


def test_the_events_are_kept_as_the_run_handled_them(tiny: Any, regions: RegionSet, asked: Any) -> None:
    tiny.events["rating"] = np.arange(8.0)
    tiny.events.loc[1, "onset"] = 500.0  # after the scan
    conditions = {"rated": Condition(where={"trial_type": "a"}, duration=1.5, modulator="rating")}
    fit = fit_run(tiny.write(), regions, asked({"x": "rated - b"}, conditions))
    assert set(fit.trials.conditions) == {"rated", "rated__events", "b"}
    assert fit.trials.modulated == ("rated",)
    onset, duration, modulation = fit.trials.of("rated")
    np.testing.assert_array_equal(onset, np.arange(4, 100, 24.0))
    np.testing.assert_array_equal(duration, 1.5)
    np.testing.assert_allclose(modulation, [-3, -1, 1, 3])
    np.testing.assert_array_equal(fit.trials.of("b")[0], [40.0, 64.0, 88.0])
    assert fit.trials.of("nothing")[0].size == 0
    from nilearn.glm.first_level import compute_regressor

    for name in ("rated", "rated__events", "b"):
        columns, _ = compute_regressor(fit.trials.of(name), fit.hrf, fit.frame_times, oversampling=fit.oversampling)
        np.testing.assert_allclose(fit.design[:, fit.columns.index(name)], columns[:, 0], atol=1e-12)


def test_a_mean_displacement_nobody_knows_survives_the_file(tiny: Any, regions: RegionSet, asked: Any,
                                                            tmp_path: Path) -> None:
    off = Confounds(motion=0, scrub_fd_mm=None, non_steady_state=False)
    save_fit(tmp_path / "a.npz", fit_run(replace(tiny.write(), confounds=None), regions, asked(confounds=off)))
    assert np.isnan(load_fit(tmp_path / "a.npz").mean_fd_mm)


def test_damaged_files_are_data_errors(tiny: Any, regions: RegionSet, asked: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    save_fit(path, fit_run(tiny.write(), regions, asked()))
    whole = path.read_bytes()
    other = whole.replace(b'{"version": 2,', b'{"version": 9,')
    assert other != whole
    for content, pattern in ((b"", "empty"), (b"PK nonsense", "damaged"), (whole[: len(whole) // 2], "damaged"),
                             (whole[:-30], "damaged"), (other, "damaged|version 9")):
        path.write_bytes(content)
        with pytest.raises(DataError, match=pattern):
            load_fit(path)
    path.unlink()
    with pytest.raises(DataError, match="missing"):
        load_fit(path)
    np.savez(path, flat=np.arange(3))
    with pytest.raises(DataError, match="damaged"):
        load_fit(path)
