"""Which events become which condition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.config.expression import parse_contrast
from deltaroi.errors import DataError
from deltaroi.signal.conditions import ConditionEvents, build_conditions
from deltaroi.specs import Condition
from deltaroi.types import RunKey

KEY = RunKey("01", "pre", "faces", "1")


def table(**columns: list[object]) -> pd.DataFrame:
    n = len(next(iter(columns.values())))
    data: dict[str, object] = {"onset": np.arange(n) * 10.0, "duration": np.full(n, 2.0)}
    return pd.DataFrame({**data, **columns})


def build(events: pd.DataFrame, contrasts: dict[str, str], scan_s: float = 300.0,
          **conditions: Condition) -> ConditionEvents:
    weights = {name: parse_contrast(text) for name, text in contrasts.items()}
    return build_conditions(events, conditions, weights, key=KEY, scan_s=scan_s)


def onsets(built: ConditionEvents, name: str) -> list[float]:
    return built.events.loc[built.events["trial_type"] == name, "onset"].tolist()


def test_every_trial_type_is_in_the_model_named_or_not() -> None:
    built = build(table(trial_type=["a", "b", "c", "a"]), {"x": "a - b"})
    assert list(built.durations) == ["a", "b", "c"]
    assert onsets(built, "a") == [0.0, 30.0]
    assert dict(built.contrasts["x"]) == {"a": 1.0, "b": -1.0}
    assert built.exclusions == ()


def test_a_declared_condition_comes_before_a_trial_type_of_its_name() -> None:
    events = table(trial_type=["a", "a", "b"], correct=["1", "0", "1"])
    built = build(events, {"x": "a - b"}, a=Condition(where={"trial_type": "a", "correct": 1}))
    assert onsets(built, "a") == [0.0]
    assert onsets(built, "a__other") == [10.0]
    assert any("a" in note and "1 event" in note for note in built.notes)


def test_rows_that_no_condition_claims_enter_by_their_trial_type() -> None:
    events = table(trial_type=["a", "a", "b", "n/a"])
    built = build(events, {"x": "first"}, first=Condition(where={"onset": 0}))
    assert onsets(built, "first") == [0.0]
    assert onsets(built, "a") == [10.0]
    assert onsets(built, "b") == [20.0]
    assert any("part of the baseline" in note for note in built.notes)


def test_one_event_in_two_named_conditions_is_an_error_with_both_names_and_the_row() -> None:
    events = table(trial_type=["a", "b"], loud=["1", "1"])
    with pytest.raises(DataError, match=r"event 1 .*'loud'.*'a'|event 1 .*'a'.*'loud'"):
        build(events, {"x": "loud - a"}, loud=Condition(where={"loud": 1}))


def test_a_condition_nobody_names_gives_way_with_a_note() -> None:
    events = table(trial_type=["a", "b", "c"], loud=["1", "0", "1"])
    built = build(events, {"x": "a - b"}, loud=Condition(where={"loud": 1}))
    assert "loud" not in built.durations
    assert list(built.durations) == ["a", "b", "c"]
    assert any("'loud' is not in the model" in note for note in built.notes)


def test_a_condition_nobody_names_is_in_the_model_when_its_rows_are_free() -> None:
    built = build(table(trial_type=["a", "b", "c"]), {"x": "a"}, rest=Condition(where={"trial_type": ["b", "c"]}))
    assert list(built.durations) == ["a", "rest"]
    assert onsets(built, "rest") == [10.0, 20.0]


@pytest.mark.parametrize(("value", "cells", "rows"), [
    (1, ["1", "1.0", "01", "2", "n/a"], [0, 1, 2]),
    (True, ["1", "true", "TRUE", "0", "yes"], [0, 1, 2]),
    (False, ["0", "false", "1", "n/a"], [0, 1]),
    ("1", ["1", "1.0"], [0]),
    ([1, "x"], ["1.0", "x", "y"], [0, 1]),
    (2.5, ["2.50", "2.5", "two"], [0, 1]),
])
def test_values_match_as_numbers_when_both_are_numbers(value: object, cells: list[object], rows: list[int]) -> None:
    events = table(column=cells)
    built = build(events, {"x": "hit"}, hit=Condition(where={"column": value}))  # type: ignore[dict-item]
    assert onsets(built, "hit") == [row * 10.0 for row in rows]


def test_an_absent_column_is_named_with_those_that_exist() -> None:
    with pytest.raises(DataError, match="'choice'") as caught:
        build(table(response=["1"]), {"x": "hit"}, hit=Condition(where={"choice": 1}))
    assert "onset, duration, response" in caught.value.hint


def test_a_modulator_is_centred_and_its_events_enter_beside_it() -> None:
    events = table(trial_type=["g"] * 4, amount=["1", "2", "6", "n/a"])
    built = build(events, {"x": "risk"}, risk=Condition(where={"trial_type": "g"}, modulator="amount"))
    mine = built.events[built.events["trial_type"] == "risk"]
    assert mine["modulation"].tolist() == [-2.0, -1.0, 3.0]
    assert onsets(built, "risk__events") == [0.0, 10.0, 20.0, 30.0]
    assert (built.events.loc[built.events["trial_type"] == "risk__events", "modulation"] == 1).all()
    (gone,) = built.exclusions
    assert "amount" in gone.reason
    assert gone.value == "event 4, onset 30 s"
    assert dict(built.modulators) == {"risk": "amount"}


def test_two_modulators_of_the_same_rows_share_the_unmodulated_events() -> None:
    events = table(trial_type=["g"] * 3, amount=["1", "2", "6"], chance=["3", "2", "1"])
    built = build(events, {"x": "a - b"}, a=Condition(where={"trial_type": "g"}, modulator="amount"),
                  b=Condition(where={"trial_type": "g"}, modulator="chance"))
    assert list(built.durations) == ["a__events", "a", "b"]


def test_an_unmodulated_condition_with_the_same_rows_stands_for_the_events() -> None:
    events = table(trial_type=["g"] * 3, amount=["1", "2", "6"])
    built = build(events, {"x": "risk"}, gamble=Condition(where={"trial_type": "g"}),
                  risk=Condition(where={"trial_type": "g"}, modulator="amount"))
    assert list(built.durations) == ["gamble", "risk"]


def test_a_duration_replaces_the_column() -> None:
    events = table(trial_type=["a", "b"])
    events["duration"] = [np.nan, 3.0]
    built = build(events, {"x": "long - b"}, long=Condition(where={"trial_type": "a"}, duration=7.5))
    assert built.durations == {"long": 7.5, "b": 3.0}


def test_events_that_cannot_be_placed_are_listed() -> None:
    events = pd.DataFrame({"onset": [-30.0, -1.0, 5.0, 6.0, 300.0, np.nan], "trial_type": ["a"] * 6,
                           "duration": [2.0, 5.0, np.nan, -1, 2.0, 2.0]})
    built = build(events, {"x": "a"})
    assert onsets(built, "a") == [-1.0]
    assert {(e.reason, e.value) for e in built.exclusions} == {
        ("event that ended over 24 s before the scan", "event 1, onset -30 s"),
        ("event without a usable duration", "event 3, onset 5 s"),
        ("event with a negative duration", "event 4, onset 6 s"),
        ("event after the end of the scan", "event 5, onset 300 s"),
        ("event without a usable onset", "event 6, onset nan s")}
    assert all((e.stage, e.subject, e.session, e.run) == ("first-level", "01", "pre", "1") for e in built.exclusions)


def test_a_contrast_whose_condition_has_no_event_left_does_not_get_this_run() -> None:
    built = build(table(trial_type=["a", "b"]), {"x": "a - gone", "y": "a - b"})
    assert list(built.contrasts) == ["y"]
    (gone,) = built.exclusions
    assert (gone.region, gone.value) == ("x", "gone")


def test_no_trial_type_and_no_conditions_says_how_to_write_them() -> None:
    with pytest.raises(DataError, match="trial_type") as caught:
        build(table(choseAccept=["1", "0"]), {"x": "a"})
    assert "conditions:" in caught.value.hint
    assert "choseAccept" in caught.value.hint


def test_a_header_only_table_serves_no_contrast() -> None:
    events = table(trial_type=["a"]).iloc[:0]
    built = build(events, {"x": "a"})
    assert len(built.events) == 0
    assert not built.contrasts
    assert [e.region for e in built.exclusions] == ["x"]


def test_numeric_and_odd_names() -> None:
    built = build(table(trial_type=["1", "go / no-go", "c"]), {"x": "`1` - `go / no-go`"})
    assert dict(built.contrasts["x"]) == {"1": 1.0, "go / no-go": -1.0}


def test_repeated_events_are_noted() -> None:
    events = table(trial_type=["a", "a", "b"])
    events["onset"] = [5.0, 5.0, 9.0]
    assert any("1 repeated event" in note for note in build(events, {"x": "a"}).notes)


def test_two_unnamed_conditions_of_one_event_are_an_error() -> None:
    events = table(trial_type=["a", "b"], loud=["1", "1"])
    with pytest.raises(DataError, match="event 2"):
        build(events, {"x": "a"}, one=Condition(where={"trial_type": "b"}),
              two=Condition(where={"trial_type": "b", "loud": 1}))
