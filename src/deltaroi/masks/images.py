"""Opening the user's images safely."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.io.files import content_state

_STATES = {
    "missing": ("there is no such file", "check the path; one in a study file starts from its folder"),
    "not fetched": ("the content is not fetched (git-annex pointer)", "`datalad get` it"),
    "broken link": ("a link that leads nowhere", "restore the file it points to"),
    "empty": ("the file is empty", "copy or fetch it again"),
}


@dataclass(frozen=True, eq=False)
class OpenImage:
    """A three-dimensional image whose voxels are not read yet.

    ``oriented`` is False when qform and sform codes are 0 or the format has none; ``volume`` is the one that is read of
    a four-dimensional image.
    """

    where: str
    shape: tuple[int, int, int]
    affine: FloatArray
    oriented: bool
    handle: Any
    volume: int | None = None

    @cached_property
    def data(self) -> FloatArray:
        """The voxels, shape (i, j, k), float64.

        Raises
        ------
        DataError
            The file is truncated, or values are not finite.
        """
        try:
            proxy = self.handle.dataobj
            data = np.asarray(proxy if self.volume is None else proxy[..., self.volume], dtype=np.float64)
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise DataError(f"the voxels cannot be read: {error}", where=self.where,
                            hint="copy or fetch it again") from error
        wrong = int((~np.isfinite(data)).sum())
        if wrong:
            raise DataError(f"{wrong} voxels are not finite (NaN or infinite)", where=self.where,
                            hint="set them to 0 if they are outside the ROI")
        return data.reshape(self.shape)

    @cached_property
    def whole_numbers(self) -> bool:
        """Whether all voxels hold whole numbers."""
        return bool((self.data == np.rint(self.data)).all())


def open_image(path: Path, where: str, *, volumes: bool = False, volume: int | None = None) -> OpenImage:
    """Open an image; axes of length 1 behind the third are dropped.

    With ``volumes``, a series is accepted too: its grid and header count, its ``data`` cannot be read. With ``volume``,
    it is that volume of a four-dimensional image, counted from 0.

    Raises
    ------
    DataError
        Not there, not fetched, not an image, or not three-dimensional.
    """
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError

    state = content_state(path)
    if state != "ok":
        message, hint = _STATES[state]
        raise DataError(message, where=where, hint=hint)
    try:
        image: Any = nibabel.load(path)
    except (ImageFileError, HeaderDataError, OSError, EOFError, ValueError, zlib.error) as error:
        raise DataError(f"not a readable image: {error}", where=where, hint="give a NIfTI or Analyze image") from error
    shape = tuple(int(n) for n in image.shape)
    if volume is not None:
        _check_volume(shape, volume, where)
    elif len(shape) < 3 or any(n != 1 for n in shape[4 if volumes else 3:]) or 0 in shape:
        raise DataError(f"the image has the shape {shape}, expected three dimensions", where=where,
                        hint="give one volume; `volume:` chooses one of a four-dimensional mask image")
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise DataError("the affine of the image cannot be inverted", where=where, hint="repair the header")
    return OpenImage(where, (shape[0], shape[1], shape[2]), affine, _oriented(image), image, volume)


def _check_volume(shape: tuple[int, ...], volume: int, where: str) -> None:
    if len(shape) != 4 or 0 in shape:
        raise DataError(f"the image has the shape {shape}, so there is no volume {volume} to choose", where=where,
                        hint="leave `volume:` out, or give a four-dimensional image")
    if volume >= shape[3]:
        raise DataError(f"the image has {shape[3]} volumes, and volume {volume} is asked for", where=where,
                        hint=f"volumes are counted from 0 to {shape[3] - 1}")


def _oriented(image: Any) -> bool:
    import nibabel

    header = image.header
    if isinstance(image, nibabel.Nifti1Pair):
        return bool(int(header["qform_code"]) or int(header["sform_code"]))
    return not isinstance(image, nibabel.AnalyzeImage)
