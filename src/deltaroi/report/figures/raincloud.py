"""One ROI's responses: every subject's line from session to session, distributions, means with intervals."""

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
_GAP, _CLOUD = 0.9, 0.42  # between groups; width of a half violin (in steps between sessions)


@dataclass(frozen=True, eq=False)
class Cloud:
    """The responses of one ROI to one contrast.

    Attributes
    ----------
    title : str
        Which ROI.
    values : tuple of ndarray, shape (n_subjects, n_sessions)
        One array per group, in ``unit``; NaN where missing.
    groups, sessions : tuple of str
        Labels; an empty label is not written.
    unit : str
        Unit of the values.
    limits : tuple of float or None
        Ends of the y axis; None follows the values.
    """

    title: str
    values: tuple[FloatArray, ...]
    groups: tuple[str, ...]
    sessions: tuple[str, ...]
    unit: str
    limits: tuple[float, float] | None = None


def raincloud(cloud: Cloud) -> Figure:
    """Draw one ROI.

    Parameters
    ----------
    cloud : Cloud
        The responses.

    Returns
    -------
    Figure
        Per group: thin lines are subjects, shapes are densities, points with bars are means with 95 % intervals.
    """
    from matplotlib.figure import Figure

    n_groups, n_sessions = len(cloud.groups), len(cloud.sessions)
    step = n_sessions - 1 + _GAP + (0.6 if n_sessions == 1 else 0.3)
    span = n_groups * step
    width = min(max(2.9, 0.75 + 0.55 * n_groups * (n_sessions + 0.6)), 7.0)
    height = 2.5 if _crowded(cloud) else 2.3
    with styled():
        figure = Figure(figsize=(width, height))
        left, bottom, top = 0.52 / width, (0.46 if _crowded(cloud) else 0.26) / height, 0.46 / height
        axes = figure.add_axes((left, bottom, 1 - left - 0.06 / width, 1 - bottom - top))
        axes.set_title(shorten(cloud.title, int(width * 10)), pad=17, x=-0.44 / (width - 0.58))
        for g, values in enumerate(cloud.values):
            _group(axes, values, g * step, colour(GROUPS, g))
            middle = g * step + (n_sessions - 1) / 2
            room = max(int(width * 13 / n_groups) - 2, 6)
            count = int(np.isfinite(values).all(axis=1).sum())
            label = f"{shorten(cloud.groups[g], room - 7)} (n = {count})" if cloud.groups[g] else f"n = {count}"
            axes.annotate(label, (middle, 1), xycoords=("data", "axes fraction"),
                          xytext=(0, 5), textcoords="offset points", ha="center", color=colour(GROUPS, g),
                          fontweight="bold", fontsize=7)
        _axes(axes, cloud, step, span)
        if not any(np.isfinite(values).any() for values in cloud.values):
            axes.annotate("no values", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
            axes.set_yticks([])
        else:
            axes.axhline(0, color=GREY, linewidth=0.6, linestyle=(0, (3, 3)), zorder=0)
    return figure


def _axes(axes: Axes, cloud: Cloud, step: float, span: float) -> None:
    n_sessions, n_groups = len(cloud.sessions), len(cloud.groups)
    places = [g * step + s for g in range(n_groups) for s in range(n_sessions)]
    axes.set_xlim(-0.65, span - step + n_sessions - 1 + 0.65)
    crowded = _crowded(cloud)
    labels = [shorten(name, 9) for name in cloud.sessions] * n_groups
    axes.set_xticks(places, labels, rotation=35 if crowded else 0, ha="right" if crowded else "center",
                    rotation_mode="anchor")
    if not any(cloud.sessions):
        axes.tick_params(axis="x", length=0)
    if cloud.limits is not None:
        axes.set_ylim(*cloud.limits)
    axes.locator_params(axis="y", nbins=5)
    axes.set_ylabel(shorten(cloud.unit, 26), labelpad=2)


def _crowded(cloud: Cloud) -> bool:
    """Whether session labels must be slanted to fit."""
    return len(cloud.sessions) * len(cloud.groups) > 5 or max(map(len, cloud.sessions)) > 7


def _group(axes: Axes, values: FloatArray, x0: float, shade: str) -> None:
    """All marks of one group; ``values`` has shape (n_subjects, n_sessions)."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    n_subjects, n_sessions = values.shape
    xs = x0 + np.arange(n_sessions, dtype=np.float64)
    vertices: list[tuple[float, float]] = []
    codes: list[int] = []
    for row in values:
        known = np.flatnonzero(np.isfinite(row))
        if known.size > 1:
            vertices += [(float(xs[i]), float(row[i])) for i in known]
            codes += [int(Path.MOVETO)] + [int(Path.LINETO)] * (known.size - 1)
    if vertices:
        faint = float(np.clip(9 / max(n_subjects, 1), 0.12, 0.45))
        path = Path(np.array(vertices), np.array(codes, dtype=np.uint8))
        path.should_simplify = False
        axes.add_patch(PathPatch(path, fill=False, edgecolor=shade, linewidth=0.6, alpha=faint, zorder=1))
    for s in range(n_sessions):
        column = values[:, s][np.isfinite(values[:, s])]
        side = -1.0 if s == 0 and n_sessions == 2 else 1.0
        _density(axes, column, float(xs[s]), side, shade)
        spread = np.zeros(column.size) if n_sessions > 1 else -0.32 * _jitter(column.size)
        axes.plot(xs[s] + spread - (0.08 if n_sessions == 1 else 0.0), column, "o", color=shade, markersize=2.4,
                  alpha=0.55 if column.size < 80 else 0.3, markeredgewidth=0, zorder=2)
    _means(axes, values, xs, shade)


def _jitter(n: int) -> FloatArray:
    """Fixed, even positions in [0, 1): the golden-ratio sequence."""
    return np.modf(np.arange(n) * 0.6180339887498949)[0]


def _density(axes: Axes, column: FloatArray, x: float, side: float, shade: str) -> None:
    if column.size < 5 or np.ptp(column) == 0:
        return
    from scipy.stats import gaussian_kde

    spread = 0.3 * float(np.std(column, ddof=1))
    grid = np.linspace(column.min() - spread, column.max() + spread, 60)
    height = gaussian_kde(column)(grid)
    height = height / height.max() * _CLOUD
    axes.fill_betweenx(grid, x + side * 0.1, x + side * (0.1 + height), color=shade, alpha=0.22, linewidth=0, zorder=1)


def mean_interval(column: FloatArray) -> tuple[float, float]:
    """Mean of the known values and half-width of its 95 % t interval; NaN where there is none.

    Parameters
    ----------
    column : ndarray, shape (n,)
        Values; NaN where missing.
    """
    from scipy.stats import t

    known = column[np.isfinite(column)]
    if known.size == 0:
        return np.nan, np.nan
    if known.size == 1:
        return float(known[0]), np.nan
    half = t.ppf(0.975, known.size - 1) * np.std(known, ddof=1) / np.sqrt(known.size)
    return float(known.mean()), float(half)


def _means(axes: Axes, values: FloatArray, xs: FloatArray, shade: str) -> None:
    pairs = np.array([mean_interval(values[:, s]) for s in range(values.shape[1])])
    known = np.isfinite(pairs[:, 0])
    axes.plot(xs[known], pairs[known, 0], "-", color=shade, linewidth=2.0, zorder=4)
    for x, (mean, half) in zip(xs[known], pairs[known], strict=True):
        if np.isfinite(half):
            axes.plot([x, x], [mean - half, mean + half], color=INK, linewidth=1.4, solid_capstyle="butt", zorder=5)
        axes.plot([x], [mean], "o", color=shade, markersize=5.5, markeredgecolor=INK, markeredgewidth=0.9, zorder=6)
