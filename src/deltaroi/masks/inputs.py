"""The files that decide what the ROIs of a study are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from deltaroi.atlas import find, sides_of, unrecorded_files
from deltaroi.masks.images import user_path
from deltaroi.masks.keys import resolve
from deltaroi.masks.references import parts_of
from deltaroi.specs import LabelsRoi, MaskRoi, Regions
from deltaroi.types import RoiKey, is_own

_PAIRS = {".hdr": ".img", ".img": ".hdr", ".HDR": ".IMG", ".IMG": ".HDR"}


def region_files(regions: Regions, base: Path, space: str) -> tuple[Path, ...]:
    """Files that the ROIs are read from and that may be replaced: the user's, and downloads without a recorded hash.

    Parameters
    ----------
    regions : Regions
        What the study asks for.
    base : Path
        Folder that the paths of custom ROIs are relative to.
    space : str
        Template space of the images.

    Returns
    -------
    tuple of Path
        Absolute, sorted, each once; a file that is missing is among them when the study file names it.

    Raises
    ------
    StudyError
        An unknown region, definition or hemisphere.
    """
    own = [path for entry in _entries(regions) for path in _with_partners(user_path(base, entry))]
    downloads = [path for request in resolve(regions, space)[0] for path in _downloads(request.key, regions, space)]
    return tuple(sorted({Path.cwd() / path for path in (*own, *downloads)}))


def _entries(regions: Regions) -> Iterator[str]:
    for roi in regions.custom.values():
        if isinstance(roi, MaskRoi):
            yield roi.mask
        elif isinstance(roi, LabelsRoi):
            yield from (entry for entry in (roi.labels, roi.table) if entry is not None)


def _with_partners(path: Path) -> Iterator[Path]:
    """A file, and what else belongs to an Analyze image: the other file of the pair and SPM's matrix."""
    yield path
    if path.suffix in _PAIRS:
        yield path.with_suffix(_PAIRS[path.suffix])
        yield path.with_suffix(".mat")


def _downloads(key: RoiKey, regions: Regions, space: str) -> Iterator[Path]:
    """Files of the library without a recorded hash from which an ROI is drawn, directly or through others."""
    if not is_own(key.definition):
        yield from unrecorded_files(find(key.region, key.hemisphere, key.definition, space).shape)  # type: ignore[arg-type]
        return
    for part in parts_of(key.region, regions):
        side = "B" if is_own(part.definition) else sides_of(part.region, part.definition, space)[0]
        yield from _downloads(RoiKey(part.region, side, part.definition), regions, space)
