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
# What is seen of the brain, mm in MNI space: (low, high) per world axis.
BOX = ((-76.0, 76.0), (-110.0, 78.0), (-66.0, 86.0))
_STEP = 1.0
_OPACITY = 0.75


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


def plane(volume: Volume, axis: Axis, at: float, order: Literal[0, 1]) -> FloatArray:
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

    Returns
    -------
    ndarray, shape (rows, columns)
        Rows from below upwards, columns from left (or from behind) to right; 0 outside the image.
    """
    from scipy.ndimage import map_coordinates

    first, second = (i for i in range(3) if i != _AXES[axis])
    columns = np.arange(BOX[first][0], BOX[first][1] + _STEP / 2, _STEP)
    rows = np.arange(BOX[second][0], BOX[second][1] + _STEP / 2, _STEP)
    world = np.full((3, rows.size, columns.size), at, dtype=np.float64)
    world[first], world[second] = columns[None, :], rows[:, None]
    inverse = np.linalg.inv(volume.affine)
    index = np.tensordot(inverse[:3, :3], world, axes=1) + inverse[:3, 3][:, None, None]
    return np.asarray(map_coordinates(np.asarray(volume.data, dtype=np.float64), index, order=order, mode="constant",
                                      cval=0.0))


def compose(background: Volume | None, layers: Sequence[Layer], axis: Axis, at: float) -> NDArray[np.uint8]:
    """One slice as an image, shape (rows, columns, 3): the template in grey, the ROIs over it."""
    from scipy.ndimage import gaussian_filter

    first, second = (i for i in range(3) if i != _AXES[axis])
    shape = (int((BOX[second][1] - BOX[second][0]) / _STEP) + 1, int((BOX[first][1] - BOX[first][0]) / _STEP) + 1)
    image = np.ones((*shape, 3))
    if background is not None:
        brain = np.clip(plane(background, axis, at, order=1) / _bright(background), 0, 1)
        inside = gaussian_filter((brain > 0.02).astype(np.float64), 0.8)  # the brain's edge fades into the page
        grey = inside * (0.32 + 0.67 * brain**0.9) + (1 - inside)
        image = np.repeat((np.round(grey * 40) / 40)[..., None], 3, axis=2)
    for layer in layers:
        weight = np.clip(plane(layer.weights, axis, at, order=0), 0, 1)
        opacity = np.where(weight > 0, _OPACITY * (0.45 + 0.55 * weight), 0.0)[..., None]
        tint = np.array([int(layer.colour[i:i + 2], 16) / 255 for i in (1, 3, 5)])
        image = image * (1 - opacity) + tint * opacity
    return np.round(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _bright(volume: Volume) -> float:
    return float(np.max(volume.data)) or 1.0


def slices(background: Volume | None, layers: Sequence[Layer], cuts: Sequence[tuple[Axis, float]]) -> Figure:
    """Draw slices side by side.

    Parameters
    ----------
    background : Volume or None
        The template; None leaves it out.
    layers : sequence of Layer
        The ROIs, later ones on top.
    cuts : sequence of (axis, mm)
        The slices, from left to right.

    Returns
    -------
    Figure
        Left is left; each slice says where it lies.
    """
    from matplotlib.figure import Figure

    widths = [BOX[1][1] - BOX[1][0] if axis == "x" else BOX[0][1] - BOX[0][0] for axis, _ in cuts]
    tallest = max(BOX[1][1] - BOX[1][0] if axis == "z" else BOX[2][1] - BOX[2][0] for axis, _ in cuts)
    scale = 1.18 / (BOX[0][1] - BOX[0][0])
    width, height = sum(widths) * scale + 0.08 * (len(cuts) - 1), tallest * scale + 0.2
    with styled():
        figure = Figure(figsize=(width, height))
        x = 0.0
        for (axis, at), size in zip(cuts, widths, strict=True):
            tall = (BOX[1][1] - BOX[1][0] if axis == "z" else BOX[2][1] - BOX[2][0]) * scale
            bottom = 0.2 + (tallest * scale - tall) / 2
            axes = figure.add_axes((x / width, bottom / height, size * scale / width, tall / height))
            axes.imshow(compose(background, layers, axis, at), origin="lower", interpolation="none", aspect="auto")
            _annotate(axes, axis, at)
            x += size * scale + 0.08
    return figure


def _annotate(axes: Axes, axis: Axis, at: float) -> None:
    axes.set_axis_off()
    place = f"{axis} = {at:+.0f}".replace("-", "\N{MINUS SIGN}") if round(at) else f"{axis} = 0"
    axes.annotate(place, (0.5, 0), xycoords="axes fraction", xytext=(0, -4), textcoords="offset points", ha="center",
                  va="top", fontsize=7)
    sides = ("P", "A") if axis == "x" else ("L", "R")
    for text, where, align in ((sides[0], 0.0, "left"), (sides[1], 1.0, "right")):
        axes.annotate(text, (where, 1.0), xycoords="axes fraction", ha=align, va="top", fontsize=7, color=GREY)


def best_cut(layers: Sequence[Volume], axis: Axis) -> float:
    """Where to cut so that the least visible of some ROIs shows the largest cross-section it can.

    Parameters
    ----------
    layers : sequence of Volume
        Weights of the ROIs.
    axis : str
        World axis to cut on.

    Returns
    -------
    float
        mm; one of the ROIs' centres of mass or their mean, 0 without any voxel.
    """
    centres = [c[_AXES[axis]] for volume in layers if (c := centre(volume)) is not None]
    if not centres:
        return 0.0
    candidates = sorted({round(c) for c in (*centres, float(np.mean(centres)))})
    areas = [min(float(plane(volume, axis, at, order=0).sum()) for volume in layers) for at in candidates]
    return float(candidates[int(np.argmax(areas))])


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
