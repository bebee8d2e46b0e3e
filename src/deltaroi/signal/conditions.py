"""From the rows of an events table to the conditions of one run's model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.signal.selection import numbers, select_rows
from deltaroi.specs import Condition
from deltaroi.types import NA, Exclusion, RunKey

BoolArray = NDArray[np.bool_]

_BEFORE_S = 24.0  # as far back as nilearn lets a response reach into the scan


@dataclass(frozen=True, eq=False)
class ConditionEvents:
    """The events of one run as the model sees them.

    Attributes
    ----------
    events : DataFrame
        Columns ``trial_type`` (name of the model condition), ``onset`` and ``duration`` in s, ``modulation``; one row
        per event and model condition, in model order, then by onset.
    durations : mapping of str to float
        Median duration in s per model condition, in model order.
    modulators : mapping of str to str
        Modulated condition -> column that weights its events.
    contrasts : mapping of str to (mapping of str to float)
        The contrasts this run can serve: weight per model condition.
    exclusions : tuple of Exclusion
        Events and contrasts that are not in the model.
    notes : tuple of str
        What else to know about the model.
    """

    events: pd.DataFrame
    durations: Mapping[str, float]
    modulators: Mapping[str, str]
    contrasts: Mapping[str, Mapping[str, float]]
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class _Regressor:
    """One condition of the model: its rows, and what replaces or weights them."""

    name: str
    rows: BoolArray
    duration: float | None = None
    modulator: str | None = None


@dataclass(eq=False)
class _Model:
    """The regressors so far, and which unmodulated one owns each row."""

    owner: NDArray[np.object_]
    place: str
    regressors: list[_Regressor] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def names(self) -> set[str]:
        return {regressor.name for regressor in self.regressors}

    def owned_exactly(self, rows: BoolArray) -> bool:
        """Whether one unmodulated regressor has these rows and no other."""
        return any(r.modulator is None and np.array_equal(r.rows, rows) for r in self.regressors)

    def add(self, regressor: _Regressor) -> None:
        """Take a regressor in; a modulated one brings its unmodulated events unless they are there already."""
        if regressor.modulator is None:
            self._claim(regressor)
            return
        if not self.owned_exactly(regressor.rows):
            events = _free_name(f"{regressor.name}__events", self.names())
            self._claim(_Regressor(events, regressor.rows, regressor.duration))
        self.regressors.append(regressor)

    def _claim(self, regressor: _Regressor) -> None:
        for row in np.flatnonzero(regressor.rows):
            if self.owner[row] is not None:
                raise DataError(
                    f"event {row + 1} belongs to two conditions, '{self.owner[row]}' and '{regressor.name}'",
                    where=self.place, hint="an event may belong to one condition of the model (a modulator apart): "
                    "narrow one `where`, or drop one of the two from the contrasts")
            self.owner[row] = regressor.name
        self.regressors.append(regressor)


def build_conditions(events: pd.DataFrame, conditions: Mapping[str, Condition],
                     contrasts: Mapping[str, Mapping[str, float]], *, key: RunKey, scan_s: float) -> ConditionEvents:
    """Choose the conditions of one run's model and the events of each.

    Parameters
    ----------
    events : DataFrame
        As read by ``io.events.read_events``: ``onset`` and ``duration`` float64 in s, other columns text.
    conditions : mapping of str to Condition
        Declared conditions, by name.
    contrasts : mapping of str to (mapping of str to float)
        Weight per condition name, as ``config.expression.parse_contrast`` gives them. A name means the declared
        condition if there is one, else the ``trial_type``.
    key : RunKey
        The run, for messages and exclusions.
    scan_s : float
        Length of the scan in s.

    Returns
    -------
    ConditionEvents

    Raises
    ------
    DataError
        No ``trial_type`` and no declared condition; a column that a condition names is absent; an event belongs to two
        unmodulated conditions.

    Notes
    -----
    The model holds every declared condition and every ``trial_type`` with rows that no declared condition claims, so
    that no event falls silently into the baseline. A declared condition that no contrast names gives way to one that
    a contrast names.
    """
    place = f"events of {key.label}"
    named = list(dict.fromkeys(name for parts in contrasts.values() for name in parts))
    trial_types = _trial_types(events, conditions, place)
    declared = [_Regressor(name, select_rows(events, c.where, f"{place}, condition '{name}'"), c.duration, c.modulator)
                for name, c in conditions.items()]
    model = _Model(np.full(len(events), None, dtype=object), place)
    _add_named(model, declared, trial_types, named)
    _add_unnamed(model, [r for r in declared if r.name not in named])
    _add_rest(model, trial_types)
    return _finish(events, model, contrasts, key, scan_s)


def _trial_types(events: pd.DataFrame, conditions: Mapping[str, Condition], place: str) -> NDArray[np.object_]:
    """Text of the trial_type column; ``n/a`` where there is none."""
    has = "trial_type" in events.columns
    column = [str(v) for v in events["trial_type"]] if has else [NA] * len(events)
    if not conditions and len(events) and all(v == NA for v in column):
        others = [str(c) for c in events.columns if c not in ("onset", "duration", "trial_type")]
        raise DataError(
            f"the events have {'only n/a in' if has else 'no'} column 'trial_type'", where=place,
            hint="say in the study file which rows are a condition, e.g. `conditions: {risky: {where: "
                 f"{{{others[0] if others else 'column'}: value}}}}}}`; the other columns are "
                 f"{', '.join(others) or 'none'} (a localiser task cannot do without this column)")
    return np.array(column, dtype=object)


def _add_named(model: _Model, declared: list[_Regressor], trial_types: NDArray[np.object_], named: list[str]) -> None:
    """What the contrasts name: unmodulated first, so that a modulated condition finds its events."""
    known = {r.name for r in declared}
    wanted = [r for r in declared if r.name in named]
    wanted += [_Regressor(name, np.asarray(trial_types == name)) for name in named if name not in known]
    wanted = [r for r in wanted if r.rows.any()]
    for regressor in wanted:
        if regressor.modulator is None:
            model.add(regressor)
    for regressor in wanted:
        if regressor.modulator is None:
            continue
        twin = next((r for r in declared if r.modulator is None and np.array_equal(r.rows, regressor.rows)
                     and r.name not in model.names()), None)
        if twin is not None and not model.owned_exactly(regressor.rows):
            model.add(twin)
        model.add(regressor)


def _add_unnamed(model: _Model, declared: list[_Regressor]) -> None:
    """Declared conditions that no contrast names enter if their rows are still free."""
    waiting = [r for r in declared if r.rows.any() and r.name not in model.names()]
    needed = model.owner != None  # noqa: E711  # elementwise on an object array
    for regressor in sorted(waiting, key=lambda r: r.modulator is not None):
        shared = regressor.modulator is not None and model.owned_exactly(regressor.rows)
        if not shared and bool((regressor.rows & needed).any()):
            model.notes.append(f"the condition '{regressor.name}' is not in the model: no contrast names it and its "
                               "events belong to a condition that a contrast names")
        else:
            model.add(regressor)


def _add_rest(model: _Model, trial_types: NDArray[np.object_]) -> None:
    """Rows that no condition claims enter by their trial_type."""
    rest = model.owner == None  # noqa: E711  # elementwise on an object array
    for name in dict.fromkeys(str(v) for v in trial_types[rest]):
        rows = np.asarray((trial_types == name) & rest)
        if name == NA:
            model.notes.append(f"{int(rows.sum())} event(s) belong to no condition and have no trial_type: they are "
                               "part of the baseline")
            continue
        taken = name in model.names()
        if taken or rows.sum() < (trial_types == name).sum():
            model.notes.append(f"{int(rows.sum())} event(s) of trial_type '{name}' belong to no declared condition and "
                               "enter the model on their own")
        model.add(_Regressor(_free_name(f"{name}__other", model.names()) if taken else name, rows))


def _free_name(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _finish(events: pd.DataFrame, model: _Model, contrasts: Mapping[str, Mapping[str, float]], key: RunKey,
            scan_s: float) -> ConditionEvents:
    """Leave out events that cannot be placed in the scan, and contrasts that lost a condition."""
    exclusions: dict[Exclusion, None] = {}
    tables: list[pd.DataFrame] = []
    for regressor in model.regressors:
        table, gone = _events_of(events, regressor, key, scan_s)
        exclusions.update(dict.fromkeys(gone))
        if len(table):
            tables.append(table)
            repeated = int(table.duplicated(["onset", "duration"]).sum())
            if repeated:
                model.notes.append(f"condition '{regressor.name}' has {repeated} repeated event(s); they add up")
    durations = {str(t["trial_type"].iloc[0]): float(np.median(t["duration"])) for t in tables}
    served: dict[str, Mapping[str, float]] = {}
    for name, parts in contrasts.items():
        absent = [condition for condition in parts if condition not in durations]
        if absent:
            exclusions[Exclusion("first-level", key.subject, key.session, key.run, name,
                                 "a condition of the contrast has no events in this run", ", ".join(absent))] = None
        else:
            served[name] = parts
    empty = pd.DataFrame({"trial_type": pd.Series(dtype="str"), "onset": pd.Series(dtype=np.float64),
                          "duration": pd.Series(dtype=np.float64), "modulation": pd.Series(dtype=np.float64)})
    modulators = {r.name: r.modulator for r in model.regressors if r.modulator is not None and r.name in durations}
    return ConditionEvents(pd.concat(tables, ignore_index=True) if tables else empty, MappingProxyType(durations),
                           MappingProxyType(modulators), MappingProxyType(served), tuple(exclusions),
                           tuple(model.notes))


def _events_of(events: pd.DataFrame, regressor: _Regressor, key: RunKey,
               scan_s: float) -> tuple[pd.DataFrame, list[Exclusion]]:
    """The usable events of one regressor, and those left out."""
    onset = events["onset"].to_numpy(np.float64)
    duration = events["duration"].to_numpy(np.float64)
    if regressor.duration is not None:
        duration = np.full(len(events), regressor.duration)
    modulation = np.ones(len(events))
    problems = [(~np.isfinite(onset), "event without a usable onset"),
                (~np.isfinite(duration), "event without a usable duration"),
                (duration < 0, "event with a negative duration"),
                (onset >= scan_s, "event after the end of the scan"),
                (onset + duration < -_BEFORE_S, f"event that ended over {_BEFORE_S:g} s before the scan")]
    if regressor.modulator is not None:
        modulation = numbers(events, regressor.modulator, f"events of {key.label}, condition '{regressor.name}'")
        problems.append((~np.isfinite(modulation), f"event without a number in '{regressor.modulator}': not in the "
                                                   f"modulated regressor '{regressor.name}'"))
    left = regressor.rows.copy()
    gone: list[Exclusion] = []
    for bad, reason in problems:
        threshold = f"{scan_s:g} s scan" if "scan" in reason else NA
        gone += [Exclusion("first-level", key.subject, key.session, key.run, NA, reason,
                           f"event {row + 1}, onset {onset[row]:g} s", threshold)
                 for row in np.flatnonzero(left & bad)]
        left &= ~bad
    values = modulation[left]
    if regressor.modulator is not None and values.size:
        values = values - values.mean()
    return pd.DataFrame({"trial_type": regressor.name, "onset": onset[left], "duration": duration[left],
                         "modulation": values}), gone
