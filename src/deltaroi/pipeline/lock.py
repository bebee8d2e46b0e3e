"""A study held against its lock: what differs, which rows that touches, and whether results came first.

Results came first where the lock says so (``deltaroi freeze --results``), or where the output folder does: a run keeps
in ``logs/locks.json`` the digests of the locks that it knew, before it computes the first response. No clock is
asked: a folder that has responses and does not name the lock first was there without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.pipeline.lock_differences import EVERY_ROW, NAMED, differences, tables_of
from deltaroi.pipeline.lock_file import Lock, find_lock
from deltaroi.pipeline.lock_items import CONTRAST, ROI, lock_items
from deltaroi.report.locked import Locked
from deltaroi.specs import MAIN
from deltaroi.specs.associations import END
from deltaroi.tables import ALL_ROIS, CONFIRMATORY, EXPLORATORY
from deltaroi.types import CIRCULAR, NA, RoiKey

_NO_LOCK = "no lock"


@dataclass(frozen=True, eq=False)
class Judged:
    """A study held against its lock.

    Attributes
    ----------
    locked : Locked
        The lock and what differs, for people.
    whole : bool
        Whether nothing that touches every row differs, and results did not come first.
    confirmatory : frozenset of (str, RoiKey)
        Tests, a contrast in an ROI, that are as frozen with everything that decides them.
    apart : frozenset of (str, RoiKey)
        Tests that are not in the lock and would share a family with such: they are corrected apart.
    names : mapping of str to frozenset of str
        ``association connection measure factorial`` -> those that are as frozen.
    tables : frozenset of str
        Tables whose rows all are exploratory.
    leading : str
        The errors that lead in associations.
    content : mapping
        The lock file, whole.
    """

    locked: Locked
    whole: bool
    confirmatory: frozenset[tuple[str, RoiKey]]
    apart: frozenset[tuple[str, RoiKey]]
    names: Mapping[str, frozenset[str]]
    tables: frozenset[str]
    leading: str
    content: Mapping[str, Any]

    def fields(self) -> dict[str, Any]:
        """What decides the column ``status`` and the families, JSON-able."""
        return {"whole": self.whole,
                "confirmatory": sorted([contrast, roi.label] for contrast, roi in self.confirmatory),
                "apart": sorted([contrast, roi.label] for contrast, roi in self.apart),
                "names": {what: sorted(names) for what, names in self.names.items()}, "tables": sorted(self.tables)}

    def mark(self, table: pd.DataFrame, name: str) -> pd.DataFrame:
        """A table of results with its column ``status``; other tables as they are."""
        if "status" not in table.columns:
            return table
        return table.assign(status=[CONFIRMATORY if self._confirms({str(k): v for k, v in row.items()}, name)
                                    else EXPLORATORY for row in table.to_dict("records")])

    def _confirms(self, row: Mapping[str, Any], name: str) -> bool:
        """Whether a row leads its question and is as frozen."""
        association = row.get("association")
        if row.get("model") == "association":
            association = str(row["term"]).removeprefix("association:").removesuffix(END)
            leads = row["se_kind"] == self.leading
        else:
            leads = _leads(row) and name not in self.tables
        named = {"association": association, "connection": row["name"] if "seed_region" in row else None,
                 "measure": row.get("measure"), "factorial": row.get("factorial")}
        known = all(one is None or one in self.names[what] for what, one in named.items())
        if not (self.whole and leads and known):
            return False
        if row.get("region") == ALL_ROIS:
            return any(contrast == row["contrast"] for contrast, _ in self.confirmatory)
        return self._tested(row) <= self.confirmatory

    def _tested(self, row: Mapping[str, Any]) -> set[tuple[str, RoiKey]]:
        """The tests that a row rests on; none for a measure of behaviour."""
        if "measure" in row:
            return set()
        contrasts = [row["contrast"]] if "contrast" in row else \
            list(self.content["items"][f"group.factorials.{row['factorial']}"]["content"]["cells"])
        ends = ("seed_", "target_") if "seed_region" in row else ("",)
        rois = [RoiKey(*(str(row[f"{end}{part}"]) for part in ("region", "hemisphere", "definition"))) for end in ends]
        return {(contrast, roi) for contrast in contrasts for roi in rois}


def _leads(row: Mapping[str, Any]) -> bool:
    """Whether a row leads its question, by the columns that its table has; other specifications than main do not."""
    if row.get("specification", MAIN) != MAIN:
        return False
    if "primary" in row:
        return bool(row["primary"])
    if "leading" in row:
        return bool(row["leading"]) and row.get("within_group", NA) == NA
    return row.get("kind") in (None, "partial")


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
    from deltaroi.group.associations import LEADING  # here: workers of the first level need no statistics

    now = lock_items(study, file)
    found = differences(lock.items, now)
    late = late or _late_by_lock(lock)
    whole = not late and all(one.touches != EVERY_ROW for one in found)
    same = {name: content for name, content in lock.items.items() if now.get(name) == content}
    then, kept, asked = _Tests(lock.items), _Tests(same), _Tests(now)
    wide = study.regions.family == "all_contrasts"
    intact = whole and kept.rois == then.rois and (kept.contrasts == then.contrasts or not wide)
    good = kept.contrasts if intact else frozenset()
    confirmatory = frozenset((contrast, roi) for contrast in good for roi in then.rois)
    shared = asked.contrasts if wide and good else good
    apart = frozenset((contrast, roi) for contrast in shared for roi in asked.rois) - confirmatory
    names = {what: frozenset(name.removeprefix(start) for name in same if name.startswith(start))
             for start, what in NAMED.items()}
    tables = frozenset(table for one in found for table in tables_of(one.place))
    return Judged(Locked.of(lock.content, late, len(apart), found), whole, confirmatory, apart, names, tables,
                  LEADING[study.group.variance], lock.content)


class _Tests:
    """The contrasts, and the ROIs that are tested honestly, of a set of items."""

    def __init__(self, items: Mapping[str, Any]) -> None:
        rois = [content for name, content in items.items() if name.startswith(ROI)]
        self.contrasts = frozenset(name.removeprefix(CONTRAST) for name in items if name.startswith(CONTRAST))
        self.rois = frozenset(RoiKey(one["region"], one["hemisphere"], one["definition"]) for one in rois
                              if one["definition"] != CIRCULAR)


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


def note_lock(study: Study, file: Path, layout: Layout) -> None:
    """Note the lock of a study, if it has one, in the output folder before the first responses are computed there."""
    lock = find_lock(study, file)
    if lock is not None:
        _late_by_folder(lock, layout)


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
