"""Which ROIs a run could draw on the images' grid: names, files and template spaces; no voxel is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from deltaroi import atlas
from deltaroi.config.study import Study
from deltaroi.errors import DeltaroiError
from deltaroi.grid import Grid
from deltaroi.io.files import content_state
from deltaroi.masks import CUSTOM
from deltaroi.masks.space import check_space, stated
from deltaroi.specs import SphereRoi
from deltaroi.types import RoiKey

COLUMNS = ["region", "hemisphere", "definition", "usable", "note"]


def check_rois(study: Study, rois: Sequence[RoiKey], grid: Grid, base: Path) -> pd.DataFrame:
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
    DataFrame
        One row per ROI: ``region hemisphere definition usable note``; ``note`` says why it cannot be drawn, or what to
        know about its space.
    """
    rows = []
    for key in rois:
        try:
            usable, note = _look(study, key, grid, base)
        except DeltaroiError as error:
            usable, note = False, f"{error.message}: {error.hint}" if error.hint else error.message
        rows.append([key.region, key.hemisphere, key.definition, usable, note])
    return pd.DataFrame(rows, columns=COLUMNS)


def _look(study: Study, key: RoiKey, grid: Grid, base: Path) -> tuple[bool, str]:
    override = study.dataset.allow_space_mismatch
    if key.definition != CUSTOM:
        source = atlas.find(key.region, key.hemisphere, key.definition)  # type: ignore[arg-type]
        return True, check_space(source.space, grid, override, f"definition {key.definition}", key.region).note
    roi = study.regions.custom[key.region]
    if not isinstance(roi, SphereRoi):
        entry = str(getattr(roi, "mask", "") or getattr(roi, "labels", ""))
        state = content_state(base / Path(entry).expanduser())
        if state != "ok":
            return False, f"{entry} cannot be read: {state}"
    if atlas.NOT_STATED in (stated(roi.space), grid.space):
        return True, "the template space is not stated"
    return True, check_space(roi.space, grid, override, f"regions.custom.{key.region}").note
