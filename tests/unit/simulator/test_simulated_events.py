"""Made-up events, and what rows of an events table mean for a condition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import StudyError
from deltaroi.simulator.bold import Train
from deltaroi.simulator.draws import generator
from deltaroi.simulator.events import end_s, longest_run_s, make_events, train
from deltaroi.specs import Condition, SimulatedEvents


def test_trials_do_not_overlap_and_fit() -> None:
    events = SimulatedEvents(conditions=["a", "b", "c"], trials=5, duration_s=3.0, gap_s=(2.0, 5.0))
    frame = make_events(generator(3, "e"), events)
    onsets = frame["onset"].astype(float).to_numpy()
    assert frame["trial_type"].value_counts().to_dict() == {"a": 5, "b": 5, "c": 5}
    gaps = np.diff(onsets) - 3.0
    assert gaps.min() >= 2.0 - 1e-3
    assert gaps.max() <= 5.0 + 1e-3
    assert onsets[0] == 6.0
    assert end_s(frame) + 15.0 <= longest_run_s(events)


TABLE = pd.DataFrame({"onset": ["5", "n/a", "20.5", "30", "40"], "duration": ["2", "2", "n/a", "0", "3.5"],
                      "trial_type": ["vn", "vn", "vn", "dn", "dn"], "choice": ["1", "0", "1.0", "n/a", "1"],
                      "easy": ["True", "false", "true", "n/a", "TRUE"]}, dtype="str")


@pytest.mark.parametrize(("name", "condition", "onsets", "durations"), [
    ("vn", None, (5.0,), (2.0,)),
    ("dn", None, (30.0, 40.0), (0.0, 3.5)),
    ("both", Condition(where={"trial_type": ["vn", "dn"]}, duration=1.0), (5.0, 20.5, 30.0, 40.0), (1.0,) * 4),
    ("chose", Condition(where={"choice": 1}), (5.0, 40.0), (2.0, 3.5)),
    ("text", Condition(where={"choice": "1"}), (5.0, 40.0), (2.0, 3.5)),
    ("easy", Condition(where={"easy": True, "trial_type": "dn"}), (40.0,), (3.5,)),
    ("none", Condition(where={"trial_type": "zz"}), (), ()),
])
def test_rows_of_a_condition(name: str, condition: Condition | None, onsets: tuple[float, ...],
                             durations: tuple[float, ...]) -> None:
    conditions = {name: condition} if condition else {}
    assert train(TABLE, name, conditions, "x") == Train(name, onsets, durations)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(StudyError, match=r"sub-1.*lack the columns \['trial_type'\].*'vn'"):
        train(TABLE.drop(columns="trial_type"), "vn", {}, "sub-1")


def test_the_end_ignores_what_is_not_a_number() -> None:
    assert end_s(TABLE) == 43.5
    assert end_s(TABLE.iloc[:0]) == 0.0
    assert end_s(pd.DataFrame()) == 0.0


@pytest.mark.parametrize("gap", [(5.0, 2.0), (-1.0, 2.0)])
def test_a_gap_is_a_range(gap: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="gap_s"):
        SimulatedEvents(gap_s=gap)
