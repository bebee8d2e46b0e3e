"""The residuals of one model: against its fitted values, and against those that a normal distribution would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from deltaroi.report.figures.style import GREY, GROUPS, INK, PALE, colour, styled
from deltaroi.report.words import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
WIDTH, HEIGHT = 4.3, 2.15
_LEFT, _GAP, _RIGHT, _BOTTOM, _TOP = 0.52, 0.5, 0.08, 0.42, 0.42  # inches
_MARKS = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, eq=False)
class ResidualPlot:
    """The residuals of one ROI.

    Attributes
    ----------
    title : str
        Which ROI.
    fitted, residuals, standardised : ndarray, shape (n_subjects,)
        Fitted values and residuals in ``unit``; residuals over their standard errors, NaN where there is none.
    group : ndarray of int, shape (n_subjects,)
        Positions in ``groups``.
    groups : tuple of str
        Labels; an empty label is not written.
    unit : str
        Unit of the values.
    marked : int or None
        Position of the subject that is named, with its ``name``.
    name : str
        What it is called.
    """

    title: str
    fitted: FloatArray
    residuals: FloatArray
    standardised: FloatArray
    group: NDArray[np.int64]
    groups: tuple[str, ...]
    unit: str
    marked: int | None = None
    name: str = ""


def residual_plot(data: ResidualPlot) -> Figure:
    """Draw one ROI.

    Parameters
    ----------
    data : ResidualPlot
        The residuals.

    Returns
    -------
    Figure
        Left: residuals against fitted values, a colour and a mark per group. Right: standardised residuals in order
        against normal quantiles, with the band that 95 % of such points of a normal sample lie in, point by point.
    """
    from matplotlib.figure import Figure

    edge = (WIDTH - _LEFT - _GAP - _RIGHT) / 2
    size = (edge / WIDTH, (HEIGHT - _BOTTOM - _TOP) / HEIGHT)
    with styled():
        figure = Figure(figsize=(WIDTH, HEIGHT))
        left = figure.add_axes((_LEFT / WIDTH, _BOTTOM / HEIGHT, *size))
        right = figure.add_axes(((_LEFT + edge + _GAP) / WIDTH, _BOTTOM / HEIGHT, *size))
        left.set_title(shorten(data.title, 40), x=-0.42 / edge, pad=15)
        _legend(left, data)
        _scatter(left, data)
        _quantiles(right, data)
    return figure


def normal_quantiles(n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What n ordered values of a standard normal sample would be, with ends of their pointwise 95 % band.

    Parameters
    ----------
    n : int
        Number of values.

    Notes
    -----
    The i-th of n uniform values follows a beta distribution with i and n + 1 - i; the first array holds the quantiles
    of Blom's positions (i - 3/8) / (n + 1/4).
    """
    from scipy.stats import beta, norm

    i = np.arange(1, n + 1, dtype=np.float64)
    return (np.asarray(norm.ppf((i - 0.375) / (n + 0.25))), np.asarray(norm.ppf(beta.ppf(0.025, i, n + 1 - i))),
            np.asarray(norm.ppf(beta.ppf(0.975, i, n + 1 - i))))


def _scatter(axes: Axes, data: ResidualPlot) -> None:
    known = np.isfinite(data.fitted) & np.isfinite(data.residuals)
    axes.set_xlabel(shorten(f"Fitted ({data.unit})", 27), labelpad=2)
    axes.set_ylabel("Residual", labelpad=2)
    axes.locator_params(nbins=4)
    if not known.any():
        _nothing(axes, "no values")
        return
    axes.axhline(0, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)), zorder=0)
    for k in range(max(len(data.groups), 1)):
        of = known & (data.group == k)
        _points(axes, data.fitted[of], data.residuals[of], k)
    if data.marked is not None and known[data.marked]:
        at, ends = float(data.fitted[data.marked]), data.fitted[known]
        _name(axes, at, float(data.residuals[data.marked]), data.name, before=2 * at > ends.min() + ends.max())
    largest = float(np.abs(data.residuals[known]).max())
    axes.set_ylim(*((-1.25 * largest, 1.25 * largest) if largest > 0 else (-1.0, 1.0)))
    axes.margins(x=0.1)


def _quantiles(axes: Axes, data: ResidualPlot) -> None:
    known = np.flatnonzero(np.isfinite(data.standardised))
    axes.set_xlabel("Normal quantile", labelpad=2)
    axes.set_ylabel("Standardised residual", labelpad=1)
    axes.locator_params(nbins=4)
    if known.size < 3:
        _nothing(axes, "too few values")
        return
    order = known[np.argsort(data.standardised[known], kind="stable")]
    expected, low, high = normal_quantiles(order.size)
    values = data.standardised[order]
    axes.fill_between(expected, low, high, color=PALE, linewidth=0, zorder=0)
    axes.plot(expected[[0, -1]], expected[[0, -1]], color=GREY, linewidth=0.7, zorder=1)
    for k in range(max(len(data.groups), 1)):
        of = data.group[order] == k
        _points(axes, expected[of], values[of], k)
    if data.marked is not None and data.marked in order:
        at = int(np.flatnonzero(order == data.marked)[0])
        _name(axes, float(expected[at]), float(values[at]), data.name, before=expected[at] > 0)
    axes.margins(x=0.1)
    ends = max(float(np.abs(values).max()), float(-low[0]))
    axes.set_ylim(-1.1 * ends, 1.1 * ends)


def _points(axes: Axes, x: FloatArray, y: FloatArray, k: int) -> None:
    axes.plot(x, y, _MARKS[k % len(_MARKS)], color=colour(GROUPS, k), markersize=3.0, alpha=0.7, markeredgewidth=0,
              zorder=2)


def _name(axes: Axes, x: float, y: float, name: str, before: bool) -> None:
    """Ring and name one subject; the name stands before or behind its point, towards the middle."""
    axes.plot([x], [y], "o", markersize=6.5, markerfacecolor="none", markeredgecolor=INK, markeredgewidth=0.8, zorder=3)
    axes.annotate(shorten(name, 12), (x, y), xytext=(-5.5 if before else 5.5, 0), textcoords="offset points",
                  ha="right" if before else "left", va="center", fontsize=6.5, color=INK, zorder=4)


def _nothing(axes: Axes, text: str) -> None:
    axes.annotate(text, (0.5, 0.5), xycoords="axes fraction", ha="center", va="center", color=GREY)
    axes.set_xticks([])
    axes.set_yticks([])


def _legend(axes: Axes, data: ResidualPlot) -> None:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour(GROUPS, k), marker=_MARKS[k % len(_MARKS)], linestyle="none", markersize=3.6,
                      markeredgewidth=0, label=shorten(name, 16)) for k, name in enumerate(data.groups[:4]) if name]
    if handles:
        edge = (WIDTH - _LEFT - _GAP - _RIGHT) / 2
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(-0.47 / edge, 0.985), ncols=len(handles),
                    frameon=False, fontsize=7, handlelength=0.8, handletextpad=0.4, columnspacing=1.0, borderpad=0.1,
                    borderaxespad=0.1, labelcolor=INK)
