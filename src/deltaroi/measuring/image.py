"""One map of any kind: NIfTI, Analyze pairs, and what else nibabel reads as a volume."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, Grid
from deltaroi.masks.images import readable
from deltaroi.measuring.table import MapFile
from deltaroi.remote import RemoteFile, local, located
from deltaroi.signal.gather import gather
from deltaroi.signal.stream import check_content, read_header

Orientation = Literal["stated", "by convention", "not stated"]


@dataclass(frozen=True, eq=False)
class MapImage:
    """A map whose voxels are not read yet.

    Attributes
    ----------
    file : MapFile
        Where it is.
    grid : Grid
        Its voxels.
    orientation : {"stated", "by convention", "not stated"}
        How the world coordinates are known: from the file; left and right by SPM's convention for Analyze files; not.
    notes : tuple of str
        Oddities of the header.
    volume : int
        Which volume is the map, from 0.
    image : object
        The nibabel image, for files that are not NIfTI single files.
    """

    file: MapFile
    grid: Grid
    orientation: Orientation
    notes: tuple[str, ...]
    volume: int
    image: Any = None

    def take(self, flat: NDArray[np.int64]) -> FloatArray:
        """Values, shape (n,), at flat C-order positions; NaN and 0 as they are."""
        if self.image is None:
            return gather(self.file.path, flat).data[self.volume]
        data = readable(lambda: self.image.get_fdata(caching="unchanged"), local(self.file.path),
                        DataError("the map cannot be read", where=str(self.file.path)))
        return np.asarray(data.reshape(self.grid.n_voxels, -1)[flat, self.volume], dtype=np.float64)


def open_map(file: MapFile, space: str) -> MapImage:
    """Read the header of a map.

    Parameters
    ----------
    file : MapFile
        A NIfTI-1/2 file, either file of a NIfTI or Analyze pair, or another volume image that nibabel reads; behind a
        URL only a single NIfTI file, of which the first bytes are read now.
    space : str
        Template space as stated by the caller.

    Returns
    -------
    MapImage

    Raises
    ------
    DataError
        The file cannot be read, or is not one volume.
    """
    path = file.path
    if not isinstance(path, RemoteFile):
        check_content(path)
        if not path.name.lower().endswith((".nii", ".nii.gz")):
            return _open_with_nibabel(file, path, space)
    header = read_header(path, space)
    volume = _volume(file, header.n_volumes)
    return MapImage(replace(file, path=located(path)), header.grid, "stated" if header.oriented else "not stated",
                    header.notes, volume)


def _open_with_nibabel(file: MapFile, path: Path, space: str) -> MapImage:
    import nibabel as nib

    for other in _other_half(path):
        try:
            check_content(other)
        except DataError as error:
            raise DataError(f"{other.name}, which belongs to it: {error.message}", where=str(file.path),
                            hint=error.hint) from error
    image: Any = readable(lambda: nib.load(path), path, DataError(
        "the file is not a volume image that can be read", where=str(file.path)))
    if not isinstance(image, nib.spatialimages.SpatialImage) or len(image.shape) < 3 or image.affine is None:
        raise DataError("the file is not a volume image", where=str(file.path),
                        hint="surfaces and CIFTI files have no voxels in space")
    shape = tuple(int(n) for n in image.shape)
    if any(n != 1 for n in shape[4:]) or min(shape) < 1:
        raise DataError(f"the image has the shape {shape}", where=str(file.path), hint="expected one volume")
    if np.dtype(image.get_data_dtype()).kind not in "iuf":
        raise DataError(f"voxels of type {image.get_data_dtype()} are not supported", where=str(file.path))
    if not np.isfinite(image.affine).all() or abs(np.linalg.det(image.affine[:3, :3])) < 1e-9:
        raise DataError("the header's affine is not finite or flat", where=str(file.path))
    grid = Grid((shape[0], shape[1], shape[2]), image.affine, space)
    return MapImage(file, grid, _orientation(image), (), _volume(file, shape[3] if len(shape) > 3 else 1), image)


def _other_half(path: Path) -> list[Path]:
    """The other file of a pair, in the same spelling of upper and lower case."""
    pairs = {".hdr": ".img", ".img": ".hdr", ".HDR": ".IMG", ".IMG": ".HDR"}
    return [path.with_suffix(pairs[path.suffix])] if path.suffix in pairs else []


def _orientation(image: Any) -> Orientation:
    """How the world coordinates of a nibabel image are known."""
    import nibabel as nib

    if isinstance(image, nib.Nifti1Pair):
        return "stated" if image.header["qform_code"] > 0 or image.header["sform_code"] > 0 else "not stated"
    if not isinstance(image, nib.analyze.AnalyzeImage):
        return "stated"
    matrix = image.file_map.get("mat")
    has_matrix = matrix is not None and matrix.filename is not None and Path(matrix.filename).exists()
    has_origin = "origin" in image.header.keys() and bool(np.any(image.header["origin"][:3]))  # noqa: SIM118
    return "by convention" if has_matrix or has_origin else "not stated"


def _volume(file: MapFile, n_volumes: int) -> int:
    """The volume that is the map."""
    if file.volume is None and n_volumes > 1:
        raise DataError(f"the file has {n_volumes} volumes, and a map is one: name it behind the path, as in path,1 "
                        "for the first", where=str(file.path))
    if file.volume is not None and not 1 <= file.volume <= n_volumes:
        raise DataError(f"there is no volume {file.volume} among {n_volumes}", where=str(file.path))
    return 0 if file.volume is None else file.volume - 1

