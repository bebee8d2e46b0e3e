"""What a replication's page says in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from deltaroi.report import words
from deltaroi.report.data import Row
from deltaroi.stats.verdicts import RULES
from deltaroi.types import NA

NOT_TESTABLE = RULES[0].word


def subject_of(row: Row) -> str:
    """What a claim is about: region or measure, who, and the contrast."""
    side = f" {row['hemisphere']}" if row["hemisphere"] != NA else ""
    partner = f"\N{EN DASH}{row['partner']}" if row["partner"] != NA else ""
    place = f"{row['region']}{side}{partner}" if row["region"] != NA else ""
    about = [part for part in (place, row["measure"]) if part not in (NA, "")]
    with_ = " with ".join(about) if "correlation" in row["comparison"] else ", ".join(about)
    rest = [part for part in (row["contrast"], row["comparison"], row["groups"]) if part != NA]
    return f"{with_}: {', '.join(rest)}"


def headline(table: pd.DataFrame) -> str:
    """The answer in one or two sentences."""
    tested = table[table["verdict"] != NOT_TESTABLE]
    if tested.empty:
        return f"None of the {words.plural(len(table), 'claim')} could be tested."
    directed = tested[tested["direction_agrees"] != NA]
    agree = int((directed["direction_agrees"] == "yes").sum())
    said = [f"{len(tested)} of {words.plural(len(table), 'claim')} could be tested."]
    if len(directed):
        said.append(f"{agree} of {words.plural(len(directed), 'new effect')} "
                    f"{'has' if agree == 1 else 'have'} the reported sign.")
    good = int(tested["verdict"].isin(("replicated", "replicated, but smaller", "direction confirmed")).sum())
    said.append(f"The new interval excludes 0 in the reported direction in {good or 'none'} of them.")
    return " ".join(said)


def sizes_line(row: Row) -> str:
    """The numbers of a claim's figure in words."""
    parts = []
    for which in ("reported", "new"):
        value = row[which]
        if math.isfinite(value):
            kind = str(row[f"{which}_kind"]).replace("_", " ")
            ends = words.interval(row[f"{which}_low"], row[f"{which}_high"])
            parts.append(f"{which} {kind} {words.number(value)} {ends}".rstrip())
        else:
            parts.append(f"{which} without a size")
    if math.isfinite(row["prediction_low"]):
        parts.append(f"prediction interval {words.interval(row['prediction_low'], row['prediction_high'])}")
    if math.isfinite(row["equivalence_bound"]):
        parts.append(f"bound of no effect ± {row['equivalence_bound']:g}")
    if math.isfinite(row["planted"]):
        parts.append(f"planted {words.number(row['planted'])} {row['planted_unit']}")
    return "; ".join(parts) + "."


def caveats(table: pd.DataFrame, said: Mapping[str, Any]) -> list[str]:
    """What to know before believing the card."""
    return list(_caveats(table, said))


def _caveats(table: pd.DataFrame, said: Mapping[str, Any]) -> Iterator[str]:
    tested = table[table["verdict"] != NOT_TESTABLE]
    peaks = tested["reported_note"].str.contains("peak of a cluster")
    if said["Simulated"]:
        yield ("The data are simulated. The card shows what this design and analysis would say if the planted effects "
               "were true; it says nothing about people.")
    if peaks.any():
        yield (f"Peaks: {words.plural(int(peaks.sum()), 'reported effect')} was picked as the highest of many voxels "
               "and is too large for the region." if peaks.sum() == 1 else
               f"Peaks: {int(peaks.sum())} reported effects were picked as the highest of many voxels and are too "
               "large for their regions.")
    yield ("Selection: what was significant was reported with a number, and such numbers are too large on average. "
           "Nothing here corrects for it; an honest new study will often come out smaller.")
    yield ("The reported p values and intervals are as printed: the review does not say which were corrected for how "
           "many tests. The new ones are uncorrected for the number of claims.")
    assumed = tested["reported_note"].str.contains("not stated")
    if assumed.any():
        yield (f"Degrees of freedom or groups of {words.plural(int(assumed.sum()), 'reported statistic')} are not "
               "stated and were assumed; each card says what.")
    if (tested["verdict"].str.startswith(("null", "effect where"))).any():
        yield (f"Claims of no effect are held against a bound of ± {said['EquivalenceBound']:g} SDs of what is tested "
               "(for a change, of the changes); for correlations no bound is set.")
    turned = int(tested["turned"].sum())
    if turned:
        yield f"The sign of {words.plural(turned, 'row')} was turned, because this study lists the other way round."
    taken = tested[(tested["row_note"] != NA) & ~tested["turned"]]
    if len(taken):
        yield (f"In {words.plural(len(taken), 'claim')} names differ from the publication's and were taken by their "
               "order; check them on the cards.")
    if said["ExitCode"] == 5:
        yield "At least one subject or run was lost to an unreadable or failing input; see the report of the run."
