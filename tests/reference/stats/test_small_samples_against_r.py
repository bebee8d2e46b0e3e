"""Robust errors of small samples against R: ``Rscript small_samples.R`` (versions in small_samples_versions.txt)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.stats import linear, small_samples

HERE = Path(__file__).parent
RELATIVE = 1e-7
CASES = [(name, region) for name in ("balanced", "unbalanced", "covariates", "three", "dropouts")
         for region in ("amygdala", "VTA", "AI")]


def fitted(dataset: str, region: str, model: str) -> tuple[linear.Fit, dict[str, np.ndarray], np.ndarray]:
    """The model of small_samples.R, the weights of each group against B, and the groups."""
    values = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    rows = values.query("dataset == @dataset and region == @region")
    wide = rows.pivot(index=["subject", "group", "age"], columns="session", values="value").dropna().reset_index()
    groups = sorted(set(wide["group"]) - {"B"})
    covariates = {"ancova": ["pre"], "ancova_age": ["pre", "age"], "change": []}[model]
    columns = [np.ones(len(wide)), *(wide[c].to_numpy(float) for c in covariates),
               *((wide["group"] == g).to_numpy(float) for g in groups)]
    outcome = (wide["post"] - wide["pre"] if model == "change" else wide["post"]).to_numpy(float)
    model_fit = linear.fit(outcome, np.column_stack(columns))
    weights = dict(zip(groups, np.eye(len(columns))[-len(groups):], strict=True))
    return model_fit, weights, np.unique(wide["group"], return_inverse=True)[1]


@pytest.mark.parametrize(("dataset", "region"), CASES)
def test_every_number_equals_r(dataset: str, region: str) -> None:
    reference = pd.read_csv(HERE / "small_samples.csv").query("dataset == @dataset and region == @region")
    assert len(reference) >= 30
    wrong = []
    for (model, term, kind), rows in reference.groupby(["model", "term", "se_kind"]):
        model_fit, weights, groups = fitted(dataset, region, str(model))
        labels = groups if kind == "hc2_welch" else None
        test = small_samples.robust_f(model_fit, np.stack(list(weights.values())), labels) if term == "omnibus" else \
            small_samples.robust_t(model_fit, weights[str(term)], str(kind), labels)
        assert not test.problem
        for field, value in zip(rows["field"], rows["value"], strict=True):
            if not np.isclose(getattr(test, field), value, rtol=RELATIVE, atol=1e-12):
                wrong.append(f"{model} {term} {kind} {field}: {getattr(test, field):.10g}, R {value:.10g}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("region", ["amygdala", "VTA", "AI"])
def test_one_combination_is_the_same_test_alone_and_jointly(region: str) -> None:
    model_fit, weights, groups = fitted("unbalanced", region, "ancova_age")
    for kind, labels in (("hc2_bm", None), ("hc2_welch", groups)):
        alone = small_samples.robust_t(model_fit, weights["A"], kind, labels)
        joint = small_samples.robust_f(model_fit, weights["A"][None], labels)
        assert (joint.statistic, joint.df, joint.p) == pytest.approx((alone.statistic**2, alone.df, alone.p), rel=1e-9)
