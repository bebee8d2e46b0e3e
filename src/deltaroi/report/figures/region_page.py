"""One region on one page: three slices, enlarged where it is small, a mosaic, and every definition by itself."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaroi.report.figures.overlay import Drawing, Panel, bounds, draw_panel, fitted, spread_cuts, visibility
from deltaroi.report.figures.slices import BRAIN, Axis, View, Volume, across, best_cut
from deltaroi.report.figures.style import GREY, INK, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.2
_GAP, _BELOW, _MARGIN = 0.08, 0.20, 0.12
_MOSAIC, _COLUMNS = 8, 4
_LINE = 0.145
_HEADING, _HEADING_LINE = 68, 0.18  # characters that fit beside each other, inches of a further line
_HALF_HIDDEN = 0.5
_ENLARGE_MM = 60.0  # a region less high and deep than this is enlarged


@dataclass(frozen=True, eq=False)
class RegionPage:
    """What a page shows: a heading, the definitions in drawing order, the template, and lines of small print."""

    heading: str
    drawings: tuple[Drawing, ...]
    background: Volume | None
    caption: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Strip:
    """Panels side by side at one scale (inches per mm), and the heading above them."""

    panels: tuple[Panel, ...]
    scale: float
    heading: str = ""

    @property
    def height(self) -> float:
        """Inches, with everything above and below the panels."""
        titled = 0.16 if any(panel.title for panel in self.panels) else 0.04
        return self.tallest + _BELOW + titled + (0.26 if self.heading else 0.0)

    @property
    def tallest(self) -> float:
        """Height of the tallest panel, inches."""
        return max(panel.view.width(across(panel.axis)[1]) for panel in self.panels) * self.scale


def strip(panels: Sequence[Panel], heading: str = "", tallest: float = 2.7, columns: int = 0) -> Strip:
    """Panels that together fill the page's width, unless that makes them too tall.

    ``columns`` reserves room for that many panels of the first one's width.
    """
    widths = [panel.view.width(across(panel.axis)[0]) for panel in panels]
    widths += [widths[0]] * max(columns - len(widths), 0)
    heights = [panel.view.width(across(panel.axis)[1]) for panel in panels]
    room = WIDTH - 2 * _MARGIN - _GAP * (len(widths) - 1)
    return Strip(tuple(panels), min(room / sum(widths), tallest / max(heights)), heading)


def three_cuts(drawings: Sequence[Drawing]) -> tuple[tuple[Axis, float], ...]:
    """A sagittal, a coronal and an axial slice through a region; the sagittal one through its left side."""
    volumes = [volume for drawing in drawings for volume in drawing.volumes]
    left = [volume for drawing in drawings for volume in drawing.volumes[:1]]
    return ("x", best_cut(left, "x")), ("y", best_cut(volumes, "y")), ("z", best_cut(volumes, "z"))


def region_page(page: RegionPage) -> Figure:
    """Draw the page.

    Returns
    -------
    Figure
        7.2 inches wide. Left is left; every slice says where it lies; left and right share a colour.
    """
    from matplotlib.figure import Figure

    strips = _strips(page.drawings)
    small = [line for text in page.caption for line in textwrap.wrap(text, 150)]
    legend_rows = -(-len(page.drawings) // 2)
    title, tall = heading_lines(page.heading)
    height = (2 * _MARGIN + tall + legend_rows * _LINE + 0.10 + sum(s.height for s in strips)
              + 0.06 + len(small) * 0.125)
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        top = height - _MARGIN
        figure.text(_MARGIN / WIDTH, top / height, title, ha="left", va="top", fontsize=11, weight="bold")
        top -= tall
        _legend(figure, page.drawings, top)
        top -= legend_rows * _LINE + 0.10
        for row in strips:
            draw_strip(figure, row, page.background, top)
            top -= row.height
        figure.text(_MARGIN / WIDTH, (top - 0.06) / height, "\n".join(small), ha="left", va="top", fontsize=6.2,
                    color=GREY, linespacing=1.25)
    return figure


def heading_lines(heading: str) -> tuple[str, float]:
    """A page's heading in lines that fit its width, and the inches they take."""
    lines = textwrap.wrap(heading, _HEADING) or [""]
    return "\n".join(lines), 0.30 + _HEADING_LINE * (len(lines) - 1)


