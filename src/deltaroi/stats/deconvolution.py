"""Deconvolution of a sampled haemodynamic series, and convolution on a fine grid of time.

A fine grid has ``steps`` points per volume; volume j is its point ``lead + j * steps``, so that ``lead`` points lie
before the first volume, where activity can still be seen in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, optimize, signal

Array = NDArray[np.float64]

_LOG_RATIO = (-14.0, 10.0)
_TRIES = 49


@dataclass(frozen=True, eq=False)
class Neural:
    """What a deconvolution found.

    Attributes
    ----------
    series : ndarray, shape (n_fine,)
        Estimated activity before the response, on the fine grid, in the unit of the series.
    fitted : ndarray, shape (n_volumes,)
        The part of the series that it explains.
    ratio : float
        Noise variance over prior variance of a coefficient: the ridge.
    """

    series: Array
    fitted: Array
    ratio: float


class Deconvolver:
    """Deconvolution of series of one run; everything that does not depend on the series is made once.

    Parameters
    ----------
    kernel : ndarray, shape (n_kernel,)
        The response to an impulse on the fine grid.
    n_volumes, steps : int
        Volumes, and fine points per volume.

    Notes
    -----
    The model of Gitelman et al. (2003), as in SPM's ``spm_peb_ppi``: y = G a + e. The columns of G are as many
    orthonormal cosines over the fine grid as there are volumes (the constant and everything up to the Nyquist frequency
    of the volumes), convolved with the kernel and sampled at the volumes; a ~ N(0, t2 I) and e ~ N(0, s2 I). Of the
    two variances only s2 / t2 matters; it maximises the likelihood of y. The estimate is the posterior mean of the
    activity: a ridge regression.
    """

    def __init__(self, kernel: Array, n_volumes: int, steps: int) -> None:
        self.lead = lead_of(kernel)
        self.n_fine = self.lead + (n_volumes - 1) * steps + 1
        places = self.lead + steps * np.arange(n_volumes)
        order = np.arange(n_volumes)
        omega = np.pi * order / self.n_fine
        transfer = np.exp(-1j * np.outer(omega, np.arange(kernel.size))) @ kernel
        size = np.where(order == 0, np.sqrt(1.0 / self.n_fine), np.sqrt(2.0 / self.n_fine))
        design = (np.exp(1j * np.outer(places + 0.5, omega)) * (size * transfer)).real
        self._left, self._values, self._right = np.linalg.svd(design, full_matrices=False)

    def __call__(self, series: Array) -> Neural:
        """Deconvolve one series, shape (n_volumes,), without a mean or trend that is none of its activity's."""
        seen = self._left.T @ series
        if not np.any(seen):
            return Neural(np.zeros(self.n_fine), np.zeros(series.size), np.inf)
        powers = self._values**2
        ratio = _ridge(seen**2, powers)
        shrunk = self._values / (powers + ratio) * seen
        coefficients = np.zeros(self.n_fine)
        coefficients[:series.size] = self._right.T @ shrunk
        return Neural(np.asarray(fft.idct(coefficients, type=2, norm="ortho"), dtype=np.float64),
                      self._left @ (self._values * shrunk), ratio)


def _ridge(seen: Array, powers: Array) -> float:
    """The ratio of variances that makes the squared rotated data most likely."""
    top = float(powers.max())

    def surprise(log_ratio: float) -> float:
        spread = powers + top * np.exp(log_ratio)
        return float(seen.size * np.log((seen / spread).mean()) + np.log(spread).sum())

    tries = np.linspace(*_LOG_RATIO, _TRIES)
    best = int(np.argmin([surprise(one) for one in tries]))
    low, high = tries[max(best - 1, 0)], tries[min(best + 1, _TRIES - 1)]
    found = optimize.minimize_scalar(surprise, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return top * float(np.exp(found.x))


def lead_of(kernel: Array) -> int:
    """Fine points before the first volume: as far back as the kernel reaches."""
    return int(kernel.size - 1)


def boxcars(onsets: Array, durations: Array, heights: Array, times: Array) -> Array:
    """Boxes on a grid of time; they add up, and the shortest is one point long.

    Parameters
    ----------
    onsets, durations, heights : ndarray
        Of the boxes.
    times : ndarray, shape (n_fine,)
        The grid, rising by equal steps.
    """
    first = np.searchsorted(times, onsets)
    last = np.maximum(np.searchsorted(times, onsets + durations), first + 1)
    edges = np.zeros(times.size + 1)
    np.add.at(edges, np.minimum(first, times.size), heights)
    np.add.at(edges, np.minimum(last, times.size), -heights)
    return np.asarray(np.cumsum(edges)[:-1])


def convolved(fine: Array, kernel: Array, steps: int) -> Array:
    """A series on the fine grid convolved with the kernel, at the volumes."""
    return np.asarray(signal.fftconvolve(fine, kernel)[lead_of(kernel):fine.size:steps], dtype=np.float64)
