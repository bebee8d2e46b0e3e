"""How far the definitions of a region agree: Dice, distance of centres and volumes in one matrix, and the overlay."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.report.figures.overlay import Drawing, Panel, fitted
from deltaroi.report.figures.region_page import WIDTH, Strip, draw_strip, heading_lines, strip, three_cuts
from deltaroi.report.figures.slices import FloatArray, Volume
from deltaroi.report.figures.style import GREY, INK, PALE, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN, _GAP = 0.12, 0.18
_LARGEST_CELL = 0.44
_LIGHT, _DARK = np.array([0.93, 0.96, 0.99]), np.array([0.03, 0.27, 0.53])


@dataclass(frozen=True, eq=False)
class Matrix:
    """The agreement of some definitions in one hemisphere.

    Attributes
    ----------
    heading : str
        E.g. ``left``.
    dice, distance : ndarray, shape (n, n)
        Overlap of each pair, and distance of their centres in mm; NaN where there is none.
    volume : ndarray, shape (n,)
        mm³; NaN where a definition does not have the hemisphere.
    """

    heading: str
    dice: FloatArray
    distance: FloatArray
    volume: FloatArray


@dataclass(frozen=True, eq=False)
class Agreement:
    """What the figure shows; ``names`` (with their marks) and ``colours`` are in the order of the matrices."""

    heading: str
    names: tuple[str, ...]
    colours: tuple[str, ...]
    matrices: tuple[Matrix, ...]
    drawings: tuple[Drawing, ...]
    background: Volume | None
    caption: tuple[str, ...] = ()


def agreement(data: Agreement) -> Figure:
    """Draw the overlay and below it a matrix per hemisphere.

    Returns
    -------
    Figure
        7.2 inches wide. Above the diagonal Dice, below it mm between the centres, on it mm³.
    """
    from matplotlib.figure import Figure

    overlay = _overlay(data.drawings)
    number, size = max(len(data.matrices), 1), max(len(data.names), 1)
    longest = max((len(name) for name in data.names), default=0)
    left = _MARGIN + 0.20 + 0.062 * longest
    edge = min((WIDTH - _MARGIN - left - _GAP * (number - 1)) / number, _LARGEST_CELL * size)
    small = [line for text in data.caption for line in textwrap.wrap(text, 150)]
    below = 0.049 * longest + 0.16
    title, tall = heading_lines(data.heading)
    height = (2 * _MARGIN + tall + 0.02 + (overlay.height if overlay else 0.0) + 0.34 + edge + below + 0.06
              + 0.125 * len(small))
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        top = height - _MARGIN
        figure.text(_MARGIN / WIDTH, top / height, title, ha="left", va="top", fontsize=11, weight="bold")
        top -= tall + 0.02
        if overlay:
            draw_strip(figure, overlay, data.background, top)
            top -= overlay.height
        top -= 0.34
        for i, matrix in enumerate(data.matrices):
            x = left + i * (edge + _GAP)
            axes = figure.add_axes((x / WIDTH, (top - edge) / height, edge / WIDTH, edge / height))
            _draw(axes, matrix, data, edge / size, named=i == 0)
        figure.text(_MARGIN / WIDTH, (top - edge - below - 0.06) / height, "\n".join(small), ha="left", va="top",
                    fontsize=6.2, color=GREY, linespacing=1.25)
    return figure


def _overlay(drawings: Sequence[Drawing]) -> Strip | None:
    volumes = [volume for drawing in drawings for volume in drawing.volumes]
    if not volumes:
        return None
    view = fitted(volumes)
    return strip([Panel(axis, at, view, tuple(drawings)) for axis, at in three_cuts(drawings)])


def shade(dice: float) -> tuple[float, float, float]:
    """The colour of a Dice coefficient: the more agreement, the darker."""
    red, green, blue = _LIGHT + (_DARK - _LIGHT) * float(np.clip(dice, 0, 1))
    return float(red), float(green), float(blue)


def _draw(axes: Axes, matrix: Matrix, data: Agreement, cell: float, named: bool) -> None:
    from matplotlib.patches import Rectangle

    n = len(data.names)
    axes.set(xlim=(0, n), ylim=(n, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.set_title(matrix.heading, fontsize=8, pad=4)
    size = float(np.clip(cell * 18, 4.2, 7.0))
    for i in range(n):
        for j in range(n):
            face, text, ink = _cell(matrix, i, j)
            axes.add_patch(Rectangle((j, i), 1, 1, facecolor=face, edgecolor="white", linewidth=1.2))
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", fontsize=size, color=ink)
    for i, (name, colour) in enumerate(zip(data.names, data.colours, strict=True)):
        axes.annotate(name, (i + 0.5, n), xytext=(0, -9), textcoords="offset points", ha="right", va="top",
                      fontsize=6.6, rotation=45, rotation_mode="anchor", annotation_clip=False)
        axes.plot([i + 0.2, i + 0.8], [n + 0.04 / cell] * 2, color=colour, linewidth=2.4, clip_on=False)
        if named:
            axes.annotate(name, (0, i + 0.5), xytext=(-9, 0), textcoords="offset points", ha="right", va="center",
                          fontsize=6.8, annotation_clip=False)
            axes.plot([-0.06 / cell] * 2, [i + 0.2, i + 0.8], color=colour, linewidth=2.4, clip_on=False)


def _cell(matrix: Matrix, i: int, j: int) -> tuple[object, str, str]:
    """Face colour, text and ink: Dice above the diagonal, distance below, volume on it."""
    if i == j:
        known = np.isfinite(matrix.volume[i])
        return "#dfe4ea", f"{matrix.volume[i]:.0f}" if known else "n/a", INK if known else GREY
    value = matrix.dice[i, j] if j > i else matrix.distance[i, j]
    if not np.isfinite(value):
        return PALE, "n/a", GREY
    if j > i:
        return shade(value), f"{value:.2f}".removeprefix("0") if value < 0.995 else "1", \
            "white" if value > 0.5 else INK
    return "#f7f8fa", f"{value:.1f}", INK
