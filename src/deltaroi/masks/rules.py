"""How an ROI is resampled by its size, and what its size means for trust."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deltaroi.atlas import ImageShape
from deltaroi.errors import UsageError
from deltaroi.specs import Rule, Threshold
from deltaroi.types import NA

SMALL_MM3 = 500.0
"""ROIs below this volume are resampled by ``fill_weight``."""
_CHANGE = 0.2
_FEWEST_VOXELS = 10.0
_PURITY = 0.5  # below it the mean holds more of the surroundings than of the ROI
_OTHER_SIDE = 0.1  # a judgement: a few voxels across the midplane are nothing to warn of, a tenth of the ROI is
_GRADES = ((15, "none"), (9, "mild"), (4, "medium"))


def rule_for(volume_mm3: float, fractional: bool = False) -> Rule:
    """``fill_weight`` for small ROIs and for weights, else ``majority``."""
    return "fill_weight" if fractional or volume_mm3 < SMALL_MM3 else "majority"


def as_threshold(given: float | str | None) -> Threshold | None:
    """The threshold of probabilistic definitions, from an option.

    Raises
    ------
    UsageError
        It is neither a probability nor ``weighted``.
    """
    if given is None or given == "weighted":
        return given  # type: ignore[return-value]
    try:
        number = float(given)
    except ValueError:
        number = -1.0
    if not 0 < number <= 1:
        raise UsageError(f"'{given}' is no threshold", where="--threshold",
                         hint="a probability above 0 up to 1, or weighted")
    return number


def grade(effective: float) -> str:
    """How badly few voxels limit an ROI: none, mild, medium or severe.

    Notes
    -----
    More than 15, 9 or 4 effective voxels; else severe.

    References
    ----------
    AFNI's ``compute_ROI_stats.tcsh``, quality by voxel count.
    """
    return next((word for least, word in _GRADES if effective > least), "severe")


@dataclass(frozen=True)
class Size:
    """How large an ROI came out on a grid.

    Attributes
    ----------
    native, volume : float
        Volume in the source and on the grid, mm³.
    effective : float
        Sum of its voxel weights.
    purity : float
        Mean fill of its voxels, weighted as in its mean; NaN where it is not known.
    other_side : float
        Share of its weight on the other side of the midplane.
    """

    native: float
    volume: float
    effective: float
    purity: float
    other_side: float


def warning(size: Size, caution: str = "") -> str:
    """What to know before trusting an ROI on a grid; ``n/a`` when there is nothing.

    Parameters
    ----------
    size : Size
        How large it came out.
    caution : str
        What its definition says.
    """
    native, volume, effective = size.native, size.volume, size.effective
    parts = [caution] if caution else []
    if volume < (1 - _CHANGE) * native:
        parts.append(f"{100 * (1 - volume / native):.0f} % of its volume is lost on this grid")
    if volume > (1 + _CHANGE) * native:
        parts.append(f"its volume grows by {100 * (volume / native - 1):.0f} % on this grid")
    if effective < _FEWEST_VOXELS:
        parts.append(f"only {effective:.1f} effective voxels")
    if size.purity < _PURITY:
        parts.append(f"of a response that it has alone, its mean shows {100 * size.purity:.0f} %")
    if size.other_side > _OTHER_SIDE:
        parts.append(f"{100 * size.other_side:.0f} % of it lies on the other side of x = 0")
    return "; ".join(parts) or NA


def other_side(side: str, x_mm: np.ndarray, weights: np.ndarray) -> float:
    """Share of the weight of an ROI called left at x > 0, or of one called right at x < 0."""
    if side == "B" or not weights.sum() > 0:
        return 0.0
    return float(weights[x_mm > 0 if side == "L" else x_mm < 0].sum() / weights.sum())


def rule_of_image(shape: ImageShape) -> Rule:
    """The rule of a drawing on a grid of its own."""
    return rule_for(shape.volume_mm3, shape.fractional)
