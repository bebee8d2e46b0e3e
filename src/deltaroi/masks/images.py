"""Opening the user's images safely."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.io.files import content_state

_STATES = {
    "missing": ("there is no such file", "check the path; it was looked for in {folder}"),
    "not fetched": ("the content is not fetched (git-annex pointer)", "`datalad get` it"),
    "broken link": ("a link that leads nowhere", "restore the file it points to"),
    "empty": ("the file is empty", "copy or fetch it again"),
}
_FOLDER = ("this is a folder", "name the image in it")
_NOISE = 1e-3
_EXACT = 2.0**53
_APART_MM = 1.0
T = TypeVar("T")


def user_path(base: Path, entry: str) -> Path:
    """The path of a file that the study file names; ``~`` is the home folder where there is one of that name."""
    try:
        return base / Path(entry).expanduser()
    except RuntimeError:
        return base / entry


@dataclass(frozen=True, eq=False)
class OpenImage:
    """A three-dimensional image whose voxels are not read yet.

    ``oriented`` is False when qform and sform codes are 0 or the format has none; ``volume`` is the one that is read of
    a four-dimensional image; ``note`` what is odd about the header.
    """

    where: str
    shape: tuple[int, int, int]
    affine: FloatArray
    oriented: bool
    handle: Any
    volume: int | None = None
    note: str = ""

    @cached_property
    def data(self) -> FloatArray:
        """The voxels, shape (i, j, k), float64.

        Raises
        ------
        DataError
            The file is truncated, or values are not finite.
        """
        proxy = self.handle.dataobj
        data = readable(lambda: np.asarray(proxy if self.volume is None else proxy[..., self.volume], dtype=np.float64),
                        Path(self.handle.get_filename() or ""), DataError("the voxels cannot be read", where=self.where,
                                                                          hint="copy or fetch it again"))
        wrong = int((~np.isfinite(data)).sum())
        if wrong:
            raise DataError(f"{wrong} voxels are not finite (NaN or infinite)", where=self.where,
                            hint="set them to 0 if they are outside the ROI")
        return data.reshape(self.shape)

    @cached_property
    def labels(self) -> FloatArray:
        """The voxels as whole numbers, shape (i, j, k); the rounding noise of scaled images is taken away.

        Raises
        ------
        DataError
            As :attr:`data`, or it is not a label image.
        """
        whole = np.rint(self.data)
        if np.abs(self.data - whole).max() > _NOISE:
            raise DataError("the label image has values that are not whole numbers", where=self.where,
                            hint="resample label images with nearest neighbours; a weighted mask goes to `mask:`")
        if np.abs(whole).max() >= _EXACT:
            raise DataError(f"the label image has ids up to {np.abs(whole).max():.0f}, which cannot be told apart",
                            where=self.where, hint=f"use ids below {_EXACT:.0f}")
        return whole


def readable(read: Callable[[], T], path: Path, refusal: DataError) -> T:
    """What nibabel reads from a file; whatever it raises for a damaged or foreign one becomes the refusal.

    Raises
    ------
    DataError
        The refusal with the reason, in which the file stands without its folder.
    """
    try:
        return read()
    except _unreadable() as error:
        reason = " ".join(str(error).replace(f"{path.parent}/", "").split()) or type(error).__name__
        raise DataError(f"{refusal.message}: {reason}", where=refusal.where, hint=refusal.hint) from error


def _unreadable() -> tuple[type[Exception], ...]:
    """What nibabel raises for files that are damaged, of another kind, or in need of a package that is not there."""
    from nibabel.filebasedimages import ImageFileError
    from nibabel.freesurfer.mghformat import MGHError
    from nibabel.minc1 import MincError
    from nibabel.parrec import PARRECError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.tripwire import TripWireError
    from nibabel.wrapstruct import WrapStructError

    return (ImageFileError, HeaderDataError, WrapStructError, MGHError, MincError, PARRECError, TripWireError, OSError,
            EOFError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, ImportError,
            MemoryError, zlib.error)


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

    state = readable(lambda: content_state(path), path,
                     DataError("the file cannot be reached", where=where, hint="check the path"))
    if state != "ok":
        message, hint = _FOLDER if state == "missing" and path.is_dir() else _STATES[state]
        raise DataError(message, where=where, hint=hint.format(folder=path.absolute().parent))
    image: Any = readable(lambda: nibabel.load(path), path,
                          DataError("not a readable image", where=where, hint="give a NIfTI or Analyze image"))
    if not isinstance(image, nibabel.spatialimages.SpatialImage):
        raise DataError("not a volume image", where=where, hint="surfaces and tracts have no voxels in space")
    shape = tuple(int(n) for n in image.shape)
    if volume is not None:
        _check_volume(shape, volume, where)
    elif len(shape) < 3 or any(n != 1 for n in shape[4 if volumes else 3:]) or min(shape) < 1:
        raise DataError(f"the image has the shape {shape}, expected three dimensions", where=where,
                        hint="give one volume, or a series of volumes" if volumes else
                        "give one volume; `volume:` chooses one of a four-dimensional mask image")
    _check_voxels(image, where)
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine[:3, :3])) < 1e-9:
        raise DataError("the affine of the image cannot be inverted", where=where, hint="repair the header")
    return OpenImage(where, (shape[0], shape[1], shape[2]), affine, _oriented(image), image, volume, _note(image))


def _check_voxels(image: Any, where: str) -> None:
    """Refuse voxels that are not real numbers, and single files whose voxels would begin inside the header."""
    import nibabel

    kind = np.dtype(image.get_data_dtype())
    if kind.kind not in "iufb":
        raise DataError(f"voxels of type {kind} are not supported", where=where,
                        hint="give an image of whole or decimal numbers")
    offset = getattr(image.dataobj, "offset", None)
    if isinstance(image, nibabel.Nifti1Image) and offset is not None and offset < int(image.header["sizeof_hdr"]) + 4:
        raise DataError(f"vox_offset is {offset}, inside the header", where=where, hint="repair the header")


def _note(image: Any) -> str:
    """What to know when the header holds two places that differ."""
    import nibabel

    if not isinstance(image, nibabel.Nifti1Pair) or not (image.header["qform_code"] and image.header["sform_code"]):
        return ""
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape[:3]], [1])).reshape(4, -1)
    apart = float(np.abs((image.header.get_qform() - image.header.get_sform()) @ corners).max())
    return f"qform and sform of its header are {apart:.0f} mm apart; the sform is used" if apart > _APART_MM else ""


def _check_volume(shape: tuple[int, ...], volume: int, where: str) -> None:
    if len(shape) != 4 or min(shape) < 1:
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
