"""Contrasts that are sums of maps: made voxel by voxel, at voxels that all maps have, in one unit."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from deltaroi.grid import Grid
from deltaroi.masks import build_regions
from deltaroi.measuring import MeasureOptions, measure_subject, read_maps
from deltaroi.specs import Regions

AFFINE = np.array([[4.0, 0, 0, -96], [0, 4, 0, -132], [0, 0, 4, -78], [0, 0, 0, 1]])
Maps = dict[str, np.ndarray]
SHAPE = (48, 58, 48)
OPTIONS = MeasureOptions(regions=("AI",), space="MNI152NLin2009cAsym", summary="median")


def measured(folder: Path, maps: Maps, units: tuple[str, str] = ("a", "a")) -> tuple[pd.DataFrame, list]:
    """The contrast A - 2 B of one subject in the left AI."""
    rows = ["subject\tcontrast\tpath\tunit"]
    for (name, values), unit in zip(maps.items(), units, strict=True):
        image = nibabel.Nifti1Image(values, AFFINE)
        image.header.set_sform(AFFINE, 4)
        nibabel.save(image, folder / f"{name}.nii.gz")
        rows.append(f"01\t{name}\t{name}.nii.gz\t{unit}")
    (folder / "maps.tsv").write_text("\n".join(rows) + "\n")
    regions = build_regions(Regions(include=["AI"], hemispheres=["L"]),
                            Grid(SHAPE, AFFINE, "MNI152NLin2009cAsym"), base=folder)
    found = measure_subject(read_maps(folder / "maps.tsv")[0], [regions], {"c": {"A": 1.0, "B": -2.0}}, OPTIONS)
    return found.table, [(row.region, row.reason, row.value) for row in found.exclusions]


@pytest.fixture
def maps() -> Maps:
    rng = np.random.default_rng(3)
    return {name: rng.exponential(size=SHAPE) + 0.1 for name in "AB"}


def roi(folder: Path) -> np.ndarray:
    drawn = build_regions(Regions(include=["AI"], hemispheres=["L"]), Grid(SHAPE, AFFINE, "MNI152NLin2009cAsym"),
                          base=folder)
    return drawn.rois[0].flat


def test_the_summary_is_that_of_the_sum_where_all_maps_have_a_value(tmp_path: Path, maps: Maps) -> None:
    inside = roi(tmp_path)
    maps["A"].ravel()[inside[:3]] = np.nan
    maps["B"].ravel()[inside[-4:]] = 0.0
    table, left_out = measured(tmp_path, maps)
    flat = inside[3:-4]
    expected = np.median(maps["A"].ravel()[flat] - 2 * maps["B"].ravel()[flat])
    apart = np.median(maps["A"].ravel()[flat]) - 2 * np.median(maps["B"].ravel()[flat])
    assert abs(expected - apart) > 1e-3  # which of the two it is can be told
    assert table["value"].tolist() == pytest.approx([expected])
    assert table["n_voxels_used"].tolist() == [len(flat)]
    assert table["contrast"].tolist() == ["c"]
    assert left_out == []


def test_maps_of_different_units_are_not_added(tmp_path: Path, maps: Maps) -> None:
    table, left_out = measured(tmp_path, maps, ("percent", "a"))
    assert table.empty
    assert left_out == [("c", "the maps of the contrast have different units", "a, percent")]
