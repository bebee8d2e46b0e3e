"""Heights bring a planted one percent back."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from nilearn.glm.first_level import make_first_level_design_matrix
from pandas import DataFrame
from scipy.stats import gamma

from deltaroi.grid import FloatArray
from deltaroi.signal.heights import event_height, heights

PAGE = Path(__file__).resolve().parents[3] / "docs" / "first-level.md"
SHAPES = {"spm": (6.0, 16.0, 1.0, 0.167), "glover": (6.0, 12.0, 0.9, 0.48)}


def one_percent(hrf: str, duration_s: float, delays: FloatArray) -> FloatArray:
    """Response to one event at given delays, peak 1: a double gamma summed over the event every 5 ms."""
    step = 0.005
    times = np.arange(0, 70, step)
    peak, undershoot, width, ratio = SHAPES[hrf]
    impulse = gamma.pdf(times, peak / width, scale=width) - ratio * gamma.pdf(times, undershoot / width, scale=width)
    grown = np.cumsum(impulse)
    lasting = round(duration_s / step)
    response = impulse if lasting == 0 else grown - np.concatenate([np.zeros(lasting), grown[:-lasting]])
    return np.interp(delays, times, response / response.max(), left=0.0, right=0.0)


@pytest.mark.parametrize("hrf", ["spm", "glover"])
@pytest.mark.parametrize("duration_s", [0.0, 0.5, 4.0, 10.0])
@pytest.mark.parametrize("tr_s", [0.8, 2.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_percent_comes_back_within_two_percent(hrf: str, duration_s: float, tr_s: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    onsets = np.cumsum(rng.uniform(duration_s + 6, duration_s + 14, 60))
    onsets = onsets[onsets < 550]
    times = 0.5 * tr_s + tr_s * np.arange(round(600 / tr_s))
    signal = sum(one_percent(hrf, duration_s, times - onset) for onset in onsets)
    events = DataFrame({"onset": onsets, "duration": duration_s, "trial_type": "a"})
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*null duration")
        matrix = make_first_level_design_matrix(times, events, hrf_model=hrf, drift_model=None, oversampling=50)
    beta = np.linalg.lstsq(matrix.to_numpy(), signal, rcond=None)[0][0]
    assert beta * event_height(hrf, duration_s, tr_s, 50, 0.5) == pytest.approx(1.0, abs=0.02)


def test_how_far_the_highest_sample_lies_below_the_peak() -> None:
    """The 9 % of docs/first-level.md; event durations from 0 to 10 s."""
    samples = np.arange(0, 60, 3.0)
    loss = [1 - np.mean([one_percent(hrf, duration_s, phase + samples).max() for phase in np.linspace(0, 3, 41)])
            for hrf in SHAPES for duration_s in (0.0, 0.5, 4.0, 10.0)]
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"up to {100 * max(loss):.0f} % below its peak on average over onset phases" in text


def test_a_set_with_derivatives_has_the_height_of_its_canonical_column() -> None:
    for hrf in ("spm", "glover"):
        plain, full = (heights({"a": 2.0}, hrf=name, tr_s=2.0, oversampling=50, slice_time_ref=0.5)
                       for name in (hrf, f"{hrf} + derivative + dispersion"))
        assert plain == full


def test_a_long_event_reaches_the_overshoot_and_a_short_one_its_length() -> None:
    times = np.arange(0, 32, 0.005)  # the kernel ends at 32 s, with sum 1
    impulse = gamma.pdf(times, 6.0) - 0.167 * gamma.pdf(times, 16.0)
    assert event_height("spm", 20.0, 2.0, 50, 0.5) == pytest.approx(np.cumsum(impulse).max() / impulse.sum(), rel=5e-3)
    short, twice = (event_height("spm", d, 1.0, 50, 0.5) for d in (0.4, 0.8))
    assert twice / short == pytest.approx(2, rel=0.02)
