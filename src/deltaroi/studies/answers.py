"""Where the answer to a reported result stands in the tables of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from deltaroi.specs import Claim

_USUAL = {"se_kind": "classical", "specification": "main"}


@dataclass(frozen=True)
class Answer:
    """The answer of a run to a claim.

    Attributes
    ----------
    row : mapping or None
        The row of the table, by column; None where there is none.
    reason : str
        Why there is none; empty where there is one.
    """

    row: Mapping[str, Any] | None
    reason: str = ""


def answer(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> Answer:
    """Find the row that answers a claim.

    Parameters
    ----------
    claim : specs.Claim
        ``table`` and ``where`` pick the row; ``se_kind: classical`` and ``specification: main`` are added where the
        table has these columns and ``where`` does not name them.
    tables : mapping of str to DataFrame
        The tables of a run by name: ``effects``, ``associations``, ...

    Returns
    -------
    Answer
        One row, or the reason why there is not exactly one.
    """
    if claim.table is None:
        return Answer(None, f"cannot be tested: {claim.untestable}")
    if claim.table not in tables:
        return Answer(None, f"the run has no table {claim.table}")
    frame = tables[claim.table]
    wanted = {**{column: value for column, value in _USUAL.items() if column in frame.columns}, **claim.where}
    for column, value in wanted.items():
        if column not in frame.columns:
            return Answer(None, f"the table {claim.table} has no column {column}")
        kept = frame[frame[column].astype(str) == value]
        if kept.empty:
            found = ", ".join(sorted(set(frame[column].astype(str)))) or "no row"
            return Answer(None, f"no row of {claim.table} has {column} {value}; what is left has {found}")
        frame = kept
    if len(frame) > 1:
        differ = [str(column) for column in frame.columns if column not in wanted and frame[column].nunique() > 1]
        return Answer(None, f"{len(frame)} rows of {claim.table} fit; they differ in {', '.join(differ[:6])}")
    return Answer({str(column): value for column, value in frame.iloc[0].items()})
