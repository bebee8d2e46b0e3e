"""The two results that a replication compares: the reported one, and that of a row of a run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deltaroi.evidence.result import Result as Printed
from deltaroi.stats.standardised import KINDS, Result, from_f, from_g, from_r, from_t
from deltaroi.stats.verdicts import Claim
from deltaroi.types import NA

Row = Mapping[str, Any]
SIGNS: Mapping[str, int] = {"increase": 1, "positive": 1, "decrease": -1, "negative": -1}
"""The sign of a reported direction; others have none."""
_CORRELATIONS = ("associations", "connectivity_associations")


def reported_claim(evidence: Row, size: Row) -> Claim:
    """What a study claimed, on the scale of new results.

    Parameters
    ----------
    evidence : mapping
        A row of ``configs/evidence.tsv``.
    size : mapping
        The same row's effect size (:func:`deltaroi.evidence.effect_sizes`), whose sign is that of the direction.

    Returns
    -------
    stats.verdicts.Claim
        A claim of no effect where the direction is ``none``; else of an effect, whatever its wording.
    """
    if evidence["direction"] == "none":
        return Claim("null", 0, _original(size))
    return Claim("effect", SIGNS.get(evidence["direction"], 0), _original(size))


def _original(size: Row) -> Result | None:
    value, kind = float(size["effect_size"]), str(size["kind"])
    if math.isnan(value):
        return None
    if kind not in KINDS:
        return Result(kind, problem=f"{kind.replace('_', ' ')} = {value:.2f} has {size['reason']}")
    first, second = _count(size["n_first"]), _count(size["n_second"])
    return from_r(value, first) if kind == "r" else from_g(kind, value, first, second if kind == "g" else 0)


def new_result(table: str, row: Row, sign: int) -> Result:
    """The result of a row, on the scale of the report.

    Parameters
    ----------
    table : str
        Name of the row's table.
    row : mapping
        The row by column; of the classical kind, so that its statistic is Student's.
    sign : int
        -1 where the row compares the other way round.

    Notes
    -----
    t of two groups becomes g, t of one g_z; F with one numerator degree of freedom is t², with the sign of the
    estimate; a correlation counts the subjects less those partialled out (df + 2), and t of a slope or of a difference
    of slopes becomes the partial correlation t / √(t² + df).
    """
    if table in _CORRELATIONS:
        return _correlation(row, sign)
    df, statistic = float(row["df2" if table == "factorial" else "df"]), float(row["statistic"])
    first, second = _people(table, row)
    kind = "g" if second else "g_z"
    if row.get("model") == "association":
        return from_r(sign * statistic / math.hypot(statistic, math.sqrt(df)), df + 2)
    if row["statistic_kind"] == "t":
        return from_t(kind, sign * statistic, first, second, df)
    estimate = float(row["estimate"])
    if math.isnan(estimate):
        return Result(kind, problem=f"F of {row['comparison']} has no direction and is no single effect")
    numerator = float(row["df1"]) if table == "factorial" else 1.0
    return from_f(kind, statistic, (numerator, df), sign * (1 if estimate > 0 else -1), (first, second))


def _people(table: str, row: Row) -> tuple[float, float]:
    """Subjects of two groups that are compared; of one, or of all, and 0."""
    first, second = _count(row["n_first"]), _count(row["n_second"])
    if table == "factorial" and "group" not in str(row["term"]).split(":"):
        return _count(row["n"]), 0.0
    return (first, second) if first and second else (first or _count(row["n"]), 0.0)


def _correlation(row: Row, sign: int) -> Result:
    r, df = float(row["r"]), float(row["df"])
    if math.isnan(r):
        return Result("r", problem=f"the row has no correlation: {row['note']}")
    return from_r(sign * r, df + 2 if math.isfinite(df) else _count(row["n"]))


def statistic_text(printed: Printed) -> str:
    """The numbers of a result as people write them; n/a where there are none."""
    words = [] if printed.statistic is None else [printed.written]
    for name, stated in (("p", printed.p), ({"eta2": "η²"}.get(printed.effect_size_kind,
                                                             printed.effect_size_kind.replace("_", " ")),
                                            printed.effect_size)):
        if stated is not None:
            words.append(f"{name} {'= ' if stated.relation == '=' else ''}{stated}")
    return ", ".join(words) or NA


def _count(value: Any) -> float:
    number = float(value)
    return 0.0 if math.isnan(number) else number
