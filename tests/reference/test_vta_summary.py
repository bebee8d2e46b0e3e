"""The comparison of summaries of the VTA (docs/vta.md): its page is what it prints, and its forward model is nilearn's.

Simulated data throughout.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from nilearn.image import resample_img
from nilearn.maskers import NiftiMapsMasker

from deltaroi.fill import fill_fractions
from deltaroi.grid import Grid
from deltaroi.summaries import resolve_summary, summarise_voxels
from helpers import load_module

ROOT = Path(__file__).resolve().parents[2]
DRAWS = 12

vta: Any = load_module(ROOT / "benchmarks" / "vta_summary.py")


@pytest.fixture(scope="module")
def committed() -> pd.DataFrame:
    return pd.read_csv(vta.CELLS, sep="\t", na_values="n/a")


@pytest.fixture(scope="module")
def counted() -> pd.DataFrame:
    """What the VTA is on all grids of the comparison."""
    return vta.count_voxels(vta.GRIDS)


@pytest.fixture(scope="module")
def again() -> pd.DataFrame:
    """The first draws of the comparison, run again."""
    return vta.compare(DRAWS, vta.CASES[:2])


def test_the_page_shows_the_committed_cells(committed: pd.DataFrame, counted: pd.DataFrame) -> None:
    page = vta.PAGE.read_text(encoding="utf-8")
    assert vta.with_tables(page, vta.pages(committed, counted, vta.GRIDS)) == page


def test_the_words_of_the_page_are_the_cells(committed: pd.DataFrame, counted: pd.DataFrame) -> None:
    """The numbers in its text."""
    bias = committed.set_index(["images", "surround", "summary", "definition", "resolution_mm"]).sort_index()["bias"]
    rank = vta.ranking(committed)

    def span(values: pd.Series, digits: int = 0) -> str:
        low, high = (f"{value:.{digits}f}".replace("-", "−") for value in (values.min(), values.max()))
        return f"{low} to {high}"

    def leaks(images: str, summary: str) -> str:
        return span(bias[images, "nigra", summary] - bias[images, "silent", summary])

    def signal(images: str, summary: str) -> str:
        return span(rank.loc[images, :, summary]["signal_silent"], 2)

    noise = rank["noise"].unstack("summary")
    ratio = (noise["partial_volume"] / noise["weighted_mean"]).drop(index="smoothed")
    small = counted.iloc[2]
    text = " ".join(vta.PAGE.read_text(encoding="utf-8").split())
    for words in (
            f"gives back {span(100 + bias['ideal', 'silent', 'weighted_mean'])} % of it, the mean of the half-filled "
            f"voxels {span(100 + bias['ideal', 'silent', 'majority'])} %",
            f"is {span(ratio, 1)} times as noisy",
            f"is {signal('ideal', 'partial_volume')} against {signal('ideal', 'weighted_mean')} in ideal images, "
            f"{signal('displaced', 'partial_volume')} against {signal('displaced', 'weighted_mean')} when",
            f"loses {span(-bias['smoothed', 'silent', 'partial_volume'])} % of a response",
            f"overestimated, by {span(bias['ideal', 'focus', 'partial_volume'])} % in ideal images, where "
            f"`weighted_mean` is {span(-bias['ideal', 'focus', 'weighted_mean'])} % too low",
            f"adds {leaks('ideal', 'partial_volume')} % of the planted response to `partial_volume` and "
            f"{leaks('ideal', 'weighted_mean')} % to `weighted_mean` in ideal images, "
            f"{leaks('displaced', 'partial_volume')} % and {leaks('displaced', 'weighted_mean')} % when",
            f"no voxel to one half on {small['none_half_filled']:.0f} % of the grids, and its fills add up to "
            f"{small['effective']:.1f} voxels",
            f"`summary: auto` is `{resolve_summary('auto', 'fill_weight')}`"):
        assert words in text


def test_from_how_many_people_on_the_error_of_a_mean_is_smaller(committed: pd.DataFrame) -> None:
    """Averaged over definitions and surrounds, at every resolution; up to 20 people."""
    better = {}
    for people in range(1, 21):
        squares = committed["bias"] ** 2 + committed["grid_sd"] ** 2 + committed["noise_sd"] ** 2 / people
        error = np.sqrt(squares).groupby([committed[c] for c in ("images", "resolution_mm", "summary")]).mean()
        smaller = error.xs("partial_volume", level="summary") < error.xs("weighted_mean", level="summary")
        better[people] = smaller.groupby("images").agg(["all", "any"])
    enough = pd.DataFrame({people: found["all"] for people, found in better.items()})
    first = enough.idxmax(axis=1)
    for images in ("ideal", "blurred", "displaced"):
        assert enough.loc[images, first[images]:].all()
        assert not better[1].loc[images, "any"]
    text = " ".join(vta.PAGE.read_text(encoding="utf-8").split())
    assert (f"at every resolution from {first['ideal']} people on in ideal images, from {first['blurred']} on in "
            f"blurred ones and from {first['displaced']} on in displaced ones") in text


def test_why_the_default_is_the_weighted_mean(committed: pd.DataFrame, counted: pd.DataFrame) -> None:
    """What the page says of the averages beside it."""
    rank = vta.ranking(committed)
    size, noise = (rank[name].unstack("summary") for name in ("size", "noise"))
    apart = (size["weighted_mean"].round() - size["median"].round()).abs()
    text = " ".join(vta.PAGE.read_text(encoding="utf-8").split())
    assert f"their sizes of bias differ by {apart.min():.0f} to {apart.max():.0f} in the table below" in text
    assert f"no value on up to {counted['none_half_filled'].max():.0f} % of the grids of 3 mm" in text
    assert (noise["weighted_mean"] < noise["median"]).all()
    for other in ("mean", "eigenvariate"):
        assert (size[other] > size[["weighted_mean", "median"]].max(axis=1)).all()
    assert (size["majority"] < size[["weighted_mean", "median"]].min(axis=1)).all()


def test_a_rerun_agrees_with_the_committed_cells(committed: pd.DataFrame, again: pd.DataFrame) -> None:
    """Within five standard errors of so few draws, and half a per cent."""
    both = again.merge(committed, on=vta.KEY, suffixes=("", "_all"), validate="one_to_one")
    assert len(both) == len(again) == 2 * 3 * len(vta.IMAGES) * len(vta.SURROUNDS) * len(vta.SUMMARIES)
    some = both[both["empty_all"] < 5]
    allowed = 5 * some["grid_sd_all"] / np.sqrt(DRAWS) + 5 * some["noise_sd_all"] * some["summary"].isin(
        ["median", "eigenvariate"]) / np.sqrt(DRAWS) + 0.5
    off = some[(some["bias"] - some["bias_all"]).abs() > allowed]
    assert off.empty, off.to_string()
    ratio = both["noise_sd"] / both["noise_sd_all"]
    assert ratio[both["empty_all"] < 5].between(0.4, 1.8).all()


@pytest.mark.parametrize("source", ["committed", "again"])
def test_partial_volume_has_the_least_bias(source: str, request: pytest.FixtureRequest) -> None:
    """At every resolution, of the summaries that need the ROI's voxels alone."""
    rank = vta.ranking(request.getfixturevalue(source))
    for images in vta.IMAGES:
        for size in vta.RESOLUTIONS:
            found = rank.loc[images, size]
            own = found.drop(index="ring_fit")
            assert own["size"].idxmin() == "partial_volume", (images, size)
            assert found.loc["partial_volume", "noise"] > 1.5 * found.loc["weighted_mean", "noise"]


