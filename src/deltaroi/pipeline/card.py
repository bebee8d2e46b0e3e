"""The card of a replication: every claim of a publication against the row of a run that answers it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from deltaroi import evidence as room
from deltaroi.config.study import Study
from deltaroi.errors import StudyError, did_you_mean
from deltaroi.evidence.result import Result as Printed
from deltaroi.evidence.result import results
from deltaroi.pipeline.card_results import new_result, reported_claim, statistic_text
from deltaroi.specs import Claim
from deltaroi.stats.standardised import Result
from deltaroi.stats.verdict_sentence import sentence
from deltaroi.stats.verdicts import Comparison, compare, verdict
from deltaroi.studies import answer
from deltaroi.studies.orientation import orientation
from deltaroi.tables import CARD, SCHEMAS, conform
from deltaroi.types import NA

_LIST = "roi_list"
_NAN = float("nan")


@dataclass(frozen=True)
class Reports:
    """What the evidence says of the claims of one publication.

    Attributes
    ----------
    name : str
        The publication.
    rows, sizes : mapping of str to mapping
        Rows of the evidence and their effect sizes, by id.
    printed : mapping of str to Result
        The numbers as they are printed.
    """

    name: str
    rows: Mapping[str, Mapping[str, Any]]
    sizes: Mapping[str, Mapping[str, Any]]
    printed: Mapping[str, Printed]

    def tested(self, claims: Mapping[str, Claim]) -> dict[str, Claim]:
        """The claims that are results, without the regions that a study named beforehand."""
        return {name: claim for name, claim in claims.items() if self.rows[name]["kind"] != _LIST}

    def listed(self, claims: Mapping[str, Claim]) -> list[Mapping[str, Any]]:
        """The regions named beforehand."""
        return [self.rows[name] for name in claims if self.rows[name]["kind"] == _LIST]


def read_reports(name: str, claims: Mapping[str, Claim], where: str) -> Reports:
    """What is reported of these claims.

    Parameters
    ----------
    name : str
        The publication, as in the column ``study`` of the evidence.
    claims : mapping of str to specs.Claim
        By id.
    where : str
        The study file, for messages.

    Raises
    ------
    StudyError
        There are no claims, or one is not a result of this publication.
    """
    evidence = room.read_evidence()
    own = evidence[evidence["study"] == name]
    for claim in claims:
        if claim in set(own["id"]):
            continue
        of = evidence.loc[evidence["id"] == claim, "study"]
        raise StudyError(f"'{claim}' is a result of {of.iloc[0]}, not of {name}" if len(of) else
                         f"'{claim}' is no result of the evidence", where=f"{where}: claims.{claim}",
                         hint=did_you_mean(claim, own["id"]) or f"`deltaroi evidence list --study {name}` lists them")
    if not claims:
        raise StudyError("there are no claims to hold against the results", where=f"{where}: claims",
                         hint=f"`deltaroi studies show {name}` lists those of the publication")
    sizes = room.effect_sizes(evidence)
    return Reports(name, _by_id(own), _by_id(sizes), {one.id: one for one in results(evidence)})


def _by_id(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    return {str(row["id"]): {str(key): value for key, value in row.items()} for row in frame.to_dict("records")}


@dataclass(frozen=True)
class Asked:
    """The study that was run, and the publication it is held against."""

    study: Study
    published: Study
    reports: Reports


def card(asked: Asked, claims: Mapping[str, Claim], tables: Mapping[str, pd.DataFrame],
         planted: Mapping[str, tuple[float, str]] | None = None) -> pd.DataFrame:
    """Judge every claim.

    Parameters
    ----------
    asked : Asked
        Study, publication and its reports.
    claims : mapping of str to specs.Claim
        What is judged; regions named beforehand are left out.
    tables : mapping of str to DataFrame
        The tables of the run by name.
    planted : mapping of str to (float, str), optional
        Of a simulation: what was planted per claim, and its unit.

    Returns
    -------
    DataFrame
        Conformed to :data:`deltaroi.tables.CARD`.
    """
    rows = [judge(asked, name, claim, tables) for name, claim in asked.reports.tested(claims).items()]
    for row in rows:
        value, unit = (planted or {}).get(str(row["claim"]), (_NAN, NA))
        row |= {"planted": value, "planted_unit": unit if math.isfinite(value) else NA}
    return conform(pd.DataFrame(rows, columns=CARD.names), CARD)


def judge(asked: Asked, name: str, claim: Claim, tables: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    """One claim: its row of the card, without what was planted; see :func:`card`."""
    evidence, size = asked.reports.rows[name], asked.reports.sizes[name]
    reported = reported_claim(evidence, size)
    found = answer(claim, tables)
    turned = orientation(asked.study, claim, asked.published, asked.published.claims.get(name)) if claim.table else None
    why = claim.untestable or found.reason or (turned.problem if turned is not None else "")
    if found.row is None or turned is None or why or claim.table is None:
        reported, new, sign = replace(reported, problem=why), Result(NA, problem=why), 1
    else:
        new, sign = new_result(claim.table, found.row, turned.sign), turned.sign
    bound = asked.study.group.equivalence_bounds_d if reported.kind == "null" and new.kind in ("g", "g_z") else _NAN
    compared = compare(reported, new, bound)
    return {
        "claim": name, "study": asked.reports.name,
        **{key: evidence[key] for key in ("groups", "region", "hemisphere", "partner", "measure", "contrast",
                                          "comparison", "place", "direction")},
        "wording": evidence["claim"], "statistic": statistic_text(asked.reports.printed[name]),
        "reported": size["effect_size"], "reported_kind": size["kind"], "reported_low": size["ci_low"],
        "reported_high": size["ci_high"], "reported_n_first": evidence["n_first"],
        "reported_n_second": evidence["n_second"], "reported_note": size["reason"],
        **_new(new), "new_p": found.row["p"] if found.row is not None and not new.flaw else _NAN,
        "table": claim.table or NA, "row": _key(claim.table, found.row), "turned": sign < 0,
        "row_note": "; ".join(turned.notes) if turned is not None and turned.notes else NA, **_judged(compared),
    }


def _new(new: Result) -> dict[str, object]:
    known = not new.flaw
    return {"new": new.value, "new_kind": new.kind if known else NA, "new_low": new.low, "new_high": new.high,
            "new_n_first": new.n_first if known and new.n_first else _NAN,
            "new_n_second": new.n_second if known and new.n_second else _NAN}


def _key(table: str | None, row: Mapping[str, Any] | None) -> str:
    """The row's key, as ``column value`` with commas."""
    if table is None or row is None:
        return NA
    names: Sequence[str] = SCHEMAS[table].key if table in SCHEMAS else list(row)
    return ", ".join(f"{name} {row[name]}" for name in names if row.get(name, NA) != NA)


def _judged(c: Comparison) -> dict[str, object]:
    """Everything that is said about a claim."""
    usable = not c.problem
    return {
        "direction_agrees": _word(c.direction_agrees if usable else None),
        "new_ci_holds_reported": _word(c.new_ci_holds_reported), "prediction_low": c.prediction.low,
        "prediction_high": c.prediction.high, "prediction_method": c.prediction.method,
        "prediction_holds_new": _word(c.prediction_holds_new), "bf_r0": c.bayes.bf_r0, "bf_method": c.bayes.method,
        "d33": c.telescopes.effect, "p_small_telescopes": c.telescopes.p, "detectable_80": c.detectable_80,
        "equivalence_bound": c.bound, "p_equivalence": c.equivalence_p, "verdict": verdict(c),
        "sentence": sentence(c), "problem": c.problem or c.size_problem or NA,
    }


def _word(answered: bool | None) -> str:
    return NA if answered is None else "yes" if answered else "no"
