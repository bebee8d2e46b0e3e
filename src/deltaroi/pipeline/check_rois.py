"""Which ROIs a run could draw on the images' grid: each is drawn to see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DeltaroiError
from deltaroi.grid import Grid
from deltaroi.masks import RegionSet, build_regions
from deltaroi.masks.keys import resolve
from deltaroi.specs import RegionChoice
from deltaroi.types import CIRCULAR, FUNCTIONAL, Exclusion, RoiKey

COLUMNS = ["region", "hemisphere", "definition", "usable", "note"]


def check_rois(study: Study, rois: Sequence[RoiKey], grid: Grid,
               base: Path) -> tuple[pd.DataFrame, tuple[Exclusion, ...]]:
    """Hold the ROIs against the template space of the images.

    Parameters
    ----------
    study : Study
        The study.
    rois : sequence of RoiKey
        What it asks for.
    grid : Grid
        A grid of its images, with their space.
    base : Path
        Folder that the paths of custom ROIs are relative to.

    Returns
    -------
    table : DataFrame
        One row per ROI: ``region hemisphere definition usable note``; ``note`` says why it cannot be drawn, or what to
        know about it.
    exclusions : tuple of Exclusion
        ROIs without a voxel on the grid.
    """
    rows = []
    empty: list[Exclusion] = []
    for key in rois:
        try:
            usable, note, gone = _look(study, key, grid, base)
            empty += gone
        except DeltaroiError as error:
            usable, note = False, ": ".join(part for part in (error.where, error.message, error.hint) if part)
        rows.append([key.region, key.hemisphere, key.definition, usable, note])
    return pd.DataFrame(rows, columns=COLUMNS), tuple(empty)


def _look(study: Study, key: RoiKey, grid: Grid, base: Path) -> tuple[bool, str, tuple[Exclusion, ...]]:
    drawn = _draw(study, key, grid, base)
    return True, "; ".join(note for note in drawn.notes if not note.startswith("regions.")), drawn.exclusions


def _draw(study: Study, key: RoiKey, grid: Grid, base: Path) -> RegionSet:
    asked = {request.key: request.threshold for request in resolve(study.regions, grid.space)[0]}
    one = RegionChoice(region=key.region, definition=key.definition, hemispheres=[key.hemisphere],  # type: ignore[list-item]
                       threshold=asked.get(key))
    alone = study.regions.model_copy(update={"include": [one]})
    return build_regions(alone, grid, base=base, allow_space_mismatch=study.dataset.allow_space_mismatch)


def choice_sizes(study: Study, rois: Sequence[RoiKey], grids: Sequence[Grid],
                 base: Path) -> dict[tuple[str, RoiKey], int]:
    """Grid digest and functional ROI -> voxels to choose from; those that cannot be drawn are absent."""
    found: dict[tuple[str, RoiKey], int] = {}
    for key in rois:
        if key.definition not in (FUNCTIONAL, CIRCULAR):
            continue
        for grid in grids:
            try:
                drawn = _draw(study, key, grid, base)
            except DeltaroiError:  # the table of ROIs says why
                continue
            found.update({(grid.digest, roi.key): roi.flat.size for roi in drawn.rois})
    return found
