"""A study held against its lock: what differs, which rows that touches, and whether results came first.

Results came first where the lock says so (``deltaroi freeze --results``), or where the output folder does: a run keeps
in ``logs/locks.json`` the digests of the locks that it knew, before it computes the first response. No clock is
asked: a folder that has responses and does not name the lock first was there without it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.group.associations import LEADING
from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.pipeline.lock_file import Lock, find_lock
from deltaroi.pipeline.lock_items import CONTRAST, ROI, lock_items
from deltaroi.report.locked import ABSENT, Difference, Locked
from deltaroi.specs.associations import END
from deltaroi.tables import ALL_ROIS, CONFIRMATORY, EXPLORATORY
from deltaroi.types import CIRCULAR, RoiKey

TOUCH_ONE_TABLE = {"group.equivalence_bounds_d": "effects", "group.small_volume": "small_volume",
                   "group.multilevel": "multilevel"}
"""The fields that decide one table of results and no other."""
_ASSOCIATION = "associations."
_NO_LOCK = "no lock"


@dataclass(frozen=True, eq=False)
class Judged:
    """A study held against its lock.

    Attributes
    ----------
    locked : Locked
        The lock and what differs, for people.
    confirmatory : frozenset of (str, RoiKey)
        Tests, a contrast in an ROI, that are as frozen with everything that decides them.
    apart : frozenset of (str, RoiKey)
        Tests that are not in the lock and would share a family with such: they are corrected apart.
    associations : frozenset of str
        Associations that are as frozen.
    tables : frozenset of str
        Tables whose rows all are exploratory.
    leading : str
        The errors that lead in associations.
    content : mapping
        The lock file, whole.
    """

    locked: Locked
    confirmatory: frozenset[tuple[str, RoiKey]]
    apart: frozenset[tuple[str, RoiKey]]
    associations: frozenset[str]
    tables: frozenset[str]
    leading: str
    content: Mapping[str, Any]

    def fields(self) -> dict[str, Any]:
        """What decides the column ``status`` and the families, JSON-able."""
        return {"confirmatory": sorted([contrast, roi.label] for contrast, roi in self.confirmatory),
                "apart": sorted([contrast, roi.label] for contrast, roi in self.apart),
                "associations": sorted(self.associations), "tables": sorted(self.tables)}

    def mark(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """A table of results with its column ``status``; other tables as they are."""
        if "status" not in table.columns:
            return table
        return table.assign(status=[CONFIRMATORY if self._confirms({str(k): v for k, v in row.items()}, name)
                                    else EXPLORATORY for row in table.to_dict("records")])

    def _confirms(self, row: Mapping[str, Any], name: str) -> bool:
        """Whether a row leads its question and is as frozen."""
        association = row.get("association")
        if name == "effects" and row["model"] == "association":
            association = str(row["term"]).removeprefix("association:").removesuffix(END)
            leads = row["se_kind"] == self.leading
        else:
            leads = row.get("primary", row.get("leading", row.get("kind") in (None, "partial")))
            if name in self.tables:
                return False
        if not leads or (association is not None and association not in self.associations):
            return False
        if row["region"] == ALL_ROIS:
            return any(row["contrast"] == contrast for contrast, _ in self.confirmatory)
        return (row["contrast"], RoiKey(row["region"], row["hemisphere"], row["definition"])) in self.confirmatory


def marked(table: pd.DataFrame, name: str, judged: Judged | None) -> pd.DataFrame:
    """A table of results with its column ``status``, which stays ``n/a`` without a lock."""
    return table if judged is None else judged.mark(table, name)


def judge(study: Study, file: Path, lock: Lock, late: str = "") -> Judged:
    """Hold a study against its lock.

    Parameters
    ----------
    study : Study
        The study.
    file : Path
        Its file.
    lock : Lock
        Its lock.
    late : str
        Why the lock came after results; empty where it did not. Then every row is exploratory.
    """
    now = lock_items(study, file)
    found = differences(lock.items, now)
    late = late or _late_by_lock(lock)
    touched = {_scope(one) for one in found}
    then = _Tests(lock.items)
    kept = _Tests({name: content for name, content in lock.items.items() if now.get(name) == content})
    wide = study.regions.family == "all_contrasts"
    whole = kept.rois == then.rois and (kept.contrasts == then.contrasts or not wide)
    good = kept.contrasts if whole and not late and "all" not in touched else frozenset()
    confirmatory = frozenset((contrast, roi) for contrast in good for roi in then.rois)
    asked = _Tests(now)
    shared = asked.contrasts if wide and good else good
    apart = frozenset((contrast, roi) for contrast in shared for roi in asked.rois) - confirmatory
    associations = frozenset(name for name in study.associations if f"{_ASSOCIATION}{name}" in lock.items
                             and lock.items[f"{_ASSOCIATION}{name}"] == now[f"{_ASSOCIATION}{name}"])
    return Judged(Locked.of(lock.content, late, len(apart), found), confirmatory, apart, associations,
                  frozenset(touched) & frozenset(TOUCH_ONE_TABLE.values()), LEADING[study.group.variance], lock.content)


class _Tests:
    """The contrasts, and the ROIs that are tested honestly, of a set of items."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        rois = [content for name, content in items.items() if name.startswith(ROI)]
        self.contrasts = frozenset(name.removeprefix(CONTRAST) for name in items if name.startswith(CONTRAST))
        self.rois = frozenset(RoiKey(one["region"], one["hemisphere"], one["definition"]) for one in rois
                              if one["definition"] != CIRCULAR)


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What differs between the items of a lock and those of a study, place by place, in the order of the lock."""
    found: list[Difference] = []
    for name in (*then, *(name for name in now if name not in then)):
        if name in then and name in now:
            found += _leaves(name, then[name], now[name])
        else:
            whole = now.get(name, then.get(name))
            text = f"source {whole['source'][:12]}" if name.startswith(ROI) else _text(whole)
            found.append(Difference(name, text if name in then else ABSENT, text if name in now else ABSENT, ""))
    return tuple(replace(one, touches=_touches(one)) for one in found)


def _leaves(place: str, then: Any, now: Any) -> Iterator[Difference]:
    if then == now:
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for key in (*then, *(key for key in now if key not in then)):
            yield from _leaves(f"{place}.{key}", then.get(key, ABSENT), now.get(key, ABSENT))
        return
    yield Difference(place, _text(then), _text(now), "")


def _text(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False)


def _scope(one: Difference) -> str:
    """What a difference touches: ``tests``, ``association``, one table, or ``all`` rows."""
    if one.place.startswith((ROI, CONTRAST)) and one.place not in _FIELDS_OF_REGIONS:
        return "tests"
    if one.place.startswith(_ASSOCIATION):
        return "association"
    return TOUCH_ONE_TABLE.get(one.place, "all")


_FIELDS_OF_REGIONS = ("regions.minimum_coverage", "regions.family")


def _touches(one: Difference) -> str:
    """Which rows a difference makes exploratory, in words."""
    scope = _scope(one)
    if scope == "all":
        return "every row"
    if scope == "association":
        return "the rows of this association"
    if scope != "tests":
        return f"the rows of {scope}.tsv"
    if one.frozen == ABSENT:
        return "its own rows"
    return "its own rows and every row that was corrected together with them"


def _late_by_lock(lock: Lock) -> str:
    stood = [one for one in lock.results if one["found"] in ("responses", "effects")]
    return "; ".join(f"when it was made, {one['found']} stood in {one['folder']}" for one in stood)


def hold(study: Study, file: Path, layout: Layout) -> Judged | None:
    """Hold a study that is about to run against its lock, and write what came of it into the output folder.

    Parameters
    ----------
    study : Study
        The study.
    file : Path
        Its file.
    layout : Layout
        The output folder.

    Returns
    -------
    Judged or None
        None where there is no lock.

    Raises
    ------
    StudyError
        The lock cannot be used; see :func:`deltaroi.pipeline.lock_file.find_lock`.
    """
    lock = find_lock(study, file)
    if lock is None:
        layout.frozen.unlink(missing_ok=True)
        return None
    judged = judge(study, file, lock, _late_by_folder(lock, layout))
    write_json(layout.frozen, {**judged.locked.record(), "lock": judged.content})
    return judged


def _late_by_folder(lock: Lock, layout: Layout) -> str:
    """Why an output folder says that results came before the lock; notes the lock there."""
    seen: list[str] = []
    if outcomes(layout) != "nothing":
        try:
            seen = [str(one) for one in json.loads(layout.locks.read_text(encoding="utf-8"))["locks"]] or [_NO_LOCK]
        except (OSError, ValueError, KeyError, TypeError):
            seen = [_NO_LOCK]
    if lock.digest not in seen:
        seen.append(lock.digest)
    write_json(layout.locks, {"locks": seen})
    if seen[0] == lock.digest:
        return ""
    before = "without a lock" if seen[0] == _NO_LOCK else f"under another lock (digest {seen[0][:12]})"
    return f"responses in this output folder were first computed {before}"


def outcomes(layout: Layout) -> str:
    """The furthest outcomes that stand in an output folder: ``nothing``, ``responses`` or ``effects``."""
    if layout.table("effects").exists() or layout.report.exists() or any((layout.marks / "effects").glob("*.json")):
        return "effects"
    marked = any((layout.marks / "responses").glob("*.json"))
    single = any(layout.root.glob("sub-*/sub-*_desc-responses_stat.tsv"))
    return "responses" if marked or single or layout.table("responses").exists() else "nothing"
