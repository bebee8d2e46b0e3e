"""The voxels inside one ROI: their statistic on three slices through the peak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.report.figures.overlay import bounds
from deltaroi.report.figures.slices import BRAIN, Axis, FloatArray, View, Volume, across, compose, place, plane
from deltaroi.report.figures.style import GREY, INK, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_UP, _DOWN = (0.74, 0.10, 0.06), (0.03, 0.30, 0.70)
_PALE = 0.45  # opacity of voxels that do not hold
_HOLDS = 0.95
_SIDE, _GAP, _BELOW, _BAR = 1.32, 0.08, 0.22, 0.62  # inches
_LEAST_MM, _MARGIN_MM = 30.0, 8.0
_TICK_MM = (3.5, 7.5)


@dataclass(frozen=True, eq=False)
class Inside:
    """What is drawn of one ROI.

    Attributes
    ----------
    roi, statistic, corrected : Volume
        The ROI's weights, the statistic of its voxels, and one minus their corrected p; 0 outside.
    peak : tuple of float
        Where the slices meet, mm.
    kind : str
        What the statistic is: ``z``, ``t`` or ``F``.
    """

    roi: Volume
    statistic: Volume
    corrected: Volume
    peak: tuple[float, float, float]
    kind: str


def inside(drawn: Inside, background: Volume | None) -> Figure:
    """Draw a sagittal, a coronal and an axial slice through the peak.

    Returns
    -------
    Figure
        Left is left. The ROI is outlined, four ticks point at the peak; voxels that hold after correction over the ROI
        are drawn whole and outlined, the others pale.
    """
    from matplotlib.figure import Figure

    view = around(drawn.roi)
    cuts: list[tuple[Axis, float]] = [("x", drawn.peak[0]), ("y", drawn.peak[1]), ("z", drawn.peak[2])]
    highest = float(np.abs(drawn.statistic.data).max()) or 1.0
    width, height = 3 * (_SIDE + _GAP) + _BAR - _GAP, _SIDE + _BELOW
    with styled():
        figure = Figure(figsize=(width, height))
        for i, (axis, at) in enumerate(cuts):
            axes = figure.add_axes((i * (_SIDE + _GAP) / width, _BELOW / height, _SIDE / width, _SIDE / height))
            _slice(axes, drawn, background, (axis, at, highest), view)
        bar = figure.add_axes(((3 * (_SIDE + _GAP) + 0.02) / width, (_BELOW + _SIDE * 0.15) / height, 0.10 / width,
                               _SIDE * 0.7 / height))
        _scale(bar, drawn, highest)
    return figure


def around(roi: Volume) -> View:
    """A cube around an ROI that holds all of it."""
    ends = bounds([roi])
    if ends is None:
        return BRAIN
    half = max(_LEAST_MM, float(np.ptp(ends, axis=1).max()) / 2 + _MARGIN_MM)
    lows = [float(round(c - half)) for c in ends.mean(axis=1)]
    return View(tuple((low, low + 2 * round(half)) for low in lows), 0.5)


def shades(statistic: FloatArray, corrected: FloatArray, highest: float) -> FloatArray:
    """Colour and opacity of voxels, shape (..., 4): red above zero, blue below, the stronger the darker."""
    strength = np.clip(np.abs(statistic) / highest, 0, 1)[..., None]
    full = np.where((statistic > 0)[..., None], _UP, _DOWN)
    colour = 1 - strength * (1 - full)
    opacity = np.where(corrected > _HOLDS, 1.0, np.where(statistic != 0, _PALE, 0.0))
    return np.concatenate([colour, opacity[..., None]], axis=-1)


def _slice(axes: Axes, drawn: Inside, background: Volume | None, cut: tuple[Axis, float, float], view: View) -> None:
    axis, at, highest = cut
    first, up = across(axis)
    (left, right), (low, high), half = view.box[first], view.box[up], view.step / 2
    image = compose(background, [], axis, at, view) / 255.0
    statistic, holds, roi = (plane(volume, axis, at, 0, view) for volume in (drawn.statistic, drawn.corrected,
                                                                             drawn.roi))
    over = shades(statistic, holds, highest)
    image = image * (1 - over[..., 3:]) + over[..., :3] * over[..., 3:]
    axes.imshow(np.round(image * 255).astype(np.uint8), origin="lower", interpolation="none", aspect="auto",
                extent=(left - half, right + half, low - half, high + half))
    columns = left + view.step * np.arange(image.shape[1])
    rows = low + view.step * np.arange(image.shape[0])
    for shape, colour, wide in ((roi > 0, INK, 0.7), (holds > _HOLDS, "#ffffff", 1.4), (holds > _HOLDS, INK, 0.9)):
        if shape.any() and not shape.all():
            axes.contour(columns, rows, shape.astype(np.float64), levels=[0.5], colors=[colour], linewidths=[wide])
    _point_at(axes, drawn.peak[first], drawn.peak[up])
    axes.set_xlim(left - half, right + half)
    axes.set_ylim(low - half, high + half)
    axes.set_axis_off()
    axes.annotate(place(axis, at), (0.5, 0), xycoords="axes fraction", xytext=(0, -3), textcoords="offset points",
                  ha="center", va="top", fontsize=7)
    for text, where, align in (("P" if axis == "x" else "L", 0.02, "left"), ("A" if axis == "x" else "R", 0.98,
                                                                             "right")):
        axes.annotate(text, (where, 0.98), xycoords="axes fraction", ha=align, va="top", fontsize=6.5, color=GREY,
                      weight="bold")


def _point_at(axes: Axes, x: float, y: float) -> None:
    """Four ticks around a place, which leave the place itself free."""
    near, far = _TICK_MM
    for colour, wide in (("#ffffff", 2.2), (INK, 1.0)):
        for sign in (-1, 1):
            axes.plot([x + sign * near, x + sign * far], [y, y], color=colour, linewidth=wide)
            axes.plot([x, x], [y + sign * near, y + sign * far], color=colour, linewidth=wide)


def _scale(axes: Axes, drawn: Inside, highest: float) -> None:
    """The colours of the statistic, for voxels that hold."""
    ends = (-highest if (drawn.statistic.data < 0).any() else 0.0, highest if (drawn.statistic.data > 0).any() else 0.0)
    values = np.linspace(*ends, 64)[:, None]
    axes.imshow(np.round(shades(values, np.ones_like(values), highest)[..., :3] * 255).astype(np.uint8), origin="lower",
                aspect="auto", extent=(0, 1, *ends))
    axes.set(xticks=[])
    axes.yaxis.tick_right()
    axes.spines[:].set_visible(True)
    axes.set_title(drawn.kind, fontsize=7, loc="center", weight="normal")
