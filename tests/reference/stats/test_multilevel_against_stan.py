"""The density of the multilevel model against Stan: ``Rscript multilevel.R`` in the folder beside (versions there).

The posterior that Stan finds is compared in ``tests/integration/test_multilevel_extra.py``, where the sampler is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.stats import multilevel
from deltaroi.stats.multilevel import Levels

HERE = Path(__file__).with_name("multilevel")


def reference_data() -> Levels:
    """The values that multilevel.R read."""
    table = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    wide = table.pivot(index=["subject", "group"], columns=["session", "region", "hemisphere"], values="value")
    pre, post = (wide[session].sort_index(axis=1) for session in ("pre", "post"))
    group = (wide.index.get_level_values("group") == "B").astype(np.int64)
    own = np.stack([np.column_stack([np.ones(len(pre)), pre.iloc[:, r]]) for r in range(8)])
    found = multilevel.levels(post.to_numpy(), own, (group == 0)[:, None] * 1.0, group,
                              tuple(post.columns.get_level_values("region")))
    assert isinstance(found, Levels), found
    return found


def test_log_density_is_stans() -> None:
    points = np.loadtxt(HERE / "points.csv", delimiter=",")
    data = reference_data()
    apart = []
    for row in points:
        own, mean, effects, tau, sigma, shared, regional, theirs = np.split(row, [16, 17, 25, 26, 42, 43, 44])
        at = {"own": own.reshape(8, 2), "mean": mean, "apart": effects[None], "log_tau": tau,
              "log_sigma": sigma.reshape(2, 8), "log_shared": shared[0], "log_regional": regional[0]}
        apart.append(float(multilevel.log_density(at, data) - theirs[0]))
    assert np.ptp(points[:, -1]) > 50
    assert apart == pytest.approx([apart[0]] * len(apart), abs=1e-7)
