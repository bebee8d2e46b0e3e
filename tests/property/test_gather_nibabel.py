"""What is gathered is what nibabel's get_fdata() says, bit for bit, for every voxel type, byte order and packing."""

from __future__ import annotations

import gzip
import io
import tempfile
from itertools import pairwise
from pathlib import Path

import nibabel as nib
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.signal import gather as gather_voxels
from deltaroi.signal import read_header
from deltaroi.signal.gather import VoxelSet, gather_sets

TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]
# an odd grid, a plain volume, more volumes than one block, a grid of more than one piece (1 MiB) per volume
SHAPES = [(3, 4, 5, 2), (4, 3, 2), (2, 3, 4, 70), (2, 2, 2, 3, 1), (5, 1, 1, 1), (70, 70, 60, 2)]
AFFINE = np.array([[-2.0, 0.1, 0, 90], [0, 2.5, 0.2, -126], [0, 0, 3, -72], [0, 0, 0, 1]])


def nifti_bytes(stored: np.ndarray, version: int, scaling: tuple[float, float], padding: int) -> bytes:
    """A NIfTI file with these stored voxels, written field by field."""
    kind = nib.Nifti1Header if version == 1 else nib.Nifti2Header
    header = kind(endianness=">" if stored.dtype.str[0] == ">" else "<")
    header.set_data_dtype(stored.dtype)
    header.set_data_shape(stored.shape)
    header.set_sform(AFFINE, 4)
    header["scl_slope"], header["scl_inter"] = scaling
    header["magic"] = b"n+1" if version == 1 else header["magic"]
    header["vox_offset"] = (352 if version == 1 else 544) + padding
    extension = np.array([padding, 6], dtype=header.endianness + "i4").tobytes() + b"?" * (padding - 8)
    out = header.binaryblock + (b"\x01\0\0\0" + extension if padding else bytes(4))
    return out + stored.tobytes(order="F")


def pack(data: bytes, members: int) -> bytes:
    """As gzip in so many members; none leaves the bytes as they are."""
    if not members:
        return data
    cuts = np.linspace(0, len(data), members + 1).astype(int)
    return b"".join(gzip.compress(data[a:b], 1, mtime=0) for a, b in pairwise(cuts))


@st.composite
def images(draw: st.DrawFn) -> tuple[np.ndarray, bytes, str]:
    dtype = np.dtype(draw(st.sampled_from("<>")) + draw(st.sampled_from(TYPES)))
    shape = draw(st.sampled_from(SHAPES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if dtype.kind == "f":
        stored = (rng.standard_normal(shape) * 1e3).astype(dtype)
        stored[rng.random(shape) < 0.01] = np.nan
    else:
        info = np.iinfo(dtype)
        stored = rng.integers(info.min, info.max, shape, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)
    scaling = draw(st.sampled_from([(1, 0), (0, 7), (np.nan, 0), (0.37, -12.5), (-2.0, 0), (1, 3)]))
    members = draw(st.sampled_from([0, 1, 3]))
    # an extension is passed over; its length counts in blocks of 16 bytes
    data = nifti_bytes(stored, draw(st.sampled_from([1, 2])), scaling, draw(st.sampled_from([0, 32, 1600])))
    return stored, pack(data, members), ".nii.gz" if members else ".nii"


@settings(max_examples=120, deadline=None)
@given(image=images(), seed=st.integers(0, 1000))
def test_values_are_those_of_nibabel(image: tuple[np.ndarray, bytes, str], seed: int) -> None:
    stored, data, suffix = image
    rng = np.random.default_rng(seed)
    n_voxels = int(np.prod(stored.shape[:3]))
    flat = rng.permutation(n_voxels)[:rng.integers(1, min(n_voxels, 500) + 1)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"x{suffix}"
        path.write_bytes(data)
        found = gather_voxels(path, flat)
        image = nib.load(path)
        expected = image.get_fdata().reshape(n_voxels, -1)[flat].T
    assert found.data.dtype in (np.float32, np.float64)
    np.testing.assert_array_equal(found.data.astype(np.float64), expected)
    np.testing.assert_array_equal(found.finite, np.isfinite(expected).all(axis=0))
    assert found.n_nonfinite == np.count_nonzero(~np.isfinite(expected))
    np.testing.assert_array_equal(found.grid.affine, image.affine)
    assert found.header.dtype == stored.dtype


@settings(max_examples=20, deadline=None)
@given(image=images(), seed=st.integers(0, 1000))
def test_several_sets_from_dripping_bytes_are_each_alone(image: tuple[np.ndarray, bytes, str], seed: int) -> None:
    stored, data, _ = image
    rng = np.random.default_rng(seed)
    n_voxels = int(np.prod(stored.shape[:3]))
    sets = [VoxelSet(rng.permutation(n_voxels)[:k]) for k in (1, 3, 0)]

    class Dripping:
        """Gives fewer bytes than asked for, as a network does."""

        def __init__(self) -> None:
            self.inner = io.BytesIO(data)

        def read(self, size: int = -1) -> bytes:
            return self.inner.read(max(1, min(size, 9973)) if size > 3 else 1)

    together = gather_sets(Dripping(), sets)
    assert read_header(Dripping()).n_volumes == together[0].data.shape[0]
    for wanted, found in zip(sets, together, strict=True):
        alone = gather_voxels(io.BytesIO(data), wanted.flat)
        np.testing.assert_array_equal(found.data, alone.data)
