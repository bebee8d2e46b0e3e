"""From the scanner's arbitrary units to percent."""

from __future__ import annotations

from deltaroi.grid import FloatArray

UNITS = {"percent": "% signal change", "percent_per_unit": "% per unit regressor", "none": "raw units"}


def scale_factor(mean: FloatArray, scaling: str) -> FloatArray:
    """What a signal is multiplied by to be in the unit of a scaling.

    Parameters
    ----------
    mean : ndarray, shape (n_voxels,)
        Mean signal per voxel.
    scaling : str
        ``percent``, ``percent_per_unit`` or ``none``.

    Returns
    -------
    ndarray, shape (n_voxels,)
        ``100 / mean``, or 1 with ``none``; NaN where the mean is not positive, so that percent has no meaning.
    """
    factor = mean * float("nan")
    if scaling == "none":
        factor[:] = 1.0
    else:
        positive = mean > 0
        factor[positive] = 100.0 / mean[positive]
    return factor
