"""The ROIs as BIDS atlas files: an image per ROI, a label image with its table per definition, and what each is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import TableError
from deltaroi.fill import HALF
from deltaroi.grid import Grid
from deltaroi.io.files import write_json
from deltaroi.io.tsv import read_tsv
from deltaroi.layout import Layout, beside
from deltaroi.masks.records import RoiVoxels
from deltaroi.tables import Column, Schema, conform
from deltaroi.types import CIRCULAR, FUNCTIONAL, NA, RoiKey, apart, camel, is_own

_MOST_SHARED = 0.1  # a judgement: a label that lacks more than a tenth of its ROI would be taken for all of it
_NAMING = ["region", "hemisphere", "definition", "space", "grid_digest"]  # columns that name the files of an ROI
STANDARD_SPACES = frozenset((
    "ICBM452AirSpace", "ICBM452Warp5Space", "IXI549Space", "MNI152Lin", "MNI152NLin2009aAsym", "MNI152NLin2009aSym",
    "MNI152NLin2009bAsym", "MNI152NLin2009bSym", "MNI152NLin2009cAsym", "MNI152NLin2009cSym", "MNI152NLin6Asym",
    "MNI152NLin6Sym", "MNI305", "MNIColin27", "NIHPD", "OASIS30AntsOASISAnts", "OASIS30Atropos", "Talairach",
    "UNCInfant"))
"""Volumetric template identifiers of BIDS 1.11; images in another space must state a ``SpatialReference``."""

LABELS = Schema("dseg", (
    Column("index", "count", "value in the label image", missing=False),
    Column("name", "text", "region and hemisphere", missing=False),
    Column("abbreviation", "text", "label of the ROI's own image in file names", missing=False),
    Column("region", "text", "region name", missing=False),
    Column("hemisphere", "text", "L, R or B (both as one ROI)", missing=False),
    Column("definition", "text", "how the region was drawn", missing=False),
    Column("rule", "text", "majority or fill_weight", missing=False),
    Column("n_voxels", "count", "voxels of the ROI; under fill_weight every voxel that it touches", missing=False),
    Column("n_voxels_labelled", "count", "voxels with this label", missing=False),
    Column("volume_mm3", "number", "volume of the ROI: sum of voxel weights times voxel volume", "mm3", missing=False),
    Column("x_mm", "number", "weighted centre of mass of the ROI", "mm"),
    Column("y_mm", "number", "weighted centre of mass of the ROI", "mm"),
    Column("z_mm", "number", "weighted centre of mass of the ROI", "mm"),
), ("index",))
"""The lookup table of a label image (BIDS ``dseg.tsv``)."""


@dataclass(frozen=True, eq=False)
class LabelImage:
    """The ROIs of one definition in one image.

    Attributes
    ----------
    data : ndarray of int16, shape (n,)
        The label of each voxel of the grid, 0 outside.
    table : DataFrame
        What each label is, :data:`LABELS`.
    left_out : mapping of str to str
        ROIs that are not in the image, and why.
    """

    data: NDArray[np.int16]
    table: pd.DataFrame
    left_out: Mapping[str, str]


def label_image(rois: Sequence[RoiVoxels], grid: Grid, table: pd.DataFrame) -> LabelImage:
    """Put the ROIs of one definition into one image.

    A voxel belongs to the ROI that fills at least half of it. ROIs come in their order, those of both hemispheres last;
    one that shares more than a tenth of its voxels with those before it is left out.

    Parameters
    ----------
    rois : sequence of RoiVoxels
        ROIs of one definition.
    grid : Grid
        Their grid.
    table : DataFrame
        Their rows of ``regions.tsv``, and maybe others.
    """
    data = np.zeros(grid.n_voxels, dtype=np.int16)
    rows: list[dict[str, Any]] = []
    left_out: dict[str, str] = {}
    for roi in sorted(rois, key=lambda roi: roi.key.hemisphere == "B"):
        own = roi.flat[roi.weights >= HALF]
        free = own[data[own] == 0]
        if own.size == 0:
            left_out[_name(roi.key)] = "fills no voxel to one half"
        elif own.size - free.size > _MOST_SHARED * own.size:
            left_out[_name(roi.key)] = (f"{own.size - free.size} of its {own.size} voxels belong to other ROIs of this "
                                        "definition")
        else:
            data[free] = len(rows) + 1
            rows.append(_label_row(roi, len(rows) + 1, free.size, region_row(roi.key, table)))
    return LabelImage(data, conform(pd.DataFrame(rows, columns=LABELS.names), LABELS), left_out)


def _label_row(roi: RoiVoxels, index: int, labelled: int, row: Mapping[str, Any]) -> dict[str, Any]:
    own = {"index": index, "name": _name(roi.key), "abbreviation": camel(roi.key.region, roi.key.hemisphere),
           "n_voxels_labelled": labelled}
    return own | {name: row[name] for name in LABELS.names if name not in own}


def _name(key: RoiKey) -> str:
    return f"{key.region}-{key.hemisphere}"


def region_row(key: RoiKey, table: pd.DataFrame) -> dict[str, Any]:
    """The row of ``regions.tsv`` of one ROI."""
    own = ((table["region"] == key.region) & (table["hemisphere"] == key.hemisphere)
           & (table["definition"] == key.definition))
    return dict(table.loc[own].iloc[0])


def roi_sidecar(roi: RoiVoxels, grid: Grid, row: Mapping[str, Any]) -> dict[str, Any]:
    """The sidecar of one ROI's image: what its values are, and its row of ``regions.tsv``."""
    values = "1 inside, 0 outside" if whole(roi) else "the weight of each voxel, 0 to 1"
    text = f"ROI {roi.key.label}: {values}.{_inner(roi.key.definition)}"
    return {"Description": text, **_where(grid), "ROI": _plain(row)}


