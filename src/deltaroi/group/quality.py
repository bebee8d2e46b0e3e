"""Differences of coverage and tSNR between groups and sessions: they can look like training effects."""

from __future__ import annotations

import numpy as np
import pandas as pd

from deltaroi.group.design import GroupDesign
from deltaroi.stats import means
from deltaroi.stats.record import Array, Test
from deltaroi.tables import QUALITY, conform

_KEY = ["region", "hemisphere", "definition"]


def quality(responses: pd.DataFrame, design: GroupDesign) -> pd.DataFrame:
    """Test coverage and tSNR of every ROI.

    Parameters
    ----------
    responses : DataFrame
        The responses table; values are averaged over contrasts, summaries and specifications.
    design : GroupDesign
        Sessions and groups; with more than two groups the first is compared with the last-listed.

    Returns
    -------
    DataFrame
        Conformed to ``tables.QUALITY``: ``group_x_session`` (Welch's t of the change, last minus first session),
        ``session`` (paired t over everybody) and ``group`` (Welch's t at the first session), uncorrected. A test
        that is not defined, as where nothing varies, has missing numbers.
    """
    sessions = design.sessions or tuple(sorted(set(responses["session"])))
    levels = design.levels or ()
    rows = []
    for measure in ("coverage", "tsnr"):
        for names, part in responses.groupby(_KEY, sort=True):
            key = dict(zip(_KEY, names, strict=True))
            wide = part.pivot_table(index=["subject", "group"], columns="session", values=measure, aggfunc="mean",
                                    dropna=False).reindex(columns=list(sessions))
            group = wide.index.get_level_values("group").to_numpy()
            keep = np.isin(group, levels) if levels else np.ones(group.size, dtype=bool)
            tests = _tests(wide.to_numpy(dtype=np.float64)[keep], group[keep], levels)
            rows += [{"measure": measure, **key, "term": term, "n": n, "estimate": t.estimate, "df": t.df,
                      "statistic": t.statistic, "p": t.p} for term, n, t in tests]
    return conform(pd.DataFrame(rows, columns=QUALITY.names), QUALITY, "quality")


def _tests(values: Array, group: np.ndarray, levels: tuple[str, ...]) -> list[tuple[str, int, Test]]:
    """The tests of one measure in one ROI; values have shape (subjects, sessions)."""
    out: list[tuple[str, int, Test]] = []
    change = values[:, -1] - values[:, 0]
    if values.shape[1] > 1:
        known = change[np.isfinite(change)]
        out.append(("session", known.size, means.one_sample(known)))
    if len(levels) > 1:
        pairs = [("group", values[:, 0])] + ([("group_x_session", change)] if values.shape[1] > 1 else [])
        for term, numbers in pairs:
            a, b = (numbers[(group == level) & np.isfinite(numbers)] for level in (levels[0], levels[-1]))
            out.append((term, a.size + b.size, means.two_sample(a, b, "welch")))
    return out
