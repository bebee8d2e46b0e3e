"""The sentence says what the numbers say."""

from __future__ import annotations

import re

import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.group.reading import p_text
from deltaroi.specs import GroupStats


def primary_reading(table, **stats: object) -> tuple[str, dict]:
    asked = CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(**{"permutations": 999, **stats}))
    row = compare(table, asked).effects.query("primary and region == 'r0'").iloc[0]
    return row["reading"], row.to_dict()


def test_a_difference(make_table) -> None:
    text, row = primary_reading(make_table({"A": 14, "B": 14}, gain=2.0).assign(unit="%"))
    assert row["p_fwe"] < 0.05
    assert text.startswith("At post, given the value at pre, r0 was ")
    assert f"{row['estimate']:.3g} % higher in A than in B" in text
    assert f"(95 % CI {row['ci_low']:.3g} to {row['ci_high']:.3g} %)" in text
    assert "evidence for a difference" in text
    assert "corrected over 3 tests by max-T" in text
    assert "few subjects" not in text


def test_the_other_direction(make_table) -> None:
    text, row = primary_reading(make_table({"A": 14, "B": 14}, gain=-2.0))
    assert f"{abs(row['estimate']):.3g} lower in A than in B" in text


def test_no_evidence_either_way(make_table) -> None:
    text, row = primary_reading(make_table({"A": 9, "B": 12}, seed=8))
    assert row["p_equivalence"] > 0.05
    assert "no evidence either way" in text
    assert "few subjects (9 in A, 12 in B)" in text


def test_smaller_than_the_bound(make_table) -> None:
    text, row = primary_reading(make_table({"A": 60, "B": 60}, seed=3), equivalence_bounds_d=1.0)
    assert row["p_equivalence"] < 0.05 < row["p_fwe"]
    assert "is smaller than the equivalence bound of" in text
    assert "no evidence" not in text


def test_a_difference_that_does_not_survive_is_no_evidence(make_table) -> None:
    for seed in range(200):
        text, row = primary_reading(make_table({"A": 12, "B": 12}, rois=6, seed=seed), permutations=99)
        if row["p"] < 0.05 < row["p_fwe"]:
            break
    assert "no evidence either way" in text
    assert "before correction" in text


@pytest.mark.long
def test_a_single_test_is_not_said_to_be_corrected(make_table) -> None:
    """With one ROI the claim rests on the permutation p, and the sentence says so."""
    for seed in range(300):
        text, row = primary_reading(make_table({"A": 12, "B": 12}, rois=1, seed=seed), permutations=99)
        if row["p"] < 0.05 < row["p_fwe"]:
            break
    assert f"no evidence either way, {p_text(row['p_fwe'])} by permutation ({p_text(row['p'])} by the t test)" in text
    assert "corrected" not in text


@pytest.mark.parametrize(("p", "text"), [(0.0496, "p = 0.0496"), (0.05, "p = 0.0500"), (0.0504, "p = 0.0504"),
                                         (0.049, "p = 0.049"), (0.0009, "p < 0.001"), (0.25, "p = 0.25")])
def test_the_side_of_the_threshold_is_seen(p: float, text: str) -> None:
    assert p_text(p) == text


def test_effects_within_a_group_say_nothing_about_groups(make_table) -> None:
    asked = CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0))
    effects = compare(make_table({"A": 12, "B": 12}, gain=2), asked).effects
    for level in "AB":
        text = effects.query(f"term == 'session_within:{level}' and region == 'r0'")["reading"].iloc[0]
        assert f"within {level} alone" in text
        assert " than in " not in text
    assert not effects["reading"].str.contains("significant").any()


@pytest.mark.parametrize("sizes", [{"A": 1, "B": 6}, {"A": 2, "B": 1}, {"A": 1, "B": 1}])
def test_what_cannot_be_tested_says_why(make_table, sizes) -> None:
    text, row = primary_reading(make_table(sizes))
    assert row["p"] != row["p"]
    assert re.match(r"r0: not tested, because .+\.$", text)


def test_omnibus(make_table) -> None:
    asked = CompareOptions(("pre", "post"), ("A", "C", "B"), stats=GroupStats(permutations=99))
    row = compare(make_table({"A": 10, "C": 10, "B": 10}, gain=3), asked).effects.query("primary").iloc[0]
    assert f"between A, C, B, F(2, {row['df']:.4g}) = " in row["reading"]
    assert row["statistic_kind"] == "F"


def test_every_reading_of_a_circular_roi_says_so_and_claims_nothing(make_table) -> None:
    table = make_table({"A": 14, "B": 14}, gain=3.0)
    found = compare(table.assign(definition=["circular" if r == "r0" else "hcpex" for r in table["region"]]),
                    CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=99))).effects
    marked = found["region"] == "r0"
    ends = ("Circular: the voxels were chosen with the data that are tested here; the estimate is inflated and p "
            "means nothing.")
    assert marked.sum() > 1
    assert found.loc[marked, "reading"].str.endswith(ends).all()
    assert not found.loc[marked, "reading"].str.contains("evidence").any()
    assert not found.loc[~marked, "reading"].str.contains("Circular").any()
    assert found.loc[~marked, "reading"].str.contains("evidence").any()


@pytest.mark.parametrize(("times", "unit"), [(None, "% per session"), ([0.0, 8.0, 16.0], "% per unit of time")])
def test_a_trend_says_what_it_is_per(make_table, times, unit) -> None:
    """Sessions at 0, 8, 16 (weeks, say): the slope is an eighth of that per session, and so must not be called that."""
    table = make_table({"A": 8, "B": 8}, ("pre", "post", "later"), rois=1, gain=1.0).assign(unit="%")
    asked = CompareOptions(("pre", "post", "later"), ("A", "B"), stats=GroupStats(permutations=0, times=times))
    rows = compare(table, asked).effects.query("comparison == 'A-B|linear trend'")
    row = rows.iloc[0]
    assert row["unit"] == unit
    assert f"{abs(row['estimate']):.3g} {unit} " in row["reading"]
    change = table.pivot(index="subject", columns="session", values="value")
    slope = (change["later"] - change["pre"]) / 2 / (1 if times is None else 8)
    of = table.drop_duplicates("subject").set_index("subject")["group"]
    assert row["estimate"] == pytest.approx(slope[of == "A"].mean() - slope[of == "B"].mean())
