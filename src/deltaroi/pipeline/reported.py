"""What the evidence reports of the claims of a study."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from math import isnan
from typing import Any

from deltaroi.evidence import effect_sizes, read_evidence
from deltaroi.studies import Reported
from deltaroi.types import NA


def reported_results(claims: Iterable[str]) -> dict[str, Reported]:
    """Direction, effect size and wording of reported results, by id; ids that the evidence does not have are absent.

    Raises
    ------
    DataError
        The installation is incomplete.
    """
    wanted = set(claims)
    rows = read_evidence()
    rows = rows[rows["id"].isin(wanted)]
    sizes = effect_sizes(rows).set_index("id")
    found = {}
    for row in rows.to_dict("records"):
        size = sizes.loc[row["id"]]
        found[str(row["id"])] = Reported(
            direction=str(row["direction"]), size=float(size["effect_size"]), kind=str(size["kind"]),
            significance=str(row["claim"]), words=_words(row))
    return found


def _words(row: Mapping[Hashable, Any]) -> str:
    """The numbers of a result as the review prints them."""
    df = [f"{row[name]:g}" for name in ("df1", "df2") if not isnan(row[name])]
    parts = [str(row["direction"]), str(row["claim"]) if row["claim"] not in (NA, "reported") else ""]
    if row["statistic_kind"] != "none":
        freedom = f"({', '.join(df)})" if df else ""
        parts.append(f"{row['statistic_kind']}{freedom} {row['value_relation']} {row['value']:g}")
    if not isnan(row["p"]):
        parts.append(f"p {row['p_relation']} {row['p']:g}")
    if not isnan(row["effect_size"]):
        parts.append(f"{row['effect_size_kind']} {row['effect_size']:g}")
    return ", ".join(part for part in parts if part)
