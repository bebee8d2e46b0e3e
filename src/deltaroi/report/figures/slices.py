"""ROIs drawn on template slices; left is left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from deltaroi.report.figures.style import GREY, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]
Axis = Literal["x", "y", "z"]
_AXES: dict[Axis, int] = {"x": 0, "y": 1, "z": 2}
_ZOOM_MM = 30.0
_OPACITY = 0.85
_SEEN_WELL = 0.3  # share of an ROI's largest cross-section
_SMALL_MM3 = 600.0  # an ROI below this is circled, or nobody would find it


@dataclass(frozen=True)
class View:
    """What is seen: (low, high) in mm per world axis, sampled every ``step`` mm."""

    box: tuple[tuple[float, float], ...] = ((-76.0, 76.0), (-110.0, 78.0), (-66.0, 86.0))
    step: float = 1.0

    def width(self, axis: int) -> float:
        """Extent along a world axis, mm."""
        return self.box[axis][1] - self.box[axis][0]


BRAIN = View()


@dataclass(frozen=True, eq=False)
class Volume:
    """An image in world coordinates: ``data`` 3-D, ``affine`` (4, 4) in mm."""

    data: NDArray[np.floating]
    affine: FloatArray


@dataclass(frozen=True, eq=False)
class Layer:
    """One ROI: weights in 0..1 on its grid, and its colour as ``#rrggbb``."""

    weights: Volume
    colour: str


def plane(volume: Volume, axis: Axis, at: float, order: Literal[0, 1], view: View = BRAIN) -> FloatArray:
    """Sample an image on a slice.

    Parameters
    ----------
    volume : Volume
        The image.
    axis : str
        World axis the slice stands on: ``x`` sagittal, ``y`` coronal, ``z`` axial.
    at : float
        Where on it, mm.
    order : int
        0 shows the voxels as they are; 1 interpolates.
    view : View
        The part that is seen.

    Returns
    -------
    ndarray, shape (rows, columns)
        Rows from below upwards, columns from left (or from behind) to right; 0 outside the image.
    """
    from scipy.ndimage import map_coordinates

    first, second = across(axis)
    columns, rows = (np.arange(view.box[k][0], view.box[k][1] + view.step / 2, view.step) for k in (first, second))
    world = np.full((3, rows.size, columns.size), at, dtype=np.float64)
    world[first], world[second] = columns[None, :], rows[:, None]
    inverse = np.linalg.inv(volume.affine)
    index = np.tensordot(inverse[:3, :3], world, axes=1) + inverse[:3, 3][:, None, None]
    return np.asarray(map_coordinates(np.asarray(volume.data, dtype=np.float64), index, order=order, mode="constant",
                                      cval=0.0))


def across(axis: Axis) -> tuple[int, int]:
    """The world axes that a slice shows: across, and up."""
    first, second = (i for i in range(3) if i != _AXES[axis])
    return first, second


def compose(background: Volume | None, layers: Sequence[Layer], axis: Axis, at: float,
            view: View = BRAIN, tint: float = _OPACITY) -> NDArray[np.uint8]:
    """One slice as an image, shape (rows, columns, 3): the template in grey, the ROIs over it at ``tint`` opacity."""
    from scipy.ndimage import gaussian_filter

    first, up = across(axis)
    image = np.ones((round(view.width(up) / view.step) + 1, round(view.width(first) / view.step) + 1, 3))
    if background is not None:
        brain = np.clip(plane(background, axis, at, 1, view) / _bright(background), 0, 1)
        # the brain's edge fades into the page
        inside = gaussian_filter((brain > 0.02).astype(np.float64), 0.8 / view.step)
        grey = inside * (0.32 + 0.67 * brain**0.9) + (1 - inside)
        image = np.repeat((np.round(grey * 40) / 40)[..., None], 3, axis=2)
    for layer in layers:
        weight = np.clip(plane(layer.weights, axis, at, 0, view), 0, 1)
        opacity = np.where(weight > 0, tint * (0.6 + 0.4 * weight), 0.0)[..., None]
        shade = np.array([int(layer.colour[i:i + 2], 16) / 255 for i in (1, 3, 5)])
        image = image * (1 - opacity) + shade * opacity
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _bright(volume: Volume) -> float:
    return float(np.max(volume.data)) or 1.0


def slices(background: Volume | None, layers: Sequence[Layer], cuts: Sequence[tuple[Axis, float]],
           view: View = BRAIN) -> Figure:
    """Draw slices side by side.

    Parameters
    ----------
    background : Volume or None
        The template; None leaves it out.
    layers : sequence of Layer
        The ROIs, later ones on top.
    cuts : sequence of (axis, mm)
        The slices, from left to right.
    view : View
        The part that is seen.

    Returns
    -------
    Figure
        Left is left; each slice says where it lies; ROIs too small to be found are circled.
    """
    from matplotlib.figure import Figure

    widths = [view.width(across(axis)[0]) for axis, _ in cuts]
    tallest = max(view.width(across(axis)[1]) for axis, _ in cuts)
    scale = 1.18 / view.width(0)
    width, height = sum(widths) * scale + 0.08 * (len(cuts) - 1), tallest * scale + 0.2
    with styled():
        figure = Figure(figsize=(width, height))
        x = 0.0
        for (axis, at), size in zip(cuts, widths, strict=True):
            tall = view.width(across(axis)[1]) * scale
            bottom = 0.2 + (tallest * scale - tall) / 2
            axes = figure.add_axes((x / width, bottom / height, size * scale / width, tall / height))
            image = compose(background, layers, axis, at, view)
            axes.imshow(image, origin="lower", interpolation="none", aspect="auto")
            _annotate(axes, axis, at)
            if view == BRAIN:
                for layer in layers:
                    _circle(axes, layer, axis, at)
            x += size * scale + 0.08
    return figure


