"""Several definitions of one region on one slice: tints, outlines, and where the slice lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from deltaroi.report.figures.slices import (
    BRAIN,
    Axis,
    FloatArray,
    Layer,
    View,
    Volume,
    across,
    area,
    best_cut,
    compose,
    extent,
    place,
    plane,
)
from deltaroi.report.figures.style import GREY, INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TINT, _TINT_CROWD, _CROWD = 0.30, 0.10, 4  # with many definitions tints would only add up to brown
_FINE_MM = 0.5  # views sampled at least this finely show the voxels' own edges
_SHORTEST = 0.62  # a view is never flatter than this


@dataclass(frozen=True, eq=False)
class Drawing:
    """One definition of a region as it is drawn.

    Attributes
    ----------
    name : str
        The definition.
    volumes : tuple of Volume
        Its ROIs (left and right), all in one colour.
    colour : str
        As ``#rrggbb``.
    dashed : bool
        Whether its outline is dashed: spheres are.
    details : str
        What the legend says beside the name.
    """

    name: str
    volumes: tuple[Volume, ...]
    colour: str
    dashed: bool = False
    details: str = ""


@dataclass(frozen=True, eq=False)
class Panel:
    """One slice: axis, mm, the part that is seen, what is drawn, a title above, and a part to be framed."""

    axis: Axis
    at: float
    view: View
    drawings: tuple[Drawing, ...]
    title: str = ""
    framed: View | None = None
    filled: bool = False


def padded(volume: Volume) -> Volume:
    """The volume with an empty voxel all around, so that outlines close."""
    affine = volume.affine.copy()
    affine[:3, 3] -= affine[:3, :3].sum(axis=1)
    return Volume(np.pad(volume.data, 1), affine)


def outline(drawing: Drawing, axis: Axis, at: float, view: View) -> FloatArray | None:
    """The weights of a definition on a slice, 1 where they are largest; None where the slice misses it."""
    order: Literal[0, 1] = 0 if view.step <= _FINE_MM else 1
    shown = [plane(volume, axis, at, order, view) / highest for volume in drawing.volumes
             if (highest := float(np.max(volume.data, initial=0.0))) > 0]
    pooled = np.max(shown, axis=0) if shown else np.zeros(1)
    return pooled if pooled.max() > 0.5 else None


def draw_panel(axes: Axes, background: Volume | None, panel: Panel) -> None:
    """Draw a slice into axes whose data coordinates become mm."""
    axis, at, view = panel.axis, panel.at, panel.view
    first, up = across(axis)
    (left, right), (low, high), half = view.box[first], view.box[up], view.step / 2
    layers = [Layer(volume, drawing.colour) for drawing in panel.drawings for volume in drawing.volumes]
    image = compose(background, layers, axis, at, view, _tint(panel))
    axes.imshow(image, origin="lower", interpolation="none", aspect="auto",
                extent=(left - half, right + half, low - half, high + half))
    columns = left + view.step * np.arange(image.shape[1])
    rows = low + view.step * np.arange(image.shape[0])
    count = len(panel.drawings)
    for i, drawing in enumerate(panel.drawings):
        shape = outline(drawing, axis, at, view)
        if shape is not None:  # the first is the widest: of two that coincide, both are seen
            wide = 0.9 + min(0.9, 0.25 * (count - 1)) * (count - 1 - i) / max(count - 1, 1)
            axes.contour(columns, rows, shape, levels=[0.5], colors=[drawing.colour], linewidths=[wide],
                         linestyles=[(0, (2.2, 1.1)) if drawing.dashed else "solid"])
    if panel.framed is not None:
        _frame(axes, panel.framed, axis)
    axes.set_xlim(left - half, right + half)
    axes.set_ylim(low - half, high + half)
    axes.set_axis_off()
    _label(axes, panel)


def _tint(panel: Panel) -> float:
    if panel.filled:
        return 0.75
    return _TINT if len(panel.drawings) < _CROWD else _TINT_CROWD


def _frame(axes: Axes, view: View, axis: Axis) -> None:
    from matplotlib.patches import Rectangle

    first, up = across(axis)
    axes.add_patch(Rectangle((view.box[first][0], view.box[up][0]), view.width(first), view.width(up), fill=False,
                             edgecolor=INK, linewidth=0.7, linestyle=(0, (1, 1))))


def _label(axes: Axes, panel: Panel) -> None:
    """The coordinate below, left and right (or behind and front) in the upper corners, a title above."""
    from matplotlib.patheffects import withStroke

    axes.annotate(place(panel.axis, panel.at), (0.5, 0), xycoords="axes fraction", xytext=(0, -2.5),
                  textcoords="offset points", ha="center", va="top", fontsize=7)
    halo = [withStroke(linewidth=1.8, foreground="white")]
    sides = ("P", "A") if panel.axis == "x" else ("L", "R")
    for text, where, align in ((sides[0], 0.02, "left"), (sides[1], 0.98, "right")):
        axes.annotate(text, (where, 0.98), xycoords="axes fraction", ha=align, va="top", fontsize=6.5, color=GREY,
                      weight="bold", path_effects=halo)
    if panel.title:
        axes.annotate(panel.title, (0.5, 1), xycoords="axes fraction", xytext=(0, 2.5), textcoords="offset points",
                      ha="center", va="bottom", fontsize=7)


def bounds(volumes: Sequence[Volume]) -> FloatArray | None:
    """Lowest and highest mm of some ROIs per world axis, shape (3, 2); None without any voxel."""
    ends = np.array([[extent(volume, axis) for axis in ("x", "y", "z")] for volume in volumes], dtype=np.float64)
    ends = ends[np.isfinite(ends).all(axis=(1, 2))] if len(ends) else ends
    return np.stack([ends[..., 0].min(axis=0), ends[..., 1].max(axis=0)], axis=1) if len(ends) else None


def fitted(volumes: Sequence[Volume], margin: float = 12.0, least: float = 44.0) -> View:
    """The part of the brain that holds some ROIs, on both sides of the midline alike.

    Parameters
    ----------
    volumes : sequence of Volume
        What must be seen.
    margin : float
        Room around it, mm.
    least : float
        Smallest extent, mm.

    Returns
    -------
    View
        In whole mm, never wider than the brain and never much flatter than wide; the whole brain without any voxel.
    """
    ends = bounds(volumes)
    if ends is None:
        return BRAIN
    ends[0] = np.abs(ends[0]).max() * np.array([-1.0, 1.0])
    half = np.maximum((ends[:, 1] - ends[:, 0]) / 2 + margin, least / 2)
    half[1:] = np.maximum(half[1:], _SHORTEST * half[0])
    whole = np.array(BRAIN.box)
    half = np.round(np.minimum(half, (whole[:, 1] - whole[:, 0]) / 2))
    middle = np.clip(np.round(ends.mean(axis=1)), whole[:, 0] + half, whole[:, 1] - half)
    box = tuple((float(c - h), float(c + h)) for c, h in zip(middle, half, strict=True))
    return View(box, 0.25 if half[0] < 36 else 0.5 if half[0] < 56 else 1.0)


def shaped(view: View, axis: Axis, aspect: float) -> View:
    """The view, grown around its middle until a slice of it is ``aspect`` times as wide as high."""
    first, up = across(axis)
    wide, tall = view.width(first), view.width(up)
    grown = {first: max(wide, tall * aspect), up: max(tall, wide / aspect)}
    box = []
    for a, (low, high) in enumerate(view.box):
        half = grown.get(a, high - low) / 2
        box.append(((low + high) / 2 - half, (low + high) / 2 + half))
    return View(tuple(box), view.step)


def visibility(drawing: Drawing, axis: Axis) -> float:
    """How much the best slice shows of the less visible ROI, as a share of that ROI's largest cross-section."""
    at = best_cut(drawing.volumes, axis)
    shares = [area(volume, axis, at) / most for volume in drawing.volumes
              if (most := area(volume, axis, best_cut([volume], axis)))]
    return min(shares, default=0.0)


def spread_cuts(volumes: Sequence[Volume], axis: Axis, count: int) -> tuple[float, ...]:
    """At most ``count`` slices in whole mm, evenly through the extent of some ROIs; none without any voxel."""
    ends = bounds(volumes)
    if ends is None:
        return ()
    low, high = ends["xyz".index(axis)]
    inner = (high - low) / (count + 1)
    return tuple(float(at) for at in np.unique(np.round(np.linspace(low + inner / 2, high - inner / 2, count))))
