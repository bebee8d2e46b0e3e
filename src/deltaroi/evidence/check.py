"""Everything that can be checked of the review without the seven papers."""

from __future__ import annotations

import pandas as pd

from deltaroi.evidence.finding import as_table
from deltaroi.evidence.recomputed import recomputed
from deltaroi.evidence.regions import regions
from deltaroi.evidence.restated import restated
from deltaroi.evidence.totals import totals


def check(evidence: pd.DataFrame, statements: pd.DataFrame) -> pd.DataFrame:
    """Compare what the review states with itself.

    Parameters
    ----------
    evidence, statements : DataFrame
        As :func:`deltaroi.evidence.read_evidence` and :func:`deltaroi.evidence.read_statements` return them.

    Returns
    -------
    DataFrame
        Conformed to FINDINGS: both places, the calculation, and a verdict for each comparison, also where it holds.

    Raises
    ------
    TableError
        A statement has a number that is none, or an unknown form.
    """
    return as_table([*restated(statements), *totals(statements), *recomputed(evidence, statements), *regions(evidence)])
