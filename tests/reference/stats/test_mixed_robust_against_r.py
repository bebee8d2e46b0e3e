"""Robust errors of mixed models against R: ``Rscript mixed_robust.R`` (versions in mixed_robust_versions.txt)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.stats import mixed, mixed_designs
from deltaroi.stats.mixed_robust import RobustMixed

HERE = Path(__file__).parent
REFERENCE = pd.read_csv(HERE / "mixed_robust.csv")


def model_of(name: str, grouped: bool) -> tuple[RobustMixed, dict[str, mixed_designs.Contrast]]:
    table = pd.read_csv(HERE / "mixed_values.csv").query("dataset == @name")
    levels = sorted(set(table["group"]))
    group, session = table["group"].map(levels.index).to_numpy(), table["session"].to_numpy() - 1
    covariates = table[["age", "sex"]].to_numpy(dtype=np.float64) if name == "covariates" else None
    shape = len(levels), int(session.max()) + 1
    design = mixed_designs.session_design(group, session, shape, covariates)
    y, subject = table["value"].to_numpy(), table["subject"].to_numpy()
    fit = mixed.fit_mixed(y, design.matrix, subject)
    last, everyone = shape[1] - 1, tuple(range(shape[0]))
    found = {(c.kind, c.groups, c.sessions): c for c in mixed_designs.contrasts(design)}
    wanted = {"first": ("first", (0, shape[0] - 1), (last, 0)), "within": ("first", (shape[0] - 1,), (last, 0)),
              "any": ("any", everyone, ()) if shape[1] > 2 else ("first", everyone, (last, 0))}
    return RobustMixed(fit, y, design.matrix, subject, None, group if grouped else None), \
        {key: found[value] for key, value in wanted.items()}


@pytest.mark.parametrize("kind", ["club", "cr2", "welch"])
@pytest.mark.parametrize("name", sorted(set(REFERENCE["dataset"])))
def test_statistics_and_degrees_of_freedom_equal_r(name: str, kind: str) -> None:
    """Six digits; what lme4's own optimiser leaves of its variances is below the eighth."""
    rows = REFERENCE.query("dataset == @name and kind == @kind")
    model, contrasts = model_of(name, kind == "welch")
    for row in rows.to_dict("records"):
        contrast = contrasts[row["contrast"]]
        test = model.test_joint(contrast.weights) if contrast.joint else model.test_weights(contrast.weights[0])
        assert (test.statistic, test.df) == pytest.approx((row["statistic"], row["df"]), rel=1e-6), row


def test_every_kind_is_there() -> None:
    counts = REFERENCE.groupby("kind").size().to_dict()
    assert counts == {"club": 7, "cr2": 27, "welch": 27}
