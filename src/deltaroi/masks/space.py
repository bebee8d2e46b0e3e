"""Whether an ROI's template space fits the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deltaroi.atlas import NOT_STATED, fit_of, library, space_relation
from deltaroi.errors import SpaceError
from deltaroi.grid import FloatArray, Grid

_NOT_STATED_WORDS = {"", "n/a", "unknown", NOT_STATED}


@dataclass(frozen=True)
class Fit:
    """The text for ``regions.tsv`` and, where something is to be known, a note."""

    relation: str
    note: str = ""


def stated(space: str) -> str:
    """The space, or ``not stated`` for the words that mean it."""
    return NOT_STATED if space.strip().lower() in _NOT_STATED_WORDS else space


def check_space(space: str, grid: Grid, allow_mismatch: bool, who: str, region: str = "") -> Fit:
    """How a drawing in ``space`` stands to the grid, by ``atlases/spaces.yaml``.

    Raises
    ------
    SpaceError
        The two must not be mixed, and no override is given.
    """
    found = space_relation(space, grid.space)
    if found.kind == "same":
        return Fit("same")
    if found.kind == "compatible":
        return Fit(f"compatible ({found.offset})", f"{space} on {grid.space}: {found.note}")
    if allow_mismatch:
        text = f"override ({found.note})"
        return Fit(text, f"{space} on {grid.space}: used because allow_space_mismatch is set, although {found.note}")
    said = "the template space of the images is not stated" if grid.space == NOT_STATED else \
        f"the images are in {grid.space}: {found.note}"
    raise SpaceError(f"drawn in {space}, but {said}", where=who, hint=_what_fits(region, space, grid))


def not_stated(exact: bool, who: str, grid: Grid, space: str) -> Fit:
    """An image without a stated space, or on a grid without one: only the very same grid will do.

    Raises
    ------
    SpaceError
        The grids differ.
    """
    if exact:
        return Fit(NOT_STATED, "template space not stated; used because its grid is that of the images")
    whose = "the ROI image" if space == NOT_STATED else "the images"
    raise SpaceError(f"the template space of {whose} is not stated, and the two grids differ", where=who,
                     hint="state the space, or resample the ROI to the images' grid")


def origin_note(grid: Grid) -> tuple[str, ...]:
    """What to know of images whose header has no origin: ROIs that are placed in mm may lie anywhere on them."""
    if grid.space == NOT_STATED or np.any(grid.affine[:3, 3]):
        return ()
    return (f"the header of the images has no origin (the first voxel lies at 0, 0, 0 mm): look whether their voxels "
            f"really lie there in {grid.space}, or every ROI is in the wrong place",)


def check_origin(affine: FloatArray, space: str, who: str, whose: str) -> None:
    """Refuse a place in a template from a header without an origin, as it is after saving with an identity matrix.

    Raises
    ------
    SpaceError
        The first voxel lies at exactly 0, 0, 0: voxel numbers stand for millimetres.
    """
    if not np.any(affine[:3, 3]):
        raise SpaceError(f"the header of {whose} has no origin (the first voxel lies at 0, 0, 0 mm), so where the "
                         f"voxels lie in {space} is unknown", where=who,
                         hint="write the affine of the image that it was made from into the header")


def _what_fits(region: str, space: str, grid: Grid) -> str:
    if grid.space == NOT_STATED:
        return "state the template space of the images (dataset.space, --space)"
    known = sorted({d.space for d in library()})
    for given in (grid.space, space):
        for name in known:  # other letters would be another template, not a slip
            if given not in known and name.lower() == given.strip().lower():
                return f"did you mean '{name}'?"
    fitting = dict.fromkeys(d.name for d in library() if fit_of(d, grid.space).kind != "refused"
                            and (not region or region in d.regions))
    if not fitting and grid.space not in known:
        return f"is '{grid.space}' a slip? Known are {', '.join(known)}; allow_space_mismatch: true overrides and is " \
               "shown in the report"
    if not fitting:
        return "give an ROI drawn in that space; allow_space_mismatch: true overrides and is shown in the report"
    return f"definitions that would fit: {', '.join(fitting)}; allow_space_mismatch: true overrides and is shown"
