"""The mean of comparable published effects."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.stats.pooling import random_effects
from deltaroi.tables import POOLED, conform
from deltaroi.types import NA

FEWEST = 3
"""Comparable results that a mean needs."""


def pool(evidence: pd.DataFrame, sizes: pd.DataFrame) -> pd.DataFrame:
    """Random-effects means of comparable results.

    Parameters
    ----------
    evidence : DataFrame
        Conformed to EVIDENCE.
    sizes : DataFrame
        Its effect sizes, conformed to EVIDENCE_SIZES.

    Returns
    -------
    DataFrame
        Conformed to POOLED; one row for each set of three comparable results or more.

    Notes
    -----
    Comparable are results of one region, one kind of effect size (g, g_z and r are different scales), one kind of row
    and one comparison. k results of the same people share them: their variances are multiplied by k, so that the
    people count once. Correlations are pooled as Fisher's z.
    """
    table = evidence.merge(sizes[["id", "effect_size", "variance"]].assign(size_kind=sizes["kind"]), on="id",
                           suffixes=("_stated", ""), validate="one_to_one")
    table = table[table["variance"].notna() & (table["region"] != NA)]
    keys = ["region", "partner", "measure", "size_kind", "kind", "comparison"]
    rows = [_mean(rows) for _, rows in table.groupby(keys, sort=True) if len(rows) >= FEWEST]
    return conform(pd.DataFrame(rows, columns=POOLED.names), POOLED)


def _mean(rows: pd.DataFrame) -> dict[Hashable, Any]:
    people = rows["study"] + " " + rows["groups"]
    shared = people.map(people.value_counts()).to_numpy(np.float64)
    effects, variances = (rows[name].to_numpy(np.float64) for name in ("effect_size", "variance"))
    kind = str(rows["size_kind"].iloc[0])
    found = random_effects(np.arctanh(effects) if kind == "r" else effects, variances * shared)
    back = math.tanh if kind == "r" else float
    return {"region": rows["region"].iloc[0], "kind": kind, "comparison": rows["comparison"].iloc[0], "rows": len(rows),
            "samples": people.nunique(), "estimate": back(found.estimate), "ci_low": back(found.low),
            "ci_high": back(found.high), "prediction_low": back(found.prediction_low),
            "prediction_high": back(found.prediction_high), "tau2": found.tau2, "q": found.q,
            "p_heterogeneity": found.p, "ids": "; ".join(sorted(rows["id"]))}
