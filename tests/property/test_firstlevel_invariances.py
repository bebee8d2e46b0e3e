"""What must hold of any events table and any series."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.errors import DataError
from deltaroi.signal.conditions import build_conditions
from deltaroi.signal.glm import fit_series
from deltaroi.specs import Condition
from deltaroi.types import RunKey

SCAN = 100.0
cell = st.sampled_from(["a", "b", "1", "n/a"])
seconds = st.one_of(st.floats(-30, 130, allow_nan=False), st.just(float("nan")))
rows = st.lists(st.tuples(seconds, st.sampled_from([0.0, 2.0, -1.0, float("nan")]), cell, cell), max_size=12)
condition = st.builds(lambda column, value, modulator: Condition(where={column: value}, modulator=modulator),
                      st.sampled_from(["trial_type", "other"]), st.sampled_from(["a", "b", 1]),
                      st.sampled_from([None, "other"]))


@settings(max_examples=60, deadline=None)
@given(rows, st.dictionaries(st.sampled_from(["c1", "c2", "a"]), condition, max_size=3),
       st.lists(st.sampled_from(["a", "b", "c1", "c2"]), min_size=1, max_size=2, unique=True))
def test_every_event_is_in_the_model_once_or_is_listed(
        table: list[tuple[float, float, str, str]], conditions: dict[str, Condition], named: list[str]) -> None:
    table = sorted(table, key=lambda row: (np.isnan(row[0]), row[0]))
    events = pd.DataFrame(table, columns=["onset", "duration", "trial_type", "other"]).astype(
        {"onset": float, "duration": float, "trial_type": str, "other": str})
    contrast = {"x": dict.fromkeys(named, 1.0)}
    built, problem = None, ""
    try:
        built = build_conditions(events, conditions, contrast, key=RunKey("1", "n/a", "t", "n/a"), scan_s=SCAN)
    except DataError as error:
        problem = error.message
    if built is None:
        assert "belongs to two conditions" in problem or "trial_type" in problem
        return
    plain = built.events[~built.events["trial_type"].isin(list(built.modulators))]
    listed = {row.value for row in built.exclusions}
    baseline = sum(int(note.split()[0]) for note in built.notes if "part of the baseline" in note)
    missing = 0
    for number, row in enumerate(events.itertuples(index=False), start=1):
        times = int(((plain["onset"] == row.onset) & (plain["modulation"] == 1)).sum())
        same = int((events["onset"] == row.onset).sum())
        assert times <= same
        if f"event {number}, onset {row.onset:g} s" not in listed and times == 0:
            missing += 1
    assert missing <= baseline
    assert set(built.contrasts) == ({"x"} if all(name in built.durations for name in named) else set())
    assert set(built.durations) == set(built.events["trial_type"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(1e-3, 1e3), st.sampled_from(["ols", "ar1"]))
def test_nuisance_adds_nothing_and_units_scale(seed: int, unit: float, noise: str) -> None:
    rng = np.random.default_rng(seed)
    design = np.column_stack([rng.standard_normal((40, 4)), np.ones(40)])
    series = rng.standard_normal((40, 3))
    vectors = np.array([[1.0, -0.5, 0, 0, 0]])
    plain = fit_series(series, design, vectors, noise)
    moved = fit_series(unit * series, design, vectors, noise)
    np.testing.assert_allclose(moved.effect, unit * plain.effect, rtol=1e-8, atol=1e-10 * unit)
    np.testing.assert_allclose(moved.variance, unit**2 * plain.variance, rtol=1e-8)
    with_nuisance = fit_series(series + design[:, 2:] @ rng.standard_normal((3, 3)), design, vectors, "ols")
    np.testing.assert_allclose(with_nuisance.effect, fit_series(series, design, vectors, "ols").effect, atol=1e-10)
