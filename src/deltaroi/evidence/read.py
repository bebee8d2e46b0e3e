"""The two tables about the review that come with deltaroi, and choosing rows of the first."""

from __future__ import annotations

import pandas as pd

from deltaroi.errors import UsageError, did_you_mean
from deltaroi.io.tsv import read_table
from deltaroi.resources import resource
from deltaroi.tables import EVIDENCE, STATEMENTS
from deltaroi.types import NA


def read_evidence() -> pd.DataFrame:
    """The published results: ``configs/evidence.tsv``, conformed to the schema EVIDENCE.

    Returns
    -------
    DataFrame
        One row per result that the review of Kamal et al. (2025) reports of the seven studies.

    Raises
    ------
    DataError
        The installation is incomplete.
    """
    return read_table(resource("configs", "evidence.tsv"), EVIDENCE)


def read_statements() -> pd.DataFrame:
    """What the review states where: ``configs/evidence_statements.tsv``, conformed to the schema STATEMENTS."""
    return read_table(resource("configs", "evidence_statements.tsv"), STATEMENTS)


def choose(evidence: pd.DataFrame, study: str | None = None, region: str | None = None,
           kind: str | None = None) -> pd.DataFrame:
    """The rows of one study, region or kind.

    Parameters
    ----------
    evidence : DataFrame
        As :func:`read_evidence` returns it.
    study, region, kind : str, optional
        Values of these columns; a region also as the second one of a connectivity.

    Raises
    ------
    UsageError
        There is no such value, or no row has all of them.
    """
    chosen = evidence
    for option, columns, word in (("--study", ["study"], study), ("--region", ["region", "partner"], region),
                                  ("--kind", ["kind"], kind)):
        if word is None:
            continue
        known = sorted({str(v) for column in columns for v in evidence[column]} - {NA})
        if word not in known:
            raise UsageError(f"there is no row with '{word}'", where=option,
                             hint=did_you_mean(word, known) or f"there are {', '.join(known)}")
        chosen = chosen[(chosen[columns] == word).any(axis="columns")]
    if chosen.empty:
        raise UsageError("no row fits all that was asked for", hint="leave out one of --study, --region and --kind")
    return chosen.reset_index(drop=True)
