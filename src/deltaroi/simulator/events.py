"""Events: made-up ones, and what the rows of any events file mean for the planted conditions."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from deltaroi.errors import StudyError
from deltaroi.simulator.bold import Train
from deltaroi.specs import Condition, Scalar, SimulatedEvents

FIRST_ONSET_S = 6.0
TAIL_S = 15.0


def longest_run_s(events: SimulatedEvents) -> float:
    """From the first volume to 15 s after the last event, s, if every pause were the longest."""
    trials = events.trials * len(events.conditions)
    return FIRST_ONSET_S + trials * events.duration_s + (trials - 1) * events.gap_s[1] + TAIL_S


def make_events(rng: np.random.Generator, events: SimulatedEvents) -> pd.DataFrame:
    """Trials in random order with random pauses; text cells, onsets and durations in s to the millisecond."""
    names = [name for name in events.conditions for _ in range(events.trials)]
    order = rng.permutation(len(names))
    gaps = rng.uniform(*events.gap_s, size=len(names))
    onsets = FIRST_ONSET_S + np.concatenate([[0.0], np.cumsum(gaps + events.duration_s)[:-1]])
    return pd.DataFrame({"onset": [f"{onset:.3f}" for onset in onsets],
                         "duration": [f"{events.duration_s:.3f}"] * len(names),
                         "trial_type": [names[i] for i in order]}, dtype="str")


def train(frame: pd.DataFrame, name: str, conditions: dict[str, Condition], where: str) -> Train:
    """The events of one condition in one events table.

    Parameters
    ----------
    frame : DataFrame
        Text cells, as read from the file.
    name : str
        A key of ``conditions``, or else a ``trial_type``.
    conditions : dict
        The study's conditions; a modulator is not simulated.
    where : str
        The file, for messages.

    Raises
    ------
    StudyError
        The table lacks a column that the condition needs.

    Notes
    -----
    Rows without a finite onset and duration carry no signal.
    """
    condition = conditions.get(name)
    wanted: dict[str, Scalar | list[Scalar]] = dict(condition.where) if condition else {"trial_type": name}
    lacking = [c for c in ("onset", *(() if condition and condition.duration is not None else ("duration",)), *wanted)
               if c not in frame.columns]
    if lacking:
        raise StudyError(f"the events lack the columns {lacking} that the condition '{name}' needs", where=where,
                         hint="define the condition under `conditions`, from the columns "
                              f"{', '.join(map(str, frame.columns))}")
    chosen = np.ones(len(frame), dtype=bool)
    for column, values in wanted.items():
        several = values if isinstance(values, list) else [values]
        chosen &= np.array([any(_same(cell, value) for value in several) for cell in frame[column]], dtype=bool)
    onsets = np.array([_number(cell) for cell in frame.loc[chosen, "onset"]])
    if condition is not None and condition.duration is not None:
        durations = np.full(len(onsets), condition.duration)
    else:
        durations = np.array([_number(cell) for cell in frame.loc[chosen, "duration"]])
    usable = np.isfinite(onsets) & np.isfinite(durations) & (durations >= 0) if len(onsets) else np.zeros(0, bool)
    return Train(name, tuple(onsets[usable].tolist()), tuple(durations[usable].tolist()))


def end_s(frame: pd.DataFrame) -> float:
    """End of the last event, s; 0 without events."""
    if "onset" not in frame.columns:
        return 0.0
    durations = frame["duration"] if "duration" in frame.columns else ["0"] * len(frame)
    ends = [_number(o) + max(0.0, np.nan_to_num(_number(d))) for o, d in zip(frame["onset"], durations, strict=True)]
    return max((end for end in ends if math.isfinite(end)), default=0.0)


def _same(cell: str, value: Scalar) -> bool:
    """Whether a cell holds a value: numbers by value, truth as true/false, everything else as text."""
    if isinstance(value, bool):
        return cell.lower() == str(value).lower()
    if isinstance(value, str):
        return cell == value
    return _number(cell) == float(value)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan
