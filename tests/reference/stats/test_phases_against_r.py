"""Phases of training, three groups with practice hours, and the F of two groups and two sessions, against R.

``Rscript factorial.R`` (t.test, lm, cor.test, sandwich, afex; versions in factorial_versions.txt).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, GroupResult, compare
from deltaroi.specs import Association, GroupStats

HERE = Path(__file__).parent
RELATIVE = 1e-7
PHASES = {"empathy": ["pre", "mid"], "compassion": ["mid", "post"]}


def reference(dataset: str) -> dict[tuple[str, str], dict[str, float]]:
    frame = pd.read_csv(HERE / "factorial.csv").query("dataset == @dataset")
    return {key: dict(zip(part["field"], part["value"], strict=True)) for key, part in frame.groupby(["what", "term"])}


def only(frame: pd.DataFrame, **wanted: object) -> pd.Series:
    for name, value in wanted.items():
        frame = frame[frame[name] == value]
    assert len(frame) == 1, wanted
    return frame.iloc[0]


def agree(row: pd.Series, expected: dict[str, float], names: dict[str, str] | None = None) -> None:
    mine = {field: row[(names or {}).get(field, field)] for field in expected}
    assert mine == pytest.approx(expected, rel=RELATIVE, abs=1e-10)


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / f"{name}_values.csv", dtype={"subject": str}, keep_default_na=False).assign(region="AI")


def test_phases_and_their_switch() -> None:
    stats = GroupStats(permutations=0, phases=PHASES)
    effects = compare(read("phases"), CompareOptions(("pre", "mid", "post"), ("compassion", "memory"),
                                                     stats=stats)).effects
    expected = reference("phases")
    assert len(expected) == 3 * 4 + 2 * 2
    for (what, when), numbers in expected.items():
        if what.startswith("within "):
            group = what.removeprefix("within ")
            row = only(effects, model="paired", term=f"session_within:{group}", comparison=f"{group}|{when}")
        else:
            model, kind = ("ancova", what.split()[1]) if what.startswith("ancova") else ("change", what)
            row = only(effects, model=model, term="group_difference", comparison=f"compassion-memory|{when}",
                       se_kind=kind)
        agree(row, numbers)


@pytest.fixture(scope="module")
def three() -> GroupResult:
    associations = {"practice": Association(column="hours", groups=["MAT"]), "dose": Association(column="dose")}
    return compare(read("three_groups"), CompareOptions(
        ("pre", "post"), ("MAT", "CBCT", "control"), associations=associations,
        stats=GroupStats(permutations=0, variance="classical")))


@pytest.mark.parametrize("model", ["change", "ancova"])
def test_three_groups_omnibus_and_each_against_the_reference(three: GroupResult, model: str) -> None:
    expected, effects = reference("three groups"), three.effects
    rows = effects[(effects["model"] == model) & (effects["term"] == "group_difference")]
    joint = only(rows, se_kind="classical", comparison="MAT,CBCT,control|post-pre")
    agree(joint, {k: v for k, v in expected[(model, "omnibus")].items() if k != "df1"})
    assert joint["primary"] == (model == "ancova")
    for group in ("MAT", "CBCT"):
        agree(only(rows, se_kind="classical", comparison=f"{group}-control|post-pre"),
              expected[(model, f"group{group}")])


def test_hours_within_one_group_and_a_dose_over_groups(three: GroupResult) -> None:
    expected, effects = reference("three groups"), three.effects
    agree(only(three.beside["associations"], association="practice", kind="pearson"),
          expected[("hours within MAT", "r")])
    agree(only(effects, term="association:practice", se_kind="classical"), expected[("slope within MAT", "hours")])
    agree(only(effects, term="association:dose", se_kind="classical"), expected[("slope over groups", "dose")])
    moderation = only(effects, term="association:dose_x_group", se_kind="classical")
    agree(moderation, {k: v for k, v in expected[("moderation", "omnibus")].items() if k != "df1"})
    assert only(effects, term="association:practice", se_kind="classical")["n"] == 12


def test_f_of_two_groups_and_two_sessions_is_the_interaction_with_its_share() -> None:
    """As an extracted-ROI analysis reports it, F(1, 19) with η²; and F = t² of the change with classical errors."""
    result = compare(read("two_groups"), CompareOptions(("pre", "post"), ("CBCT", "control"),
                                                        stats=GroupStats(permutations=0)))
    row = only(result.effects, model="mixed_anova")
    assert (row["statistic_kind"], row["df"]) == ("F", 19)
    agree(row, reference("two groups")[("mixed_anova", "group:session")])
    change = only(result.effects, model="change", se_kind="classical")
    assert np.isclose(change["statistic"] ** 2, row["statistic"], rtol=1e-12)
    size = only(result.beside["effect_sizes"], model="mixed_anova", kind="partial_eta2")
    assert (size["value"], size["level"]) == (row["effect_size"], 0.9)
