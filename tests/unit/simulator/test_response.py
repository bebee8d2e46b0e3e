"""The closed-form response against brute force."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from deltaroi.simulator.response import event_response, integrated_response, peak_height, train_response

STEP = 0.002
FINE = np.arange(0.0, 60.0, STEP)
KERNEL = (stats.gamma.pdf(FINE, 6.0) - stats.gamma.pdf(FINE, 16.0) / 6.0) / (1.0 - 1.0 / 6.0)


@pytest.mark.parametrize("duration", [0.5, 4.0, 10.0, 25.0])
def test_event_response_is_the_convolution_with_a_boxcar(duration: float) -> None:
    boxcar = (duration > FINE).astype(float)
    brute = np.convolve(boxcar, KERNEL)[: len(FINE)] * STEP
    assert np.abs(event_response(FINE, duration) - brute).max() < 2e-3 * brute.max()


def test_an_impulse_rises_to_one_and_peaks_after_five_seconds() -> None:
    assert integrated_response(np.array([-3.0, 0.0])).tolist() == [0.0, 0.0]
    assert integrated_response(np.array([200.0]))[0] == pytest.approx(1.0, abs=1e-12)
    assert FINE[event_response(FINE, 0.0).argmax()] == pytest.approx(5.0 + 0.025, abs=0.02)


@pytest.mark.parametrize("duration", [0.0, 0.5, 4.0, 10.0, 30.0])
def test_one_event_peaks_at_one(duration: float) -> None:
    course = train_response(FINE, [3.3], [duration])
    assert course.max() == pytest.approx(1.0, abs=1e-5)
    assert np.all(course[FINE < 3.3] == 0.0)


def test_the_median_duration_sets_the_height_and_longer_events_rise_higher() -> None:
    times = np.arange(0.0, 300.0, 0.01)
    course = train_response(times, [0.0, 100.0, 200.0], [2.0, 4.0, 6.0])
    assert course[(times > 100) & (times < 200)].max() == pytest.approx(1.0, abs=1e-4)
    assert course[times < 100].max() == pytest.approx(peak_height(2.0) / peak_height(4.0), abs=1e-4)
    assert course[times > 200].max() == pytest.approx(peak_height(6.0) / peak_height(4.0), abs=1e-4)


def test_no_events_no_response() -> None:
    assert not train_response(FINE, [], []).any()