@pytest.mark.parametrize("source", ["committed", "again"])
def test_what_the_summaries_give_back_of_a_lone_response(source: str, request: pytest.FixtureRequest) -> None:
    cells = request.getfixturevalue(source)
    lone = cells[(cells["images"] == "ideal") & (cells["surround"] == "silent")]
    bias = lone.set_index(["summary", "definition", "resolution_mm"])["bias"]
    assert bias["partial_volume"].abs().max() < 0.01
    assert bias["weighted_mean"].between(-80, -40).all()
    assert bias["majority"].between(-50, -20).all()


@pytest.mark.parametrize("i", range(4))
def test_the_forward_model_gives_the_fill_of_the_library(i: int) -> None:
    """Without blur, the share of each voxel that the VTA fills; two ways of computing it."""
    place = vta.anatomy(vta.CASES[i % 2], "LR"[i // 2])
    size = vta.RESOLUTIONS[i % 3]
    grid = vta.draw_grid(place, size, np.random.default_rng(i))
    fill = np.zeros(grid.shape)
    flat, filled = fill_fractions(place.native.weights, place.native.affine, grid)
    fill.flat[flat] = filled
    centres = [grid.affine[a, a] * np.arange(grid.shape[a]) + grid.affine[a, 3] for a in range(3)]
    along = [vta.shares(centres[a], size, place.axes[a], 0.0) for a in range(3)]
    np.testing.assert_allclose(vta.averaged(along, place.vta), fill, atol=1e-9)
    blurred = vta.averaged([vta.shares(centres[a], size, place.axes[a], 1.3) for a in range(3)], place.vta)
    assert blurred.sum() == pytest.approx(fill.sum(), rel=1e-3)
    assert blurred.max() < fill.max()


def fine_average(data: np.ndarray, affine: np.ndarray, grid: Any, points: int = 12) -> np.ndarray:
    """nilearn resamples to ``points`` samples per voxel edge; numpy averages them."""
    step = np.diag([*np.diag(grid.affine)[:3] / points, 1.0])
    step[:3, 3] = grid.affine[:3, 3] - np.diag(grid.affine)[:3] * (0.5 - 0.5 / points)
    image = resample_img(nib.Nifti1Image(data.astype(np.float32), affine), target_affine=step,
                         target_shape=tuple(points * n for n in grid.shape), interpolation="nearest",
                         copy_header=True, force_resample=True)
    blocks = image.get_fdata().reshape([part for n in grid.shape for part in (n, points)])
    return blocks.mean(axis=(1, 3, 5))


@pytest.mark.parametrize("surround", ["silent", "half", "nigra", "focus"])
def test_one_cell_through_nilearn(surround: str) -> None:
    """Ideal images at 3 mm: resampling and least squares are nilearn's.

    NiftiMapsMasker (nilearn 0.14.1) fits its maps to each volume by least squares: with the maps fill and 1 − fill
    that is ``partial_volume``. The grids lie at multiples of 0.25 mm, so that twelve points per edge are exact.
    """
    place = vta.anatomy(vta.CASES[0], "R")
    affine = np.eye(4)
    affine[:3, 3] = [axis[0] for axis in place.axes]
    for i in range(3):
        rng = np.random.default_rng(i)
        grid = vta.draw_grid(place, 3.0, rng)
        moved = grid.affine.copy()
        moved[:3, 3] = np.round(4 * moved[:3, 3]) / 4
        grid = Grid(grid.shape, moved, grid.space)
        one = vta.draw(place, grid, rng)
        ours = vta.measure(place, one, vta.IMAGES["ideal"]).planted[surround][one.fill > 0]
        fill = fine_average(place.vta, affine, grid)
        shown = fine_average(vta.response(place, surround, False), affine, grid)
        touched = fill > 0
        maps = np.stack([fill, np.where(touched, 1 - fill, 0)], axis=-1)
        masker = NiftiMapsMasker(nib.Nifti1Image(maps, grid.affine), standardize=None, keep_masked_maps=False,
                                 mask_img=nib.Nifti1Image(touched.astype(np.uint8), grid.affine))
        inside = np.ravel(masker.fit_transform(nib.Nifti1Image(shown[..., None], grid.affine)))[0]
        weighted = np.average(shown[touched], weights=fill[touched])
        assert inside == pytest.approx(summarise_voxels(ours, one.fill[one.fill > 0], "partial_volume"), abs=1e-5)
        assert weighted == pytest.approx(summarise_voxels(ours, one.fill[one.fill > 0], "weighted_mean"), abs=1e-5)
