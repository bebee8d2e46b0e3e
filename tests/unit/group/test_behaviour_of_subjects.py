"""Measures of the subjects are analysed as values of one ROI would be, each for itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import DataError
from deltaroi.group import CompareOptions, GroupDesign, analyse_behaviour, behaviour_values, compare
from deltaroi.specs import GroupStats, Measure
from deltaroi.tables import BEHAVIOUR_EFFECTS

STATS = GroupStats(permutations=200, primary="ancova")
PLACE = ["specification", "contrast", "summary", "region", "hemisphere", "definition", "family"]


def people(n: int = 16) -> pd.DataFrame:
    random = np.random.default_rng(4)
    pre = random.normal(20, 3, n)
    table = pd.DataFrame({"pre": pre, "post": pre + random.normal(1, 2, n), "gifts": random.normal(5, 1, n),
                          "age": random.integers(20, 40, n)}, index=[f"{i:02d}" for i in range(n)])
    return table.round(4).astype(str)


def groups(table: pd.DataFrame) -> dict[str, str]:
    return {s: "AB"[i % 2] for i, s in enumerate(table.index)}


DESIGN = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
MEASURES = {"rmet": Measure(columns={"post": "post", "pre": "pre"}, unit="points"),
            "redistribution": Measure(columns={"post": "gifts"})}


def test_a_measure_has_the_numbers_of_a_table_of_its_values() -> None:
    table = people()
    values = behaviour_values(MEASURES, table, groups(table), DESIGN)
    found = analyse_behaviour(values.values, DESIGN, STATS)
    long = pd.DataFrame([(s, when, "rmet", "points", groups(table)[s], table.loc[s, when]) for s in table.index
                         for when in ("pre", "post")],
                        columns=["subject", "session", "region", "unit", "group", "value"])
    expected = compare(long, CompareOptions(("pre", "post"), ("A", "B"), stats=STATS)).effects
    mine = found.effects[found.effects["measure"] == "rmet"]
    shared = [c for c in expected.columns if c not in PLACE]
    pd.testing.assert_frame_equal(mine[shared].reset_index(drop=True), expected[shared], check_exact=True)
    assert set(mine.loc[mine["primary"], "model"]) == {"ancova"}
    assert list(mine["unit"].unique()) == ["points"]
    assert mine["family"].str.startswith("behaviour · rmet · ").all()
    assert (mine["family_size"] <= 1).all()
    assert list(found.effects.columns) == BEHAVIOUR_EFFECTS.names


def test_a_measure_of_one_session_is_compared_between_groups_and_its_primary_model_follows() -> None:
    table = people()
    values = behaviour_values(MEASURES, table, groups(table), DESIGN)
    found = analyse_behaviour(values.values, DESIGN, STATS).effects
    mine = found[(found["measure"] == "redistribution") & found["primary"]]
    assert mine[["model", "term", "comparison"]].to_numpy().tolist() == [["two_sample", "group_difference", "A-B"]]
    a, b = (table["gifts"].astype(float)[[g == label for g in groups(table).values()]] for label in "AB")
    assert mine["estimate"].iloc[0] == pytest.approx(a.mean() - b.mean())
    assert mine["reading"].iloc[0].startswith("redistribution was ")


def test_a_measure_of_two_of_three_sessions_is_analysed_in_those() -> None:
    table = people()
    design = GroupDesign(("pre", "mid", "post"), ("A", "B"), "randomised")
    values = behaviour_values(MEASURES, table, groups(table), design)
    stats = GroupStats(permutations=0, primary="lmm", times=[0.0, 3.0, 8.0])
    found = analyse_behaviour(values.values, design, stats).effects
    mine = found[(found["measure"] == "rmet") & found["primary"]]
    assert mine[["model", "comparison"]].to_numpy().tolist() == [["lmm", "A-B|post-pre"]]


def test_missing_values_and_covariates_are_listed_once_per_measure() -> None:
    table = people()
    table.loc["03", "post"], table.loc["05", "gifts"] = "n/a", "n/a"
    covariates = table[["age"]].copy()
    covariates.loc["07", "age"] = "n/a"
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised", covariates)
    values = behaviour_values(MEASURES, table, groups(table), design)
    found = analyse_behaviour(values.values, design, STATS)
    rows = [(row.stage, row.subject, row.session, row.region, row.reason) for row in
            (*values.exclusions, *found.exclusions)]
    left = "left out of every comparison that needs it"
    assert sorted(rows) == [
        ("behaviour", "03", "post", "rmet", f"the measure is missing (column 'post'): {left}"),
        ("behaviour", "05", "post", "redistribution", f"the measure is missing (column 'gifts'): {left}"),
        ("behaviour", "07", "n/a", "redistribution", "covariate 'age' is missing"),
        ("behaviour", "07", "n/a", "rmet", "covariate 'age' is missing")]
    primary = found.effects[found.effects["primary"]]
    assert dict(zip(primary["measure"], primary["n"], strict=True)) == {"rmet": 14, "redistribution": 14}
    assert sum("hc2_welch takes its place" in w for w in found.warnings) == 1  # said of rmet, not of one session


@pytest.mark.parametrize(("cell", "says"), [("many", "the measure 'post' holds 'many'"), ("1e99", "cannot be computed"),
                                            (None, "the measure 'post' is missing for every subject")])
def test_values_that_cannot_be(cell: str | None, says: str) -> None:
    table = people()
    table.loc[slice(None) if cell is None else "02", "post"] = cell or "n/a"
    with pytest.raises(DataError, match=says) as error:
        behaviour_values(MEASURES, table, groups(table), DESIGN)
    assert error.value.where == "behaviour.rmet.columns.post"


def test_without_sessions_and_groups() -> None:
    table = people()
    design = GroupDesign()
    measures = {"age_like": Measure(columns="age", unit="years")}
    values = behaviour_values(measures, table, dict.fromkeys(table.index, "n/a"), design)
    found = analyse_behaviour(values.values, design, GroupStats(permutations=0)).effects
    assert found["model"].tolist() == ["one_sample"]
    assert found["estimate"].iloc[0] == pytest.approx(table["age"].astype(float).mean())
