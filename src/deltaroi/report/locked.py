"""The preregistration lock in the report: when the study was frozen, what differs, which rows are exploratory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.report import words
from deltaroi.tables import CONFIRMATORY, EXPLORATORY

ABSENT = "not there"
_LONGEST = 120


@dataclass(frozen=True)
class Difference:
    """One thing that is not as frozen: its place, what was frozen, what is now, which rows that touches."""

    place: str
    frozen: str
    now: str
    touches: str

    def line(self) -> str:
        """``group.seed: 1 -> 2 (every row)``."""
        return f"{self.place}: {self.old} -> {self.new} ({self.touches})"

    @property
    def old(self) -> str:
        """What was frozen, no longer than a line."""
        return "not in the lock" if self.frozen == ABSENT else _short(self.frozen)

    @property
    def new(self) -> str:
        """What is now, no longer than a line."""
        return "not in the study" if self.now == ABSENT else _short(self.now)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST - 1]}…"


@dataclass(frozen=True)
class Locked:
    """A lock, and how the study as run differs from it.

    Attributes
    ----------
    date, version, digest : str
        When it was made (UTC, by the clock of that machine), by which deltaroi, and the digest of what it holds.
    replaced : tuple of (str, str)
        Date and digest of the locks that it replaced, the first one first.
    late : str
        Why it came after results; empty where nothing says so.
    looked : tuple of (str, str)
        Output folders that were looked into when it was made, and what stood in them.
    apart : int
        Tests that are not in the lock and are corrected apart from the frozen ones.
    differences : tuple of Difference
        What is not as frozen.
    """

    date: str
    version: str
    digest: str
    replaced: tuple[tuple[str, str], ...]
    late: str
    looked: tuple[tuple[str, str], ...]
    apart: int
    differences: tuple[Difference, ...]

    @classmethod
    def of(cls, lock: Mapping[str, Any], late: str, apart: int, differences: Sequence[Difference]) -> Locked:
        """From the content of a lock file."""
        return cls(lock["frozen"], lock["deltaroi"], lock["digest"],
                   tuple((one["frozen"], one["digest"]) for one in lock["history"]), late,
                   tuple((one["folder"], one["found"]) for one in lock["results"]), apart,
                   tuple(differences))

    def record(self) -> dict[str, Any]:
        """What is not in the lock file itself, JSON-able."""
        return {"frozen_after_results": self.late, "corrected_apart": self.apart,
                "differences": [asdict(one) for one in self.differences]}

    @property
    def made(self) -> str:
        """Date, version and digest in words."""
        return f"frozen on {self.date} with deltaroi {self.version}, digest {self.digest}"

    def remarks(self) -> Iterator[str]:
        """What to know of the lock beside what differs."""
        if self.late:
            yield f"Frozen after results existed: {self.late}. Every row is exploratory."
        if self.replaced:
            earlier = "; ".join(f"{date}, digest {digest[:12]}" for date, digest in self.replaced)
            yield f"This lock replaced {words.plural(len(self.replaced), 'earlier one', 'earlier ones')}: {earlier}."
        if self.apart:
            yield (f"{words.plural(self.apart, 'test is', 'tests are')} not in the lock and corrected apart, so that "
                   "the family of the others is as frozen.")

    def lines(self) -> Iterator[str]:
        """The lock and what differs, for the terminal."""
        yield f"lock: {self.made}"
        for remark in self.remarks():
            yield f"  {remark}"
        if not self.differences:
            yield "  the study is as frozen"
        for one in self.differences:
            yield f"  differs: {one.line()}"


def read_locked(path: Path) -> Locked | None:
    """Read ``group/frozen.json``; None where it is not there.

    Raises
    ------
    DataError
        It is damaged.
    """
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Locked.of(data["lock"], data["frozen_after_results"], data["corrected_apart"],
                         [Difference(**one) for one in data["differences"]])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError("the lock in the output folder cannot be read", where=str(path),
                        hint="run the study again; do not edit the output folder") from error


def counts(primary: pd.DataFrame) -> tuple[int, int]:
    """Confirmatory and exploratory rows."""
    return int((primary["status"] == CONFIRMATORY).sum()), int((primary["status"] == EXPLORATORY).sum())


def tag(frame: pd.DataFrame) -> str:
    """What is added to the heading of a figure or table whose rows are exploratory, all or some."""
    confirmed, explored = counts(frame)
    return "" if not explored else " (exploratory)" if not confirmed else " († exploratory)"


def lock_text(locked: Locked | None, primary: pd.DataFrame) -> str:
    """The paragraph of the methods."""
    if locked is None:
        return ""
    confirmed, explored = counts(primary)
    text = (f"ROIs, contrasts, models, bounds and exclusion rules were {locked.made}, by a local file: its date is as "
            "good as the place where its digest was registered. "
            f"{words.plural(confirmed, 'primary effect is', 'primary effects are')} confirmatory, with everything that "
            f"decides them as frozen; {explored} {'is' if explored == 1 else 'are'} exploratory. ")
    text += "".join(f"{remark} " for remark in locked.remarks())
    if not locked.differences:
        return text + "The study as run is as frozen."
    return text + "Different from what was frozen: " + "; ".join(one.line() for one in locked.differences) + "."


def lock_item(locked: Locked | None, primary: pd.DataFrame) -> dict[str, Any] | None:
    """The lock among the COBIDAS items."""
    if locked is None:
        return None
    confirmed, explored = counts(primary)
    return {"Frozen": locked.date, "Deltaroi": locked.version, "Digest": locked.digest,
            "ReplacedLocks": [{"Frozen": date, "Digest": digest} for date, digest in locked.replaced],
            "FrozenAfterResults": locked.late or None,
            "TestsCorrectedApart": locked.apart,
            "LookedForResultsIn": [{"Folder": folder, "Found": found} for folder, found in locked.looked],
            "Differences": [{"Place": one.place, "Frozen": one.frozen, "Now": one.now, "Touches": one.touches}
                            for one in locked.differences],
            "ConfirmatoryEffects": confirmed, "ExploratoryEffects": explored}
