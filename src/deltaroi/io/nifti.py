"""What the header of an image says, and whether its data can all be there, without reading them."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.io.files import content_state

_SECONDS = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_CHUNK = 1 << 22


@dataclass(frozen=True, eq=False)
class ImageHeader:
    """The header of one image.

    Attributes
    ----------
    shape : tuple of int
        All axes.
    affine : ndarray, shape (4, 4)
        Voxel index to mm.
    tr_s : tuple of float
        What pixdim[4] may mean in s: one value where the unit is stated, else as s and as ms.
    orientation_stated : bool
        False when both orientation codes are 0.
    """

    shape: tuple[int, ...]
    affine: FloatArray
    tr_s: tuple[float, ...]
    orientation_stated: bool

    @property
    def n_volumes(self) -> int:
        """Length of the fourth axis."""
        return self.shape[3] if len(self.shape) > 3 else 1


def read_header(path: Path) -> ImageHeader:
    """Read the header of an image and check that the file is long enough for its data.

    Parameters
    ----------
    path : Path
        NIfTI-1 or -2, plain or gzip. Of a gzip file the stated length is compared; only when that does not fit is it
        decompressed, to tell a truncated file from one that was written in pieces.

    Raises
    ------
    DataError
        The file is missing, not an image, empty of voxels, or truncated.
    """
    import nibabel

    state = content_state(path)
    if state != "ok":
        raise DataError(f"the image cannot be read: {state}", where=str(path), hint="check the path")
    try:
        image = nibabel.load(path)
        header, affine = image.header, image.affine
        shape = tuple(int(n) for n in image.shape)
        needed = int(image.dataobj.offset) + math.prod(shape) * header.get_data_dtype().itemsize
        unit = header.get_xyzt_units()[1]
        zooms = [float(z) for z in header.get_zooms()]
        stated = bool(int(header["qform_code"]) or int(header["sform_code"]))
    except (OSError, EOFError, ValueError, KeyError, AttributeError, struct.error,
            nibabel.filebasedimages.ImageFileError, nibabel.spatialimages.HeaderDataError) as error:
        raise DataError(f"not a readable NIfTI image: {error}".splitlines()[0].replace(str(path), path.name),
                        where=str(path), hint="fetch or make it again") from error
    if not math.prod(shape) or len(shape) < 3 or affine is None or not np.isfinite(affine).all():
        raise DataError(f"the image has no voxels or no position (shape {shape})", where=str(path))
    if np.isclose(np.linalg.det(affine[:3, :3]), 0):
        raise DataError("the affine of the image is singular", where=str(path), hint="make the image again")
    _check_length(path, needed)
    tr = zooms[3] if len(zooms) > 3 else math.nan
    times = (tr * _SECONDS[unit],) if unit in _SECONDS else (tr, tr * 1e-3)
    return ImageHeader(shape, np.asarray(affine, dtype=np.float64), times, stated)


def _check_length(path: Path, needed: int) -> None:
    """Refuse a file with fewer bytes than its header promises."""
    found = path.stat().st_size
    if path.suffix == ".gz":
        with path.open("rb") as stream:
            stream.seek(-4, 2)
            stated = struct.unpack("<I", stream.read(4))[0]
        if stated == needed % (1 << 32):
            return
        found = _decompressed_length(path, needed)
    if found < needed:
        raise DataError(f"the image is truncated: {found} of {needed} bytes", where=str(path),
                        hint="fetch or make it again")


def _decompressed_length(path: Path, enough: int) -> int:
    """Bytes that a gzip file really gives, up to what is enough."""
    import zlib

    from isal import igzip, isal_zlib

    total = 0
    try:
        with igzip.open(path, "rb") as stream:
            while total < enough and (block := stream.read(_CHUNK)):
                total += len(block)
    except (EOFError, OSError, zlib.error, isal_zlib.error):
        return min(total, enough - 1)
    return total
