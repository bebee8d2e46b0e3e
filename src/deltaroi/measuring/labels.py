"""Every label of a label image as an ROI."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from deltaroi.errors import TableError
from deltaroi.io.label_tables import read_labels_of
from deltaroi.masks.images import open_image
from deltaroi.specs import Hemisphere, LabelsRoi
from deltaroi.types import NA, NAME, Exclusion

_SIDES: dict[str, Hemisphere] = {"l": "L", "left": "L", "lh": "L", "r": "R", "right": "R", "rh": "R", "b": "B",
                                 "both": "B", "bilateral": "B", NA: "B"}
_Ids = dict[str, dict[Hemisphere, list[int]]]


def read_labels(image: Path, names: Path, space: str
                ) -> tuple[dict[str, LabelsRoi], tuple[Exclusion, ...], tuple[str, ...]]:
    """One custom region per name; rows that differ in the hemisphere alone are one region.

    Parameters
    ----------
    image : Path
        A label image.
    names : Path
        A table with the columns ``index name`` and, if there is, ``hemisphere``; other columns are not used.
    space : str
        Template space of the image.

    Returns
    -------
    regions : dict of str to LabelsRoi
        By region name, in the table's order; the image by its name in its folder.
    exclusions : tuple of Exclusion
        Names whose label the image does not have.
    notes : tuple of str

    Raises
    ------
    DataError
        The image or the table cannot be used, or they have no label in common.
    """
    ids, notes = _read_names(names)
    present = {int(value) for value in np.unique(open_image(image, str(image)).labels)}
    named = {index for sides in ids.values() for indices in sides.values() for index in indices}
    nameless = sorted(present - named - {0})
    if nameless:
        shown = ", ".join(map(str, nameless[:10])) + (", …" if len(nameless) > 10 else "")
        notes.append(f"{len(nameless)} labels of {image.name} have no name and are not measured: {shown}")
    regions: dict[str, LabelsRoi] = {}
    exclusions = []
    for name, sides in ids.items():
        exclusions += [Exclusion("masks", region=f"{name} {side}", reason="the label image has no such label",
                                 value=f"label {indices[0]}")
                       for side, indices in sides.items() if indices[0] not in present]
        kept = {side: indices for side, indices in sides.items() if indices[0] in present}
        if kept:
            regions[name] = LabelsRoi(labels=image.name, ids=kept, space=space)
    if not regions:
        raise TableError(f"none of its labels is in {image.name}", where=str(names), hint="is this the image's table?")
    return regions, tuple(exclusions), tuple(notes)


def _read_names(names: Path) -> tuple[_Ids, list[str]]:
    """Region name -> hemisphere -> label; and what to know."""
    ids: _Ids = {}
    written: dict[str, str] = {}
    for label in read_labels_of(names, str(names)):
        if label.index == 0:
            continue
        side, name = _side(label.hemisphere, label.where), region_name(label.name, label.where)
        if written.setdefault(name, label.name) != label.name:
            raise TableError(f"'{written[name]}' and '{label.name}' both become the region name '{name}'",
                             where=label.where, hint="rename one; names are letters, digits and _")
        if side in ids.get(name, {}):
            raise TableError(f"the name '{label.name}' stands twice for {side}, for the labels {ids[name][side][0]} "
                             f"and {label.index}", where=label.where,
                             hint="rename one, or tell hemispheres apart with a column 'hemisphere'")
        ids.setdefault(name, {})[side] = [label.index]
    if not ids:
        raise TableError("the table names no label", where=str(names))
    renamed = [f"'{text}' is called {name}" for name, text in written.items() if name != text]
    notes = ["names changed to letters, digits and _: " + "; ".join(renamed)] if renamed else []
    return ids, notes


def _side(text: str, place: str) -> Hemisphere:
    if text.lower() not in _SIDES:
        raise TableError(f"hemisphere {text!r}", where=place, hint="L, R or B")
    return _SIDES[text.lower()]


def region_name(text: str, place: str) -> str:
    """A region name made of letters, digits and ``_`` that begins with a letter."""
    if NAME.fullmatch(text):
        return text
    name = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")
    if text == NA or not name:
        raise TableError(f"the name {text!r} cannot name a region", where=place, hint="letters, digits and _")
    return name if name[0].isalpha() else f"label_{name}"
