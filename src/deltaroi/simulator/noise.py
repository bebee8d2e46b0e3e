"""What disturbs the simulated signal: smooth AR(1) noise, drift, motion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.sparse import csr_matrix, identity

from deltaroi.grid import FloatArray
from deltaroi.specs import Noise

HEAD_RADIUS_MM = 50.0
_ESTIMATION_SD_MM = 0.001
_DRIFTS = 4
_DRIFT_HZ = (0.0008, 0.005)
_SPIKE_PERCENT = 2.0


@dataclass(frozen=True, eq=False)
class Motion:
    """Head motion of one run.

    Attributes
    ----------
    true : ndarray, shape (n_volumes, 6)
        Translations (mm) and rotations (rad) about x, y, z.
    estimated : ndarray, shape (n_volumes, 6)
        The same as a realignment would report it, with an error of 0.001 mm.
    spikes : tuple of int
        Volumes with a sudden movement.
    """

    true: FloatArray
    estimated: FloatArray
    spikes: tuple[int, ...]


def mixing(xyz: FloatArray, fwhm_mm: float, voxel_mm: float) -> csr_matrix:
    """Weights that turn independent noise at lattice nodes into smooth noise of unit variance.

    Parameters
    ----------
    xyz : ndarray, shape (n, 3)
        Voxel centres, mm.
    fwhm_mm : float
        Spacing of the lattice; a node's noise falls off linearly and reaches zero at the next node, so this is the
        full width at half maximum of its spread. Up to one voxel: independent noise.
    voxel_mm : float
        Voxel edge.

    Returns
    -------
    csr_matrix of float32, shape (n, n_nodes)
        Every row has a Euclidean norm of 1.
    """
    if fwhm_mm <= voxel_mm:
        return csr_matrix(identity(len(xyz), dtype=np.float32, format="csr"))
    lattice = (xyz - xyz.min(axis=0)) / fwhm_mm
    base = np.floor(lattice).astype(np.int64)
    rest = lattice - base
    size = base.max(axis=0) + 2
    columns, weights = [], []
    for corner in np.ndindex(2, 2, 2):
        columns.append(np.ravel_multi_index(tuple((base + corner).T), tuple(size)))
        weights.append(np.prod(np.where(corner, rest, 1.0 - rest), axis=1))
    used, column = np.unique(np.stack(columns, axis=1), return_inverse=True)
    weight = np.stack(weights, axis=1)
    weight /= np.sqrt((weight**2).sum(axis=1, keepdims=True))
    rows = np.repeat(np.arange(len(xyz)), 8)
    entries = (weight.ravel().astype(np.float32), (rows, column.ravel()))
    return csr_matrix(entries, shape=(len(xyz), len(used)))


def ar1(innovations: NDArray[np.float32], coefficient: float) -> NDArray[np.float32]:
    """Stationary AR(1) series along the last axis, from innovations of shape (n, n_volumes)."""
    start = innovations.copy()
    start[:, 0] /= np.float32(np.sqrt(1.0 - coefficient**2))
    if coefficient == 0.0:
        return start
    one, back = np.array([1.0], np.float32), np.array([1.0, -coefficient], np.float32)
    return np.asarray(lfilter(one, back, start, axis=-1), np.float32)


def node_noise(rng: np.random.Generator, n_nodes: int, times: FloatArray, noise: Noise,
               motion: Motion) -> NDArray[np.float32]:
    """Noise, drift and spike artefacts at the lattice nodes, shape (n_nodes, n_volumes), in % of the mean."""
    n_volumes = len(times)
    out = np.zeros((n_nodes, n_volumes), np.float32)
    if noise.white_percent > 0:
        white = rng.standard_normal((n_nodes, n_volumes), dtype=np.float32) * np.float32(noise.white_percent)
        out += ar1(white, noise.ar1)
    if noise.drift_percent > 0:
        waves = _waves(rng, times)
        weights = rng.standard_normal((n_nodes, len(waves)), dtype=np.float32)
        out += weights @ (waves * noise.drift_percent / np.sqrt(len(waves))).astype(np.float32)
    for volume in motion.spikes:
        out[:, volume] += np.float32(_SPIKE_PERCENT) * (rng.standard_normal(n_nodes, dtype=np.float32) - 0.5)
    return out


def _waves(rng: np.random.Generator, times: FloatArray) -> FloatArray:
    """Slow waves of random period and phase, shape (n_waves, n_volumes), each with mean 0 and variance 1."""
    frequency = rng.uniform(*_DRIFT_HZ, size=(_DRIFTS, 1))
    phase = rng.uniform(0.0, 2.0 * np.pi, size=(_DRIFTS, 1))
    waves = np.sin(2.0 * np.pi * frequency * times + phase)
    waves -= waves.mean(axis=1, keepdims=True)
    return waves / waves.std(axis=1, keepdims=True)


def head_motion(rng: np.random.Generator, n_volumes: int, noise: Noise) -> Motion:
    """A random walk with sudden movements, most of which are taken back one volume later."""
    unit = np.repeat([1.0, 1.0 / HEAD_RADIUS_MM], 3)
    steps = rng.standard_normal((n_volumes, 6)) * noise.motion_mm * unit
    steps[0] = 0.0
    first = min(noise.non_steady_volumes + 5, n_volumes - 2)
    count = min(noise.motion_spikes, (n_volumes - first) // 4)
    spikes = tuple(sorted(int(v) for v in rng.choice(np.arange(first, n_volumes - 1), size=count, replace=False)))
    for volume in spikes:
        jump = rng.uniform(0.25, 0.6, size=6) * rng.choice([-1.0, 1.0], size=6) * unit
        steps[volume] += jump
        steps[volume + 1] -= 0.8 * jump
    true = np.cumsum(steps, axis=0)
    return Motion(true, true + rng.standard_normal((n_volumes, 6)) * _ESTIMATION_SD_MM * unit, spikes)
