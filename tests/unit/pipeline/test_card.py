"""Claims on the scale of the report, rows on the same scale, and what is said where one is missing."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

from card_tables import asked, effect, effects, judged, mascaro
from deltaroi.errors import StudyError
from deltaroi.evidence import effect_sizes, read_evidence
from deltaroi.pipeline.card import card, read_reports
from deltaroi.pipeline.card_results import new_result, reported_claim
from deltaroi.specs import Claim
from deltaroi.studies import published, study_names
from deltaroi.tables import CARD

UNTESTABLE = Claim(untestable="no")


def evidence() -> pd.DataFrame:
    rows = read_evidence()
    return rows.merge(effect_sizes(rows), on="id", suffixes=("_stated", "")).set_index("id", drop=False)


def test_reported_results_keep_their_intervals() -> None:
    """The rebuilt result has the value and interval that the evidence gives, for every row that has one."""
    rows = read_evidence()
    sizes = effect_sizes(rows).set_index("id")
    rebuilt = 0
    for row in rows.to_dict("records"):
        size = sizes.loc[row["id"]]
        claim = reported_claim(row, size)
        if math.isfinite(size["ci_low"]):
            rebuilt += 1
            assert claim.original.value == pytest.approx(size["effect_size"], rel=1e-9)
            assert claim.original.low == pytest.approx(size["ci_low"], rel=1e-6)
            assert claim.original.high == pytest.approx(size["ci_high"], rel=1e-6)
            assert claim.sign == claim.direction
    assert rebuilt >= 14


def test_kinds_of_claims() -> None:
    rows, sizes = read_evidence().set_index("id", drop=False), effect_sizes(read_evidence()).set_index("id")
    kinds = {name: reported_claim(rows.loc[name], sizes.loc[name]) for name in rows.index}
    assert kinds["leung2018_anxiety_before"].kind == "null"
    assert kinds["leung2018_anxiety_after"].kind == "effect"
    assert kinds["leung2018_anxiety_after"].sign == -1
    assert kinds["leung2018_amygdala_negative"].sign == -1  # printed as 4.21, worded as a decrease
    assert kinds["desbordes2012_mat_amygdala_negative"].kind == "effect"  # an increase, not significant
    semipartial = kinds["weng2013_dlpfc_nacc_rep"]
    assert (semipartial.sign, "semipartial r = -0.41 has no interval" in semipartial.original.problem) == (-1, True)


@pytest.mark.parametrize(("table", "more", "kind", "value"), [
    ("effects", {"statistic": 2.0, "df": 19, "n_first": 13, "n_second": 8}, "g", 0.862688),
    ("effects", {"statistic": 2.0, "df": 11, "n_first": 12, "n_second": math.nan}, "g_z", 0.536913),
    ("effects", {"statistic": 4.0, "statistic_kind": "F", "estimate": -1.0, "df": 19, "n_first": 13, "n_second": 8},
     "g", -0.862688),
    ("effects", {"statistic": 2.0, "df": 30, "model": "association", "n_first": 16, "n_second": 18}, "r", 0.342997),
    ("factorial", {"statistic": 4.0, "statistic_kind": "F", "estimate": 1.0, "df1": 1, "df2": 28, "n": 30,
                   "n_first": 15, "n_second": 15, "term": "state"}, "g_z", 0.355265),
    ("factorial", {"statistic": 4.0, "statistic_kind": "F", "estimate": 1.0, "df1": 1, "df2": 28, "n": 30,
                   "n_first": 15, "n_second": 15, "term": "group:state"}, "g", 0.710529),
    ("associations", {"r": 0.4, "df": 9, "n": 12, "note": "n/a"}, "r", 0.4),
])
@pytest.mark.parametrize("sign", [1, -1])
def test_rows_become_results(table: str, more: dict[str, Any], kind: str, value: float, sign: int) -> None:
    row = {"statistic_kind": "t", "estimate": 1.0, "comparison": "x", "model": "change", "term": "t", **more}
    found = new_result(table, row, sign)
    assert (found.kind, found.problem) == (kind, "")
    assert found.value == pytest.approx(sign * value, abs=1e-6)


def test_a_partial_correlation_counts_fewer_people() -> None:
    assert new_result("associations", {"r": 0.4, "df": 9, "n": 12, "note": "n/a"}, 1).n_first == 11


@pytest.mark.parametrize(("row", "words"), [
    ({"statistic": 4.0, "statistic_kind": "F", "estimate": math.nan, "df": 33, "n_first": math.nan,
      "n_second": math.nan, "n": 36, "comparison": "A,B,C|post-pre"}, "A,B,C|post-pre has no direction"),
    ({"statistic": math.nan, "statistic_kind": "t", "estimate": math.nan, "df": 19, "n_first": 13, "n_second": 8},
     "not a number"),
])
def test_rows_without_a_result(row: dict[str, Any], words: str) -> None:
    assert words in new_result("effects", row, 1).problem


def test_the_card() -> None:
    table = judged("mascaro2013", {"effects": mascaro()})
    assert list(table.columns) == CARD.names
    assert "mascaro2013_roi_dmpfc" not in table.index
    assert dict(table["verdict"]) == {"mascaro2013_dmpfc_rmet": "replicated", "mascaro2013_ifg_rmet": "opposite",
                                      "mascaro2013_rmet_score": "not testable",
                                      "mascaro2013_sts_rmet": "not testable"}
    found = table.loc["mascaro2013_dmpfc_rmet"]
    assert found["new"] == pytest.approx(0.764530, abs=1e-6)  # J(58) · 3 · √(2/30)
    assert (found["reported"], found["reported_n_first"], found["new_n_second"]) == (
        pytest.approx(1.070567, abs=1e-6), 13, 30)
    assert found["statistic"] == "F(19) = 6.16, p < 0.05, η² = 0.25"
    assert found["row"].startswith("specification main, contrast emotion_vs_control, summary mean, region dmPFC")
    assert (found["direction_agrees"], found["new_ci_holds_reported"], found["prediction_holds_new"]) == (
        "yes", "yes", "yes")
    assert table.loc["mascaro2013_ifg_rmet", "direction_agrees"] == "no"
    lacking = table.loc["mascaro2013_sts_rmet"]
    assert (lacking["direction_agrees"], lacking["bf_method"], math.isnan(lacking["new"])) == ("n/a", "n/a", True)
    assert lacking["problem"] == "no row of effects has region STS; what is left has IFG, dmPFC"
    assert table.loc["mascaro2013_rmet_score", "problem"] == "the run has no table behaviour_effects"


def test_a_study_listed_the_other_way_round_gives_the_same_card() -> None:
    straight = judged("mascaro2013", {"effects": mascaro()})
    there = published("mascaro2013")
    claims = {name: claim.model_copy(update={"where": {**claim.where, "comparison": "control-CBCT|post-pre"}})
              if claim.table == "effects" else claim for name, claim in there.claims.items()}
    study = there.model_copy(update={"claims": claims, "groups": there.groups.model_copy(
        update={"levels": ["control", "CBCT"]})})
    rows = mascaro().assign(comparison="control-CBCT|post-pre")
    rows["statistic"] *= -1
    turned = judged("mascaro2013", {"effects": rows}, study)
    same = ["new", "new_low", "new_high", "verdict", "bf_r0", "direction_agrees"]
    pd.testing.assert_frame_equal(straight[same], turned[same])
    assert list(turned.loc[turned["new"].notna(), "turned"]) == [True, True]


def test_claims_of_no_effect_have_a_bound_in_sds_of_what_is_tested() -> None:
    name = "desbordes2012_mat_amygdala_neutral"
    table = judged("desbordes2012", {"effects": effects(effect("desbordes2012", name, 0.1, (400, 0)))})
    found = table.loc[name]
    assert (found["equivalence_bound"], found["verdict"]) == (0.3, "null held")
    assert 0 < found["p_equivalence"] < 0.001


def test_a_direction_without_a_size_is_judged_by_its_direction() -> None:
    name = "weng2013_dlpfc_training"
    found = judged("weng2013", {"effects": effects(effect("weng2013", name, 3.0, (30, 30)))}).loc[name]
    assert (found["verdict"], found["problem"]) == ("direction confirmed", "the report gives no size")
    assert "a positive effect without a size" in found["sentence"]


def test_planted_effects_stand_beside() -> None:
    question = asked("mascaro2013")
    name = "mascaro2013_dmpfc_rmet"
    table = card(question, question.study.claims, {"effects": mascaro()}, {name: (1.07, "SD")}).set_index("claim")
    assert (table.loc[name, "planted"], table.loc[name, "planted_unit"]) == (1.07, "SD")
    assert (math.isnan(table.loc["mascaro2013_ifg_rmet", "planted"]),
            table.loc["mascaro2013_ifg_rmet", "planted_unit"]) == (True, "n/a")


@pytest.mark.parametrize(("claims", "words"), [
    ({"weng2013_ipc_training": UNTESTABLE}, "is a result of weng2013, not of mascaro2013"),
    ({"mascaro2013_dmpfc_rmt": UNTESTABLE}, "no result of the evidence"),
    ({}, "no claims"),
])
def test_claims_of_others_are_refused(claims: dict[str, Claim], words: str) -> None:
    with pytest.raises(StudyError, match=words):
        read_reports("mascaro2013", claims, "mine.yaml")


def test_a_misspelled_claim_gets_a_hint() -> None:
    with pytest.raises(StudyError) as caught:
        read_reports("mascaro2013", {"mascaro2013_dmpfc_rmt": UNTESTABLE}, "mine.yaml")
    assert "mascaro2013_dmpfc_rmet" in caught.value.hint
    assert caught.value.where == "mine.yaml: claims.mascaro2013_dmpfc_rmt"


@pytest.mark.parametrize("name", study_names())
def test_the_published_rows_have_the_order_of_the_evidence(name: str) -> None:
    """Of two groups the first minus the second, in the evidence and in the row that answers."""
    study, rows = published(name), read_evidence().set_index("id")
    for claim, one in study.claims.items():
        first, between, second = str(rows.loc[claim, "groups"]).partition(" - ")
        if one.table is not None and between:
            assert one.where["comparison"].split("|")[0] == f"{first}-{second}", claim
