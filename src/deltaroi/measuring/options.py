"""What is asked of the maps, and the ROIs that follow from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from deltaroi.errors import TableError, UsageError
from deltaroi.io.tsv import read_tsv
from deltaroi.specs import Hemisphere, LabelsRoi, RegionChoice, Regions, SphereRoi
from deltaroi.summaries import OF_SERIES, resolve_summary
from deltaroi.types import NA

NOT_STATED = "not stated"
_SIDES: dict[str, Hemisphere] = {"l": "L", "left": "L", "lh": "L", "r": "R", "right": "R", "rh": "R", "b": "B",
                                 "both": "B", "bilateral": "B", NA: "B"}


@dataclass(frozen=True)
class MeasureOptions:
    """How maps are measured.

    Attributes
    ----------
    regions : tuple of str
        Regions of the library.
    definition : str
        How those are drawn.
    hemispheres : tuple of str
        ``L``, ``R``, ``B`` of those.
    space : str
        Template space of the maps; ``not stated`` when nobody says.
    sphere : str or None
        ``x,y,z,radius`` in mm, in the world coordinates of the maps.
    labels, names : Path or None
        A label image, and its table with the columns ``index name [hemisphere]``; every label becomes an ROI.
    summary : str
        ``auto``, ``mean``, ``median`` or ``weighted_mean``.
    minimum_coverage : float
        Least share of an ROI inside the map, 0 to 1.
    """

    regions: tuple[str, ...] = ()
    definition: str = "hcpex"
    hemispheres: tuple[str, ...] = ("L", "R")
    space: str = NOT_STATED
    sphere: str | None = None
    labels: Path | None = None
    names: Path | None = None
    summary: str = "auto"
    minimum_coverage: float = 0.5

    @property
    def only_labels(self) -> bool:
        """Whether no ROI is placed by world coordinates."""
        return not self.regions and self.sphere is None


@dataclass(frozen=True)
class Asked:
    """The ROIs as a section of a study file, the folder its paths start from, and what to know about it."""

    regions: Regions
    base: Path
    notes: tuple[str, ...]


def resolve(options: MeasureOptions) -> Asked:
    """Turn the options into ROIs.

    Raises
    ------
    UsageError
        The options name no ROI, contradict each other or hold an impossible value.
    TableError
        The table of names cannot be used.
    """
    resolve_summary(options.summary, "majority")
    if options.summary in OF_SERIES:
        raise UsageError(f"summary '{options.summary}' needs a time series, and a contrast map has one value per voxel",
                         hint="auto, mean, median or weighted_mean")
    if not 0 <= options.minimum_coverage <= 1:
        raise UsageError(f"minimum coverage is {options.minimum_coverage}", hint="a share from 0 to 1")
    wrong = [side for side in options.hemispheres if side not in ("L", "R", "B")]
    if wrong or not options.hemispheres:
        raise UsageError(f"unknown hemispheres {wrong}", hint="L, R or B")
    if (options.labels is None) != (options.names is None):
        raise UsageError("--labels and --names go together", hint="give the label image and its table of names")
    include: list[str | RegionChoice] = list(options.regions)
    custom: dict[str, SphereRoi | LabelsRoi] = {}
    notes: list[str] = []
    if options.sphere is not None:
        custom["sphere"] = _sphere(options.sphere, options.space)
    if options.labels is not None and options.names is not None:
        found, notes = _labels(options.labels, options.names, options.space)
        custom |= found
    taken = sorted(set(custom) & set(options.regions))
    if taken:
        raise UsageError(f"the regions {taken} are named twice", hint="rename them in the table of names")
    include += [RegionChoice(region=name, hemispheres=_sides(roi)) for name, roi in custom.items()]
    if not include:
        raise UsageError("no region is named", hint="--regions amygdala,VTA, --sphere=x,y,z,radius, or --labels with "
                         "--names")
    regions = Regions(include=include, hemispheres=list(options.hemispheres),  # type: ignore[arg-type]
                      definition=options.definition, custom=custom,  # type: ignore[arg-type]
                      minimum_coverage=options.minimum_coverage)
    return Asked(regions, options.labels.parent if options.labels is not None else Path(), tuple(notes))


def _sides(roi: SphereRoi | LabelsRoi) -> list[Hemisphere]:
    return list(roi.sphere if isinstance(roi, SphereRoi) else roi.ids)


def _sphere(text: str, space: str) -> SphereRoi:
    """The ROI of ``x,y,z,radius``; its hemisphere is B when it reaches over the midplane."""
    try:
        x, y, z, radius = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"cannot read the sphere {text!r}", hint="x,y,z,radius in mm, e.g. --sphere=-51.5,22.5,22.5,6"
                         ) from error
    if not np.isfinite([x, y, z, radius]).all() or radius <= 0:
        raise UsageError(f"cannot draw the sphere {text!r}", hint="numbers in mm, and a radius above 0")
    side: Hemisphere = "B" if abs(x) < radius else "L" if x < 0 else "R"
    return SphereRoi(sphere={side: (x, y, z)}, radius_mm=radius, space=space)


def _labels(image: Path, names: Path, space: str) -> tuple[dict[str, LabelsRoi], list[str]]:
    """One custom region per name; rows that differ in the hemisphere alone are one region."""
    table = read_tsv(names)
    for column in ("index", "name"):
        if column not in table.columns:
            raise TableError(f"no column '{column}'", where=str(names), hint="columns index, name and, if you like, "
                             "hemisphere")
    ids: dict[str, dict[Hemisphere, list[int]]] = {}
    written: dict[str, str] = {}
    seen: set[int] = set()
    for number, cells in enumerate(table.to_dict("records"), start=2):
        place = f"{names}, row {number}"
        index, side, text = _index(cells["index"], place), _side(str(cells.get("hemisphere", NA)), place), cells["name"]
        if index == 0:
            continue
        name = region_name(text, place)
        if written.setdefault(name, text) != text:
            raise TableError(f"'{written[name]}' and '{text}' both become the region name '{name}'", where=place,
                             hint="rename one; names are letters, digits and _")
        if index in seen or side in ids.get(name, {}):
            raise TableError(f"label {index}, '{text}' {side}: the index or the name stands twice", where=place,
                             hint="one row per label; tell hemispheres apart with a column 'hemisphere'")
        seen.add(index)
        ids.setdefault(name, {})[side] = [index]
    if not ids:
        raise TableError("the table names no label", where=str(names))
    renamed = [f"'{text}' is called {name}" for name, text in written.items() if name != text]
    notes = ["names changed to letters, digits and _: " + "; ".join(renamed)] if renamed else []
    return {name: LabelsRoi(labels=image.name, ids=sides, space=space) for name, sides in ids.items()}, notes


def _index(text: str, place: str) -> int:
    value = pd.to_numeric(text, errors="coerce")
    if not np.isfinite(value) or value != int(value) or value < 0:
        raise TableError(f"index {text!r} is not a label", where=place, hint="a whole number")
    return int(value)


def _side(text: str, place: str) -> Hemisphere:
    if text.lower() not in _SIDES:
        raise TableError(f"hemisphere {text!r}", where=place, hint="L, R or B")
    return _SIDES[text.lower()]


def region_name(text: str, place: str) -> str:
    """A region name made of letters, digits and ``_`` that begins with a letter."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if text == NA or not name:
        raise TableError(f"the name {text!r} cannot name a region", where=place, hint="letters, digits and _")
    return name if name[0].isalpha() else f"label_{name}"
