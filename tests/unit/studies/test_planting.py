"""Reported effects become what is planted: sizes, places, signs; and answers are found where claims say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.simulator.scheme import invent
from deltaroi.simulator.truth import make_truth
from deltaroi.studies import Reported, answer, plant
from deltaroi.studies.quantities import quantity

STUDY = """
schema_version: 1
name: small
dataset: {task: faces, sessions: [pre, post]}
groups: {column: arm, levels: [a, b], assignment: randomised}
contrasts: {c: negative - neutral, half: (negative + neutral) / 2}
associations: {practice: {column: hours, groups: [a], moderation: false}}
design:
  citation: nobody
  year: 2000
  groups: {a: {n: 20}, b: {n: 20}}
  default_effect_d: 0.5
  measurement_sd_percent: 0
simulation:
  noise: {subject_sd_percent: 0.2, session_sd_percent: 0.3}
  scores:
    hours: {mean: 20, sd: 5, groups: [a]}
    before: {mean: 10, sd: 2}
    after: {mean: 10, sd: 2, follows: before, correlation: 0.5}
  planted:
  - {region: amygdala, condition: negative, percent: 0.4, hemispheres: [R]}
claims:
  groups_differ:
    table: effects
    where: {contrast: c, region: amygdala, hemisphere: R, definition: hcpex, model: change, term: group_difference,
            comparison: "a-b|post-pre"}
    plant: {condition: negative, group: a, session: post}
  reference_rises:
    table: effects
    where: {contrast: c, region: AI, hemisphere: L, definition: hcpex, model: change, term: group_difference,
            comparison: "a-b|post-pre"}
    plant: {condition: negative, group: b, session: post}
  in_a:
    table: effects
    where: {contrast: half, region: VTA, hemisphere: B, definition: hcpex, model: paired, term: "session_within:a",
            comparison: "a|post-pre"}
    plant: {condition: [negative, neutral], group: a, session: post}
  with_hours:
    table: associations
    where: {association: practice, contrast: c, region: NAcc, hemisphere: R, definition: hcpex, kind: pearson}
    plant: {condition: negative, per_sd_of: hours, group: a, session: post}
  score:
    table: behaviour_effects
    where: {measure: m, model: change, term: group_difference, comparison: "a-b|post-pre"}
    plant: {score: after, group: a}
  follows:
    table: effects
    where: {contrast: half, region: amygdala, hemisphere: R, definition: hcpex, model: change, term: group_difference,
            comparison: "a-b|post-pre"}
  peak: {untestable: one person}
