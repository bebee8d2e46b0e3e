"""The figure of one claim: the reported effect above the new one, and where the new one was to be expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.report.figures.forest import WIDTH
from deltaroi.report.figures.style import GREY, GROUPS, INK, styled
from deltaroi.report.words import interval, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE, _HEAD, _TAIL = 0.27, 0.08, 0.5  # inches per row, above the first and below the last
_LEFT, _RIGHT = 1.22, 1.43
_NEW, _BAND, _EXPECTED = GROUPS[0], "#dbe4ea", "#f1d9b0"
_DECIMALS = 2


@dataclass(frozen=True)
class Beside:
    """One claim's numbers; NaN where missing.

    Attributes
    ----------
    xlabel : str
        The axis.
    reported, new : tuple of three floats
        Value, lower and upper end of the interval.
    expected : tuple of two floats
        Prediction interval of the new value.
    bound : float
        Half-width of the region of no effect.
    planted : float
        What a simulation planted.
    people : tuple of two texts
        n of the report and of the new result.
    """

    xlabel: str
    reported: tuple[float, float, float]
    new: tuple[float, float, float]
    expected: tuple[float, float]
    bound: float
    planted: float
    people: tuple[str, str]


def beside(claim: Beside) -> Figure:
    """Draw a claim.

    Returns
    -------
    Figure
        A hollow square is the reported effect, a filled dot the new one, each with its 95 % interval; the wide bar
        around the dot's row is the prediction interval; the pale band holds effects within the bound; a triangle marks
        what was planted.
    """
    from matplotlib.figure import Figure

    height = _HEAD + 2 * _LINE + _TAIL
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((_LEFT / WIDTH, _TAIL / height, 1 - (_LEFT + _RIGHT) / WIDTH, 2 * _LINE / height))
        axes.set_ylim(1.5, -0.5)
        _limits(axes, claim)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        if np.isfinite(claim.bound):
            axes.axvspan(-claim.bound, claim.bound, color=_BAND, linewidth=0, zorder=0)
        if np.isfinite(claim.expected).all():
            axes.fill_betweenx([0.7, 1.3], *claim.expected, color=_EXPECTED, linewidth=0, zorder=0.5)
        _row(axes, 0, f"Reported{claim.people[0]}", claim.reported, "no size")
        _row(axes, 1, f"New{claim.people[1]}", claim.new, "not estimable")
        if np.isfinite(claim.planted):
            axes.plot([claim.planted], [1.5], marker="^", markersize=5, color=GROUPS[2], clip_on=False, zorder=4)
        axes.spines[["left"]].set_visible(False)
        axes.set_yticks([])
        axes.set_xlabel(claim.xlabel)
        axes.locator_params(axis="x", nbins=5)
    return figure


def _limits(axes: Axes, claim: Beside) -> None:
    ends = np.array([*claim.reported, *claim.new, *claim.expected, claim.bound, -claim.bound, claim.planted, 0.0])
    known = ends[np.isfinite(ends)]
    room = 0.06 * float(known.max() - known.min()) or 1.0
    axes.set_xlim(float(known.min()) - room, float(known.max()) + room)


def _row(axes: Axes, y: int, label: str, numbers: tuple[float, float, float], absent: str) -> None:
    value, low, high = numbers
    axes.annotate(label, (0, y), xycoords=("axes fraction", "data"), xytext=(-72 * (_LEFT - 0.02), 0),
                  textcoords="offset points", va="center", fontweight="bold" if y else "normal")
    text, shade = absent, GREY
    if np.isfinite(value):
        shade = _NEW if y else INK
        text = f"{number(value, _DECIMALS)} {interval(low, high, _DECIMALS)}".rstrip()
        if np.isfinite(low) and np.isfinite(high):
            axes.plot([low, high], [y, y], color=shade, linewidth=1.5, solid_capstyle="butt", zorder=2)
        axes.plot([value], [y], marker="o" if y else "s", markersize=5.5, color=shade, zorder=3, clip_on=False,
                  markerfacecolor=_NEW if y else "white")
    axes.annotate(text, (1, y), xycoords=("axes fraction", "data"), xytext=(5, 0), textcoords="offset points",
                  va="center", fontsize=7.4, color=shade, fontweight="bold" if y else "normal")
