"""The region library as lines of plain text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from deltaroi.pipeline.library import Skipped
    from deltaroi.pipeline.library_catalogue import RegionEntry
    from deltaroi.pipeline.library_compare import Comparison
    from deltaroi.pipeline.library_find import Lookup

_WIDE = 100
_NARROWEST = 24


def aligned(header: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> Iterator[str]:
    """Lines of a table; the first ``texts`` columns to the left, the others to the right."""
    cells = [list(header), *[list(row) for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    for row in cells:
        yield "  ".join(cell.ljust(width) if i < texts else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths, strict=True))).rstrip()


def mm3(value: float) -> str:
    """A volume; ``n/a`` when nobody measured it."""
    return f"{value:.0f}" if np.isfinite(value) else "n/a"


def list_lines(table: pd.DataFrame) -> Iterator[str]:
    """Every region and definition, and which definitions cannot be read here."""
    from deltaroi.report import words

    rows = []
    for row in table.to_dict("records"):
        sides = row["sides"].split()
        volumes = [mm3(row[f"volume_{side}_mm3"]) if side in sides else "-" for side in ("L", "R", "B")]
        rows.append([row["region"], row["definition"], row["space"], "no" if row["obstacle"] else "yes", *volumes])
    yield from aligned(["region", "definition", "template", "here", "L mm3", "R mm3", "B mm3"], rows, texts=4)
    yield ""
    yield f"{words.plural(table['region'].nunique(), 'region')}, " \
          f"{words.plural(table['definition'].nunique(), 'definition')}; " \
          "B: both sides as one ROI; -: no such ROI; n/a: not measured yet"
    lost = table[table["obstacle"] != ""].drop_duplicates(["definition", "space"])
    yield from _lost((row["definition"], row["space"], row["obstacle"]) for row in lost.to_dict("records"))
    yield "`deltaroi regions show REGION` says where each comes from, `deltaroi regions picture REGION` draws it"


def skipped_lines(skipped: Iterable[Skipped]) -> Iterator[str]:
    """What cannot be read here, and what to do."""
    yield from _lost((s.definition, s.space, s.reason) for s in skipped)


def _lost(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    for definition, space, reason in rows:
        yield from _wrapped(f"cannot be read here: {definition} ({space}): ", reason)


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDE, initial_indent=head, subsequent_indent="  ", break_long_words=False,
                         break_on_hyphens=False) or [head.rstrip()]


def show_lines(region: str, entries: Iterable[RegionEntry]) -> Iterator[str]:
    """Everything that is to be known about the definitions of a region."""
    for i, entry in enumerate(entries):
        source = entry.source
        if i:
            yield ""
        yield f"{region}, {source.key.definition}: {source.title}"
        sizes = []
        for side in entry.sides:
            centre = entry.centres.get(side)
            place = f" at ({', '.join(f'{v:.1f}' for v in centre)})" if centre is not None else ""
            sizes.append(f"{side} {mm3(entry.volumes.get(side, np.nan))} mm3{place}")
        drawn = source.drawn_space
        template = source.space if drawn == source.space else f"{source.space}, brought to {drawn}"
        facts = [("template", template), ("volume, centre", "; ".join(sizes)),
                 ("resampling", source.rule or "by size"), ("source", source.source), ("version", source.version),
                 ("sha256", source.sha256), ("licence", source.licence), ("cite", source.citation),
                 *([("note", source.caution)] if source.caution else []),
                 ("here", "can be read" if not entry.obstacle else f"cannot be read: {entry.obstacle}")]
        for name, text in facts:
            yield from textwrap.wrap(" ".join(text.split()), _WIDE, initial_indent=f"  {name:<15}",
                                     subsequent_indent=" " * 17, break_long_words=False, break_on_hyphens=False)


def comparison_lines(result: Comparison) -> Iterator[str]:
    """Sizes, Dice and distances per hemisphere, and what to know before reading them."""
    yield f"{result.region}, compared on the {result.resolution:g} mm grid of {result.space}"
    for side in result.hemispheres:
        sizes = result.sizes[result.sizes["hemisphere"] == side]
        if sizes.empty:
            continue
        names = [f"{name}{result.mark(name)}" for name in sizes["definition"]]
        yield ""
        rows = [[name, row["space"], mm3(row["volume_mm3"]), *(_number(row[f"{a}_mm"], 1) for a in "xyz")]
                for name, row in zip(names, sizes.to_dict("records"), strict=True)]
        yield from aligned([side, "template", "mm3", "x", "y", "z"], rows, texts=2)
        for title, column, digits in (("Dice", "dice", 2), ("distance of centres, mm", "distance_mm", 1)):
            if len(names) > 1:
                values = result.matrix(side, column)
                yield ""
                yield from _matrix(f"{side}: {title}", names, [[_number(v, digits) for v in row] for row in values])
    yield ""
    if not len(result.table):
        yield "fewer than two definitions can be compared"
    for note in result.notes:
        yield from textwrap.wrap(note, _WIDE, subsequent_indent="  ")
    yield from skipped_lines(result.skipped)


def _matrix(title: str, names: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """A square table; where its heads do not fit the line, the definitions are numbered."""
    lines = list(aligned([title, *names], [[name, *row] for name, row in zip(names, cells, strict=True)]))
    if max(map(len, lines)) > _WIDE:
        numbers = [str(i) for i in range(1, len(names) + 1)]
        rows = [[f"{i} {name}", *row] for i, name, row in zip(numbers, names, cells, strict=True)]
        lines = list(aligned([title, *numbers], rows))
    yield from lines


def _number(value: float, digits: int, missing: str = "n/a") -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else missing


def lookup_lines(result: Lookup, radius: float) -> Iterator[str]:
    """Which ROIs hold a coordinate, or which are nearest."""
    from deltaroi.pipeline.library import MARKS

    where = f"({', '.join(f'{v:g}' for v in np.round(result.point, 1))}) in {result.space}"
    if result.conversion:
        yield f"{where}: {result.conversion}"
    if result.holds:
        yield f"ROIs {f'within {radius:g} mm of' if radius else 'that hold'} {where}:"
    elif len(result.table):
        how = f"lies within {radius:g} mm of" if radius else "holds"
        yield f"No ROI {how} {where}. The nearest of each definition:"
    else:
        yield f"No ROI lies within 10 mm of {where}."
    if len(result.table):
        found = result.table.to_dict("records")
        rows = [[row["region"], row["hemisphere"], f"{row['definition']} {MARKS[row['relation']]}".strip(),
                 _number(row["distance_mm"], 1), _number(row["weight"], 2), _number(row["probability"], 2, "-")]
                for row in found]
        lines = aligned(["region", "side", "definition", "mm away", "weight", "probability"], rows, texts=3)
        for line, title in zip(lines, ["what", *(row["title"] for row in found)], strict=True):
            what = textwrap.wrap(title, max(_WIDE - len(line) - 2, _NARROWEST))
            yield f"{line}  {what[0]}"
            yield from (" " * (len(line) + 2) + more for more in what[1:])
    other = {"compatible": "another template than", "refused": "a template that an analysis does not mix with"}
    for kind, text in other.items():
        spaces = result.table[result.table["relation"] == kind].groupby("space", sort=False)["definition"].unique()
        if len(spaces):
            where = "; ".join(f"{', '.join(names)}: {space}" for space, names in spaces.items())
            yield from textwrap.wrap(f"{MARKS[kind]} drawn in {text} {result.space} ({where}); the coordinate was "
                                     "looked up as it stands", _WIDE, subsequent_indent="  ")
    if result.skipped:
        names = ", ".join(dict.fromkeys(s.definition for s in result.skipped))
        yield from textwrap.wrap(f"cannot be read here: {names} (`deltaroi regions list` says why)", _WIDE,
                                 subsequent_indent="  ")
