"""What decides the ROIs of a study beside the study file: files, and the data files of the region library."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deltaroi.atlas import TALAIRACH, RegionSource, canonical_space, find, space_relation, unrecorded_files
from deltaroi.io.files import sha256_file
from deltaroi.masks.images import user_path
from deltaroi.masks.keys import Request, part_request, resolve
from deltaroi.masks.references import own_parts, parts_of
from deltaroi.specs import CustomRoi, LabelsRoi, MaskRoi, Regions
from deltaroi.types import is_own

MISSING_FILE = "sha256:missing"
"""What stands for the content of a file that cannot be read."""
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
    drawn = [one for request in resolve(regions, space)[0] for one in _drawn(request, regions, space)]
    downloads = [path for one in drawn if not is_own(one.key.definition)
                 for path in unrecorded_files(_source(one, space).shape)]
    return tuple(sorted({Path.cwd() / path for path in (*own, *downloads)}))


def library_state(regions: Regions, space: str) -> dict[str, Any]:
    """What the region library and its table of spaces say of the ROIs of a study, of no others.

    Parameters
    ----------
    regions : Regions
        What the study asks for.
    space : str
        Template space of the images.

    Returns
    -------
    dict
        JSON-able: ``rois``, a digest by the label of each ROI, and ``notes``, what was not taken literally.

    Raises
    ------
    StudyError
        An unknown region, definition or hemisphere.
    DataError
        A combined region of the library mixes template spaces.
    """
    requests, notes = resolve(regions, space)
    return {"rois": {one.key.label: _digest(one, regions, space) for one in requests}, "notes": list(notes)}


def roi_contents(regions: Regions, base: Path, space: str) -> dict[str, dict[str, Any]]:
    """What decides each ROI of a study, wherever its files lie.

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
    dict
        JSON-able, by the label of each ROI: ``region hemisphere definition threshold``; ``source``, its digest as in
        :func:`library_state`; ``downloads``, hashes of files that the library has no hash of; ``drawn``, for an ROI of
        the study file its entry there and those it is made from. A hash of the content, or :data:`MISSING_FILE`, stands
        for the path of each file.

    Raises
    ------
    StudyError, DataError
        As :func:`library_state`.
    """
    used = {name for request in resolve(regions, space)[0] if is_own(request.key.definition)
            for name in _with_parts(request.key.region, regions)}
    known = regions.model_copy(update={"custom": {
        name: _by_content(roi, base) if name in used else roi for name, roi in regions.custom.items()}})
    digests = library_state(known, space)["rois"]
    found: dict[str, dict[str, Any]] = {}
    for request in resolve(known, space)[0]:
        key = request.key
        downloads = {path.name: _content(path) for one in _drawn(request, known, space)
                     if not is_own(one.key.definition) for path in unrecorded_files(_source(one, space).shape)}
        own = _with_parts(key.region, known) if is_own(key.definition) else ()
        found[key.label] = {
            "region": key.region, "hemisphere": key.hemisphere, "definition": key.definition,
            "threshold": request.threshold, "source": digests[key.label],
            **({"downloads": downloads} if downloads else {}),
            **({"drawn": {name: known.custom[name].model_dump(mode="json") for name in own}} if own else {})}
    return found


def _with_parts(name: str, regions: Regions) -> tuple[str, ...]:
    """An ROI of the study file, and those of the study file that it is made from."""
    return (name, *(inner for part in own_parts(name, regions) for inner in _with_parts(part, regions)))


def _by_content(roi: CustomRoi, base: Path) -> CustomRoi:
    """The entry of an ROI with hashes in place of paths."""
    names = ("mask",) if isinstance(roi, MaskRoi) else ("labels", "table") if isinstance(roi, LabelsRoi) else ()
    paths = {name: getattr(roi, name) for name in names}
    return roi.model_copy(update={name: _content(user_path(base, entry)) for name, entry in paths.items()
                                  if entry is not None})


def _content(path: Path) -> str:
    """Hash of a file and of what belongs to it."""
    try:
        parts = [sha256_file(one) for one in _with_partners(path) if one == path or one.is_file()]
    except OSError:
        return MISSING_FILE
    return "sha256:" + (parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest())


def _digest(request: Request, regions: Regions, space: str) -> str:
    said: list[Any] = []
    for one in _drawn(request, regions, space):
        origin: Any = regions.custom[one.key.region] if is_own(one.key.definition) else _source(one, space)
        converted = ["MNI152"] if canonical_space(origin.space) == TALAIRACH else []
        said.append((one.key, origin, [space_relation(name, space) for name in (origin.space, *converted)]))
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _drawn(request: Request, regions: Regions, space: str) -> Iterator[Request]:
    """The ROI itself or, where it is made from others, those that are not: of the library, images and spheres."""
    parts = parts_of(request.key.region, regions) if is_own(request.key.definition) else ()
    for part in parts:
        yield from _drawn(part_request(part.of_side(request.key.hemisphere), regions, space), regions, space)
    if not parts:
        yield request


def _source(request: Request, space: str) -> RegionSource:
    key = request.key
    return find(key.region, key.hemisphere, key.definition, space, request.threshold)  # type: ignore[arg-type]


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
