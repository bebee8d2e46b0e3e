"""One quantity stated at several places: are the numbers, words and sets the same?"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import combinations
from typing import Any

import pandas as pd

from deltaroi.errors import TableError
from deltaroi.evidence.finding import CONSISTENT, CONTRADICTION, OMISSION, OPEN, ROUNDING, Finding, Stated, parse
from deltaroi.types import NA, NOT_STATED

OTHERS = "others"
"""Member of a set that goes on without naming the rest: it lacks nothing."""
_SEVERAL_PER_PLACE = ("records", "date")  # one place states a series of them: totals.py
_PART_OF = {"AI": "insula", "MI": "insula", "PI": "insula", "dmPFC": "mPFC", "vmPFC": "mPFC", "pACC": "ACC",
            "ventral striatum": "striatum", "caudate": "striatum", "putamen": "striatum", "NAcc": "striatum"}
_ALIKE = {"trend": "not significant"}
_DECIMALS = 10


def restated(statements: pd.DataFrame) -> Iterator[Finding]:
    """Compare every quantity that is stated at more than one place.

    Parameters
    ----------
    statements : DataFrame
        Conformed to STATEMENTS.

    Yields
    ------
    Finding
        One per quantity where all places agree; else one per pair of different values, with all their places.
    """
    for (study, quantity, concerns), rows in statements.groupby(["study", "quantity", "concerns"], sort=True):
        if len(rows) < 2 or quantity in _SEVERAL_PER_PLACE:
            continue
        named = (str(study), str(quantity), str(concerns))
        values: dict[str, list[dict[Hashable, Any]]] = {}
        for row in rows.to_dict("records"):
            values.setdefault(_meaning(row), []).append(row)
        groups = list(values.values())
        if len(groups) == 1:
            yield _same(named, groups[0])
        for first, second in combinations(groups, 2):
            yield _different(named, first, second)


def part_of(name: str, names: frozenset[str] | set[str]) -> bool:
    """Whether a region is among others, or part of one of them, or one of them part of it."""
    wholes = {_PART_OF[other] for other in names if other in _PART_OF}
    return name in names or _PART_OF.get(name) in names or name in wholes


def members(text: str) -> frozenset[str]:
    """The members of a set in a cell."""
    return frozenset(part.strip() for part in text.split(";") if part.strip())


def _meaning(row: dict[Hashable, Any]) -> str:
    """What makes two statements equal."""
    if row["form"] == "set":
        return "; ".join(sorted(members(row["value"])))
    if row["form"] == "number":
        number = parse(row["value"], _where(row))
        return NOT_STATED if number is None else f"{number.relation}{number.value:.{_DECIMALS}g}"
    if row["form"] == "word":
        return _ALIKE.get(row["value"], str(row["value"]))
    raise TableError(f"unknown form '{row['form']}'", where=_where(row), hint="number, word or set")


def _where(row: dict[Hashable, Any]) -> str:
    return f"evidence_statements: {row['study']}, {row['quantity']}, {row['place']}"


def _places(rows: list[dict[Hashable, Any]]) -> str:
    return "; ".join(str(row["place"]) for row in rows)


def _notes(*groups: list[dict[Hashable, Any]]) -> str:
    notes = dict.fromkeys(str(row["note"]) for rows in groups for row in rows if row["note"] != NA)
    return f" ({'; '.join(notes)})" if notes else ""


def _same(named: tuple[str, str, str], rows: list[dict[Hashable, Any]]) -> Finding:
    value = str(rows[0]["value"])
    return Finding(named[0], "restated", named[1], named[2], str(rows[0]["place"]), value, _places(rows[1:]),
                   str(rows[1]["value"]), f"{value} = {rows[1]['value']}", CONSISTENT,
                   f"the same at {len(rows)} places{_notes(rows)}")


def _different(named: tuple[str, str, str], first: list[dict[Hashable, Any]],
               second: list[dict[Hashable, Any]]) -> Finding:
    one, other = str(first[0]["value"]), str(second[0]["value"])
    arithmetic, verdict, said = f"{one} ≠ {other}", CONTRADICTION, f"{one} in one place, {other} in the other"
    form = first[0]["form"]
    if NOT_STATED in (one, other):
        verdict, said = OMISSION, "stated in one place only"
    elif form == "set":
        arithmetic, verdict, said = _sets(members(one), members(other))
    elif form == "number":
        verdict, more = _numbers(parse(one, _where(first[0])), parse(other, _where(second[0])))
        said = more or said
    elif named[1] == "studies_small_sample":
        arithmetic, verdict, said = _majority(one, other)
    return Finding(named[0], "restated", named[1], named[2], _places(first), one, _places(second), other, arithmetic,
                   verdict, f"{said}{_notes(first, second)}")


def _numbers(one: Stated | None, other: Stated | None) -> tuple[str, str]:
    if one is None or other is None:
        return OPEN, "not stated"
    if one.relation == other.relation == "=":
        coarse = min(one.decimals, other.decimals)
        if one.decimals != other.decimals and round(one.value, coarse) == round(other.value, coarse):
            return ROUNDING, f"equal when rounded to {coarse} decimals"
        return CONTRADICTION, ""
    bound, number = (one, other) if other.relation == "=" else (other, one)
    if number.relation == "=" and bound.holds(number.value, number.value):
        return CONSISTENT, f"{number} lies within {bound}"
    if one.relation == other.relation:
        return CONSISTENT, "two bounds that both may hold"
    return CONTRADICTION, ""


def _sets(one: frozenset[str], other: frozenset[str]) -> tuple[str, str, str]:
    """Which members the two sets lack; parts of a region count as the region."""
    open_one, open_other = OTHERS in one, OTHERS in other
    one, other = one - {OTHERS}, other - {OTHERS}
    lacks_one = sorted(name for name in other if not part_of(name, one)) if not open_one else []
    lacks_other = sorted(name for name in one if not part_of(name, other)) if not open_other else []
    parts = []
    if lacks_one:
        parts.append(f"the first lacks {', '.join(lacks_one)}")
    if lacks_other:
        parts.append(f"the second lacks {', '.join(lacks_other)}")
    arithmetic = f"{len(one)} against {len(other)} names"
    if not parts:
        return arithmetic, CONSISTENT, "the same but for wholes and their parts"
    return arithmetic, CONTRADICTION if len(parts) == 2 else OMISSION, "; ".join(parts)


def _majority(one: str, other: str) -> tuple[str, str, str]:
    """``6 of 7`` and ``most``."""
    share = one if " of " in one else other
    part, whole = (int(word) for word in share.split(" of "))
    fits = part > whole / 2
    return f"{part}/{whole} = {part / whole:.2f} > 1/2", CONSISTENT if fits else CONTRADICTION, (
        f"{share} are {'most' if fits else 'not most'}; from which sample size on a sample is small is not stated")
