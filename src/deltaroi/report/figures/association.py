"""One ROI's change or response against a score: a point per subject, a line with its interval per group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltaroi.report.figures.style import GREY, GROUPS, INK, colour, styled
from deltaroi.report.words import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
WIDTH, HEIGHT = 2.9, 2.45
_MARKS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, eq=False)
class Cluster:
    """The subjects of one group.

    Attributes
    ----------
    label : str
        The group; empty with one group.
    shade : int
        Which of the groups' colours.
    score, outcome : ndarray, shape (n,)
        Of each subject.
    line, low, high : ndarray, shape (n,)
        The group's line and the ends of its interval at each score; NaN where there is none.
    """

    label: str
    shade: int
    score: FloatArray
    outcome: FloatArray
    line: FloatArray
    low: FloatArray
    high: FloatArray


@dataclass(frozen=True, eq=False)
class Scatter:
    """One ROI, contrast and association.

    Attributes
    ----------
    title, xlabel, ylabel : str
        Which ROI, the score, the outcome with its unit.
    clusters : tuple of Cluster
        One per group.
    differ : tuple of pairs
        Stretches of the score where groups differ.
    """

    title: str
    xlabel: str
    ylabel: str
    clusters: tuple[Cluster, ...]
    differ: tuple[tuple[float, float], ...] = ()


def scatter(data: Scatter) -> Figure:
    """Draw one ROI.

    Parameters
    ----------
    data : Scatter
        Points and lines.

    Returns
    -------
    Figure
        Points: subjects; lines and bands: groups with 95 % intervals at each score; grey bar along the bottom: scores
        where groups differ.
    """
    from matplotlib.figure import Figure

    with styled():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        left, bottom, top = 0.54 / WIDTH, 0.44 / HEIGHT, 0.44 / HEIGHT
        axes = figure.add_axes((left, bottom, 1 - left - 0.08 / WIDTH, 1 - bottom - top))
        axes.set_title(shorten(data.title, 34), pad=16, x=-0.46 / (WIDTH - 0.62))
        for number, cluster in enumerate(data.clusters):
            _cluster(axes, cluster, number)
        _legend(axes, data.clusters)
        for low, high in data.differ:
            axes.axvspan(low, high, ymin=0, ymax=0.03, color=INK, linewidth=0, alpha=0.75)
        axes.margins(x=0.05, y=0.08)
        axes.axhline(0, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)), zorder=0)
        axes.set_xlabel(shorten(data.xlabel, 34), labelpad=2)
        axes.set_ylabel(shorten(data.ylabel, 30), labelpad=2)
        axes.locator_params(axis="both", nbins=5)
    return figure


def _cluster(axes: Axes, cluster: Cluster, number: int) -> None:
    shade = colour(GROUPS, cluster.shade)
    mark = _MARKS[number % len(_MARKS)]
    faint = 0.75 if cluster.score.size < 80 else 0.4
    axes.plot(cluster.score, cluster.outcome, mark, color=shade, markersize=3.4, alpha=faint, markeredgewidth=0,
              zorder=2)
    order = np.argsort(cluster.score, kind="stable")
    order = order[np.isfinite(cluster.line[order])]
    if order.size < 2:
        return
    x = cluster.score[order]
    axes.fill_between(x, cluster.low[order], cluster.high[order], color=shade, alpha=0.16, linewidth=0, zorder=1)
    axes.plot(x, cluster.line[order], "-", color=shade, linewidth=1.8, zorder=3)


def _legend(axes: Axes, clusters: tuple[Cluster, ...]) -> None:
    """Names of the groups above the axes, in their colours, from left to right."""
    room = max(46 // max(len(clusters), 1) - 8, 5)
    step = 1 / max(len(clusters), 1)
    for number, cluster in enumerate(clusters):
        count = f"n = {cluster.score.size}"
        label = f"{shorten(cluster.label, room)} ({count})" if cluster.label else count
        at = (number + 0.5) * step
        axes.annotate(label, (at, 1), xycoords="axes fraction", xytext=(0, 5), textcoords="offset points",
                      ha="center", color=colour(GROUPS, cluster.shade), fontweight="bold", fontsize=7)
