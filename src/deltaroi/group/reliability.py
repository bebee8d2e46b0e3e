"""How repeatable the responses are: across sessions, between halves of the runs, and of the change."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from deltaroi.group.design import GroupDesign
from deltaroi.stats.record import Array
from deltaroi.stats.reliability import Reliability, attenuated_r, disattenuated_r, icc_consistency, split_half
from deltaroi.tables import RELIABILITY, conform
from deltaroi.types import NA

_ROI = ["specification", "contrast", "summary", "region", "hemisphere", "definition"]
_NO_HALVES = "needs at least two runs per session, with values of single runs"
Halves = tuple[pd.DataFrame, pd.DataFrame]


def reliability(responses: pd.DataFrame, runs: pd.DataFrame, design: GroupDesign) -> pd.DataFrame:
    """Reliability of every ROI and contrast.

    Parameters
    ----------
    responses : DataFrame
        The responses table.
    runs : DataFrame
        The values of single runs (``tables.RUN_VALUES``); may be empty.
    design : GroupDesign
        Sessions, of which there are at least two, and groups.

    Returns
    -------
    DataFrame
        Conformed to ``tables.RELIABILITY``: per group and over all subjects the ICC(3,1) across sessions, the
        split-half reliability of every session (odd against even runs in their order, Spearman-Brown) and that of the
        change (change between odd runs against change between even runs).
    """
    rows: list[dict[str, object]] = []
    halves = dict(iter(_halves(runs).groupby(_ROI, sort=True)))
    for names, part in responses.groupby(_ROI, sort=True):
        key = dict(zip(_ROI, names, strict=True))
        wide = part.pivot_table(index="subject", columns="session", values="value", aggfunc="mean", dropna=False)
        wide = wide.reindex(columns=list(design.sessions))
        of = part.drop_duplicates("subject").set_index("subject")["group"].reindex(wide.index)
        split = _split(halves.get(names), wide)
        if design.levels:
            wide = wide[of.isin(design.levels)]
        for group, subjects in _groups(design, of, wide.index):
            for measure, session, found in _measures(wide.loc[subjects], split, design.sessions):
                rows.append({**key, "measure": measure, "session": session, "group": group,
                             "trusted": _trusted(measure, group, design.levels or ()), **_numbers(found),
                             "note": _note(found, measure, group, design)})
    return conform(pd.DataFrame(rows, columns=RELIABILITY.names), RELIABILITY, "reliability")


def _groups(design: GroupDesign, of: pd.Series, subjects: pd.Index) -> Iterator[tuple[str, pd.Index]]:
    """Everybody, and where there are several every group."""
    levels = design.levels or ()
    yield "all", subjects
    if len(levels) > 1:
        for level in levels:
            yield level, subjects[(of.loc[subjects] == level).to_numpy()]


def _trusted(measure: str, group: str, levels: tuple[str, ...]) -> bool:
    """Whether neither a training effect nor a difference between groups is in it."""
    if len(levels) < 2:
        return measure != "icc_3_1"
    return group == levels[-1] or (group != "all" and measure != "icc_3_1")


def _halves(runs: pd.DataFrame) -> pd.DataFrame:
    """The mean of the odd (0) and the even (1) runs of every session that has at least two, in the order of runs."""
    session = [*_ROI, "subject", "session"]
    ordered = runs.sort_values([*session, "task", "run"], kind="stable")
    place = ordered.groupby(session).cumcount()
    ordered = ordered.assign(half=place % 2)
    return ordered.groupby([*session, "half"])["value"].mean().reset_index()


def _split(halves: pd.DataFrame | None, wide: pd.DataFrame) -> Halves:
    """Odd and even halves, shape (subjects, sessions); NaN where a session has one run."""
    tables = []
    for half in (0, 1):
        part = halves[halves["half"] == half] if halves is not None else pd.DataFrame(columns=["subject", "session"])
        table = part.pivot(index="subject", columns="session", values="value") if len(part) else pd.DataFrame()
        tables.append(table.reindex(index=wide.index, columns=wide.columns).astype(np.float64))
    return tables[0], tables[1]


def _measures(wide: pd.DataFrame, split: Halves, sessions: tuple[str, ...],
              ) -> Iterator[tuple[str, str, Reliability]]:
    values = wide.to_numpy(dtype=np.float64)
    yield "icc_3_1", NA, icc_consistency(values[np.isfinite(values).all(axis=1)].reshape(-1, len(sessions)))
    odd, even = (half.reindex(wide.index) for half in split)
    for session in sessions:
        yield "split_half", session, _halved(odd[session].to_numpy(), even[session].to_numpy())
    first, last = sessions[0], sessions[-1]
    yield "change", NA, _halved((odd[last] - odd[first]).to_numpy(), (even[last] - even[first]).to_numpy())


def _halved(odd: Array, even: Array) -> Reliability:
    usable = np.isfinite(odd) & np.isfinite(even)
    if not usable.any():
        return Reliability(kind="split_half", problem=_NO_HALVES)
    return split_half(odd[usable], even[usable])


def _numbers(found: Reliability) -> dict[str, object]:
    known = math.isfinite(found.value)
    return {"n": found.n, "k": found.k or np.nan, "value": found.value, "ci_low": found.low, "ci_high": found.high,
            "seen_of_50": attenuated_r(0.5, found.value) if known else np.nan,
            "true_of_30": disattenuated_r(0.3, found.value) if known else np.nan}


def _note(found: Reliability, measure: str, group: str, design: GroupDesign) -> str:
    """What a reliability means, or why there is none."""
    if not math.isfinite(found.value):
        return f"n/a: {found.problem or 'the halves are opposed to each other'}"
    parts = [_meaning(measure, group, design.levels or ())]
    what = {"icc_3_1": "the response of one session", "split_half": "the response of this session",
            "change": "the change"}[measure]
    if found.value <= 0:
        parts.append("not above 0: nothing that is the subjects' own is seen")
    else:
        true = disattenuated_r(0.3, found.value)
        parts.append(f"with this reliability an observed r of .30 between {what} and a perfect score is what a true r "
                     f"of {true:.2f} would give" if true <= 1 else "with this reliability no true r between "
                     f"{what} and a score would be expected to give an observed r of .30")
    if found.problem:
        parts.append(found.problem)
    return "; ".join(parts)


def _meaning(measure: str, group: str, levels: tuple[str, ...]) -> str:
    if measure != "icc_3_1":
        text = "odd against even runs" if measure == "split_half" else \
            "change between odd runs against change between even runs"
        return text + ("; differences between groups raise it" if group == "all" and len(levels) > 1 else "")
    if len(levels) < 2:
        return "a change that differs between people lowers it: it is a lower bound of the reliability"
    if group == "all":
        return "a change that differs between groups or people lowers it: look at the reference group's"
    if group == levels[-1]:
        return "the reference group's, the one to trust: nothing was done to change it"
    return "a training effect that differs between people lowers it: trust the reference group's"
