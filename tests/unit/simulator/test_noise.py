"""Noise has the variance, smoothness and timing that the study file asks for."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.simulator.confounds import framewise_displacement
from deltaroi.simulator.draws import generator
from deltaroi.simulator.noise import ar1, head_motion, mixing, node_noise
from deltaroi.specs import Noise

QUIET = {"white_percent": 0.0, "drift_percent": 0.0, "motion_mm": 0.0, "motion_spikes": 0}


def still(n_volumes: int, **values: float) -> tuple[Noise, np.ndarray, object]:
    noise = Noise(**{**QUIET, **values})
    return noise, np.arange(n_volumes) * 2.0, head_motion(generator(1, "m"), n_volumes, noise)


def test_ar1_is_stationary_with_the_asked_coefficient() -> None:
    series = ar1(generator(1, "a").standard_normal((4000, 60), dtype=np.float32), 0.5)
    assert np.mean(series[:, 1:] * series[:, :-1]) / np.mean(series**2) == pytest.approx(0.5, abs=0.01)
    spread = series.var(axis=0)
    assert spread[0] == pytest.approx(1 / 0.75, rel=0.08)
    assert spread[-1] == pytest.approx(1 / 0.75, rel=0.08)


def test_mixing_keeps_the_variance_and_makes_neighbours_alike() -> None:
    xyz = np.stack(np.meshgrid(*[np.arange(0.0, 60.0, 3.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    mix = mixing(xyz, 9.0, 3.0)
    assert np.asarray(mix.multiply(mix).sum(axis=1)).ravel() == pytest.approx(1.0, abs=1e-5)
    maps = (mix @ generator(2, "n").standard_normal((mix.shape[1], 300))).reshape(20, 20, 20, 300)
    near = np.mean(maps[1:] * maps[:-1]) / np.mean(maps**2)
    far = np.mean(maps[10:] * maps[:-10]) / np.mean(maps**2)
    assert 0.6 < near < 0.95
    assert abs(far) < 0.05
    independent = mixing(xyz, 3.0, 3.0)
    assert independent.nnz == len(xyz)


def test_white_noise_has_its_sd_and_drift_is_slow() -> None:
    noise, times, motion = still(200, white_percent=0.7, ar1=0.0)
    assert node_noise(generator(1, "w"), 2000, times, noise, motion).std() == pytest.approx(0.7, rel=0.02)
    noise, times, motion = still(200, drift_percent=0.9)
    drift = node_noise(generator(1, "d"), 2000, times, noise, motion)
    assert drift.std() == pytest.approx(0.9, rel=0.05)
    power = np.abs(np.fft.rfft(drift - drift.mean(axis=1, keepdims=True), axis=1)) ** 2
    assert power[:, : 1 + 400 // 128].sum() > 0.9 * power.sum()


def test_silence_is_silent() -> None:
    noise, times, motion = still(40)
    assert not node_noise(generator(1, "q"), 50, times, noise, motion).any()
    assert not motion.true.any()
    assert 0 < np.abs(motion.estimated).max() < 0.01


def test_spikes_move_the_head_by_more_than_the_usual_threshold() -> None:
    noise = Noise(motion_mm=0.03, motion_spikes=3)
    motion = head_motion(generator(5, "m"), 120, noise)
    displacement = framewise_displacement(motion.estimated)
    assert len(motion.spikes) == 3
    assert np.isnan(displacement[0])
    assert np.all(displacement[list(motion.spikes)] > 0.5)
    assert np.nanmedian(displacement) < 0.3


def test_few_volumes_allow_few_spikes() -> None:
    motion = head_motion(generator(5, "m"), 20, Noise(motion_spikes=50))
    assert len(motion.spikes) <= 3
    assert max(motion.spikes) < 19


def test_numbers_depend_on_names_alone() -> None:
    one = generator(7, "noise", "sub-1").standard_normal(4)
    generator(7, "noise", "sub-2").standard_normal(4)
    assert np.array_equal(one, generator(7, "noise", "sub-1").standard_normal(4))
    assert not np.array_equal(one, generator(7, "noise", "sub-2").standard_normal(4))
    assert not np.array_equal(one, generator(8, "noise", "sub-1").standard_normal(4))
    assert not np.array_equal(generator(1, "ab", "c").random(2), generator(1, "a", "bc").random(2))
