"""Odd images as masks: what they are is said or taken into account, and nothing gives a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from nibabel.gifti import GiftiDataArray, GiftiImage

from deltaroi import masks
from deltaroi.errors import DataError, SpaceError
from deltaroi.grid import Grid
from deltaroi.specs import Regions

SPACE = "MNI152NLin2009cAsym"
AFFINE = np.array([[3.0, 0, 0, -30], [0, 3, 0, -30], [0, 0, 3, -30], [0, 0, 0, 1]])
GRID = Grid((20, 20, 20), AFFINE, SPACE)


def mask(value: float = 1, dtype: Any = np.float32) -> np.ndarray:
    data = np.zeros(GRID.shape, dtype=dtype)
    data[2:6, 8:12, 8:13] = value
    return data


def build(base: Path, grid: Grid = GRID, **roi: Any) -> masks.RegionSet:
    text = json.dumps({"include": ["mine"], "custom": {"mine": {"space": SPACE, **roi}}})
    return masks.build_regions(Regions.model_validate_json(text), grid, base=base)


def colours(path: Path) -> str:
    data = np.zeros(GRID.shape, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    nib.Nifti1Image(data, AFFINE).to_filename(path / "m.nii")
    return "m.nii"


def complex_numbers(path: Path) -> str:
    nib.Nifti1Image((mask() * (1 + 1j)).astype(np.complex64), AFFINE).to_filename(path / "m.nii")
    return "m.nii"


def surface(path: Path) -> str:
    nib.save(GiftiImage(darrays=[GiftiDataArray(np.zeros((4, 3), np.float32))]), path / "m.surf.gii")
    return "m.surf.gii"


def patched(start: int, content: bytes) -> Callable[[Path], str]:
    """A file with other bytes in its header."""
    def write(path: Path) -> str:
        nib.Nifti1Image(mask(dtype=np.uint8), AFFINE).to_filename(path / "m.nii")
        data = bytearray((path / "m.nii").read_bytes())
        data[start:start + len(content)] = content
        (path / "m.nii").write_bytes(data)
        return "m.nii"
    return write


def junk(name: str) -> Callable[[Path], str]:
    def write(path: Path) -> str:
        (path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(3000))
        return name
    return write


def folder(path: Path) -> str:
    (path / "m.nii").mkdir()
    return "m.nii"


def loop(path: Path) -> str:
    (path / "m.nii").symlink_to("n.nii")
    (path / "n.nii").symlink_to("m.nii")
    return "m.nii"


REFUSED: dict[str, tuple[Callable[[Path], str], str]] = {
    "colours": (colours, r"voxels of type .* are not supported"),
    "complex": (complex_numbers, "voxels of type complex64 are not supported"),
    "surface": (surface, "not a volume image"),
    "negative shape": (patched(42, np.int16(-5).tobytes()), r"shape \(-5, 20, 20\)"),
    "huge shape": (patched(42, np.array([30000] * 3, "i2").tobytes()), "voxels cannot be read"),
    "voxels in the header": (patched(108, np.float32(0).tobytes()), "vox_offset is 0, inside the header"),
    "voxels nowhere": (patched(108, np.float32(np.nan).tobytes()), "not a readable image"),
    "zero affine": (patched(280, bytes(48)), "affine of the image cannot be inverted"),
    "minc": (junk("m.mnc"), "not a readable image"),
    "freesurfer": (junk("m.mgz"), "not a readable image"),
    "afni": (junk("m.HEAD"), "not a readable image"),
    "folder": (folder, "this is a folder"),
    "loop of links": (loop, "a link that leads nowhere"),
    "no such home": (lambda path: "~nobody_of_that_name/m.nii", "no such file"),
    "long name": (lambda path: "m" * 300 + ".nii", "cannot be reached"),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.filterwarnings("ignore")
def test_refused(tmp_path: Path, kind: str) -> None:
    write, message = REFUSED[kind]
    name = write(tmp_path)
    with pytest.raises(DataError, match=message) as caught:
        build(tmp_path, mask=name)
    assert caught.value.where == f"regions.custom.mine: {name}"
    assert str(tmp_path) not in caught.value.message


def test_weights_stored_as_bytes_are_weights(tmp_path: Path) -> None:
    """A slope of 1/255 makes the highest value 1.00000006."""
    data = mask()
    data[2:4] *= 0.5
    image = nib.Nifti1Image(data, AFFINE)
    image.header.set_data_dtype(np.uint8)
    image.to_filename(tmp_path / "m.nii.gz")
    assert nib.load(tmp_path / "m.nii.gz").get_fdata().max() > 1
    found = build(tmp_path, mask="m.nii.gz")
    np.testing.assert_allclose(found.rois[0].weights, data[data > 0], atol=0.003)
    assert found.rois[0].weights.max() == 1


def test_rounding_noise_makes_no_weights(tmp_path: Path) -> None:
    data = mask(dtype=np.float64) - 1e-9
    data[3] *= 1 + 1e-6
    data[4] *= 1 - 1e-6
    nib.Nifti1Image(data, AFFINE).to_filename(tmp_path / "m.nii")
    found = build(tmp_path, mask="m.nii")
    np.testing.assert_array_equal(found.rois[0].flat, np.flatnonzero(mask()))
    np.testing.assert_array_equal(found.rois[0].weights, 1)
    assert found.rois[0].rule == "majority"


def test_labels_with_rounding_noise_and_large_ids(tmp_path: Path) -> None:
    data = mask(dtype=np.float64) * 70_001
    data[2] *= 1 + 1e-9
    nib.Nifti1Image(data, AFFINE).to_filename(tmp_path / "l.nii")
    found = build(tmp_path, labels="l.nii", ids={"B": [70_001]})
    np.testing.assert_array_equal(found.rois[0].flat, np.flatnonzero(mask()))
    nib.Nifti1Image(mask(1, np.int64) * (2**53 + 1), AFFINE, dtype=np.int64).to_filename(tmp_path / "huge.nii")
    with pytest.raises(DataError, match="cannot be told apart"):
        build(tmp_path, labels="huge.nii", ids={"B": [1]})


@pytest.mark.parametrize("affine", [np.eye(4), np.diag([2.0, 2, 2, 1])])
def test_an_affine_without_an_origin_places_nothing(tmp_path: Path, affine: np.ndarray) -> None:
    """Saved with an identity matrix, voxel numbers would be taken for mm and a left ROI would lie on the right."""
    nib.Nifti1Image(mask(dtype=np.uint8), affine).to_filename(tmp_path / "m.nii")
    with pytest.raises(SpaceError, match="the header of the image has no origin"):
        build(tmp_path, mask="m.nii")
    same = Grid((20, 20, 20), affine, SPACE)
    assert build(tmp_path, same, mask="m.nii").rois[0].flat.size == 80  # voxel by voxel it fits
    for found in (build(tmp_path, same, sphere={"R": [24, 10, 16]}),
                  masks.build_regions(Regions(include=["amygdala"]), same, base=tmp_path)):
        assert any("the header of the images has no origin" in note for note in found.notes)


def test_what_to_know_is_noted(tmp_path: Path) -> None:
    image = nib.Nifti1Image(mask(dtype=np.uint8), AFFINE)
    image.set_qform(np.diag([-1.0, 1, 1, 1]) @ AFFINE, 1)
    image.to_filename(tmp_path / "m.nii")
    assert build(tmp_path, mask="m.nii").notes == (
        "mine-B_custom: qform and sform of its header are 60 mm apart; the sform is used",)
    nib.Nifti1Image(np.ones(GRID.shape, np.uint8), AFFINE).to_filename(tmp_path / "all.nii")
    assert build(tmp_path, mask="all.nii").notes == ("mine-B_custom: every voxel of the image belongs to the mask",)


@pytest.mark.parametrize("code", ["u1", "<i2", ">i2", ">f4", "<f8", "<i8"])
@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
def test_every_type_and_byte_order(tmp_path: Path, code: str, kind: Any) -> None:
    header = kind.header_class(endianness=code[0] if code[0] in "<>" else "<")
    kind(mask().astype(code), AFFINE, header, dtype=np.dtype(code)).to_filename(tmp_path / "ü 名.nii.gz")
    np.testing.assert_array_equal(build(tmp_path, mask="ü 名.nii.gz").rois[0].flat, np.flatnonzero(mask()))


def test_only_the_name_of_a_path_that_is_not_relative_reaches_the_table(tmp_path: Path,
                                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    nib.Nifti1Image(mask(dtype=np.uint8), AFFINE).to_filename(tmp_path / "m.nii")
    monkeypatch.setenv("HOME", str(tmp_path))
    for entry in ("~/m.nii", str(tmp_path / "m.nii")):
        assert build(tmp_path, mask=entry).table.iloc[0]["source"] == "m.nii"


@pytest.mark.parametrize(("space", "hint"), [("mni152nlin2009casym", f"did you mean '{SPACE}'"),
                                             ("mni152", "did you mean 'MNI152'"), ("T1w", "would fit")])
def test_a_slip_in_the_space_of_a_mask(tmp_path: Path, space: str, hint: str) -> None:
    nib.Nifti1Image(mask(dtype=np.uint8), AFFINE).to_filename(tmp_path / "m.nii")
    with pytest.raises(SpaceError) as caught:
        build(tmp_path, mask="m.nii", space=space)
    assert hint in caught.value.hint
    assert build(tmp_path, mask="m.nii", space=f" {SPACE}:res-2").table.iloc[0]["space_relation"] == "same"
