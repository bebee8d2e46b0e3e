"""The shrinkage plot: per ROI the estimate by itself and the pooled one, and the mean that pooling draws towards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.report.figures.style import GREY, GROUPS, INK, styled
from deltaroi.report.words import decimals_for, interval, number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE, _HEAD, _TAIL = 0.27, 0.08, 0.5  # inches per row, above the first and below the last
_LEFT, _RIGHT, _OFF = 1.22, 1.43, 0.16  # inches beside the axes; rows between the two estimates and the row's middle
_POOLED = GROUPS[0]  # red is for what holds after correction
WIDTH = 4.45


@dataclass(frozen=True)
class ShrinkageRow:
    """One ROI, or all of them.

    Attributes
    ----------
    label : str
        What it is called.
    alone, pooled : tuple of float
        Estimate, lower and upper end of its interval, in the plot's unit; NaN when missing.
    overall : bool
        Whether this is the mean of all ROIs.
    """

    label: str
    alone: tuple[float, float, float]
    pooled: tuple[float, float, float]
    overall: bool = False


def shrinkage(rows: Sequence[ShrinkageRow], xlabel: str) -> Figure:
    """Draw the estimates of every ROI alone (grey, hollow) and pooled (blue, filled).

    Parameters
    ----------
    rows : sequence of ShrinkageRow
        From top to bottom.
    xlabel : str
        What the axis measures, with its unit.

    Returns
    -------
    Figure
        The dashed line is the mean of all ROIs; the numbers are the pooled estimates.
    """
    from matplotlib.figure import Figure

    n_lines = max(len(rows), 1)
    height = _HEAD + _LINE * n_lines + _TAIL
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        axes = figure.add_axes((_LEFT / WIDTH, _TAIL / height, 1 - (_LEFT + _RIGHT) / WIDTH, _LINE * n_lines / height))
        axes.set_ylim(n_lines - 0.5, -0.5)
        _scale(axes, rows)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        for row in rows:
            if row.overall and np.isfinite(row.pooled[0]):
                axes.axvline(row.pooled[0], color=_POOLED, linewidth=0.7, linestyle=(0, (3, 2)), zorder=1)
        decimals = decimals_for(row.pooled[2] - row.pooled[1] for row in rows)
        for y, row in enumerate(rows):
            _draw(axes, y, row, decimals)
        axes.spines[["left"]].set_visible(False)
        axes.set_yticks([])
        axes.set_xlabel(xlabel)
        axes.locator_params(axis="x", nbins=5)
    return figure


def _scale(axes: Axes, rows: Sequence[ShrinkageRow]) -> None:
    ends = np.array([0.0, *(value for row in rows for value in (*row.alone, *row.pooled) if np.isfinite(value))])
    low, high = float(ends.min()), float(ends.max())
    room = 0.06 * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)


def _draw(axes: Axes, y: int, row: ShrinkageRow, decimals: int) -> None:
    axes.annotate(shorten(row.label, 20), (0, y), xycoords=("axes fraction", "data"), xytext=(-72 * _LEFT + 2, 0),
                  textcoords="offset points", va="center", fontweight="bold")
    _estimate(axes, y - (0.0 if row.overall else _OFF), row.pooled, _POOLED, "D" if row.overall else "s", filled=True)
    _estimate(axes, y + _OFF, row.alone, GREY, "o", filled=False)
    estimate, low, high = row.pooled
    known = np.isfinite(estimate)
    text = f"{number(estimate, decimals)} {interval(low, high, decimals)}".rstrip() if known else "not estimable"
    axes.annotate(text, (1, y), xycoords=("axes fraction", "data"), xytext=(5, 0), textcoords="offset points",
                  va="center", fontsize=7.4, color=INK if known else GREY)


def _estimate(axes: Axes, y: float, numbers: tuple[float, float, float], shade: str, marker: str, *,
              filled: bool) -> None:
    estimate, low, high = numbers
    if not np.isfinite(estimate):
        return
    if np.isfinite(low) and np.isfinite(high):
        axes.plot([low, high], [y, y], color=shade, linewidth=1.3, solid_capstyle="butt", zorder=2)
    axes.plot([estimate], [y], marker=marker, markersize=4.5, color=shade, zorder=3,
              markerfacecolor=shade if filled else "white", markeredgecolor=shade)