def _strips(drawings: tuple[Drawing, ...]) -> list[Strip]:
    volumes = [volume for drawing in drawings for volume in drawing.volumes]
    ends = bounds(volumes)
    if ends is None:
        return []
    view, cuts = fitted(volumes), three_cuts(drawings)
    small = bool((ends[1:, 1] - ends[1:, 0]).max() < _ENLARGE_MM)
    strips = [strip([Panel(axis, at, BRAIN, drawings, framed=view if small else None) for axis, at in cuts])]
    if small:
        strips.append(strip([Panel(axis, at, view, drawings) for axis, at in cuts], "Enlarged", 2.3))
    mosaic = [Panel("z", at, view, drawings) for at in spread_cuts(volumes, "z", _MOSAIC)]
    for start in range(0, len(mosaic), _COLUMNS):
        part = mosaic[start:start + _COLUMNS]
        strips.append(strip(part, "" if start else "Axial slices, from below upwards", columns=_COLUMNS))
    if len(drawings) > 1:
        strips += _each(drawings, view)
    return strips


def _each(drawings: tuple[Drawing, ...], view: View) -> list[Strip]:
    """Every definition by itself, on the slice that shows it best."""
    axes: list[Axis] = ["y" if visibility(d, "z") < _HALF_HIDDEN <= visibility(d, "y") else "z" for d in drawings]
    panels = [Panel(axis, best_cut(drawing.volumes, axis), view, (drawing,), drawing.name, filled=True)
              for axis, drawing in zip(axes, drawings, strict=True)]
    columns = 5 if len(panels) <= 5 else max(4, min(6, -(-len(panels) // 2)))
    return [strip(panels[start:start + columns], "" if start else "Each definition by itself", columns=columns)
            for start in range(0, len(panels), columns)]


def draw_strip(figure: Figure, row: Strip, background: Volume | None, top: float) -> None:
    """Draw panels side by side, their upper edge ``top`` inches above the bottom of the figure."""
    width, height = figure.get_size_inches()
    if row.heading:
        figure.text(_MARGIN / width, (top - 0.06) / height, row.heading, ha="left", va="top", fontsize=7.5, color=INK,
                    weight="bold")
    above = row.height - row.tallest - _BELOW
    x = _MARGIN
    for panel in row.panels:
        first, up = across(panel.axis)
        wide, tall = panel.view.width(first) * row.scale, panel.view.width(up) * row.scale
        bottom = top - above - row.tallest + (row.tallest - tall) / 2
        draw_panel(figure.add_axes((x / width, bottom / height, wide / width, tall / height)), background, panel)
        x += wide + _GAP


def _legend(figure: Figure, drawings: Sequence[Drawing], top: float) -> None:
    """Two columns of line samples, names and details."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    rows = -(-len(drawings) // 2)
    named = 0.45 + 0.070 * max((len(drawing.name) for drawing in drawings), default=0)
    for i, drawing in enumerate(drawings):
        x = _MARGIN + (i // rows) * (WIDTH - 2 * _MARGIN) / 2
        y = (top - (i % rows + 0.5) * _LINE) / height
        figure.add_artist(Line2D([x / width, (x + 0.26) / width], [y, y], color=drawing.colour, linewidth=2.2,
                                 linestyle=(0, (1.6, 0.8)) if drawing.dashed else "solid"))
        figure.text((x + 0.33) / width, y, drawing.name, ha="left", va="center", fontsize=7.2, weight="bold")
        figure.text((x + named) / width, y, drawing.details, ha="left", va="center", fontsize=7.0)