def place(axis: Axis, at: float) -> str:
    """Where a slice lies, in words, e.g. ``x = −24``."""
    return f"{axis} = {at:+.0f}".replace("-", "\N{MINUS SIGN}") if round(at) else f"{axis} = 0"


def _annotate(axes: Axes, axis: Axis, at: float) -> None:
    axes.set_axis_off()
    axes.annotate(place(axis, at), (0.5, 0), xycoords="axes fraction", xytext=(0, -4), textcoords="offset points",
                  ha="center", va="top", fontsize=7)
    sides = ("P", "A") if axis == "x" else ("L", "R")
    for text, where, align in ((sides[0], 0.0, "left"), (sides[1], 1.0, "right")):
        axes.annotate(text, (where, 1.0), xycoords="axes fraction", ha=align, va="top", fontsize=7, color=GREY)


def _circle(axes: Axes, layer: Layer, axis: Axis, at: float) -> None:
    """A ring around a small ROI where the slice cuts it."""
    middle, (low, high) = centre(layer.weights), extent(layer.weights, axis)
    if not is_small(layer.weights) or middle is None or not low - 1 <= at <= high + 1:
        return
    from matplotlib.patches import Circle

    first, up = across(axis)
    spot = (middle[first] - BRAIN.box[first][0], middle[up] - BRAIN.box[up][0])
    axes.add_patch(Circle(spot, 10, fill=False, edgecolor=layer.colour, linewidth=1.2))


def is_small(volume: Volume) -> bool:
    """Whether an ROI is too small to be found on a whole brain."""
    return float(np.nansum(volume.data)) * abs(float(np.linalg.det(volume.affine[:3, :3]))) < _SMALL_MM3


def zoomed(volumes: Sequence[Volume]) -> View:
    """The part of the brain around some ROIs."""
    points = np.array([point for volume in volumes if (point := centre(volume)) is not None])
    if not len(points):
        return BRAIN
    half = _ZOOM_MM + np.ptp(points, axis=0).max() / 2
    return View(tuple((float(round(c - half)), float(round(c + half))) for c in points.mean(axis=0)), 0.5)


def best_cut(layers: Sequence[Volume], axis: Axis) -> float:
    """Where to cut so that most of some ROIs are seen well, and the least visible as large as it can be.

    Parameters
    ----------
    layers : sequence of Volume
        Weights of the ROIs.
    axis : str
        World axis to cut on.

    Returns
    -------
    float
        mm; one of the ROIs' centres of mass or their mean, 0 without any voxel. For an ROI that has nothing at its
        centre, as one of both hemispheres at the midline, the lowest of its largest cross-sections.
    """
    centres = [at for volume in layers if (at := _middle(volume, axis)) is not None]
    if not centres:
        return 0.0
    candidates = sorted({round(c) for c in (*centres, float(np.mean(centres)))})
    areas = {at: [area(volume, axis, at) for volume in layers] for at in candidates}
    most = [max(areas[at][i] for at in candidates) for i in range(len(layers))]

    def seen(at: int) -> tuple[int, float]:
        well = [a for a, m in zip(areas[at], most, strict=True) if a > _SEEN_WELL * m]
        return len(well), min(well, default=0.0)

    return float(max(candidates, key=seen))


def _middle(volume: Volume, axis: Axis) -> float | None:
    """Where an ROI is seen, mm: its centre, or if it has nothing there its largest cross-section; None if empty."""
    middle = centre(volume)
    if middle is None:
        return None
    own = float(middle[_AXES[axis]])
    if area(volume, axis, round(own)) > 0:
        return own
    low, high = extent(volume, axis)
    return float(max(range(round(low), round(high) + 1), key=lambda at: area(volume, axis, at)))


def area(volume: Volume, axis: Axis, at: float) -> float:
    """How much of an ROI a slice shows: the sum of its weights there, mm²."""
    return float(plane(volume, axis, at, order=0).sum())


def centre(volume: Volume) -> FloatArray | None:
    """Weighted centre of mass in mm, shape (3,); None without any weight."""
    weights = np.clip(np.nan_to_num(np.asarray(volume.data, dtype=np.float64)), 0, None)
    total = weights.sum()
    if total == 0:
        return None
    index = np.array([float((weights.sum(axis=tuple(a for a in range(3) if a != k)) * np.arange(n)).sum() / total)
                      for k, n in enumerate(weights.shape)])
    return np.asarray(volume.affine[:3, :3] @ index + volume.affine[:3, 3])


def extent(volume: Volume, axis: Axis) -> tuple[float, float]:
    """Lowest and highest world coordinate, mm, of the centres of voxels with weight; NaN without any."""
    index = np.argwhere(np.nan_to_num(volume.data) > 0)
    if not len(index):
        return np.nan, np.nan
    row = _AXES[axis]
    world = index @ volume.affine[row, :3] + volume.affine[row, 3]
    return float(world.min()), float(world.max())
