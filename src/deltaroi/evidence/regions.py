"""Which regions were named beforehand, which have results, at which places; and statistics that stand twice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from deltaroi.evidence.finding import CONSISTENT, CONTRADICTION, OMISSION, OPEN, Finding
from deltaroi.evidence.restated import part_of
from deltaroi.evidence.result import Result, results
from deltaroi.types import NA

IMAGING = ("activation", "connectivity", "correlation")
TEXT, DISCUSSION = "text", "Discussion"


def regions(evidence: pd.DataFrame) -> Iterator[Finding]:
    """Lists of regions against results, and results of one place against those of another."""
    for study, rows in evidence.groupby("study", sort=True):
        imaging = rows[rows["kind"].isin(IMAGING) & (rows["region"] != NA)]
        yield from _lists(str(study), rows[rows["kind"] == "roi_list"], imaging)
        yield from _places(str(study), imaging)
    yield from _repeated(evidence)


def places_of(text: str) -> list[str]:
    """The places in a cell."""
    return [part.strip() for part in text.split(";")]


def source_of(place: str) -> str:
    """``Table 1``, ``Table 2``, ``Discussion`` or ``text``."""
    head = place.split(",")[0].split(":")[0]
    return head if head in ("Table 1", "Table 2", DISCUSSION) else TEXT


def _lists(study: str, named: pd.DataFrame, imaging: pd.DataFrame) -> Iterator[Finding]:
    """Regions named beforehand that have no result, and regions with a result that were not named."""
    if named.empty:
        return
    before, found = set(named["region"]), set(imaging["region"]) | set(imaging["partner"]) - {NA}
    lists, all_places = "Table 2, regions and hypothesis", "all places"
    for quantity, places, (one, other), said in (
            ("results outside the list", (lists, all_places), (before, found), "a result, but not named beforehand"),
            ("list without results", (all_places, lists), (found, before), "named beforehand, but without a result")):
        lacking = sorted(region for region in other if not part_of(region, one))
        yield Finding(study, "regions named and found", quantity, NA, places[0], _names(one), places[1], _names(other),
                      f"{len(lacking)} of {len(other)}", OMISSION if lacking else CONSISTENT,
                      f"{', '.join(lacking)}: {said}" if lacking else "the one covers the other")


def _names(names: set[str] | list[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _places(study: str, imaging: pd.DataFrame) -> Iterator[Finding]:
    """Regions with a result in the text, in Table 1 and in Table 2."""
    found: dict[str, set[str]] = {TEXT: set(), "Table 1": set(), "Table 2": set()}
    for row in imaging.to_dict("records"):
        label = "-".join(part for part in (row["region"], row["partner"]) if part != NA)
        if row["measure"] != NA:
            label += f" with {row['measure']}"
        for source in {source_of(place) for place in places_of(row["place"])} & found.keys():
            found[source].add(label)
    for one, other in combinations(found, 2):
        only_one, only_other = sorted(found[one] - found[other]), sorted(found[other] - found[one])
        parts = [f"{', '.join(names)}: only in {'the text' if source == TEXT else source}"
                 for names, source in ((only_one, one), (only_other, other)) if names]
        yield Finding(study, "results at each place", "regions with results", NA, one, _names(found[one]), other,
                      _names(found[other]), f"{len(found[one])} and {len(found[other])}, "
                      f"{len(found[one] & found[other])} at both", OMISSION if parts else CONSISTENT,
                      "; ".join(parts) or "the same results")


def _repeated(evidence: pd.DataFrame) -> Iterator[Finding]:
    """Two results of a study with the same numbers: one may have been copied to the other."""
    for one, other in combinations(list(results(evidence)), 2):
        if one.study != other.study or one.kind in ("none", "percent", "ratio") or one.kind != other.kind:
            continue
        if one.statistic is None or one.statistic != other.statistic:
            continue
        numbers = [_numbers(row, evidence) for row in (one, other)]
        equal = numbers[0] == numbers[1]
        first, second = _numbers(one, evidence), _numbers(other, evidence)
        bound, equal = one.statistic.relation != "=", first == second
        said = ("both are bounds of the scale, as where a program prints no larger z" if bound else
                "one statistic for two results: that of two regions, groups or contrasts would differ" if equal else
                "one statistic with two different p: it can have only one")
        notes = "; ".join(dict.fromkeys(evidence.loc[evidence["id"].isin([one.id, other.id]), "note"]))
        yield Finding(one.study, "repeated statistic", one.kind, f"{one.id}; {other.id}", one.statistic_place, first,
                      other.statistic_place, second, f"{first} {'=' if equal else '≠'} {second}",
                      OPEN if bound else CONTRADICTION, f"{said} ({notes})")


def _numbers(result: Result, evidence: pd.DataFrame) -> str:
    cluster = evidence.loc[evidence["id"] == result.id, "cluster_size"].iloc[0]
    p = "" if result.p is None else f", p {'= ' if result.p.relation == '=' else ''}{result.p}"
    return result.written + ("" if pd.isna(cluster) else f", cluster {cluster:g}") + p
