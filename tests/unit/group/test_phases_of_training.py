"""Phases: which rows there are, which is primary, what is said, what is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import StudyError
from deltaroi.group import CompareOptions, compare
from deltaroi.group.design import GroupDesign
from deltaroi.group.questions import questions
from deltaroi.group.small_volume import voxel_question
from deltaroi.specs import GroupStats, phase_misfits

SESSIONS = ("pre", "mid", "post")
PHASES = {"empathy": ["pre", "mid"], "compassion": ["mid", "post"]}


def values(n: int = 12, seed: int = 3) -> pd.DataFrame:
    """A falls by 1 from pre to mid and rises by 3 from mid to post; B stays."""
    rng = np.random.default_rng(seed)
    course = {"pre": 0.0, "mid": -1.0, "post": 2.0}
    rows = [(f"{i:02d}", session, "AI", "AB"[i % 2], (i % 5) + course[session] * (i % 2 == 0) + rng.normal() * 0.2)
            for i, session in itertools.product(range(2 * n), SESSIONS)]
    return pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"])


def effects(**stats: object) -> pd.DataFrame:
    assignment = str(stats.pop("assignment", "randomised"))
    groups = stats.pop("groups", ("A", "B"))
    spec = GroupStats(**{"permutations": 0, "phases": PHASES, **stats})
    table = values() if groups else values().drop(columns="group")
    return compare(table, CompareOptions(SESSIONS, groups, assignment, stats=spec)).effects


def names(frame: pd.DataFrame) -> set[tuple[str, str]]:
    return set(zip(frame["model"], frame["comparison"], strict=True))


def one(frame: pd.DataFrame, model: str, comparison: str, kind: str) -> pd.Series:
    found = frame.query("model == @model and comparison == @comparison and se_kind == @kind and term != "
                        "'group_at_baseline'")
    assert len(found) == 1
    return found.iloc[0]


def test_what_phases_add() -> None:
    more = names(effects()) - names(effects(phases={}))
    switch = "(post-mid)-(mid-pre)"
    assert more == {("ancova", "A-B|post-mid"), ("change", "A-B|post-mid"), ("change", f"A-B|{switch}"),
                    *(("paired", f"{group}|{when}") for group in "AB" for when in ("post-mid", switch))}
    alone = names(effects(groups=())) - names(effects(groups=(), phases={}))
    assert alone == {("paired", "post-mid"), ("paired", switch)}


def test_groups_that_were_not_randomised_have_no_ancova_of_a_later_phase() -> None:
    frame = names(effects(assignment="preexisting"))
    assert ("ancova", "A-B|post-mid") not in frame
    assert {("ancova", "A-B|mid-pre"), ("change", "A-B|post-mid")} <= frame


def test_direction_size_and_words_of_the_switch() -> None:
    frame = effects()
    row = one(frame, "change", "A-B|(post-mid)-(mid-pre)", "welch")
    assert row["estimate"] == pytest.approx(4, abs=0.5)  # 3 - (-1)
    assert (row["term"], row["effect_size_kind"]) == ("group_difference", "g")
    assert row["reading"].startswith("The change of AI from mid to post (phase compassion), less its change from pre "
                                     "to mid (phase empathy), was ")
    within = one(frame, "paired", "B|(post-mid)-(mid-pre)", "classical")
    assert within["estimate"] == pytest.approx(0, abs=0.4)
    assert within["effect_size_kind"] == "d_z"
    assert " within B alone (95 % CI " in within["reading"]
    sd = np.sqrt(np.mean([values().query("session == 'pre' and group == @g")["value"].var(ddof=1) for g in "AB"]))
    assert row["equivalence_bound"] == pytest.approx(0.3 * sd)


def test_readings_name_the_phase() -> None:
    frame = effects()
    for model, when, kind in (("change", "mid-pre", "welch"), ("lmm", "mid-pre", "cr2_welch")):
        assert "from pre to mid (phase empathy)" in one(frame, model, f"A-B|{when}", kind)["reading"]
    assert "from mid to post (phase compassion)" in one(frame, "lmm", "A-B|post-mid", "cr2_welch")["reading"]
    later = one(frame, "ancova", "A-B|post-mid", "hc2_welch")["reading"]
    assert later.startswith("At post (phase compassion), given the value at mid, AI was ")
    assert "whose baseline came after groups were treated" in later
    assert "whose baseline" not in one(frame, "ancova", "A-B|mid-pre", "hc2_welch")["reading"]


@pytest.mark.parametrize(("stats", "primary"), [
    ({}, ("lmm", "A-B|pre,mid,post")),
    ({"primary_phase": "empathy"}, ("ancova", "A-B|mid-pre")),
    ({"primary_phase": "compassion"}, ("change", "A-B|post-mid")),
    ({"primary_phase": "compassion", "primary": "ancova"}, ("ancova", "A-B|post-mid")),
    ({"primary_phase": "compassion", "primary": "lmm"}, ("lmm", "A-B|post-mid")),
    ({"primary_phase": "empathy", "assignment": "preexisting"}, ("change", "A-B|mid-pre")),
    ({"primary_phase": "compassion", "groups": ()}, ("paired", "post-mid")),
])
def test_which_row_is_primary(stats: dict[str, object], primary: tuple[str, str]) -> None:
    frame = effects(**stats)
    assert frame.loc[frame["primary"], ["model", "comparison"]].to_numpy().tolist() == [list(primary)]


def test_a_primary_phase_has_max_t_and_so_have_its_kin() -> None:
    frame = effects(primary_phase="compassion", permutations=200)
    changes = frame[(frame["model"] == "change") & (frame["se_kind"] == "welch")]
    assert changes["p_fwe"].notna().all()


def test_three_groups_have_an_omnibus_test_of_the_switch() -> None:
    table = values()
    table["group"] = [f"{g}{int(s) % 3}" if g == "B" else g for s, g in zip(table["subject"], table["group"],
                                                                           strict=True)]
    spec = GroupStats(permutations=0, phases=PHASES, primary_phase="compassion")
    frame = compare(table, CompareOptions(SESSIONS, ("A", "B0", "B1"), stats=spec)).effects
    row = one(frame, "change", "A,B0,B1|(post-mid)-(mid-pre)", "welch")
    assert row["statistic_kind"] == "F"
    assert "less its change from pre to mid (phase empathy), between A, B0, B1" in row["reading"]
    assert frame.loc[frame["primary"], "comparison"].tolist() == ["A,B0,B1|post-mid"]


def test_covariates_have_a_row_for_every_stretch() -> None:
    table = values().assign(age=lambda t: t["subject"].astype(int) % 7)
    spec = GroupStats(permutations=0, phases=PHASES)
    frame = compare(table, CompareOptions(SESSIONS, ("A", "B"), covariates=("age",), stats=spec)).effects
    mine = frame[(frame["term"] == "covariate:age") & (frame["model"] == "change") & (frame["se_kind"] == "classical")]
    assert set(mine["comparison"]) == {"mid-pre", "post-pre", "post-mid", "(post-mid)-(mid-pre)"}


def test_the_voxels_are_asked_about_the_primary_phase() -> None:
    design = GroupDesign(SESSIONS, ("A", "B"), "randomised")
    spec = GroupStats(phases=PHASES, primary_phase="compassion", primary="lmm")
    question = voxel_question(design, SESSIONS, spec, covariates={})
    assert (question.model, question.comparison) == ("change", "A-B|post-mid")


@pytest.mark.parametrize(("phases", "primary", "says"), [
    ({"x": ["pre", "late"]}, None, "group.phases.x: found the session late, expected two of dataset.sessions: pre, "),
    ({"x": ["post", "mid"]}, None, "group.phases.x: found [post, mid], which is not in time order"),
    ({"x": ["pre", "pre"]}, None, "not in time order"),
    ({"x": ["pre", "mid"], "y": ["pre", "mid"]}, None, "group.phases.y: [pre, mid] is the phase 'x' already"),
    (PHASES, "compasion", "group.primary_phase: found 'compasion', expected one of group.phases: empathy, compassion"),
])
def test_phases_that_do_not_fit(phases: dict[str, list[str]], primary: str | None, says: str) -> None:
    assert says in phase_misfits(phases, primary, SESSIONS)[0]


@pytest.mark.parametrize(("stats", "says"), [
    ({"phases": {"x": ["pre", "late"]}}, "found the session late"),
    ({"primary_phase": "x"}, "there is no phase 'x'"),
    ({"primary_phase": "compassion", "primary": "ancova", "assignment": "preexisting"},
     "the primary model 'ancova' does not fit the phase 'compassion'"),
    ({"phases": {"whole": ["pre", "post"]}, "primary_phase": "whole", "primary": "paired"}, "'paired' does not fit"),
])
def test_statistics_that_do_not_fit(stats: dict[str, object], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        effects(**stats)


def test_a_mixed_model_must_have_the_comparison() -> None:
    sessions = ("a", "b", "c", "d")
    spec = GroupStats(phases={"x": ["b", "d"]}, primary_phase="x", primary="lmm")
    with pytest.raises(StudyError, match="the mixed model has no comparison of the sessions of 'x'"):
        questions(sessions, ("A", "B"), "randomised", spec, covariates={})


def test_only_phases_that_touch_have_a_switch() -> None:
    spec = GroupStats(phases={"x": ["a", "b"], "y": ["c", "d"], "z": ["b", "d"]})
    asked = questions(("a", "b", "c", "d"), None, None, spec, covariates={})
    assert {q.comparison for q in asked if q.before} == {"(d-b)-(b-a)"}
