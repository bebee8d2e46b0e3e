"""The whole library on one sheet: blocks side by side, in which rows are regions and columns definitions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaroi.report.figures.overlay import Drawing, Panel, draw_panel, fitted, shaped, visibility
from deltaroi.report.figures.slices import Axis, View, Volume, area, best_cut
from deltaroi.report.figures.style import GREY, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE, _TALL, _GAP = 0.98, 0.80, 0.05
_LEFT, _MARGIN, _TITLE, _HEADER = 1.36, 0.14, 0.42, 0.34
_COORDINATE = 0.13
_BETWEEN = 0.32
_STEP = _TALL + _COORDINATE + _GAP
_ABOVE, _PITCH = 0.50, 1.24  # of a region with one definition: its name above the cell, and the room it takes
_EMPTY = "#f3f5f7"

Row = tuple[str, str]


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """What the sheet shows.

    Attributes
    ----------
    heading : str
        The title.
    blocks : sequence of sequences of (name, subtitle)
        The regions, a row each, in blocks that stand side by side. A block has only the columns that its rows need.
    columns : sequence of (name, template space)
        The columns: a definition each, or several small ones that share no region.
    cells : mapping from (region, number of the column) to Drawing
        What is there; the other cells are marked as empty. A drawing of another name than its column says its own.
    background : Volume or None
        The template.
    caption : tuple of str
        Lines of small print, among them the definitions that cannot be read.
    alone : sequence of (name, subtitle)
        Regions of one definition, for which a row would be empty but for one cell: they stand below the shortest block.
    """

    heading: str
    blocks: Sequence[Sequence[Row]]
    columns: Sequence[tuple[str, str]]
    cells: Mapping[tuple[str, int], Drawing]
    background: Volume | None
    caption: tuple[str, ...] = ()
    alone: Sequence[Row] = ()

    def used(self, block: Sequence[Row]) -> list[int]:
        """The numbers of the columns in which a block has a drawing."""
        return [i for i in range(len(self.columns)) if any((name, i) in self.cells for name, _ in block)]

    def drawings(self, region: str) -> list[Drawing]:
        """All drawings of a region."""
        return [drawing for (row, _), drawing in self.cells.items() if row == region]


def contact_sheet(sheet: ContactSheet) -> Figure:
    """Draw the sheet: every cell is the slice that shows its ROIs best; a row has one orientation and one scale."""
    from matplotlib.figure import Figure

    widths = [_LEFT + len(sheet.used(block)) * (_WIDE + _GAP) for block in sheet.blocks]
    heights = [_HEADER + len(block) * _STEP for block in sheet.blocks]
    shortest = heights.index(min(heights))
    several = max(int(widths[shortest] / _PITCH), 1)
    below = -(-len(sheet.alone) // several) * (_STEP + _ABOVE) + (_HEADER if sheet.alone else 0.0)
    inside = max(max(heights), heights[shortest] + below)
    width = max(2 * _MARGIN + sum(widths) + _BETWEEN * (len(widths) - 1), _LEFT + 4 * (_WIDE + _GAP))
    small = [line for text in sheet.caption for line in textwrap.wrap(text, int(width * 19))]
    height = 2 * _MARGIN + _TITLE + inside + 0.10 + 0.13 * len(small)
    with styled():
        figure = Figure(figsize=(width, height))
        top = height - _MARGIN
        figure.text(_MARGIN / width, top / height, sheet.heading, ha="left", va="top", fontsize=13, weight="bold")
        top -= _TITLE
        left = _MARGIN
        for i, block in enumerate(sheet.blocks):
            _block(figure, sheet, block, (left, top))
            if i == shortest and sheet.alone:
                _alone(figure, sheet, (left, top - heights[i]), several)
            left += widths[i] + _BETWEEN
        figure.text(_MARGIN / width, (top - inside - 0.02) / height, "\n".join(small), ha="left", va="top",
                    fontsize=6.5, color=GREY, linespacing=1.25)
    return figure


def _block(figure: Figure, sheet: ContactSheet, block: Sequence[Row], corner: tuple[float, float]) -> None:
    """The heads of the columns and below them the rows, from an upper left corner in inches."""
    width, height = figure.get_size_inches()
    left, top = corner[0], corner[1] - _HEADER
    used = sheet.used(block)
    for i, column in enumerate(used):
        x = (left + _LEFT + i * (_WIDE + _GAP) + _WIDE / 2) / width
        name, space = sheet.columns[column]
        figure.text(x, (top + 0.20) / height, name, ha="center", va="bottom", fontsize=6.8, weight="bold")
        figure.text(x, (top + 0.17) / height, space, ha="center", va="top", fontsize=5.2, color=GREY)
    for name, subtitle in block:
        middle = top - _TALL / 2
        figure.text(left / width, (middle + 0.02) / height, name, ha="left", va="bottom", fontsize=8.5, weight="bold")
        figure.text(left / width, (middle - 0.01) / height, textwrap.fill(subtitle, 25), ha="left", va="top",
                    fontsize=5.6, color=GREY)
        axis, view = orientation(sheet.drawings(name))
        for i, column in enumerate(used):
            axes = _cell(figure, left + _LEFT + i * (_WIDE + _GAP), top)
            drawing = sheet.cells.get((name, column))
            if drawing is None:
                _nothing(axes)
                continue
            draw_panel(axes, sheet.background,
                       Panel(axis, best_cut(drawing.volumes, axis), view, (drawing,), filled=True))
            if drawing.name != sheet.columns[column][0]:
                _named(axes, drawing.name)
        top -= _STEP


def _alone(figure: Figure, sheet: ContactSheet, corner: tuple[float, float], several: int) -> None:
    """Regions of one definition, ``several`` in a line, each with its name above it."""
    width, height = figure.get_size_inches()
    left, top = corner
    figure.text(left / width, (top - 0.16) / height, "Regions of one definition", ha="left", va="top", fontsize=8.5,
                weight="bold")
    for i, (name, subtitle) in enumerate(sheet.alone):
        x = left + i % several * _PITCH
        y = top - _HEADER - (i // several) * (_STEP + _ABOVE) - _ABOVE
        figure.text(x / width, (y + 0.33) / height, name, ha="left", va="bottom", fontsize=6.8, weight="bold")
        lines = textwrap.wrap(subtitle, 27, max_lines=3, placeholder=" \N{HORIZONTAL ELLIPSIS}")
        figure.text(x / width, (y + 0.31) / height, "\n".join(lines), ha="left", va="top", fontsize=5.2, color=GREY)
        (drawing,) = sheet.drawings(name)
        axis, view = orientation([drawing])
        axes = _cell(figure, x, y)
        draw_panel(axes, sheet.background, Panel(axis, best_cut(drawing.volumes, axis), view, (drawing,), filled=True))
        _named(axes, drawing.name)


def _cell(figure: Figure, left: float, top: float) -> Axes:
    width, height = figure.get_size_inches()
    return figure.add_axes((left / width, (top - _TALL) / height, _WIDE / width, _TALL / height))


def _nothing(axes: Axes) -> None:
    """An empty cell."""
    axes.set(xticks=[], yticks=[], facecolor=_EMPTY)
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, "\N{EN DASH}", transform=axes.transAxes, ha="center", va="center", fontsize=8, color=GREY)


def _named(axes: Axes, name: str) -> None:
    """The definition's name inside a cell."""
    from matplotlib.patheffects import withStroke

    axes.annotate(name, (0.5, 0.03), xycoords="axes fraction", ha="center", va="bottom", fontsize=5.6, weight="bold",
                  path_effects=[withStroke(linewidth=1.8, foreground="white")])


def orientation(drawings: Sequence[Drawing]) -> tuple[Axis, View]:
    """Axial or coronal, whichever shows both sides of more drawings, and the part of the brain around them."""
    view = fitted([volume for drawing in drawings for volume in drawing.volumes], margin=14.0, least=60.0)

    def seen(axis: Axis) -> tuple[float, float]:
        shares = sum(visibility(drawing, axis) for drawing in drawings)
        areas = sum(area(volume, axis, best_cut(drawing.volumes, axis)) for drawing in drawings
                    for volume in drawing.volumes)
        return round(shares / max(len(drawings), 1), 1), areas

    axes: tuple[Axis, Axis] = ("z", "y")
    axis = max(axes, key=seen)
    return axis, shaped(view, axis, _WIDE / _TALL)
