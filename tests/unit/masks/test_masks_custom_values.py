"""Probability images, volumes, tables of names and rules of custom ROIs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from deltaroi import atlas, masks
from deltaroi.errors import DataError, DeltaroiError
from deltaroi.masks import RegionSet
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
GRID = masks.grid_for(SPACE, 3)
AT = (slice(20, 26), 30, 30)  # six voxels at x < 0


def save(path: Path, data: np.ndarray) -> None:
    image = nib.Nifti1Image(data.astype(np.float32), GRID.affine)
    image.set_sform(GRID.affine, "mni")
    nib.save(image, path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    values = np.zeros(GRID.shape)
    values[AT] = [0.1, 0.25, 0.4, 0.5, 0.9, 1.0]
    save(tmp_path / "p.nii.gz", values)
    save(tmp_path / "percent.nii.gz", 100 * values)
    save(tmp_path / "weak.nii.gz", 0.4 * values)
    save(tmp_path / "four.nii.gz", np.stack([np.zeros(GRID.shape), values], axis=-1))
    labels = np.zeros(GRID.shape)
    labels[20:23, 30, 30], labels[40:44, 30, 30] = 7, 9
    save(tmp_path / "labels.nii.gz", labels)
    (tmp_path / "labels.tsv").write_text("index\tname\n7\tLeft_Thing\n9\tRight_Thing\n11\tNowhere\n")
    return tmp_path


def build(folder: Path, entry: dict[str, Any], sides: list[str]) -> RegionSet:
    text = json.dumps({"include": ["it"], "custom": {"it": {"space": SPACE, **entry}}, "hemispheres": sides})
    return masks.build_regions(Regions.model_validate_json(text), GRID, base=folder)


def weights(found: RegionSet) -> np.ndarray:
    dense = np.zeros(GRID.n_voxels)
    dense[found.rois[0].flat] = found.rois[0].weights
    return dense.reshape(GRID.shape)[AT]


LEFT = {"hemisphere": "L"}
VALUES = [
    ({"mask": "p.nii.gz"}, [0.1, 0.25, 0.4, 0.5, 0.9, 1.0]),
    ({"mask": "p.nii.gz", "threshold": 0.25}, [0, 1, 1, 1, 1, 1]),
    ({"mask": "p.nii.gz", "threshold": 0.5}, [0, 0, 0, 1, 1, 1]),
    ({"mask": "percent.nii.gz", "percent": True}, [0.1, 0.25, 0.4, 0.5, 0.9, 1.0]),
    ({"mask": "percent.nii.gz", "percent": True, "threshold": 0.4}, [0, 0, 1, 1, 1, 1]),
    ({"mask": "four.nii.gz", "volume": 1}, [0.1, 0.25, 0.4, 0.5, 0.9, 1.0]),
    ({"mask": "four.nii.gz", "volume": 1, "threshold": 1.0}, [0, 0, 0, 0, 0, 1]),
    ({"mask": "p.nii.gz", "rule": "majority"}, [0, 0, 0, 1, 1, 1]),
]


@pytest.mark.parametrize(("entry", "expected"), VALUES)
def test_values_of_probability_images(folder: Path, entry: dict[str, Any], expected: list[float]) -> None:
    np.testing.assert_allclose(weights(build(folder, entry | LEFT, ["L"])), expected, atol=1e-6)


def test_the_table_says_how_it_was_cut(folder: Path) -> None:
    found = build(folder, {"mask": "four.nii.gz", "volume": 1, "threshold": 0.5} | LEFT, ["L"])
    assert found.table["source"].item() == "four.nii.gz, volume 1, values >= 0.5"


@pytest.mark.parametrize("side", ["L", "R", "B"])
def test_labels_by_name_are_labels_by_id(folder: Path, side: str) -> None:
    by_name = {"labels": "labels.nii.gz", "table": "labels.tsv", "names": {"L": ["Left_Thing"], "R": ["Right_Thing"]}}
    by_id = {"labels": "labels.nii.gz", "ids": {"L": [7], "R": [9]}}
    a, b = (build(folder, entry, [side]).rois[0] for entry in (by_name, by_id))
    np.testing.assert_array_equal(a.flat, b.flat)
    assert a.flat.size == {"L": 3, "R": 4, "B": 7}[side]


NAMED = {"labels": "labels.nii.gz", "table": "labels.tsv"}
MISTAKES: list[tuple[dict[str, Any], str, str]] = [
    ({"mask": "percent.nii.gz"}, "several values, up to 100", "`percent: true`"),
    ({"mask": "p.nii.gz", "volume": 0}, "no volume 0 to choose", "leave `volume:` out"),
    ({"mask": "four.nii.gz", "volume": 2}, "has 2 volumes, and volume 2 is asked for", "from 0 to 1"),
    ({"mask": "four.nii.gz"}, "expected three dimensions", "`volume:` chooses one"),
    ({"mask": "four.nii.gz", "volume": 0}, "the mask is empty", ""),
    ({"mask": "percent.nii.gz", "threshold": 0.5}, "several values, up to 100", "`percent: true`"),
    ({"mask": "p.nii.gz", "percent": True}, "values up to 1, expected percentages", "leave `percent: true` out"),
    ({"mask": "p.nii.gz", "percent": True, "threshold": 0.005}, "values up to 1, expected percentages", "leave"),
    ({"mask": "weak.nii.gz", "threshold": 0.5}, "no voxel reaches the threshold 0.5", "lower"),
    (NAMED | {"names": {"L": ["Left"]}}, "no label called 'Left'", "Left_Thing"),
    (NAMED | {"names": {"L": ["Nowhere"]}}, "has no region [11]", "background"),
    (NAMED | {"table": "none.tsv", "names": {"L": ["a"]}}, "cannot be read: missing", "check the path"),
]


@pytest.mark.parametrize(("entry", "message", "hint"), MISTAKES)
def test_mistakes(folder: Path, entry: dict[str, Any], message: str, hint: str) -> None:
    sided = entry | LEFT if "mask" in entry else entry
    with pytest.raises(DeltaroiError) as caught:
        build(folder, sided, ["L"])
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_broken_tables_of_labels(folder: Path) -> None:
    entry = {"labels": "labels.nii.gz", "table": "t.tsv", "names": {"L": ["a"]}}
    for text, message in (("id\tname\n1\ta\n", "no column 'index'"), ("index\tname\nx\ta\n", "the index is 'x'"),
                          ("index\tname\n1\ta\n2\ta\n", "'a' stands twice"),
                          ("index\tname\n1\ta\n1\tb\n", "the index 1 stands twice, for 'a' and 'b'"),
                          ("index\tname\n1\ta\n2\tn/a\n", "the label 2 has no name")):
        (folder / "t.tsv").write_text(text)
        with pytest.raises(DataError) as caught:
            build(folder, entry, ["L"])
        assert message in caught.value.message


def test_ids_with_zeros_behind_the_point_are_whole_numbers(folder: Path) -> None:
    (folder / "labels.tsv").write_text("index\tname\n7.0\tLeft_Thing\n0.0\tn/a\n")
    found = build(folder, NAMED | {"names": {"L": ["Left_Thing"]}}, ["L"])
    assert found.rois[0].flat.size == 3


def test_half_of_a_left_mask_on_the_right_is_a_warning(folder: Path) -> None:
    data = np.zeros(GRID.shape)
    data[26:38, 30, 30] = 1  # x from -18 to 15
    save(folder / "wide.nii.gz", data)
    found = build(folder, {"mask": "wide.nii.gz"} | LEFT, ["L"])
    assert "% of it lies on the other side of x = 0" in found.table["warning"].item()


def test_talairach_spheres_are_converted_and_say_so() -> None:
    entry = {"sphere": {"R": [37, 15, 1]}, "radius_mm": 6, "space": "Talairach"}
    found = build(Path(), entry, ["R"])
    row = found.table.iloc[0]
    np.testing.assert_allclose([row["x_mm"], row["y_mm"], row["z_mm"]], [40.57, 17.35, -4.87], atol=1.5)
    assert "converted from Talairach to MNI152 by the pooled affine of Lancaster et al. (2007) from (37, 15, 1)" in \
        row["source"]
    assert row["source_space"] == "Talairach"
    assert "converted" in row["space_relation"]
    assert any("converted" in note for note in found.notes)


def test_talairach_conversion_is_that_of_nimare() -> None:
    """NiMARE 0.22.1: ``nimare.utils.tal2mni(np.array([[37., 15., 1.], [9, 6, 42], [5, 24, 37]]))``."""
    expected = [[40.56523387, 17.35190336, -4.87363114], [11.0187098, 11.16814597, 41.70755293],
                [6.63174479, 29.74754738, 34.62381785]]
    points = np.array([[37.0, 15.0, 1.0], [9.0, 6.0, 42.0], [5.0, 24.0, 37.0]])
    np.testing.assert_allclose(atlas.talairach_to_mni(points), expected, atol=1e-7)
    np.testing.assert_allclose(atlas.talairach_to_mni(points[0]), expected[0], atol=1e-7)


def test_images_in_talairach_space_stay_refused(folder: Path) -> None:
    with pytest.raises(DeltaroiError) as caught:
        build(folder, {"mask": "p.nii.gz", "space": "Talairach"} | LEFT, ["L"])
    assert "conversion" in caught.value.message
