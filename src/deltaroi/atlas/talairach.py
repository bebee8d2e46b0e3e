"""From Talairach to MNI coordinates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
CONVERSION = "converted from Talairach to MNI152 by the pooled affine of Lancaster et al. (2007)"
_ICBM_TO_TALAIRACH = np.array([
    [0.9357, 0.0029, -0.0072, -1.0423],
    [-0.0065, 0.9396, -0.0726, -1.3940],
    [0.0103, 0.0752, 0.8967, 3.6475],
    [0.0, 0.0, 0.0, 1.0],
])


def talairach_to_mni(points: FloatArray) -> FloatArray:
    """Convert coordinates.

    Parameters
    ----------
    points : array-like, shape (n, 3) or (3,)
        Talairach coordinates, mm.

    Returns
    -------
    ndarray, same shape
        MNI152 coordinates, mm.

    Notes
    -----
    The inverse of ``icbm_other2tal``, the affine that Lancaster and colleagues fitted over the templates of SPM and FSL
    together. Coordinates that a paper had made from MNI ones with Brett's ``mni2tal`` are a few mm off under it.

    References
    ----------
    Lancaster JL et al. (2007). Bias between MNI and Talairach coordinates analyzed using the ICBM-152 brain template.
    Human Brain Mapping 28, 1194-1205. doi:10.1002/hbm.20345
    """
    points = np.asarray(points, dtype=np.float64)
    inverse = np.linalg.inv(_ICBM_TO_TALAIRACH)
    return np.asarray(points @ inverse[:3, :3].T + inverse[:3, 3], dtype=np.float64)
