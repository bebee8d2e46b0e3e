"""A confounds table with the columns and metadata of fMRIPrep, computed from the simulated signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import svd

from deltaroi.grid import FloatArray
from deltaroi.simulator.anatomy import Head
from deltaroi.simulator.noise import HEAD_RADIUS_MM, Motion

_AXES = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
_CUTOFF_S = 128.0
_COMPONENTS = 6
_FD_MM, _STD_DVARS = 0.5, 1.5
_MOST_VOXELS = 1500
Float32 = NDArray[np.float32]


def confounds(data: Float32, head: Head, motion: Motion, tr_s: float,
              non_steady: int) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The table and its JSON sidecar.

    Parameters
    ----------
    data : ndarray, shape (n, n_volumes)
        The simulated signal.
    head : Head
        Its voxels.
    motion : Motion
        Head motion; the estimated one is reported.
    tr_s : float
        Repetition time, s.
    non_steady : int
        Number of first volumes flagged as not in steady state.

    Returns
    -------
    frame : DataFrame
        One row per volume; NaN where a value is undefined (first derivatives, first displacement).
    sidecar : dict
        What the columns are, in fMRIPrep's words.
    """
    columns: dict[str, FloatArray] = {}
    sidecar: dict[str, Any] = {}
    for name, voxels in (("global_signal", head.brain), ("csf", head.fluid & head.brain),
                         ("white_matter", head.white & head.brain)):
        if voxels.any():
            columns |= _expanded(name, data[np.flatnonzero(voxels)].mean(axis=0, dtype=np.float64))
            sidecar[name] = {"Method": "Mean"}
    columns |= _dvars(data[_some(np.flatnonzero(head.brain))])
    columns["framewise_displacement"] = framewise_displacement(motion.estimated)
    cosines = _cosines(data.shape[1], tr_s, non_steady)
    tissue = np.flatnonzero((head.fluid | head.white) & head.brain)
    components, sidecar_components = _acompcor(data[_some(tissue)], cosines, non_steady)
    columns |= components | cosines
    sidecar |= sidecar_components
    for axis, series in zip(_AXES, motion.estimated.T, strict=True):
        columns |= _expanded(axis, series)
    frame = pd.DataFrame(columns | _outliers(columns, data.shape[1], non_steady))
    return frame, sidecar


def framewise_displacement(parameters: FloatArray) -> FloatArray:
    """Sum of absolute backward differences, rotations at 50 mm; NaN in the first row. Shape (n_volumes,), mm.

    References
    ----------
    Power et al. 2012, NeuroImage 59, 2142-2154.
    """
    steps = np.abs(np.diff(parameters, axis=0))
    return np.concatenate([[np.nan], steps[:, :3].sum(axis=1) + HEAD_RADIUS_MM * steps[:, 3:].sum(axis=1)])


def _some(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """At most a fixed number of voxels, evenly spread."""
    return index[:: max(1, -(-len(index) // _MOST_VOXELS))]


def _expanded(name: str, series: FloatArray) -> dict[str, FloatArray]:
    """A series, its derivative, and the squares of both."""
    derivative = np.concatenate([[np.nan], np.diff(series)])
    return {name: series, f"{name}_derivative1": derivative, f"{name}_power2": series**2,
            f"{name}_derivative1_power2": derivative**2}


def _dvars(data: Float32) -> dict[str, FloatArray]:
    """Root mean square of the volume-to-volume change, plain and over its own median."""
    plain = np.sqrt((np.diff(data.astype(np.float64), axis=1) ** 2).mean(axis=0))
    floor = 1e-3 * float(np.abs(data).mean())
    standard = plain / max(float(np.median(plain)), floor)
    return {"std_dvars": np.concatenate([[np.nan], standard]), "dvars": np.concatenate([[np.nan], plain])}


def _cosines(n_volumes: int, tr_s: float, non_steady: int) -> dict[str, FloatArray]:
    """Discrete cosines slower than 128 s over the steady volumes; zero before."""
    n = n_volumes - non_steady
    count = int(2.0 * n * tr_s / _CUTOFF_S)
    place = (2.0 * np.arange(n) + 1.0) / (2.0 * n)
    columns = {}
    for k in range(1, count + 1):
        column = np.zeros(n_volumes)
        column[non_steady:] = np.sqrt(2.0 / n) * np.cos(np.pi * k * place)
        columns[f"cosine{k - 1:02d}"] = column
    return columns


def _acompcor(data: Float32, cosines: dict[str, FloatArray],
              non_steady: int) -> tuple[dict[str, FloatArray], dict[str, Any]]:
    """Principal components of white matter and fluid after the cosines, and their metadata."""
    steady = data[:, non_steady:].T.astype(np.float64)
    basis = np.stack([np.ones(len(steady)), *(c[non_steady:] for c in cosines.values())], axis=1)
    rest = steady - basis @ np.linalg.lstsq(basis, steady, rcond=None)[0]
    spread = rest.std(axis=0)
    rest = rest[:, spread > 1e-6] / spread[spread > 1e-6]
    if not rest.shape[1]:
        return {}, {}
    left, singular = components(rest)
    share = singular**2 / (singular**2).sum()
    columns, sidecar = {}, {}
    for k in range(min(_COMPONENTS, len(singular))):
        name = f"a_comp_cor_{k:02d}"
        column = np.zeros(data.shape[1])
        column[non_steady:] = left[:, k] * np.sign(left[np.abs(left[:, k]).argmax(), k])
        columns[name] = column
        sidecar[name] = {"CumulativeVarianceExplained": _rounded(share[: k + 1].sum()), "Mask": "combined",
                         "Method": "aCompCor", "Retained": True, "SingularValue": _rounded(singular[k]),
                         "VarianceExplained": _rounded(share[k])}
    return columns, sidecar


def components(data: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Left singular vectors and singular values.

    LAPACK's divide and conquer does not converge for a matrix in many thousands; its slower QR iteration does.
    """
    try:
        left, singular, _ = np.linalg.svd(data, full_matrices=False)
    except np.linalg.LinAlgError:
        left, singular, _ = svd(data, full_matrices=False, lapack_driver="gesvd")
    return left, singular


def _rounded(value: float) -> float:
    return float(f"{value:.10g}")


def _outliers(columns: dict[str, FloatArray], n_volumes: int, non_steady: int) -> dict[str, FloatArray]:
    """One-hot columns of the non-steady and of the moved volumes."""
    moved = (columns["framewise_displacement"] > _FD_MM) | (columns["std_dvars"] > _STD_DVARS)
    moved[: non_steady + 1] = False
    named = {f"non_steady_state_outlier{v:02d}": v for v in range(non_steady)}
    named |= {f"motion_outlier{k:02d}": int(v) for k, v in enumerate(np.flatnonzero(moved))}
    return {name: np.eye(n_volumes)[volume] for name, volume in named.items()}
