"""What a check of the review yields, and numbers as they are printed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pandas as pd

from deltaroi.errors import TableError
from deltaroi.tables import FINDINGS, conform
from deltaroi.types import NA, NOT_STATED

CONTRADICTION, OMISSION, ROUNDING, CONSISTENT, OPEN = (
    "contradiction", "omission", "within rounding", "consistent", "cannot be checked")
VERDICTS = (CONTRADICTION, OMISSION, ROUNDING, CONSISTENT, OPEN)
COMPUTED = "computed"
"""What stands as the second place where a number is compared with a calculation."""
_NUMBER = re.compile(r"([<>=]?)\s*(-?\d+(?:\.(\d+))?)")


@dataclass(frozen=True)
class Finding:
    """One row of findings.tsv; see :data:`deltaroi.tables.FINDINGS`."""

    study: str
    kind: str
    quantity: str
    concerns: str
    place_1: str
    stated_1: str
    place_2: str
    stated_2: str
    arithmetic: str
    verdict: str
    finding: str


def as_table(findings: Iterable[Finding]) -> pd.DataFrame:
    """The findings as a conformed table."""
    return conform(pd.DataFrame([asdict(one) for one in findings], columns=FINDINGS.names), FINDINGS)


@dataclass(frozen=True)
class Stated:
    """A number as printed: its relation (``= < >``), value and decimals."""

    relation: str
    value: float
    decimals: int

    def __str__(self) -> str:
        number = f"{self.value:.{self.decimals}f}"
        return number if self.relation == "=" else f"{self.relation} {number}"

    @property
    def half(self) -> float:
        """Half a unit of the last printed digit: how far the unrounded number may lie from it."""
        return 0.5 * 10.0 ** -self.decimals * (1 + 1e-9)

    def holds(self, low: float, high: float) -> bool:
        """Whether some number from ``low`` to ``high`` could have been printed like this."""
        if self.relation == "<":
            return low < self.value
        if self.relation == ">":
            return high > self.value
        return low <= self.value + self.half and high >= self.value - self.half


def parse(text: str, where: str) -> Stated | None:
    """A number of the statements table; None where the review does not state it.

    Raises
    ------
    TableError
        The text is neither a number nor ``not stated``.
    """
    if text in (NA, NOT_STATED):
        return None
    found = _NUMBER.fullmatch(text)
    if found is None:
        raise TableError(f"{text!r} is not a number", where=where, hint="e.g. 12, -3.00, < 0.05, or not stated")
    return Stated(found[1] or "=", float(found[2]), len(found[3] or ""))


def judge(stated: Stated, value: float, low: float, high: float) -> str:
    """Whether a printed number is the computed one.

    Parameters
    ----------
    stated : Stated
        The printed number.
    value : float
        What comes out of the other numbers as printed.
    low, high : float
        The range of what comes out of them before they were rounded.
    """
    if stated.holds(value, value):
        return CONSISTENT
    return ROUNDING if stated.holds(min(low, high), max(low, high)) else CONTRADICTION
