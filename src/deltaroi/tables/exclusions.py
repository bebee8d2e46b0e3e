"""Exclusions as a table and back."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from deltaroi.tables.declared import EXCLUSIONS
from deltaroi.tables.schema import conform
from deltaroi.types import Exclusion


def exclusion_frame(rows: Iterable[Exclusion]) -> pd.DataFrame:
    """The exclusions table of a set of exclusions, each once, in key order."""
    unique = sorted(set(rows))
    data = {name: [getattr(row, name) for row in unique] for name in EXCLUSIONS.names}
    frame = pd.DataFrame(data, columns=EXCLUSIONS.names)
    return conform(frame.drop_duplicates(ignore_index=True), EXCLUSIONS)


def exclusion_rows(frame: pd.DataFrame) -> tuple[Exclusion, ...]:
    """The exclusions of a table, the other way round."""
    return tuple(Exclusion(stage=row["stage"], subject=row["subject"], session=row["session"], run=row["run"],
                           region=row["region"], reason=row["reason"], value=row["value"], threshold=row["threshold"])
                 for row in frame.to_dict("records"))


def failures(rows: Iterable[Exclusion]) -> list[dict[str, str]]:
    """What was lost to unreadable, truncated or failing inputs; the fields that name it."""
    lost = sorted({row for row in rows if row.failure})
    return [{name: getattr(row, name) for name in EXCLUSIONS.names[:6]} for row in lost]
