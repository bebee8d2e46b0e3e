"""What holds for every train of events."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.simulator.response import event_response, integrated_response, train_response

TIMES = np.arange(0.0, 120.0, 0.7)
EVENT = st.tuples(st.floats(0.0, 80.0), st.floats(0.05, 20.0))


@settings(max_examples=30, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=8), st.floats(0.0, 15.0))
def test_trains_add_up_and_shift(events: list[tuple[float, float]], shift: float) -> None:
    onsets, _ = zip(*events, strict=True)
    same = [3.0] * len(onsets)
    whole = train_response(TIMES, onsets, same)
    parts = sum(train_response(TIMES, [onset], [3.0]) for onset in onsets)
    assert np.allclose(whole, parts, atol=1e-12)
    moved = train_response(TIMES + shift, [onset + shift for onset in onsets], same)
    assert np.allclose(whole, moved, atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(EVENT, st.floats(0.05, 10.0))
def test_an_event_is_the_sum_of_its_parts(event: tuple[float, float], rest: float) -> None:
    onset, duration = event
    whole = event_response(TIMES - onset, duration + rest)
    parts = event_response(TIMES - onset, duration) + event_response(TIMES - onset - duration, rest)
    assert np.allclose(whole, parts, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 60.0), st.floats(0.05, 30.0))
def test_the_area_is_the_duration(onset: float, duration: float) -> None:
    times = np.arange(0.0, 400.0, 0.05)
    assert abs(event_response(times - onset, duration).sum() * 0.05 - duration) < 0.06 * 0.5 + 1e-3 * duration
    assert np.all(integrated_response(-times) == 0.0)
