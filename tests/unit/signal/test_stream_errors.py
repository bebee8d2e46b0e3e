"""Broken files are named for what they are, in one sentence with a hint."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi.errors import DataError
from deltaroi.signal import gather, read_header

SHAPE = (6, 5, 4, 3)


def plain(dtype: str = "<f4", **fields: object) -> bytearray:
    """The bytes of a small NIfTI-1 image with some header fields changed."""
    header = nib.Nifti1Header(endianness="<")
    header.set_data_dtype(np.float32)
    header.set_data_shape(SHAPE)
    header.set_sform(np.diag([2.0, 2, 2, 1]), 1)
    header.set_xyzt_units("mm", "msec")
    header["pixdim"][4] = 2400
    header["magic"], header["vox_offset"] = b"n+1", 352
    for name, value in fields.items():
        header[name] = value
    voxels = np.arange(np.prod(SHAPE), dtype=dtype).tobytes()
    return bytearray(header.binaryblock + bytes(4) + voxels)


def packed(data: bytes) -> bytearray:
    return bytearray(gzip.compress(bytes(data), 1, mtime=0))


def flipped(data: bytearray, place: int) -> bytearray:
    data[place] ^= 0xFF
    return data


def dims(*sizes: int) -> np.ndarray:
    return np.array([len(sizes), *sizes, *[1] * (7 - len(sizes))], dtype="<i2")


BROKEN = {
    "truncated .nii": (plain()[:-10], "cannot hold"),
    "truncated in the voxels, size unknown to the reader": (packed(plain()[:-10]), "ends within volume 3 of 3"),
    "truncated gzip": (packed(plain())[:-40], "truncated"),
    "gzip cut in its checksum": (packed(plain())[:-3], "truncated"),
    "wrong checksum": (flipped(packed(plain()), -6), "corrupt"),
    "damaged gzip": (flipped(packed(plain()), 60), "corrupt"),
    "garbage after the gzip": (packed(plain()) + b"garbage" * 9, "corrupt"),
    "ends in its header": (plain()[:200], "ends within its header"),
    "ends before its voxels": (packed(plain(vox_offset=4000)), "ends before its voxels|ends within volume"),
    "text": (bytearray(b"onset\tduration\n" * 50), "not NIfTI"),
    "zip": (bytearray(b"PK\x03\x04" + bytes(600)), "not NIfTI"),
    "one byte": (bytearray(b"\x1f"), "not NIfTI"),
    "pair": (plain(magic=b"ni1"), "pair"),
    "Analyze": (plain(magic=b""), "Analyze"),
    "RGB": (plain(datatype=128, bitpix=24), "RGB.* not supported"),
    "complex": (plain(datatype=32, bitpix=64), "complex64 are not supported"),
    "float128": (plain(datatype=1536, bitpix=128), "float128 are not supported"),
    "unknown type": (plain(datatype=77), "unknown voxel type code 77"),
    "two dimensions": (plain(dim=dims(6, 5)), "states 2 dimensions"),
    "an empty axis": (plain(dim=dims(6, 5, 0, 3)), r"shape \(6, 5, 0, 3\)"),
    "a negative axis": (plain(dim=dims(6, -5, 4, 3)), r"shape \(6, -5, 4, 3\)"),
    "vectors": (plain(dim=dims(6, 5, 4, 1, 3)), r"shape \(6, 5, 4, 1, 3\)"),
    "more volumes than the file": (plain(dim=dims(6, 5, 4, 30000)), "cannot hold"),
    "more volumes than the header": (packed(plain(dim=dims(6, 5, 4, 2))), "fewer volumes than the file"),
    "voxels inside the header": (plain(vox_offset=300), "vox.offset"),
    "offset not a number": (plain(vox_offset=np.nan), "vox.offset"),
    "flat affine": (plain(srow_x=[0, 0, 0, 0]), "affine"),
    "affine not a number": (plain(srow_x=[np.nan, 0, 0, 0]), "affine"),
    "intercept not a number": (plain(scl_slope=2, scl_inter=np.nan), "scl_inter|inter"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files(name: str, tmp_path: Path) -> None:
    data, message = BROKEN[name]
    path = tmp_path / "sub-01_bold.nii.gz"
    path.write_bytes(data)
    with pytest.raises(DataError, match=message) as caught:
        gather(path, np.array([0, 119]))
    assert caught.value.where == str(path)


def test_a_wrong_checksum_far_behind_the_voxels(tmp_path: Path) -> None:
    """The last voxels are read well before the checksum of a large file comes."""
    voxels = np.random.default_rng(0).standard_normal((100, 100, 100)).astype(np.float32)
    path = tmp_path / "big.nii.gz"
    path.write_bytes(flipped(packed(nib.Nifti1Image(voxels, np.eye(4)).to_bytes() + bytes(3_000_000)), -6))
    with pytest.raises(DataError, match="corrupt"):
        gather(path, np.array([3]))


def test_content_not_there(tmp_path: Path) -> None:
    pointer = tmp_path / "pointer.nii.gz"
    pointer.write_text("/annex/objects/MD5E-s123--abc.nii.gz\n")
    link = tmp_path / "link.nii.gz"
    link.symlink_to("../.git/annex/objects/xx/yy/MD5E-s1--abc.nii.gz")
    broken = tmp_path / "broken.nii.gz"
    broken.symlink_to("nowhere.nii.gz")
    empty = tmp_path / "empty.nii.gz"
    empty.touch()
    for path in (pointer, link):
        with pytest.raises(DataError, match="content not fetched") as caught:
            read_header(path)
        assert f"datalad get {path}" in caught.value.hint
    for path, message in ((broken, "broken link"), (empty, "empty"), (tmp_path / "no.nii", "no such file"),
                          (tmp_path, "this is a folder")):
        with pytest.raises(DataError, match=message):
            gather(path, np.array([0]))


@pytest.mark.parametrize("flat", [[-1], [120], [0, 500]])
def test_voxel_outside_the_image(flat: list[int], tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    path.write_bytes(plain())
    with pytest.raises(DataError, match=r"outside the image of \(6, 5, 4\)"):
        gather(path, np.array(flat))


def test_a_failing_connection_is_a_data_error() -> None:
    class Broken:
        name = "https://example.org/x.nii.gz"

        def __init__(self) -> None:
            self.data = [bytes(plain()[:400])]

        def read(self, size: int = -1) -> bytes:
            if not self.data:
                raise ConnectionResetError("connection reset")
            head, tail = self.data[0][:size], self.data[0][size:]
            self.data = [tail] if tail else []
            return head

    with pytest.raises(DataError, match="connection reset") as caught:
        gather(Broken(), np.array([0]))
    assert caught.value.where == "https://example.org/x.nii.gz"


def test_the_header_is_read_without_the_voxels(tmp_path: Path) -> None:
    path = tmp_path / "cut.nii.gz"
    path.write_bytes(packed(plain() + np.random.default_rng(0).bytes(300_000))[:200_000])
    header = read_header(path, "MNI152NLin2009cAsym")
    assert header.grid.shape == (6, 5, 4)
    assert header.grid.space == "MNI152NLin2009cAsym"
    assert (header.n_volumes, header.dtype, header.slope, header.intercept) == (3, np.dtype("<f4"), 1.0, 0.0)
    assert (header.tr_s, header.tr_unit) == (2.4, "msec")
    assert (header.qform_code, header.sform_code, header.oriented) == (0, 1, True)


@pytest.mark.parametrize(("fields", "tr", "unit"), [
    ({"xyzt_units": 2 | 8, "pixdim": [1, 2, 2, 2, 0.8, 1, 1, 1]}, 0.8, "sec"),
    ({"xyzt_units": 2, "pixdim": [1, 2, 2, 2, 2.0, 1, 1, 1]}, 2.0, "unknown"),
    ({"xyzt_units": 2 | 24, "pixdim": [1, 2, 2, 2, 2e6, 1, 1, 1]}, 2.0, "usec"),
    ({"xyzt_units": 2 | 32, "pixdim": [1, 2, 2, 2, 2.0, 1, 1, 1]}, None, "hz"),
    ({"pixdim": [1, 2, 2, 2, 0, 1, 1, 1]}, None, "msec"),
    ({"pixdim": [1, 2, 2, 2, np.nan, 1, 1, 1]}, None, "msec"),
])
def test_repetition_time(fields: dict[str, object], tr: float | None, unit: str, tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    path.write_bytes(plain(**fields))
    header = read_header(path)
    assert (header.tr_s, header.tr_unit) == (pytest.approx(tr, rel=1e-6) if tr else tr, unit)


def test_oddities_of_the_header_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "x.nii"
    path.write_bytes(plain(pixdim=[0, 2, 2, 2, 2, 1, 1, 1]))
    assert "qfac" in " ".join(read_header(path).notes)


def test_unused_voxels_are_told_apart(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.float32).reshape(2, 3, 1, 4).copy()
    data[0, 0, 0, 2] = np.nan
    data[0, 1, 0, :] = 7
    data[1, 2, 0, 1] = np.inf
    path = tmp_path / "x.nii"
    nib.save(nib.Nifti1Image(data, np.eye(4)), path)
    found = gather(path, np.array([5, 0, 1, 2]))
    assert found.finite.tolist() == [False, False, True, True]
    assert found.constant.tolist() == [False, False, True, False]
    assert found.n_nonfinite == 2


def test_damaged_bytes_that_are_signalling_nans_count_as_not_finite(tmp_path: Path) -> None:
    data = plain()
    data[352:356] = (0x7F800001).to_bytes(4, "little")
    (tmp_path / "x.nii").write_bytes(data)
    found = gather(tmp_path / "x.nii", np.arange(120))
    assert found.n_nonfinite == 1
    assert not found.finite[0]
