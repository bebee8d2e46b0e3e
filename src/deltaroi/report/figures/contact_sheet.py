"""The whole library on one sheet: rows are regions, columns definitions."""

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
_EMPTY = "#f3f5f7"


@dataclass(frozen=True, eq=False)
class ContactSheet:
    """What the sheet shows.

    Attributes
    ----------
    heading : str
        The title.
    regions : sequence of (name, subtitle)
        The rows.
    columns : sequence of (name, template space)
        The columns: a definition each, or several small ones that share no region.
    cells : mapping from (region, number of the column) to Drawing
        What is there; the other cells are marked as empty. A drawing of another name than its column says its own.
    background : Volume or None
        The template.
    caption : tuple of str
        Lines of small print, among them the definitions that cannot be read.
    """

    heading: str
    regions: Sequence[tuple[str, str]]
    columns: Sequence[tuple[str, str]]
    cells: Mapping[tuple[str, int], Drawing]
    background: Volume | None
    caption: tuple[str, ...] = ()


def contact_sheet(sheet: ContactSheet) -> Figure:
    """Draw the sheet: every cell is the slice that shows its ROIs best; a row has one orientation and one scale."""
    from matplotlib.figure import Figure

    width = 2 * _MARGIN + _LEFT + max(len(sheet.columns), 4) * (_WIDE + _GAP)
    small = [line for text in sheet.caption for line in textwrap.wrap(text, int(width * 19))]
    step = _TALL + _COORDINATE + _GAP
    height = 2 * _MARGIN + _TITLE + _HEADER + len(sheet.regions) * step + 0.10 + 0.13 * len(small)
    with styled():
        figure = Figure(figsize=(width, height))
        top = height - _MARGIN
        figure.text(_MARGIN / width, top / height, sheet.heading, ha="left", va="top", fontsize=13, weight="bold")
        top -= _TITLE + _HEADER
        for i, (name, space) in enumerate(sheet.columns):
            x = (_MARGIN + _LEFT + i * (_WIDE + _GAP) + _WIDE / 2) / width
            figure.text(x, (top + 0.20) / height, name, ha="center", va="bottom", fontsize=6.8, weight="bold")
            figure.text(x, (top + 0.17) / height, space, ha="center", va="top", fontsize=5.2, color=GREY)
        for region in sheet.regions:
            _row(figure, sheet, region, top)
            top -= step
        figure.text(_MARGIN / width, (top - 0.02) / height, "\n".join(small), ha="left", va="top", fontsize=6.5,
                    color=GREY, linespacing=1.25)
    return figure


def _row(figure: Figure, sheet: ContactSheet, region: tuple[str, str], top: float) -> None:
    width, height = figure.get_size_inches()
    name, subtitle = region
    middle = top - _TALL / 2
    figure.text(_MARGIN / width, (middle + 0.02) / height, name, ha="left", va="bottom", fontsize=8.5, weight="bold")
    figure.text(_MARGIN / width, (middle - 0.01) / height, textwrap.fill(subtitle, 25), ha="left", va="top",
                fontsize=5.6, color=GREY)
    axis, view = orientation([drawing for (row, _), drawing in sheet.cells.items() if row == name])
    for i, (column, _) in enumerate(sheet.columns):
        x = _MARGIN + _LEFT + i * (_WIDE + _GAP)
        axes = figure.add_axes((x / width, (top - _TALL) / height, _WIDE / width, _TALL / height))
        drawing = sheet.cells.get((name, i))
        if drawing is None:
            axes.set(xticks=[], yticks=[], facecolor=_EMPTY)
            axes.spines[:].set_visible(False)
            axes.text(0.5, 0.5, "\N{EN DASH}", transform=axes.transAxes, ha="center", va="center", fontsize=8,
                      color=GREY)
            continue
        panel = Panel(axis, best_cut(drawing.volumes, axis), view, (drawing,), filled=True)
        draw_panel(axes, sheet.background, panel)
        if drawing.name != column:
            _named(axes, drawing.name)


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
