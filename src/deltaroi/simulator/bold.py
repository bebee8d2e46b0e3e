"""One simulated run: from planted percentages to the files of its derivatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from deltaroi.grid import FloatArray, IntArray
from deltaroi.simulator.anatomy import GREY, Head
from deltaroi.simulator.draws import generator
from deltaroi.simulator.noise import Motion, head_motion, node_noise
from deltaroi.simulator.response import train_response
from deltaroi.specs import Noise

START_SHARE = 0.5
_UNCORRECTED = 0.05
_MASK_SIGNAL = 0.35 * GREY
_GAIN_SD, _DROPOUT_SD = 0.03, 0.1
_NON_STEADY = 0.2
Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Train:
    """The events of one planted condition in one run, s."""

    condition: str
    onsets: tuple[float, ...]
    durations: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Signal:
    """One planted response of one run: the voxels that carry it, their share of it, its peak in %, its events."""

    index: IntArray
    share: FloatArray
    percent: float
    train: Train


@dataclass(frozen=True, eq=False)
class Course:
    """A planted time course of one run: the voxels that carry it, their share of it, its values in %."""

    index: IntArray
    share: FloatArray
    percent: FloatArray


@dataclass(frozen=True)
class RunScan:
    """What is simulated about one run: names for the random numbers, timing."""

    names: tuple[str, ...]
    tr_s: float
    n_volumes: int


@dataclass(frozen=True, eq=False)
class Scan:
    """A simulated run: data (n, n_volumes), brain mask (n,), head motion."""

    data: Float32
    brain: NDArray[np.bool_]
    motion: Motion


def times_of(run: RunScan) -> FloatArray:
    """When the volumes show the signal, s: at the middle of each."""
    return (np.arange(run.n_volumes, dtype=np.float64) + START_SHARE) * run.tr_s


def simulate_scan(run: RunScan, head: Head, mix: csr_matrix, signals: Sequence[Signal | Course], noise: Noise,
                  seed: int) -> Scan:
    """Simulate one run.

    Parameters
    ----------
    run : RunScan
        Names and timing; a volume shows the signal at the middle of its TR.
    head : Head
        The voxels, n of them.
    mix : csr_matrix, shape (n, n_nodes)
        Smoothness of the noise; see :func:`deltaroi.simulator.noise.mixing`.
    signals : sequence of Signal or Course
        The planted responses and time courses; they add up.
    noise : Noise
        Everything else.
    seed : int
        Seed of the simulation.

    Notes
    -----
    With m the mean image after dropout and m₀ before it, S the planted responses less their mean over the run, F the
    noise in %, and p the motion: signal = m·(1 + S) + m₀·F/100 + 0.05·∇m₀·(p − p̄), then brighter in the first,
    non-steady volumes. Thermal noise does not shrink with dropout, so tSNR does. A response whose S is planted as P %
    therefore peaks at P % of the voxel's mean over the steady volumes.
    """
    rng = generator(seed, "noise", *run.names)
    times = times_of(run)
    motion = head_motion(rng, run.n_volumes, noise)
    full = head.mean * (1.0 + _GAIN_SD * float(np.clip(rng.standard_normal(), -3.0, 3.0)))
    lost = np.clip(noise.dropout * (1.0 + _DROPOUT_SD * float(np.clip(rng.standard_normal(), -2.5, 2.5))), 0.0, 1.0)
    mean = full * (1.0 - lost * head.dropout)
    nodes = node_noise(rng, mix.shape[1], times, noise, motion)
    data: Float32 = np.asarray(mix @ nodes, dtype=np.float32) if nodes.any() else np.zeros(
        (len(mean), run.n_volumes), np.float32)
    data *= (full / 100.0).astype(np.float32)[:, None]
    data += mean.astype(np.float32)[:, None]
    if noise.motion_mm > 0 or motion.spikes:
        moved = (_UNCORRECTED * (motion.true - motion.true.mean(axis=0))).astype(np.float32)
        data += head.gradient.astype(np.float32) @ moved.T
    first = min(noise.non_steady_volumes, run.n_volumes - 1)
    for signal in signals:
        course = signal.percent if isinstance(signal, Course) else \
            signal.percent * train_response(times, signal.train.onsets, signal.train.durations)
        course = (course - course[first:].mean()) / 100.0
        amplitude = mean[signal.index] * signal.share
        data[signal.index] += (amplitude[:, None] * course).astype(np.float32)
    data[:, :first] *= (1.0 + _NON_STEADY * 0.4 ** np.arange(first)).astype(np.float32)
    np.maximum(data, 0.0, out=data)
    return Scan(data, head.brain & (mean > _MASK_SIGNAL), motion)


def volumes_of(values: NDArray[np.generic], head: Head) -> NDArray[np.generic]:
    """The whole image in the order of the file, shape (n_volumes, n_voxels), from values (n, n_volumes).

    Zero outside the head.
    """
    out = np.zeros((values.shape[1], head.grid.n_voxels), values.dtype)
    out[:, head.flat] = values.T
    return out