def label_sidecar(definition: str, grid: Grid, image: LabelImage) -> dict[str, Any]:
    """The sidecar of a label image and its table."""
    lost = " Not every ROI is in it: see LeftOut, and the ROIs' own images." if image.left_out else ""
    text = (f"{_whose(definition)}. A voxel has the label of the ROI that fills at least half of it, the"
            f" first in the table where two do.{_inner(definition)}{lost}")
    more = {"LeftOut": dict(image.left_out)} if image.left_out else {}
    columns = {name: entry for name, entry in LABELS.sidecar().items() if name != "index"}  # BIDS describes it itself
    return {"Description": text, **_where(grid), **more, **columns}


def _whose(definition: str) -> str:
    return "ROIs of the study file" if is_own(definition) else f"ROIs of the definition {definition}"


def _inner(definition: str) -> str:
    chosen = definition in (FUNCTIONAL, CIRCULAR)
    return " Shown is the whole ROI in which voxels are chosen, not the chosen voxels." if chosen else ""


def _where(grid: Grid) -> dict[str, Any]:
    sizes = " x ".join(f"{size:g}" for size in np.round(grid.voxel_sizes, 3))
    shape = " x ".join(map(str, grid.shape))
    found = {"Resolution": f"{sizes} mm, {shape} voxels"}
    return found if grid.space in STANDARD_SPACES else {**found, "SpatialReference": "orig", "Space": grid.space}


def whole(roi: RoiVoxels) -> bool:
    """Whether an ROI has its voxels wholly, so that its image is a mask."""
    return bool((roi.weights == 1).all())


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON, numbers as in the tables, without what is missing."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, (float, np.floating)):
            if np.isfinite(value):
                found[name] = float(f"{value:.10g}")
        elif isinstance(value, (int, np.integer)):
            found[name] = int(value)
        elif value != NA:
            found[name] = str(value)
    return found


def write_descriptions(table: pd.DataFrame, layout: Layout, earlier: Iterable[Path] = ()) -> None:
    """Write what each definition is, and remove the files of earlier ROIs that are not in the table.

    Parameters
    ----------
    table : DataFrame
        ``regions.tsv``, all grids.
    layout : Layout
        The output folder, in which the images are.
    earlier : iterable of Path
        What deltaroi wrote here before, such as :func:`files_of`; of these the files of ROIs may be removed, and no
        others: somebody may have put theirs beside them.
    """
    for definition, rows in table.groupby("definition", sort=True):
        write_json(layout.atlas_description(str(definition)), _description(str(definition), rows))
    for path in set(layout.atlas_files()) & set(earlier) - _named(table, layout):
        path.unlink(missing_ok=True)


def files_of(path: Path, layout: Layout) -> set[Path]:
    """The files that belong to the ROIs of a ``regions.tsv``; none where there is no such table, or it cannot be read.

    Parameters
    ----------
    path : Path
        The table, of this version or another.
    layout : Layout
        The output folder, in which the images are.
    """
    try:
        table = read_tsv(path)
    except TableError:
        return set()
    return _named(table, layout) if {*_NAMING} <= set(table) else set()


def _named(table: pd.DataFrame, layout: Layout) -> set[Path]:
    found = set()
    for region, hemisphere, definition, space, digest in table[_NAMING].itertuples(index=False):
        image = layout.roi_image(RoiKey(region, hemisphere, definition), space, digest)
        labels = layout.label_image(definition, space, digest)
        found |= {layout.atlas_description(definition), image, beside(image, ".json"), labels, beside(labels, ".json"),
                  beside(labels, ".tsv")}
    return found


def _each(cells: Iterable[str]) -> list[str]:
    """Every single text of some cells, once."""
    return sorted({text for cell in cells for text in apart(cell)})


def _description(definition: str, rows: pd.DataFrame) -> dict[str, Any]:
    columns = [name for name in ("source", "source_version", "source_space", "sha256") if name in rows]
    sources = rows[columns].drop_duplicates().sort_values(columns)
    return {
        "Name": definition,
        "Description": f"{_whose(definition)}, on the grids of this dataset.{_inner(definition)}",
        "License": "; ".join(_each(rows["licence"])),
        "ReferencesAndLinks": _each(rows["citation"]),
        "Species": "Homo sapiens",
        "SourceImages": [_plain(row) for row in sources.to_dict("records")],
    }
