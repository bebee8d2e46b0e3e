"""Associations and reliability through the tables of a group analysis, against R's numbers.

Values in ``values.csv``; R's numbers in ``sizes_reference.csv``, made by ``Rscript sizes.R`` (versions in
``sizes_versions.txt``).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, GroupDesign, compare, reliability
from deltaroi.specs import Association, GroupStats
from deltaroi.stats import association
from deltaroi.tables import RUN_VALUES

HERE = Path(__file__).parent
DATA = ["balanced/amygdala", "unbalanced/VTA", "covariates/AI", "dropouts/VTA"]


@cache
def reference() -> dict[tuple[str, str], dict[str, float]]:
    frame = pd.read_csv(HERE / "sizes_reference.csv")
    return {key: dict(zip(part["field"], part["value"], strict=True)) for key, part in frame.groupby(["case", "what"])}


def values(name: str) -> pd.DataFrame:
    dataset, region = name.split("/")
    frame = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    return frame[(frame["dataset"] == dataset) & (frame["region"] == region)].drop(columns="dataset")


def found(table: pd.DataFrame, **asked: object) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    options = CompareOptions(("pre", "post"), ("A", "B"), associations={"age": Association(column="age", **asked)},
                             stats=GroupStats(permutations=0))
    result = compare(table, options)
    return result.effects[result.effects["model"] == "association"], dict(result.beside)


def agree(row: pd.Series, expected: dict[str, float]) -> None:
    assert {"estimate", "se"} <= set(expected)
    assert {field: row[field] for field in expected} == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", DATA)
def test_slopes_and_correlations(name: str) -> None:
    """R: lm(change ~ pre + group + age), sandwich::vcovHC(type = "HC3"), cor.test."""
    effects, tables = found(values(name), adjust_for=["baseline"])
    slope = effects[effects["term"] == "association:age"].set_index("se_kind")
    for kind in ("classical", "hc3"):
        agree(slope.loc[kind], reference()[name, f"slope:{kind}"])
    by_kind = tables["associations"].set_index("kind")
    for kind in ("pearson", "partial", "spearman"):
        expected = reference()[name, kind]
        row = by_kind.loc[kind].rename({"ci_low": "low", "ci_high": "high"})
        assert {field: row[field] for field in expected} == pytest.approx(expected, rel=1e-7)
    partial = by_kind.loc["partial"]
    assert (slope["effect_size"] == partial["r"]).all()
    assert (slope["es_ci_low"] == partial["ci_low"]).all()
    assert slope["effect_size_kind"].unique() == ["partial_r"]


@pytest.mark.parametrize("name", DATA)
def test_moderation_and_johnson_neyman(name: str) -> None:
    """R: lm(change ~ age * group), where group A gains 0.1 per year above 30."""
    table = values(name)
    planted = (table["session"] == "post") & (table["group"] == "A")
    table.loc[planted, "value"] += 0.1 * (table.loc[planted, "age"] - 30)
    effects, tables = found(table)
    interaction = effects[effects["term"] == "association:age_x_group"].set_index("se_kind")
    slopes = tables["slopes"].set_index(["what", "groups", "se_kind"])
    for kind in ("classical", "hc3"):
        agree(interaction.loc[kind], reference()[name, f"interaction:{kind}"])
        agree(slopes.loc["difference", "A-B", kind], reference()[name, f"interaction:{kind}"])
        for group in "AB":
            agree(slopes.loc["slope", group, kind], reference()[name, f"slope_{group}:{kind}"])
        expected, region = reference()[name, f"johnson_neyman:{kind}"], slopes.loc["johnson_neyman", "A-B", kind]
        if "everywhere" in expected:
            assert region["region_kind"] == ("everywhere" if expected["everywhere"] else "nowhere")
        else:
            assert region["region_kind"] == ("outside" if expected["outside"] else "between")
            assert (region["region_low"], region["region_high"]) == pytest.approx((expected["low"], expected["high"]))


@pytest.mark.parametrize("name", DATA)
def test_reliability_across_sessions(name: str) -> None:
    """R: psych::ICC of both sessions."""
    table = values(name).assign(specification="main", hemisphere="B", definition="x", contrast="c", summary="mean")
    rows = reliability(table, pd.DataFrame(columns=RUN_VALUES.names), GroupDesign(("pre", "post"), ("A", "B"),
                                                                                  "randomised"))
    row, expected = rows.set_index(["measure", "group"]).loc["icc_3_1", "all"], reference()[name, "icc_two"]
    assert (row["value"], row["ci_low"], row["ci_high"]) == pytest.approx(
        (expected["icc3"], expected["low3"], expected["high3"]), rel=1e-7)


def test_hc2_welch_leads_because_it_keeps_its_error_rate() -> None:
    """A difference of slopes that is none; the smaller group varies twice as much. 400 draws."""
    random = np.random.default_rng(1)
    group = np.repeat([0, 1], (10, 30))
    hits = dict.fromkeys(association.KINDS, 0)
    for _ in range(400):
        score, outcome = random.normal(size=40), random.normal(size=40) * np.where(group == 0, 2.0, 1.0)
        for kind in hits:
            found = association.moderate(outcome, score, group, np.empty((40, 0)), kind, 1)
            hits[kind] += found.interaction.p < 0.05
    assert hits["hc2_welch"] <= 28  # 20 are expected at 5 %; P(more than 28) is 3 %
    assert hits["classical"] > 40
