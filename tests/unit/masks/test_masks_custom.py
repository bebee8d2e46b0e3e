"""ROIs of the user's own: what is taken as it is, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from deltaroi import masks
from deltaroi.errors import DataError, DeltaroiError, SpaceError
from deltaroi.grid import Grid
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
AFFINE = np.array([[3.0, 0, 0, -30], [0, 3, 0, -30], [0, 0, 3, -30], [0, 0, 0, 1]])
GRID = Grid((20, 20, 20), AFFINE, SPACE)
LEFT = (slice(2, 6), slice(8, 12), slice(8, 13))


def mask(values: float = 1, where: tuple[slice, ...] = LEFT, dtype: Any = np.float32) -> np.ndarray:
    data = np.zeros(GRID.shape, dtype=dtype)
    data[where] = values
    return data


def save(path: Path, data: np.ndarray, affine: np.ndarray = AFFINE, code: int = 4) -> Path:
    image = nib.Nifti1Image(data, affine)
    image.set_sform(affine, code)
    image.set_qform(affine, code)
    image.to_filename(path)
    return path


def build(base: Path, grid: Grid = GRID, allow: bool = False, hemispheres: tuple[str, ...] = ("L", "R"),
          **roi: Any) -> masks.RegionSet:
    regions = Regions.model_validate({"include": ["mine"], "hemispheres": list(hemispheres), "custom": {"mine": roi}})
    return masks.build_regions(regions, grid, base=base, allow_space_mismatch=allow)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
@pytest.mark.parametrize("value", [1, 7])
def test_mask_on_the_grid_is_used_as_it_is(tmp_path: Path, dtype: Any, value: int) -> None:
    save(tmp_path / "m.nii.gz", mask(value, dtype=dtype))
    found = build(tmp_path, mask="m.nii.gz", space=SPACE, hemisphere="L")
    np.testing.assert_array_equal(found.rois[0].flat, np.flatnonzero(mask()))
    np.testing.assert_array_equal(found.rois[0].weights, 1)
    row = found.table.iloc[0]
    assert (row["source"], row["space_relation"], row["definition"]) == ("m.nii.gz", "same", "custom")
    assert row["native_volume_mm3"] == row["volume_mm3"] == 80 * 27
    assert len(row["sha256"]) == 64


def test_trailing_axes_of_length_one_are_fine(tmp_path: Path) -> None:
    save(tmp_path / "m.nii.gz", mask()[..., None])
    assert build(tmp_path, mask="m.nii.gz", space=SPACE).rois[0].flat.size == 80


def test_fractional_mask_is_weights(tmp_path: Path) -> None:
    data = mask(0.25)
    data[3, 9, 9] = 1
    save(tmp_path / "m.nii", data)
    found = build(tmp_path, mask="m.nii", space=SPACE)
    assert found.rois[0].rule == "fill_weight"
    np.testing.assert_allclose(found.rois[0].weights, data[data > 0], atol=1e-9)
    assert any("used as weights" in note for note in found.notes)


def test_labels_and_their_union(tmp_path: Path) -> None:
    data = mask(3, dtype=np.int16)
    data[14:17, 8:12, 8:13] = 9
    save(tmp_path / "l.nii.gz", data)
    found = build(tmp_path, labels="l.nii.gz", ids={"L": [3], "R": [9]}, space=SPACE, hemispheres=("L", "R", "B"))
    sizes = {roi.key.hemisphere: roi.flat.size for roi in found.rois}
    assert sizes == {"L": 80, "R": 60, "B": 140}


def test_swapped_sides_cannot_pass(tmp_path: Path) -> None:
    data = mask(3, dtype=np.int16)
    data[14:17, 8:12, 8:13] = 9
    save(tmp_path / "l.nii.gz", data)
    with pytest.raises(DataError, match=r"called left, but its centre lies at x = 1[0-9.]+ mm") as caught:
        build(tmp_path, labels="l.nii.gz", ids={"L": [9], "R": [3]}, space=SPACE)
    assert caught.value.where == "mine-L_custom"
    with pytest.raises(DataError, match="called right"):
        build(tmp_path, hemispheres=("R",), sphere={"R": (-20.0, 0.0, 0.0)})


def test_flipped_copy_gives_the_same_places(tmp_path: Path) -> None:
    flipped = AFFINE.copy()
    flipped[0, 0], flipped[0, 3] = -3, AFFINE[0, 3] + 3 * 19
    save(tmp_path / "m.nii.gz", mask()[::-1], flipped)
    found = build(tmp_path, mask="m.nii.gz", space=SPACE, hemisphere="L")
    np.testing.assert_array_equal(found.rois[0].flat, np.flatnonzero(mask()))


def test_other_grid_is_resampled_and_the_volume_recorded(tmp_path: Path) -> None:
    fine = np.diag([1.0, 1, 1, 1])
    fine[:3, 3] = -31
    data = np.zeros((60, 60, 60), np.uint8)
    data[5:17, 25:37, 25:37] = 1  # 12 mm cube, whose 3 mm fills along each axis are 1/3 1 1 1 2/3 or 2/3 1 1 1 1/3
    save(tmp_path / "m.nii.gz", data, fine)
    found = build(tmp_path, mask="m.nii.gz", space=SPACE)
    row = found.table.iloc[0]
    assert row["native_volume_mm3"] == 1728
    assert row["rule"] == "majority"
    assert row["n_voxels"] == 3**3 + 3 * 3**2  # the inside, and the three faces that are filled to 2/3
    assert row["volume_mm3"] == pytest.approx(54 * 27)


def broken(path: Path, kind: str) -> str:
    """Write one bad image and name it."""
    name = path / "m.nii.gz"
    if kind == "empty mask":
        save(name, mask(0))
    elif kind == "nan":
        data = mask()
        data[0, 0, :5] = np.nan
        save(name, data)
    elif kind == "negative":
        save(name, mask(-1))
    elif kind == "several values":
        data = mask(2)
        data[3, 9, 9] = 5
        save(name, data)
    elif kind == "4-D":
        save(name, np.stack([mask(), mask()], axis=-1))
    elif kind == "2-D":
        save(name, mask()[:, :, 10])
    elif kind == "truncated":
        save(name, np.random.default_rng(0).random(GRID.shape))
        name.write_bytes(name.read_bytes()[:-2000])
    elif kind == "truncated, not packed":
        save(path / "m.nii", mask())
        (path / "m.nii").write_bytes((path / "m.nii").read_bytes()[:-4000])
        return "m.nii"
    elif kind == "text":
        name.write_text("nothing of the kind")
    elif kind == "packed text":
        name.write_bytes(gzip.compress(b"nothing of the kind"))
    elif kind == "empty file":
        name.write_bytes(b"")
    elif kind == "pointer":
        name.write_text("/annex/objects/SHA256E-s12--abc.nii.gz\n")
    elif kind == "dangling annex link":
        name.symlink_to("../.git/annex/objects/xx/yy/m.nii.gz")
    elif kind == "dangling link":
        name.symlink_to("elsewhere.nii.gz")
    return "m.nii.gz"


BROKEN = {
    "empty mask": "mask is empty", "nan": "5 voxels are not finite", "negative": "negative values",
    "several values": "several values, up to 5", "4-D": r"shape \(20, 20, 20, 2\)", "2-D": r"shape \(20, 20\)",
    "truncated": "cannot be read", "truncated, not packed": "cannot be read", "text": "not a readable image",
    "packed text": "not a readable image", "empty file": "file is empty", "pointer": "not fetched",
    "dangling annex link": "not fetched", "dangling link": "leads nowhere", "missing": "no such file",
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
def test_bad_images_are_named(tmp_path: Path, kind: str) -> None:
    name = broken(tmp_path, kind)
    with pytest.raises(DataError, match=BROKEN[kind]) as caught:
        build(tmp_path, mask=name, space=SPACE)
    assert caught.value.where == f"regions.custom.mine: {name}"


@pytest.mark.parametrize(("ids", "found"), [([3, 4], r"\[4\]"), ([0, 3], r"\[0, 3\]"), ([], r"\[\]")])
def test_label_ids_that_are_not_there(tmp_path: Path, ids: list[int], found: str) -> None:
    save(tmp_path / "l.nii.gz", mask(3, dtype=np.int16))
    with pytest.raises(DataError, match=f"has no region {found}"):
        build(tmp_path, labels="l.nii.gz", ids={"L": ids}, space=SPACE)


def test_labels_that_were_interpolated(tmp_path: Path) -> None:
    save(tmp_path / "l.nii.gz", mask(2.5))
    with pytest.raises(DataError, match="not whole numbers"):
        build(tmp_path, labels="l.nii.gz", ids={"L": [2]}, space=SPACE)


def test_space_not_stated_needs_the_same_grid(tmp_path: Path) -> None:
    save(tmp_path / "m.nii.gz", mask())
    found = build(tmp_path, mask="m.nii.gz", space="not stated")
    assert found.table.iloc[0]["space_relation"] == found.table.iloc[0]["source_space"] == "not stated"
    assert "its grid is that of the images" in found.notes[0]
    other = Grid((20, 20, 19), AFFINE, SPACE)
    with pytest.raises(SpaceError, match="not stated, and the two grids differ"):
        build(tmp_path, other, mask="m.nii.gz", space="not stated")
    silent = Grid((20, 20, 20), AFFINE, "not stated")
    assert build(tmp_path, silent, mask="m.nii.gz", space=SPACE).rois[0].flat.size == 80
    with pytest.raises(SpaceError, match="the images is not stated"):
        build(tmp_path, Grid((20, 20, 19), AFFINE, "not stated"), mask="m.nii.gz", space=SPACE)


def test_no_orientation_needs_the_same_grid(tmp_path: Path) -> None:
    plain = np.diag([3.0, 3, 3, 1])
    image = nib.Nifti1Image(mask(), plain)
    image.set_sform(None, 0)
    image.set_qform(None, 0)
    image.to_filename(tmp_path / "m.nii.gz")
    read = nib.load(tmp_path / "m.nii.gz").affine
    assert build(tmp_path, Grid(GRID.shape, read, SPACE), mask="m.nii.gz", space=SPACE).rois[0].flat.size == 80
    with pytest.raises(SpaceError, match="no orientation"):
        build(tmp_path, mask="m.nii.gz", space=SPACE)
    with pytest.raises(SpaceError, match="no orientation"):
        masks.grid_of_image(tmp_path / "m.nii.gz", SPACE)
    assert masks.grid_of_image(tmp_path / "m.nii.gz").space == "not stated"


def test_the_other_template_is_refused_or_overridden(tmp_path: Path) -> None:
    save(tmp_path / "m.nii.gz", mask())
    with pytest.raises(SpaceError, match="drawn in MNI152NLin6Asym"):
        build(tmp_path, mask="m.nii.gz", space="MNI152NLin6Asym")
    found = build(tmp_path, mask="m.nii.gz", space="MNI152NLin6Asym", allow=True)
    assert found.table.iloc[0]["space_relation"].startswith("override")


def test_absolute_paths_do_not_reach_the_table(tmp_path: Path) -> None:
    path = save(tmp_path / "m.nii.gz", mask())
    found = build(Path("/nowhere"), mask=str(path), space=SPACE)
    assert found.table.iloc[0]["source"] == "m.nii.gz"


def test_every_error_is_ours(tmp_path: Path) -> None:
    (tmp_path / "folder.nii.gz").mkdir()
    with pytest.raises(DeltaroiError):
        build(tmp_path, mask="folder.nii.gz", space=SPACE)


def test_analyze_pair_on_its_own_grid(tmp_path: Path) -> None:
    nib.Spm99AnalyzeImage(mask(dtype=np.int16), AFFINE).to_filename(tmp_path / "m.img")
    grid = masks.grid_of_image(tmp_path / "m.img")
    assert build(tmp_path, grid, mask="m.img", space="not stated").rois[0].flat.size == 80


@pytest.mark.parametrize(("subvoxels", "kept"), [(3, 0), (4, 1), (5, 1)])
def test_majority_is_one_half(tmp_path: Path, subvoxels: int, kept: int) -> None:
    fine = np.diag([1.0, 1, 1, 1])
    fine[:3, 3] = -29.5
    data = np.zeros((60, 60, 60), np.uint8)
    data[10:20, 10:20, 10:20] = 1  # 125 voxels of 2 mm
    corner = np.zeros(8, np.uint8)
    corner[:subvoxels] = 1
    data[40:42, 40:42, 40:42] = corner.reshape(2, 2, 2)
    save(tmp_path / "m.nii.gz", data, fine)
    coarse = np.diag([2.0, 2, 2, 1])
    coarse[:3, 3] = -29
    found = build(tmp_path, Grid((30, 30, 30), coarse, SPACE), mask="m.nii.gz", space=SPACE)
    assert found.table.iloc[0]["n_voxels"] == 125 + kept
