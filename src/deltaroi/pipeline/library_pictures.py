"""Pictures of the region library: a page per region, the contact sheet, and the agreement of definitions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deltaroi import atlas
from deltaroi.errors import DataError, UsageError
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import write_table
from deltaroi.pipeline.library import (
    FIRST,
    MARKS,
    SPACE,
    Readable,
    check_region,
    check_space,
    chosen_definitions,
    definition_order,
    own_centre,
    read_regions,
    region_names,
    relation_between,
    template_notes,
    volume_mm3,
)
from deltaroi.pipeline.library_compare import COMPARISON, Comparison
from deltaroi.report.figures.agreement import Agreement, Matrix, agreement
from deltaroi.report.figures.contact_sheet import ContactSheet, contact_sheet
from deltaroi.report.figures.overlay import Drawing, padded
from deltaroi.report.figures.region_page import RegionPage, region_page
from deltaroi.report.figures.slices import Volume
from deltaroi.report.figures.style import REGIONS, colour, to_file_bytes
from deltaroi.report.template import BACKGROUND, load_template
from deltaroi.types import camel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")
SHEET = "contact-sheet"
_FEW = 3  # regions of a definition that may share a column of the contact sheet
_LONGEST = 16  # rows of a contact sheet of one block
_DEEP = ("aseg", "cit168", "pauli2017", "tian")  # definitions that have nuclei only
_SIDE_NAMES = {"L": "Left", "R": "Right", "B": "Both as one ROI"}
_HOW = (f"Background: {BACKGROUND}, for orientation. Left is left. Outlines: half of the largest weight; dashed: "
        "spheres. Left and right share a colour.")


@dataclass(frozen=True)
class PictureChoice:
    """What is drawn, and how: regions and definitions (empty: all), template space, file format, pixels per inch."""

    regions: tuple[str, ...] = ()
    definitions: tuple[str, ...] = ()
    space: str = SPACE
    kind: str = "png"
    dpi: int = 200


@dataclass(frozen=True)
class PicturesResult:
    """The files that were written, and what could not be drawn."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


def draw_library(choice: PictureChoice, out: Path, say: Callable[[Path], None] | None = None) -> PicturesResult:
    """Draw regions, and without any named all of them and the contact sheet.

    Parameters
    ----------
    choice : PictureChoice
        What to draw.
    out : Path
        Folder; gets ``region-<region>.<kind>`` and ``contact-sheet.<kind>``.
    say : callable, optional
        Is told of every file as soon as it is written.

    Raises
    ------
    UsageError, StudyError
        There is no such region, definition, space or format.
    DataError
        A region that is named cannot be read in any definition.
    """
    if choice.kind not in FORMATS:
        raise UsageError(f"unknown format '{choice.kind}'", where="--format", hint=", ".join(FORMATS))
    space = check_space(choice.space)
    for name in choice.regions:
        check_region(name)
    found = read_regions(_wanted(choice), space, united=False)
    files, notes = [], []
    for region in found:
        if region.rois:
            files.append(_save(region_page(page_of(region)), out, f"region-{camel(region.region)}", choice, say))
            continue
        reasons = "; ".join(f"{s.definition}: {s.reason}" for s in region.skipped)
        if choice.regions:
            raise DataError("it cannot be read here in any definition", where=region.region, hint=reasons)
        notes.append(f"{region.region} is not drawn: no definition of it can be read here")
    if not choice.regions:
        files.append(_save(contact_sheet(sheet_of(found)), out, SHEET, choice, say))
    return PicturesResult(tuple(files), (*notes, *unread(found)))


def _wanted(choice: PictureChoice) -> dict[str, Sequence[str]]:
    """The regions to draw, and in which definitions (none: all)."""
    if choice.regions:
        return dict.fromkeys(choice.regions, choice.definitions)
    names = [d.name for word in choice.definitions for d in atlas.variants(word)]
    return {region: [name for name in chosen_definitions(region) if name in names] for region in region_names()
            if not names or set(names) & set(chosen_definitions(region))}


def _save(figure: Figure, out: Path, stem: str, choice: PictureChoice,
          say: Callable[[Path], None] | None = None) -> Path:
    path = out / f"{stem}.{choice.kind}"
    atomic_write(path, to_file_bytes(figure, choice.kind, stem, choice.dpi))
    if say is not None:
        say(path)
    return path


def unread(found: Iterable[Readable]) -> tuple[str, ...]:
    """What cannot be read, each definition once, with what to do."""
    return tuple(dict.fromkeys(f"{s.definition} ({s.space}) cannot be read here: {s.reason}"
                               for region in found for s in region.skipped))


def _absent(found: Iterable[Readable]) -> tuple[str, ...]:
    """The same in few words, for a picture."""
    names = dict.fromkeys(f"{s.definition} ({s.reason.split(';')[0].split(',')[0]})"
                          for region in found for s in region.skipped)
    return (f"Not drawn, as they cannot be read here: {', '.join(names)}.",) if names else ()


@cache
def background() -> Volume:
    """The template, loaded once."""
    return load_template()


@cache
def definition_colours() -> dict[str, str]:
    """A colour per definition, the same in all pictures; only definitions that share no region share a colour."""
    names = definition_order()
    regions = {name: {r for d in atlas.variants(name) for r in d.regions} for name in names}
    chosen: dict[str, int] = {}
    for name in names:
        taken = {chosen[other] for other in chosen if regions[other] & regions[name]}
        chosen[name] = next(i for i in range(len(names)) if i not in taken)
    return {name: colour(REGIONS, i) for name, i in chosen.items()}


