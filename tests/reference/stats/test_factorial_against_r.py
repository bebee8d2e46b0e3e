"""Factorial designs against R: ``Rscript factorial.R`` (package versions in factorial_versions.txt)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats

HERE = Path(__file__).parent
FACTORS = {"state": ("med", "rest"), "valence": ("neg", "pos", "neu")}
GROUPS = {"one": (), "balanced": ("A", "B"), "unbalanced": ("A", "B"), "three": ("A", "C", "B"), "sessions": ("A", "B")}
RELATIVE = 1e-7


def factorial(name: str) -> pd.DataFrame:
    values = pd.read_csv(HERE / "factorial_values.csv", dtype={"subject": str}, keep_default_na=False)
    values = values.query("dataset == @name").drop(columns="dataset").assign(region="AI")
    sessions = ("pre", "post") if name == "sessions" else ()
    if name == "one":
        values = values.drop(columns="group")
    options = CompareOptions(sessions, GROUPS[name], "preexisting", factorial=FACTORS, stats=GroupStats(permutations=0))
    return compare(values, options).beside["factorial"]


def wrong(found: pd.Series, expected: pd.DataFrame) -> list[str]:
    return [f"{row['field']}: {found[row['field']]:.10g}, R {row['value']:.10g}" for row in expected.to_dict("records")
            if not np.isclose(found[row["field"]], row["value"], rtol=RELATIVE, atol=1e-10)]


@pytest.mark.parametrize("name", GROUPS)
def test_the_analysis_of_variance_equals_afex(name: str) -> None:
    reference = pd.read_csv(HERE / "factorial.csv").query("dataset == @name and what == 'anova'")
    table = factorial(name)
    whole = table[(table["statistic_kind"] == "F") & (table["se_kind"] == "classical")].set_index("term")
    assert set(whole.index) == set(reference["term"])
    for term, expected in reference.groupby("term"):
        assert not wrong(whole.loc[term], expected), term


@pytest.mark.parametrize("name", GROUPS)
def test_the_robust_form_and_simple_effects_equal_t_test(name: str) -> None:
    reference = pd.read_csv(HERE / "factorial.csv").query("dataset == @name and what == 'robust'")
    table = factorial(name)
    levels = GROUPS[name] or ("A",)
    seen = 0
    for term, expected in reference.groupby("term"):
        head, _, tail = term.partition(" ")
        mine = table[(table["term"] == head)]
        if tail.startswith("within") and len(levels) > 1:
            mine = mine[mine["within_group"] == tail.split()[-1]]
        elif tail.startswith("within"):  # one group: F = t²
            mine = mine[mine["se_kind"] == "classical"].assign(statistic=lambda t: np.sqrt(t["statistic"])
                                                               * np.sign(t["estimate"]))
        elif tail:
            mine = mine[(mine["se_kind"] == "welch") & (mine["comparison"] == f"{tail}|med-rest")]
        else:
            mine = mine[(mine["se_kind"] == "welch") & (mine["within_group"] == "n/a")]
            mine = mine[mine["comparison"].isin(["med-rest", f"{','.join(levels)}|med-rest"])]
        assert len(mine) == 1, term
        assert not wrong(mine.iloc[0], expected), term
        seen += 1
    assert seen == {1: 1, 2: 4, 3: 7}[len(levels)]