"""
TOLD = {"groups_differ": Reported("decrease", -0.9, "g"), "reference_rises": Reported("increase"),
        "in_a": Reported("increase", 0.7, "g_z"), "with_hours": Reported("positive", 0.6, "r"),
        "score": Reported("increase"), "follows": Reported("decrease", -3.0, "g")}


def study(text: str = STUDY) -> Study:
    return parse_study(text)


def rows(**changes: Reported) -> pd.DataFrame:
    return plant(study(), {**TOLD, **changes}).table.set_index("claim")


def test_sizes_in_sds_become_percent() -> None:
    table = rows()
    change = math.sqrt(2 * 2) * 0.3  # two conditions, two sessions
    assert table.loc["groups_differ", "percent"] == pytest.approx(-0.9 * change)
    assert table.loc["groups_differ", "sd"] == pytest.approx(change)
    assert table.loc["in_a", "percent"] == pytest.approx(0.7 * math.sqrt(2 * 2 * 0.25) * 0.3)
    assert table.loc["with_hours", "percent"] == pytest.approx(0.75 * change)  # .6 / sqrt(1 - .36)
    assert table.loc["score", "percent"] == pytest.approx(0.5 * 2.0)  # SD of the change of correlated scores is 2
    assert list(table.loc[["groups_differ", "score", "follows", "peak"], "source"]) == [
        "reported", "default", "not planted", "untestable"]


def test_an_effect_in_the_reference_group_is_planted_the_other_way() -> None:
    table = rows()
    assert table.loc["reference_rises", "percent"] < 0
    assert table.loc["reference_rises", "planted"] == pytest.approx(0.5)


def test_what_follows_is_computed_from_what_is_planted() -> None:
    table = rows()
    share = 0.5 * table.loc["groups_differ", "percent"]
    assert table.loc["follows", "planted"] == pytest.approx(share / (0.5 * table.loc["groups_differ", "sd"]))
    assert math.isnan(table.loc["follows", "percent"])


@pytest.mark.parametrize(("told", "source", "planted"), [
    (Reported("none"), "no effect", 0.0),
    (Reported("not stated"), "not planted", 0.0),
    (Reported("increase", significance="not significant"), "no effect", 0.0),
    (Reported("increase", significance="trend"), "default", 0.5),
    (Reported("decrease"), "default", -0.5),
    (Reported("increase", 0.3, "r"), "default", 0.5),  # a correlation is no size of a difference
])
def test_null_results_get_nothing_and_a_direction_alone_the_default(told: Reported, source: str,
                                                                    planted: float) -> None:
    table = rows(groups_differ=told)
    assert table.loc["groups_differ", "source"] == source
    assert table.loc["groups_differ", "planted"] == pytest.approx(planted)


def test_null_plants_nothing_and_keeps_what_everybody_shows() -> None:
    text = STUDY.replace("  planted:\n", "  planted:\n  - {region: VTA, condition: negative, percent: 1.0, group: a}\n")
    made = plant(study(text.replace("after: {mean: 10,", "after: {mean: {a: 14, b: 12},")), TOLD, null=True)
    simulation = made.study.simulation
    assert simulation is not None
    assert [(one.region, one.percent) for one in simulation.planted if one.percent] == [("amygdala", 0.4)]
    assert {one.region for one in simulation.planted} == {"amygdala", "AI", "VTA", "NAcc"}  # people still vary there
    assert {(one.group, one.session, one.per_sd_of) for one in simulation.planted} == {(None, None, None)}
    assert simulation.coupled == []
    assert simulation.scores["after"].mean == 10
    table = made.table.set_index("claim")
    assert set(table.loc[list(TOLD), "source"]) == {"none"}
    assert (table.loc[["groups_differ", "in_a", "follows"], "planted"] == 0).all()


def test_the_effect_of_many_people_is_the_reported_one() -> None:
    made = plant(study(STUDY.replace("n: 20", "n: 400")), TOLD).study
    assert made.simulation is not None
    scheme = invent(made, made.simulation, None)
    wide = make_truth(made.simulation, scheme).pivot_table(index=["subject", "group"], values="percent",
                                                           columns=["region", "session", "condition"])
    group = wide.index.get_level_values("group")
    change = wide.xs("post", axis=1, level="session") - wide.xs("pre", axis=1, level="session")

    def contrast(region: str) -> np.ndarray:
        return (change[region]["negative"] - change[region]["neutral"]).to_numpy()

    a, b = contrast("amygdala")[group == "a"], contrast("amygdala")[group == "b"]
    assert (a.mean() - b.mean()) / math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2) == pytest.approx(-0.9, abs=0.15)
    half = ((change["VTA"]["negative"] + change["VTA"]["neutral"]) / 2).to_numpy()[group == "a"]
    assert half.mean() / half.std(ddof=1) == pytest.approx(0.7, abs=0.12)
    trained = wide.index.get_level_values("subject")[group == "a"]
    hours = np.array([scheme.scores["hours"][subject] for subject in trained])
    assert np.corrcoef(hours, contrast("NAcc")[group == "a"])[0, 1] == pytest.approx(0.6, abs=0.08)


def test_a_plant_that_the_claim_does_not_see_is_refused() -> None:
    with pytest.raises(StudyError, match=r"claims\.groups_differ\.plant: what is planted in other"):
        plant(study(STUDY.replace("plant: {condition: negative, group: a, session: post}",
                                  "plant: {condition: other, group: a, session: post}", 1)), TOLD)
    with pytest.raises(StudyError, match="does not reach what the claim tests"):
        plant(study(STUDY.replace("plant: {condition: negative, group: a, session: post}",
                                  "plant: {condition: negative, group: a}", 1)), TOLD)


def test_correlations_of_one_place_share_its_variance() -> None:
    text = STUDY.replace("  score:\n", """  with_after:
    table: associations
    where: {association: practice, contrast: c, region: NAcc, hemisphere: R, definition: hcpex, kind: pearson}
    plant: {condition: negative, per_sd_of: after, group: a, session: post}
  score:
