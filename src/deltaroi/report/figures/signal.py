"""Coverage and tSNR: per ROI and session the subjects' median, quartiles and range, and who falls below the rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltaroi.report.figures.style import ALARM, GREY, INK, styled
from deltaroi.report.words import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 4.4
_LINE, _HEAD, _TAIL = 0.24, 0.34, 0.5
_SHADES = ("#8795a3", "#1f4e79", "#0f8a6d", "#9a6a00", "#7b3f8c")


@dataclass(frozen=True, eq=False)
class Spread:
    """One measure of the signal.

    Attributes
    ----------
    label : str
        What is measured, with its unit.
    rois, sessions : tuple of str
        Labels; rows of the figure, and marks within a row.
    values : tuple of tuple of ndarray
        ``values[roi][session]`` has shape (n_subjects,); NaN where missing.
    threshold : float or None
        Least value that is used.
    limits : tuple of float or None
        Ends of the axis; None starts at 0 and follows the values.
    """

    label: str
    rois: tuple[str, ...]
    sessions: tuple[str, ...]
    values: tuple[tuple[NDArray[np.float64], ...], ...]
    threshold: float | None = None
    limits: tuple[float, float] | None = None


def spread(data: Spread) -> Figure:
    """Draw one measure.

    Parameters
    ----------
    data : Spread
        The subjects' values per ROI and session.

    Returns
    -------
    Figure
        Dot: median; thick line: quartiles; thin line: range; cross: a subject below the threshold.
    """
    from matplotlib.figure import Figure

    n_sessions = len(data.sessions)
    line = _LINE + 0.06 * max(n_sessions - 2, 0)
    height = _HEAD + line * len(data.rois) + _TAIL
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        left, right = 1.45 / WIDTH, 0.15 / WIDTH
        axes = figure.add_axes((left, _TAIL / height, 1 - left - right, line * len(data.rois) / height))
        axes.set_ylim(len(data.rois) - 0.5, -0.5)
        for y, columns in enumerate(data.values):
            if y % 2:
                axes.axhspan(y - 0.5, y + 0.5, color="#f4f6f8", linewidth=0, zorder=0)
            for s, column in enumerate(columns):
                offset = (s - (n_sessions - 1) / 2) * 0.62 / max(n_sessions, 2)
                _mark(axes, column, y + offset, _SHADES[s % len(_SHADES)], data.threshold)
        if data.threshold is not None:
            axes.axvline(data.threshold, color=ALARM, linewidth=0.9, linestyle=(0, (4, 2)), zorder=1)
        _legend(axes, data)
        axes.set_yticks(range(len(data.rois)), [shorten(name, 22) for name in data.rois])
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(data.label)
        limits = data.limits or (0.0, axes.get_xlim()[1])
        axes.set_xlim(*limits)
    return figure


def _mark(axes: Axes, column: NDArray[np.float64], y: float, shade: str, threshold: float | None) -> None:
    known = column[np.isfinite(column)]
    if known.size == 0:
        axes.annotate("no values", (0.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=6.5, color=GREY)
        return
    low, first, median, third, high = np.quantile(known, [0, 0.25, 0.5, 0.75, 1])
    axes.plot([low, high], [y, y], color=shade, linewidth=0.7, zorder=2)
    axes.plot([first, third], [y, y], color=shade, linewidth=2.6, solid_capstyle="butt", zorder=3)
    axes.plot([median], [y], "o", color=shade, markersize=4, markeredgecolor="white", markeredgewidth=0.6, zorder=4)
    if threshold is not None and (known < threshold).any():
        below = known[known < threshold]
        axes.plot(below, np.full(below.size, y), "x", color=ALARM, markersize=3.6, markeredgewidth=1.0, zorder=5)


def _legend(axes: Axes, data: Spread) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=_SHADES[s % len(_SHADES)], marker="o", linewidth=2.2, markersize=4,
                      label=shorten(name, 14)) for s, name in enumerate(data.sessions) if name]
    if data.threshold is not None:
        handles.append(Line2D([], [], color=ALARM, linewidth=0.9, linestyle=(0, (4, 2)),
                              label=f"least used ({data.threshold:g})"))
    if handles:
        axes.legend(handles=handles, loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=min(len(handles), 4),
                    frameon=False, fontsize=7, handlelength=1.6, columnspacing=1.1, borderpad=0.1, labelcolor=INK)
