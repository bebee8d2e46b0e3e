"""The specification curve: estimates in order with their intervals, and below each the choices behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.report.figures.style import ALARM, GREY, GROUPS, INK, PALE, styled
from deltaroi.report.words import shorten
from deltaroi.stats.signed import Z_05

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.45
_LEFT, _RIGHT, _TOP, _BOTTOM = 1.42, 0.08, 0.06, 0.28  # inches
_CURVE, _BETWEEN, _ROW, _GAP = 1.75, 0.1, 0.155, 0.06


@dataclass(frozen=True)
class Point:
    """One specification.

    Attributes
    ----------
    estimate, low, high : float
        Estimate and ends of its interval; NaN where there is no interval.
    significant : bool
        Whether its two-sided p is below .05.
    main : bool
        Whether it is the study's own.
    choices : tuple of str
        Its choice on each axis.
    """

    estimate: float
    low: float
    high: float
    significant: bool
    main: bool
    choices: tuple[str, ...]


def specification_curve(points: Sequence[Point], axes_of: Sequence[tuple[str, Sequence[str]]], ylabel: str) -> Figure:
    """Draw a specification curve.

    Parameters
    ----------
    points : sequence of Point
        In any order.
    axes_of : sequence of (str, sequence of str)
        Name and choices of each axis, from top to bottom.
    ylabel : str
        What the estimates measure, with the unit.

    Returns
    -------
    Figure
        Blue: p below .05; grey: not; the red diamond and line are the study's own specification. Without intervals the
        estimates are z, and dashed lines stand at p = .05.
    """
    from matplotlib.figure import Figure

    ordered = sorted(points, key=lambda point: point.estimate)
    rows = sum(len(values) for _, values in axes_of)
    below = _ROW * rows + _GAP * len(axes_of)
    height = _TOP + _CURVE + _BETWEEN + below + _BOTTOM
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        wide = 1 - (_LEFT + _RIGHT) / WIDTH
        upper = figure.add_axes((_LEFT / WIDTH, (_BOTTOM + below + _BETWEEN) / height, wide, _CURVE / height))
        lower = figure.add_axes((_LEFT / WIDTH, _BOTTOM / height, wide, below / height))
        for axes in (upper, lower):
            axes.set_xlim(0, len(ordered) + 1)
            axes.set_xticks([])
        _curve(upper, ordered)
        upper.set_ylabel(shorten(ylabel, 38), fontsize=7.5)
        _dashboard(lower, ordered, axes_of)
        lower.set_xlabel(f"{len(ordered)} specifications, in the order of their estimates", fontsize=7.5)
    return figure


def _curve(axes: Axes, points: Sequence[Point]) -> None:
    place = np.arange(1, len(points) + 1)
    axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
    size = float(np.clip(160 / len(points), 1.6, 4.5))
    numbers = np.array([[point.low, point.high, point.estimate] for point in points])
    significant = np.array([point.significant for point in points])
    for shade, at in (("#9aa5b1", np.flatnonzero(~significant)), (GROUPS[0], np.flatnonzero(significant))):
        bars = np.column_stack([numbers[at, :2], np.full(at.size, np.nan)])
        axes.plot(np.repeat(place[at], 3), bars.reshape(-1), color=shade, linewidth=min(size / 2, 1.3), alpha=0.45,
                  solid_capstyle="butt", zorder=2)
        axes.plot(place[at], numbers[at, 2], "o", color=shade, markersize=size, markeredgewidth=0, zorder=3)
    for i, point in enumerate(points):
        if point.main:
            axes.plot([i + 1, i + 1], [point.low, point.high], color=ALARM, linewidth=1.2, zorder=4)
            axes.plot([i + 1], [point.estimate], "D", color=ALARM, markersize=5, zorder=5)
    if not np.isfinite(numbers[:, :2]).any():  # z
        for level in (-Z_05, Z_05):
            axes.axhline(level, color=GREY, linewidth=0.7, linestyle=(0, (3, 3)), zorder=1)
        axes.annotate("p = .05", (1, Z_05), xycoords=("axes fraction", "data"), xytext=(0, 2),
                      textcoords="offset points", ha="right", fontsize=6.5, color=GREY)
    axes.spines["bottom"].set_visible(False)
    axes.locator_params(axis="y", nbins=6)


def _dashboard(axes: Axes, points: Sequence[Point], axes_of: Sequence[tuple[str, Sequence[str]]]) -> None:
    y, pitch = 0.0, _GAP / _ROW
    for n, (name, values) in enumerate(axes_of):
        axes.fill_between([0, len(points) + 1], y, y + len(values), color=PALE, linewidth=0, alpha=0.8, zorder=0)
        for value in values:
            at = np.array([i + 1.0 for i, point in enumerate(points) if point.choices[n] == value])
            ticks = np.stack([np.full(at.size, y + 0.15), np.full(at.size, y + 0.85), np.full(at.size, np.nan)], axis=1)
            axes.plot(np.repeat(at, 3), ticks.reshape(-1), color=INK, solid_capstyle="butt", zorder=2,
                      linewidth=float(np.clip(140 / len(points), 0.7, 2.5)))
            axes.annotate(shorten(f"{name} {value}", 25), (0, y + 0.5), xycoords=("axes fraction", "data"),
                          xytext=(-4, 0), textcoords="offset points", va="center", ha="right", fontsize=7.2)
            y += 1
        y += pitch
    for i, point in enumerate(points):
        if point.main:
            axes.axvline(i + 1, color=ALARM, linewidth=1.0, zorder=3)
    axes.set_ylim(y, 0)
    axes.set_yticks([])
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)
    axes.tick_params(colors=GREY)
