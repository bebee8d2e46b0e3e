"""Which ROIs a run could draw on the images' grid: each is drawn to see."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.errors import DeltaroiError
from deltaroi.grid import Grid
from deltaroi.masks import build_regions
from deltaroi.specs import RegionChoice
from deltaroi.types import Exclusion, RoiKey

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
    one = RegionChoice(region=key.region, definition=key.definition,
                       hemispheres=[key.hemisphere])  # type: ignore[list-item]
    alone = study.regions.model_copy(update={"include": [one]})
    drawn = build_regions(alone, grid, base=base, allow_space_mismatch=study.dataset.allow_space_mismatch)
    return True, "; ".join(note for note in drawn.notes if not note.startswith("regions.")), drawn.exclusions