""")
    told = {**TOLD, "with_after": Reported("positive", 0.6, "r")}
    table = plant(study(text), told).table.set_index("claim")
    assert table.loc["with_hours", "percent"] == pytest.approx(0.6 / math.sqrt(1 - 0.72) * 0.6)
    with pytest.raises(StudyError, match=r"explain 1\.17 of the variance"):
        plant(study(text), {**told, "with_after": Reported("positive", 0.9, "r")})


def test_an_effect_beside_a_correlation_has_the_reported_size() -> None:
    """What follows a score widens the spread of its place: the effect there grows with it."""
    text = STUDY.replace("n: 20", "n: 900").replace("region: NAcc", "region: amygdala")
    made = plant(study(text), TOLD)
    assert made.study.simulation is not None
    truth = make_truth(made.study.simulation, invent(made.study, made.study.simulation, None))
    wide = truth[truth["region"] == "amygdala"].pivot_table(index=["subject", "group"], values="percent",
                                                            columns=["session", "condition"])
    change = wide["post"] - wide["pre"]
    value = change["negative"] - change["neutral"]
    a, b = (value[value.index.get_level_values("group") == label].to_numpy() for label in "ab")
    pooled = math.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
    row = made.table.set_index("claim").loc["groups_differ"]
    assert row["planted"] == pytest.approx(-0.9)
    assert row["sd"] == pytest.approx(pooled, rel=0.05)
    assert (a.mean() - b.mean()) / pooled == pytest.approx(-0.9, abs=0.1)
    assert row["sd"] == pytest.approx(0.6 * math.sqrt(1 + 0.5 * 0.36 / 0.64))


def test_the_sd_of_a_quantity_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(3)
    tested = quantity(study(), "in_a", study().claims["in_a"])
    person = 0.2 * rng.standard_normal((200_000, 2))[:, :, None]
    values = person + 0.3 * rng.standard_normal((200_000, 2, 2))
    drawn = (values[:, :, 1] - values[:, :, 0]).mean(axis=1)
    assert tested.sd_percent(0.2, 0.3, 0.0) == pytest.approx(drawn.std(), rel=0.01)


EFFECTS = pd.DataFrame([
    {"specification": "main", "contrast": "c", "region": "amygdala", "hemisphere": side, "definition": "hcpex",
     "model": "change", "term": "group_difference", "comparison": "a-b|post-pre", "se_kind": kind, "estimate": 1.0}
    for side in "LR" for kind in ("welch", "classical")])


def test_an_answer_is_the_one_classical_row() -> None:
    found = answer(study().claims["groups_differ"], {"effects": EFFECTS})
    assert found.reason == ""
    assert found.row is not None
    assert (found.row["hemisphere"], found.row["se_kind"]) == ("R", "classical")


def test_without_one_row_there_is_a_reason() -> None:
    claims = study().claims
    assert answer(claims["peak"], {"effects": EFFECTS}).reason == "cannot be tested: one person"
    assert answer(claims["with_hours"], {"effects": EFFECTS}).reason == "the run has no table associations"
    assert "region AI; what is left has amygdala" in answer(claims["reference_rises"], {"effects": EFFECTS}).reason
    double = pd.concat([EFFECTS, EFFECTS.assign(summary="x")]).assign(summary=["m"] * 4 + ["x"] * 4)
    claim = claims["groups_differ"]
    assert answer(claim, {"effects": double}).reason == "2 rows of effects fit; they differ in summary"
    assert "no column comparison" in answer(claim, {"effects": EFFECTS.drop(columns="comparison")}).reason
