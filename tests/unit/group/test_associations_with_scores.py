"""Associations of change with a score: who is in, what comes back, what is refused, what is said."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import DataError, UsageError
from deltaroi.group import CompareOptions, compare
from deltaroi.group.design import GroupResult
from deltaroi.specs import Association, GroupStats

HOURS = Association(column="hours")


def with_hours(table: pd.DataFrame, slope: float = 0.0, group: str = "A", seed: int = 1) -> pd.DataFrame:
    """Hours of practice per subject; in one group, the last session of r0 rises with them."""
    people = table.drop_duplicates("subject")
    hours = pd.Series(np.random.default_rng(seed).uniform(5, 40, len(people)).round(1), index=people["subject"])
    table = table.assign(hours=table["subject"].map(hours))
    planted = (table["session"] == "post") & (table["region"] == "r0") & (table["group"] == group)
    table.loc[planted, "value"] += slope * table.loc[planted, "hours"]
    return table


def analysed(table: pd.DataFrame, groups: tuple[str, ...] = ("A", "B"), permutations: int = 199,
             **associations: Association) -> GroupResult:
    return compare(table, CompareOptions(("pre", "post"), groups, associations=associations or {"hours": HOURS},
                                         stats=GroupStats(permutations=permutations)))


def row_of(result: GroupResult, term: str, region: str = "r0", kind: str = "hc2_welch") -> dict[str, Any]:
    found = result.effects.query("term == @term and region == @region and se_kind == @kind")
    assert len(found) == 1
    return dict(found.iloc[0])


def table_of(result: GroupResult, name: str) -> pd.DataFrame:
    return result.beside[name]


def test_a_planted_slope_comes_back(make_table) -> None:
    result = analysed(with_hours(make_table({"A": 24, "B": 24}), 0.1))
    slopes = table_of(result, "slopes").query("what == 'slope' and leading and region == 'r0'").set_index("groups")
    assert slopes.loc["A", "ci_low"] < 0.1 < slopes.loc["A", "ci_high"]
    assert slopes.loc["A", "estimate"] == pytest.approx(0.1, abs=0.04)
    assert slopes.loc["B", "ci_low"] < 0 < slopes.loc["B", "ci_high"]
    row = row_of(result, "association:hours_x_group")
    assert row["p_fwe"] < 0.05
    assert row["estimate"] == pytest.approx(slopes.loc["A", "estimate"] - slopes.loc["B", "estimate"])
    assert f"{row['estimate']:.3g} per unit of hours more in A than in B" in row["reading"]
    assert "evidence for a difference" in row["reading"]
    assert row["family_size"] == 3
    region = table_of(result, "slopes").query("what == 'johnson_neyman' and leading and region == 'r0'").iloc[0]
    assert re.search(r"A and B differ in the change of r0 from pre to post from [\d.]+ to [\d.]+ \(A higher\)",
                     region["reading"])


def test_no_association_is_ever_primary_and_the_other_rows_stay_as_they_are(make_table) -> None:
    table = with_hours(make_table({"A": 12, "B": 12}), 0.1)
    result, bare = analysed(table), compare(table, CompareOptions(("pre", "post"), ("A", "B"),
                                                                  stats=GroupStats(permutations=199)))
    mine = result.effects["model"] == "association"
    assert mine.sum() == 3 * 2 * 3
    assert not result.effects.loc[mine, "primary"].any()
    pd.testing.assert_frame_equal(result.effects[~mine].reset_index(drop=True), bare.effects)


def test_claims_about_groups_come_from_the_interaction_only(make_table) -> None:
    result = analysed(with_hours(make_table({"A": 20, "B": 20}), 0.1))
    assert " than in " not in row_of(result, "association:hours")["reading"]
    assert "over A and B together" in row_of(result, "association:hours")["reading"]
    for text in table_of(result, "slopes").query("what == 'slope'")["reading"]:
        assert text.startswith("Within ")
        assert " alone, " in text
        assert " than in " not in text


def test_a_missing_score_is_listed_and_costs_that_association_only(make_table) -> None:
    table = with_hours(make_table({"A": 10, "B": 10})).assign(age=lambda t: t["subject"].astype(int) * 1.5)
    table.loc[table["subject"] == "003", "hours"] = np.nan
    result = analysed(table, hours=HOURS, age=Association(column="age"))
    assert [(row.subject, row.stage, row.reason) for row in result.exclusions] == [
        ("003", "effects", "the score 'hours' is missing: left out of the association 'hours'")]
    assert (row_of(result, "association:hours")["n"], row_of(result, "association:age")["n"]) == (19, 20)
    assert result.effects.query("primary")["n"].unique() == [20]


def test_one_group(make_table) -> None:
    result = analysed(with_hours(make_table({"A": 16}), 0.1), groups=())
    assert "association:hours_x_group" not in set(result.effects["term"])
    row = row_of(result, "association:hours")
    assert (row["n"], row["comparison"]) == (16, "post-pre")
    assert "over all subjects" in row["reading"]
    assert "evidence for an association" in row["reading"]
    assert set(table_of(result, "slopes")["what"]) == {"slope"}


def test_three_groups(make_table) -> None:
    result = analysed(with_hours(make_table({"A": 14, "C": 14, "B": 14}), 0.15), groups=("A", "C", "B"))
    row = row_of(result, "association:hours_x_group")
    assert (row["statistic_kind"], row["comparison"]) == ("F", "A,C,B|post-pre")
    assert row["effect_size_kind"] == "partial_eta2"
    assert f"between A, C, B, F(2, {row['df']:.4g}) = " in row["reading"]
    assert row["p_fwe"] < 0.05
    slopes = table_of(result, "slopes").query("leading and region == 'r0'")
    assert sorted(slopes.loc[slopes["what"] == "johnson_neyman", "groups"]) == ["A-B", "C-B"]


def test_the_dose_of_one_group_alone(make_table) -> None:
    """The others do not matter at all."""
    table = with_hours(make_table({"A": 15, "B": 15}), 0.1)
    dose = Association(column="hours", groups=["A"])
    both = row_of(analysed(table, dose=dose), "association:dose", kind="classical")
    alone = row_of(analysed(table[table["group"] == "A"], groups=("A",)), "association:hours", kind="classical")
    assert both["comparison"] == "A|post-pre"
    assert both["n"] == 15
    for column in ("estimate", "se", "p", "effect_size"):
        assert both[column] == alone[column]


def test_last_given_first_has_the_slope_of_change_given_first(make_table) -> None:
    table = with_hours(make_table({"A": 12, "B": 12}), 0.1)
    result = analysed(table, last=Association(column="hours", outcome="last", adjust_for=["baseline"]),
                      change=Association(column="hours", adjust_for=["baseline"]))
    one, other = (row_of(result, f"association:{name}") for name in ("last", "change"))
    for column in ("estimate", "se", "p", "effect_size"):
        assert one[column] == pytest.approx(other[column])
    assert "adjusted for group, the value at pre" in one["reading"]


@pytest.mark.parametrize("groups", [("A", "B"), ()])
def test_a_constant_score_is_said_and_not_tested(make_table, groups: tuple[str, ...]) -> None:
    table = make_table({"A": 8, "B": 8} if groups else {"A": 8}).assign(hours=7.0)
    result = analysed(table, groups=groups)
    assert any("the score 'hours' of the association 'hours' does not vary" in text for text in result.warnings)
    mine = result.effects[result.effects["model"] == "association"]
    assert mine["p"].isna().all()
    assert mine["reading"].str.contains("not tested, because the score does not vary").all()


def test_a_score_that_is_constant_in_the_reference_group(make_table) -> None:
    """Controls who did not practise: nothing can be compared, the slope of the trained group stands."""
    table = with_hours(make_table({"A": 12, "B": 12}), 0.1)
    table.loc[table["group"] == "B", "hours"] = 0.0
    result = analysed(table)
    assert np.isnan(row_of(result, "association:hours_x_group")["p"])
    assert np.isfinite(row_of(result, "association:hours")["p"])
    regions = table_of(result, "slopes").query("what == 'johnson_neyman'")["reading"]
    assert regions.str.contains("there is no range of scores that both groups have").all()


@pytest.mark.parametrize(("score", "kind", "says"), [
    ("many", DataError, "the score 'hours' holds 'many' (subject 002), expected a number"),
    ("1_0", DataError, "holds '1_0'"), ("inf", DataError, "holds 'inf'"),
    ("1e99", DataError, "cannot be computed with"),
])
def test_a_score_that_is_no_number(make_table, score: str, kind: type[Exception], says: str) -> None:
    table = with_hours(make_table({"A": 5, "B": 5})).astype({"hours": str})
    table.loc[table["subject"] == "002", "hours"] = score
    with pytest.raises(kind, match=re.escape(says)):
        analysed(table)


def test_what_is_missing_for_everybody_or_absent(make_table) -> None:
    table = with_hours(make_table({"A": 5, "B": 5}))
    with pytest.raises(DataError, match="the score 'hours' is missing for every subject"):
        analysed(table.assign(hours="n/a"))
    with pytest.raises(UsageError, match="no column 'horus' holds the covariate, stratum or score"):
        analysed(table, x=Association(column="horus"))


@pytest.mark.parametrize(("spec", "says"), [
    (Association(column="hours", groups=["Z"]), "groups: found Z, expected some of groups.levels: A, B"),
    (Association(column="hours", groups=[]), "groups: found none"),
    (Association(column="hours", outcome="baseline", adjust_for=["baseline"]), "cannot be adjusted for the baseline"),
])
def test_what_does_not_fit(make_table, spec: Association, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        analysed(with_hours(make_table({"A": 5, "B": 5})), x=spec)


def test_readings_of_a_circular_roi_claim_nothing(make_table) -> None:
    table = with_hours(make_table({"A": 14, "B": 14}, rois=1), 0.2).assign(definition="circular")
    result = analysed(table)
    mine = result.effects.query("model == 'association'")["reading"]
    assert mine.str.contains("nothing can be concluded").all()
    assert table_of(result, "slopes")["reading"].str.endswith("means nothing.").all()


def test_max_t_of_the_moderation_tests_the_moderation(make_table) -> None:
    """Opposite slopes: none over both groups, a large difference between them."""
    table = with_hours(with_hours(make_table({"A": 20, "B": 20}, rois=1), 0.12), -0.12, group="B")
    result = analysed(table, permutations=999)
    assert row_of(result, "association:hours")["p_fwe"] > 0.2
    assert row_of(result, "association:hours_x_group")["p_fwe"] < 0.01


def test_a_score_can_be_the_difference_of_two_columns(make_table) -> None:
    """As if the difference had been a column; who lacks either of them is out."""
    table = with_hours(make_table({"A": 14, "B": 14}), 0.1)
    table["before"] = (table["hours"] % 7).round(3)
    table["after"] = (table["hours"] + table["before"]).round(3)
    table.loc[table["subject"] == "003", "before"] = np.nan
    table.loc[table["subject"] == "003", "hours"] = np.nan
    plain = analysed(table, change=HOURS)
    result = analysed(table, change=Association(column="after", minus="before"))
    same = ["term", "comparison", "region", "se_kind", "estimate", "se", "p", "p_fwe", "n"]
    pd.testing.assert_frame_equal(result.effects[same], plain.effects[same], rtol=1e-9)
    assert [(r.subject, r.reason) for r in result.exclusions] == [
        ("003", "the score 'after - before' is missing: left out of the association 'change'")]
    assert "per unit of after - before" in row_of(result, "association:change")["reading"]
    assert set(table_of(result, "associations")["score"]) == {"after - before"}


def test_a_column_less_itself_is_refused(make_table) -> None:
    with pytest.raises(UsageError, match=r"associations.gain.minus: the column 'hours' less itself is zero"):
        analysed(with_hours(make_table({"A": 6, "B": 6})), gain=Association(column="hours", minus="hours"))
