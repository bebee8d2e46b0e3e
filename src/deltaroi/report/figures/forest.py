"""The forest plot: one line per ROI, estimate with interval, beside a zero line and the equivalence bounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.report.figures.style import ALARM, GREY, INK, styled
from deltaroi.report.words import decimals_for, interval, number, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINE, _HEAD, _TAIL = 0.2, 0.08, 0.5  # inches per row, above the first and below the last
WIDTH = 4.45


@dataclass(frozen=True)
class ForestRow:
    """One estimate.

    Attributes
    ----------
    heading : str
        Rows with the same heading stand together under it.
    label : str
        What tells the row from the others under the heading.
    estimate, low, high : float
        Estimate and ends of its interval, in the plot's unit; NaN when missing.
    bound : float
        Half-width of the equivalence region; NaN when there is none.
    marked : bool
        Whether the estimate holds after correction over the family.
    """

    heading: str
    label: str
    estimate: float
    low: float
    high: float
    bound: float
    marked: bool


def forest(rows: Sequence[ForestRow], xlabel: str) -> Figure:
    """Draw estimates with their intervals.

    Parameters
    ----------
    rows : sequence of ForestRow
        From top to bottom.
    xlabel : str
        What the axis measures, with its unit.

    Returns
    -------
    Figure
        Filled points hold after correction; hollow ones do not; the pale band is the equivalence region.
    """
    from matplotlib.figure import Figure

    headings = list(dict.fromkeys(row.heading for row in rows))
    single = len(headings) == len(rows)
    lines: list[tuple[str, ForestRow | None]] = []
    for heading in headings:
        inside = [row for row in rows if row.heading == heading]
        if single:
            lines.append((" ".join(part for part in (heading, inside[0].label) if part), inside[0]))
            continue
        lines.append((heading, None))
        lines += [(row.label, row) for row in inside]
    n_lines = max(len(lines), 1)
    height = _HEAD + _LINE * n_lines + _TAIL
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        left, right = 1.22 / WIDTH, 1.43 / WIDTH
        axes = figure.add_axes((left, _TAIL / height, 1 - left - right, _LINE * n_lines / height))
        axes.set_ylim(n_lines - 0.5, -0.5)
        scale(axes, rows)
        decimals = decimals_for(row.high - row.low for row in rows)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        for y, (text, row) in enumerate(lines):
            _label(axes, y, text, row, single)
            if row is not None:
                draw_row(axes, y, row, decimals)
        axes.spines[["left"]].set_visible(False)
        axes.set_yticks([])
        axes.set_xlabel(xlabel)
        axes.locator_params(axis="x", nbins=5)
    return figure


def scale(axes: Axes, rows: Sequence[ForestRow]) -> None:
    """Limits that show every estimate, interval and bound, and zero."""
    ends = np.array([[row.low, row.high, row.estimate, row.bound, -row.bound] for row in rows], dtype=np.float64)
    known = ends[np.isfinite(ends)] if ends.size else np.array([])
    low, high = (min(known.min(), 0.0), max(known.max(), 0.0)) if known.size else (-1.0, 1.0)
    room = 0.06 * (high - low) or 1.0
    axes.set_xlim(low - room, high + room)


def _label(axes: Axes, y: int, text: str, row: ForestRow | None, single: bool) -> None:
    weight = "bold" if row is None or single else "normal"
    indent = 0.0 if row is None or single else 0.12
    axes.annotate(shorten(text, 20 if weight == "bold" else 21), (0, y), xycoords=("axes fraction", "data"),
                  xytext=(72 * (indent - 1.2), 0), textcoords="offset points", va="center", fontweight=weight)


def draw_row(axes: Axes, y: int, row: ForestRow, decimals: int) -> None:
    """An estimate with its interval and bound in the line ``y``, and its numbers beside the axes."""
    if np.isfinite(row.bound):
        axes.fill_betweenx([y - 0.5, y + 0.5], -row.bound, row.bound, color="#dbe4ea", linewidth=0, zorder=0)
    text, shade = "not estimable", GREY
    if np.isfinite(row.estimate):
        shade = INK if row.marked else "#4a5866"
        text = f"{number(row.estimate, decimals)} {interval(row.low, row.high, decimals)}".rstrip()
        if np.isfinite(row.low) and np.isfinite(row.high):
            axes.plot([row.low, row.high], [y, y], color=shade, linewidth=1.5, solid_capstyle="butt", zorder=2)
        axes.plot([row.estimate], [y], marker="s", markersize=5.5, color=shade, zorder=3, clip_on=False,
                  markerfacecolor=ALARM if row.marked else "white", markeredgecolor=ALARM if row.marked else shade)
    axes.annotate(text + (" ★" if row.marked else ""), (1, y), xycoords=("axes fraction", "data"),
                  xytext=(5, 0), textcoords="offset points", va="center", fontsize=7.4, color=shade,
                  fontweight="bold" if row.marked else "normal")