def drawing(found: Readable, definition: str, marked: bool = True) -> Drawing:
    """One definition of a region, ready to be drawn: left and right, and what belongs to neither."""
    parts = found.of(definition)
    apart = {side: native for side, native in parts.items() if side != "B" or not {"L", "R"} <= parts.keys()
             or own_centre(native.meta)}
    volumes = tuple(padded(Volume(native.weights, native.affine)) for native in apart.values())
    mark = MARKS[relation_between(found.space_of(definition), found.space).kind] if marked else ""
    sizes = "   ".join(f"{side} {volume_mm3(native):,.0f}" for side, native in apart.items())
    shape = next(iter(parts.values())).meta.shape
    return Drawing(f"{definition} {mark}".strip(), volumes, definition_colours()[definition],
                   isinstance(shape, atlas.SphereShape), f"{sizes} mm³")


def page_of(found: Readable) -> RegionPage:
    """The page of a region."""
    drawings = tuple(drawing(found, definition) for definition in found.definitions)
    return RegionPage(heading(found), drawings, background(), (_HOW, *template_notes([found]), *_absent([found])))


def sheet_of(cells: Sequence[Readable]) -> ContactSheet:
    """The contact sheet of some regions."""
    shown = [found for found in cells if found.rois]
    columns = _columns(shown)
    where = {name: i for i, column in enumerate(columns) for name in column}
    spaces = {name: found.space_of(name) for found in shown for name in found.definitions}
    drawings = {(f.region, where[name]): drawing(f, name, marked=False) for f in shown for name in f.definitions}
    heads = []
    for names in columns:
        space = spaces[names[0]]
        mark = MARKS[relation_between(space, shown[0].space).kind]
        heads.append((names[0] if len(names) == 1 else "other spheres", f"{space} {mark}".strip()))
    caption = (f"{_HOW} Every cell is the slice that shows the ROIs best; a row has one scale. \N{EN DASH}: the "
               "definition does not have the region.", *template_notes(shown), *_absent(cells))
    blocks, alone = _blocks(shown)
    return ContactSheet("The region library", blocks, heads, drawings, background(), caption, alone)


def _blocks(shown: Sequence[Readable]) -> tuple[list[list[tuple[str, str]]], list[tuple[str, str]]]:
    """The rows of the sheet: few in one block, many as nuclei and cortex, and apart those of one definition."""
    if len(shown) <= _LONGEST:
        return [[(f.region, plain_title(f)) for f in shown]], []
    deep = {region for d in atlas.library() if d.name in _DEEP for region in d.regions}
    parts: tuple[list[tuple[str, str]], ...] = ([], [], [])
    for found in shown:
        part = 2 if len(found.definitions) == 1 else 0 if found.region in deep else 1
        parts[part].append((found.region, plain_title(found)))
    return [part for part in parts[:2] if part] or [[]], parts[2]


def _columns(shown: Sequence[Readable]) -> list[list[str]]:
    """Definitions by column: small ones made of spheres share a column where they share no region."""
    regions: dict[str, set[str]] = {}
    spheres = {d.name for d in atlas.library() if d.kind == "spheres"}
    for found in shown:
        for name in found.definitions:
            regions.setdefault(name, set()).add(found.region)
    columns: list[list[str]] = []
    for name in (name for name in definition_order() if name in regions):
        small = name in spheres and len(regions[name]) <= _FEW
        fits = [c for c in columns if small and all(n in spheres and len(regions[n]) <= _FEW
                                                    and not regions[n] & regions[name] for n in c)]
        if fits:
            fits[0].append(name)
        else:
            columns.append([name])
    return columns


def heading(found: Readable) -> str:
    """The region's name and, where that says more, what it is."""
    title = plain_title(found)
    return found.region if title == found.region else f"{found.region}: {title}"


def plain_title(found: Readable) -> str:
    """What the region is, without what is special to one definition."""
    titles = {definition: native.meta.title for (definition, _), native in reversed(found.rois.items())}
    return titles.get(FIRST, next(reversed(titles.values()))).split(" (")[0]


def write_comparison(result: Comparison, out: Path, kind: str = "png", dpi: int = 200) -> tuple[Path, ...]:
    """Write ``comparison.tsv`` and, with anything to draw, ``comparison-<region>.<kind>``; returns the files.

    Raises
    ------
    UsageError
        There is no such format, or the folder cannot be written.
    """
    if kind not in FORMATS:
        raise UsageError(f"unknown format '{kind}'", where="--format", hint=", ".join(FORMATS))
    write_table(result.table, COMPARISON, out / "comparison.tsv")
    if not result.readable.rois:
        return (out / "comparison.tsv",)
    drawn = _save(agreement(agreement_of(result)), out, f"comparison-{camel(result.region)}",
                  PictureChoice(kind=kind, dpi=dpi))
    return out / "comparison.tsv", drawn


def agreement_of(result: Comparison) -> Agreement:
    """The matrices and the overlay of a comparison."""
    found = result.readable
    names = found.definitions
    sizes = result.sizes.set_index(["hemisphere", "definition"])["volume_mm3"]
    matrices = tuple(
        Matrix(_SIDE_NAMES[side], result.matrix(side, "dice", names), result.matrix(side, "distance_mm", names),
               np.array([sizes.get((side, name), np.nan) for name in names]))
        for side in result.hemispheres)
    how = (f"Above the diagonal: Dice on the {result.resolution:g} mm grid of {result.space}. Below: distance of the "
           "centres in mm. On it: volume in mm³.")
    return Agreement(heading(found), tuple(f"{name} {result.mark(name)}".strip() for name in names),
                     tuple(definition_colours()[name] for name in names), matrices,
                     tuple(drawing(found, name) for name in names), background(),
                     (how, _HOW, *result.notes, *_absent([found])))
