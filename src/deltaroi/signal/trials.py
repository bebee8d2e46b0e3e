"""The events of one run as its model has them, in the form that the first-level artefact keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from deltaroi.grid import FloatArray, IntArray
from deltaroi.signal.conditions import ConditionEvents


def _none() -> FloatArray:
    return np.zeros(0)


@dataclass(frozen=True, eq=False)
class Trials:
    """The events that made a run's regressors; m is their number.

    Attributes
    ----------
    conditions : tuple of str
        Conditions of the model with at least one event, in the order of the design's columns.
    modulated : tuple of str
        Those of them whose events are weighted by a modulator.
    condition : ndarray of int64, shape (m,)
        Position in ``conditions``; events stand in model order, then by onset.
    onset, duration : ndarray, shape (m,)
        In s from the first volume's beginning, as the run handled them (a condition's own duration, only events that
        can be placed in the scan).
    modulation : ndarray, shape (m,)
        1, or the centred value of the modulator.
    """

    conditions: tuple[str, ...] = ()
    modulated: tuple[str, ...] = ()
    condition: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    onset: FloatArray = field(default_factory=_none)
    duration: FloatArray = field(default_factory=_none)
    modulation: FloatArray = field(default_factory=_none)

    def of(self, condition: str) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Onsets, durations and modulations of one condition; empty where it has no event."""
        mine = self.condition == (self.conditions.index(condition) if condition in self.conditions else -1)
        return self.onset[mine], self.duration[mine], self.modulation[mine]


def trials_of(events: ConditionEvents) -> Trials:
    """The events of a model."""
    frame, names = events.events, tuple(events.durations)
    place = {name: i for i, name in enumerate(names)}
    return Trials(names, tuple(events.modulators), np.array([place[n] for n in frame["trial_type"]], dtype=np.int64),
                  *(frame[column].to_numpy(dtype=np.float64) for column in ("onset", "duration", "modulation")))
