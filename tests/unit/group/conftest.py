"""A table of ROI values to test group statistics on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import pytest

MakeTable = Callable[..., pd.DataFrame]


@pytest.fixture
def make_table() -> MakeTable:
    """Values of groups of these sizes; group A gains ``gain`` in region r0 at the last session."""
    def make(sizes: Mapping[str, int], sessions: tuple[str, ...] = ("pre", "post"), rois: int = 3, gain: float = 0.0,
             gap: float = 0.0, seed: int = 0) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        rows = []
        people = [group for group, n in sizes.items() for _ in range(n)]
        for i, group in enumerate(people):
            first = group == next(iter(sizes))
            for r in range(rois):
                trait = rng.normal() + gap * first
                for s in sessions:
                    value = trait + 0.7 * rng.normal() + gain * (first and r == 0 and s == sessions[-1])
                    rows.append((f"{i:03d}", s, f"r{r}", group, value))
        return pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"])

    return make
