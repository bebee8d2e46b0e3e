"""The rules of the check: each verdict for each, and what the review of Kamal et al. (2025) yields."""

from __future__ import annotations

import pandas as pd
import pytest

from deltaroi.errors import TableError
from deltaroi.evidence import check, read_evidence, read_statements
from deltaroi.evidence.finding import Stated, judge


@pytest.fixture(scope="module")
def review() -> pd.DataFrame:
    return check(read_evidence(), read_statements())


def verdicts(findings: pd.DataFrame, kind: str, quantity: str = "") -> list[str]:
    rows = findings[(findings["kind"] == kind) & findings["quantity"].str.contains(quantity)]
    return sorted(rows["verdict"])


@pytest.mark.parametrize(("printed", "value", "low", "high", "verdict"), [
    (Stated("=", 0.25, 2), 0.2549, 0.25, 0.26, "consistent"),
    (Stated("=", 0.25, 2), 0.2551, 0.2549, 0.26, "within rounding"),
    (Stated("=", 0.25, 2), 0.2448, 0.2447, 0.24498, "contradiction"),
    (Stated("<", 0.05, 2), 0.049, 0.04, 0.06, "consistent"),
    (Stated("<", 0.05, 2), 0.051, 0.0499, 0.06, "within rounding"),
    (Stated(">", 0.1, 1), 0.05, 0.04, 0.06, "contradiction"),
    (Stated("=", -3.0, 2), -3.004, -3.004, -3.004, "consistent")])
def test_a_printed_number_against_a_computed_one(printed: Stated, value: float, low: float, high: float,
                                                  verdict: str) -> None:
    assert judge(printed, value, low, high) == verdict


@pytest.mark.parametrize(("form", "one", "other", "verdict"), [
    ("number", "12", "12", "consistent"), ("number", "-3.00", "-3.0", "consistent"),
    ("number", "1.84", "1.8", "within rounding"),
    ("number", "1.84", "1.9", "contradiction"), ("number", "0.011", "> 0.1", "contradiction"),
    ("number", "0.2", "> 0.1", "consistent"), ("number", "12", "not stated", "omission"),
    ("word", "left", "right", "contradiction"),
    ("word", "trend", "not significant", "consistent"), ("set", "ACC; mOFC", "mOFC; ACC", "consistent"),
    ("set", "ACC; mOFC", "ACC", "omission"), ("set", "ACC; mOFC", "ACC; AI", "contradiction"),
    ("set", "insula; mOFC", "AI; mOFC", "consistent"), ("set", "ACC; others", "AI; ACC; mOFC", "consistent"),
    ("set", "AI; others", "mOFC", "omission")])
def test_one_quantity_at_two_places(form: str, one: str, other: str, verdict: str, results, statements) -> None:
    table = statements(("some2020", "thing", "n/a", "A", form, one), ("some2020", "thing", "n/a", "B", form, other))
    found = check(results({"kind": "roi_list"}), table)
    assert verdicts(found, "restated") == [verdict]


def test_two_values_at_five_places_are_one_finding_that_names_all(results, statements) -> None:
    rows = [("some2020", "year", "n/a", place, "word", "2012" if place == "C" else "2013") for place in "ABCDE"]
    found = check(results({"kind": "roi_list"}), statements(*rows))
    rows = found[found["quantity"] == "year"]
    assert rows[["place_1", "place_2", "verdict"]].to_numpy().tolist() == [["A; B; D; E", "C", "contradiction"]]


@pytest.mark.parametrize("value", ["about 12", "12-13", "", "p = .05"])
def test_a_number_that_is_none_is_refused_with_its_place(value: str, results, statements) -> None:
    table = statements(("some2020", "n_total", "n/a", "Table 1", "number", value or "..."))
    with pytest.raises(TableError, match="n_total, Table 1"):
        check(results({"kind": "roi_list"}), table)


@pytest.mark.parametrize(("total", "verdict"), [("20", "consistent"), ("21", "contradiction")])
def test_groups_add_up(total: str, verdict: str, results, statements) -> None:
    table = statements(("some2020", "n_total", "n/a", "T", "number", total),
                       ("some2020", "n_group", "a", "T", "number", "8"),
                       ("some2020", "n_group", "b", "T", "number", "12"))
    found = check(results({"kind": "roi_list"}), table)
    assert verdicts(found, "sum of groups") == [verdict]
    assert "8 + 12 = 20" in set(found["arithmetic"])


@pytest.mark.parametrize(("percent", "n", "verdict"), [
    ("38", "21", "consistent"), ("33", "12", "consistent"), ("87", "15", "consistent"), ("40", "12", "contradiction"),
    ("not stated", "12", "cannot be checked")])
def test_percentages_of_whole_people(percent: str, n: str, verdict: str, results, statements) -> None:
    table = statements(("some2020", "n_group", "a", "T", "number", n),
                       ("some2020", "percent_men", "a", "T", "number", percent))
    assert verdicts(check(results({"kind": "roi_list"}), table), "whole people") == [verdict]


@pytest.mark.parametrize(("row", "verdict"), [
    ({"statistic_kind": "t", "value": "2.10", "df2": 18, "p": "0.050"}, "consistent"),
    ({"statistic_kind": "t", "value": "2.1", "df2": 18, "p": "0.048"}, "within rounding"),
    ({"statistic_kind": "t", "value": "2.10", "df2": 18, "p": "0.04"}, "contradiction"),
    ({"statistic_kind": "t", "value": "2.10", "p": "0.05", "n_first": 10, "n_second": 10}, "cannot be checked"),
    ({"statistic_kind": "t", "value": "4.21", "p": "0.014", "n_first": 10, "n_second": 10}, "contradiction"),
    ({"statistic_kind": "F", "value": "6.16", "df1": 1, "df2": 19, "p": "< 0.05"}, "consistent"),
    ({"statistic_kind": "F", "value": "4.20", "df1": 1, "df2": 19, "p": "< 0.05"}, "contradiction"),
    ({"statistic_kind": "F", "value": "4.20", "df1": 2, "df2": 30, "p": "0.025"}, "consistent"),
    ({"statistic_kind": "r", "value": "0.46", "n_first": 12, "p": "0.13"}, "consistent"),
    ({"statistic_kind": "r", "value": "0.46", "n_first": 40, "p": "0.13"}, "contradiction"),
    ({"statistic_kind": "z", "value": "1.5", "p": "< 0.05"}, "contradiction"),
    ({"statistic_kind": "z", "value": "> 8.21", "p": "< 0.05"}, "consistent")])
def test_p_of_a_statistic(row: dict, verdict: str, results, statements) -> None:
    found = check(results(row), statements(("some2020", "year", "n/a", "A", "word", "2020")))
    assert verdicts(found, "p from statistic") == [verdict]


@pytest.mark.parametrize(("row", "kind", "verdict"), [
    ({"statistic_kind": "t", "value": "2.10", "df2": 18, "n_first": 10, "n_second": 10}, "df from n", "consistent"),
    ({"statistic_kind": "t", "value": "2.10", "df2": 17, "n_first": 10, "n_second": 10}, "df from n", "contradiction"),
    ({"statistic_kind": "t", "value": "2.10", "df2": 11, "n_first": 12}, "df from n", "consistent"),
    ({"statistic_kind": "r", "value": "0.9", "df2": 18, "n_first": 20}, "df from n", "consistent"),
    ({"statistic_kind": "F", "value": "6.16", "df2": 19, "effect_size": "0.24", "effect_size_kind": "eta2"},
     "η² from F",
     "consistent"),
    ({"statistic_kind": "F", "value": "6.16", "df2": 19, "effect_size": "0.25", "effect_size_kind": "eta2"},
     "η² from F",
     "contradiction"),
    ({"statistic_kind": "F", "value": "6.2", "df2": 19, "effect_size": "0.245", "effect_size_kind": "eta2"},
     "η² from F",
     "within rounding"),
    ({"statistic_kind": "t", "value": "1.85", "n_first": 40, "effect_size": "0.27",
      "effect_size_kind": "semipartial_r"},
     "r from t", "consistent"),
    ({"statistic_kind": "t", "value": "1.85", "n_first": 40, "effect_size": "0.40",
      "effect_size_kind": "semipartial_r"},
     "r from t", "contradiction"),
    ({"statistic_kind": "t", "value": "-2.1", "df2": 9, "direction": "decrease"}, "sign", "consistent"),
    ({"statistic_kind": "t", "value": "2.1", "df2": 9, "direction": "decrease"}, "sign", "contradiction"),
    ({"statistic_kind": "r", "value": "-0.3", "df2": 9, "direction": "positive"}, "sign", "contradiction"),
    ({"p": "0.07"}, "words and p", "contradiction"), ({"p": "< 0.06"}, "words and p", "contradiction"),
    ({"p": "< 0.05"}, "words and p", "consistent"),
    ({"p": "> 0.1", "claim": "not significant"}, "words and p", "consistent"),
    ({"p": "0.011", "claim": "trend"}, "words and p", "contradiction")])
def test_what_follows_from_a_statistic(row: dict, kind: str, verdict: str, results, statements) -> None:
    found = check(results(row), statements(("some2020", "year", "n/a", "A", "word", "2020")))
    assert verdicts(found, kind) == [verdict]


def test_a_statistic_that_stands_twice(results, statements) -> None:
    common = {"statistic_kind": "z", "value": "4.26", "p": "< 0.05", "cluster_size": 1605}
    found = check(results({**common, "region": "pACC"}, {**common, "region": "mOFC"}, {**common, "value": "4.30"}),
                  statements(("some2020", "year", "n/a", "A", "word", "2020")))
    assert verdicts(found, "repeated statistic") == ["contradiction"]


def test_regions_of_lists_and_of_places(results, statements) -> None:
    found = check(results({"kind": "roi_list", "region": "insula"}, {"kind": "roi_list", "region": "PCC"},
                          {"region": "AI", "place": "Insula; Table 1, row 1"},
                          {"region": "STS", "place": "Table 1, row 1; Table 2, row 1"}),
                  statements(("some2020", "year", "n/a", "A", "word", "2020")))
    rows = found[found["kind"] == "regions named and found"].set_index("quantity")["finding"]
    assert rows["results outside the list"].startswith("STS:")
    assert rows["list without results"].startswith("PCC:")
    places = found[found["kind"] == "results at each place"].set_index(["place_1", "place_2"])["finding"]
    assert places["text", "Table 1"] == "STS: only in Table 1"
    assert places["Table 1", "Table 2"] == "AI: only in Table 1"


@pytest.mark.parametrize(("rows", "kind", "quantity", "verdict"), [
    ([("F", "x", "A", "21.16"), ("t", "x", "A", "4.6")], "F from t", "F", ["consistent"]),
    ([("F", "x", "A", "21.5"), ("t", "x", "A", "4.6")], "F from t", "F", ["within rounding"]),
    ([("F", "x", "A", "18.5"), ("t", "x", "A", "4.6")], "F from t", "F", ["contradiction"]),
    ([("minutes_per_practice", "n/a", "A", "20"), ("practices", "n/a", "A", "3"), ("hours_per_day", "n/a", "A", "1")],
     "product", "hours", ["consistent"]),
    ([("minutes_per_practice", "n/a", "A", "20"), ("practices", "n/a", "A", "2"), ("hours_per_day", "n/a", "A", "1")],
     "product", "hours", ["contradiction"]),
    ([("ratio_redistributed", "a / b", "A", "1.8"), ("percent_redistributed", "a", "A", "57"),
      ("percent_redistributed", "b", "A", "31")], "ratio", "ratio", ["consistent"]),
    ([("ratio_redistributed", "a / b", "A", "1.80"), ("percent_redistributed", "a", "A", "57"),
      ("percent_redistributed", "b", "A", "31")], "ratio", "ratio", ["within rounding"]),
    ([("training_weeks_part", "x", "A", "3"), ("training_weeks_part", "y", "A", "2"),
      ("training_weeks", "n/a", "B", "5")], "sum of parts", "weeks", ["consistent"])])
def test_calculations_of_a_study(rows: list, kind: str, quantity: str, verdict: list[str], results, statements) -> None:
    table = statements(*[("some2020", name, concerns, place, "number", value) for name, concerns, place, value in rows])
    assert verdicts(check(results({"kind": "roi_list"}), table), kind, quantity) == verdict


@pytest.mark.parametrize(("rows", "kind", "verdict"), [
    ([("date", "1 received", "A", "word", "2024-07-01"), ("date", "2 revised", "A", "word", "2024-06-30")], "order",
     ["contradiction"]),
    ([("records", "n/a", "Methods, identified", "number", "101"),
      ("records", "n/a", "Methods, full text", "number", "26")], "order", ["consistent"]),
    ([("records", "n/a", "Methods, identified", "number", "20"),
      ("records", "n/a", "Methods, full text", "number", "26")], "order", ["contradiction"]),
    ([("databases_count", "n/a", "A", "number", "3"), ("databases", "n/a", "B", "set", "PubMed; Medline")], "count",
     ["contradiction"]),
    ([("studies_small_sample", "n/a", "A", "word", "6 of 7"), ("studies_small_sample", "n/a", "B", "word", "most")],
     "restated", ["consistent"]),
    ([("studies_small_sample", "n/a", "A", "word", "3 of 7"), ("studies_small_sample", "n/a", "B", "word", "most")],
     "restated", ["contradiction"])])
def test_calculations_of_the_review(rows: list, kind: str, verdict: list[str], results, statements) -> None:
    found = check(results({"kind": "roi_list"}), statements(*[("review", *row) for row in rows]))
    assert verdicts(found, kind) == verdict


def test_semipartial_correlations_of_one_model(results, statements) -> None:
    common = {"statistic_kind": "t", "n_first": 40, "effect_size_kind": "semipartial_r"}
    year = statements(("some2020", "year", "n/a", "A", "word", "2020"))
    pairs = {"-0.41": "within rounding", "-0.30": "contradiction"}
    for other, verdict in pairs.items():
        found = check(results({**common, "value": "1.85", "effect_size": "0.27"},
                              {**common, "value": "-2.87", "effect_size": other, "direction": "decrease"}), year)
        rows = found[(found["kind"] == "r from t") & (found["place_2"] != "computed")]
        assert list(rows["verdict"]) == [verdict]


EXPECTED = [
    ("review", "sum of N", "participants_total", "275"), ("review", "sum of groups", "participants_total", "305"),
    ("review", "count", "studies_single_sex", "3"), ("review", "restated", "training_standard_weeks", "6 to 8"),
    ("review", "restated", "kind_of_change", "structural"), ("review", "restated", "exclusion_criteria", "multiple"),
    ("review", "restated", "diagnoses_allowed", "anxiety"),
    ("review", "restated", "amygdala_to_negative_stimuli", "decrease"),
    ("review", "restated", "abbreviation_of", "IFC"), ("review", "restated", "abbreviation_of", "PCP"),
    ("review", "restated", "meaning_of", "people in distress"), ("review", "restated", "meaning_of", "mediation"),
    ("klimecki2013", "sum of groups", "n_total", "104"), ("klimecki2013", "restated", "direction", "high above low"),
    ("klimecki2013", "restated", "year", "2012"), ("klimecki2013", "restated", "data_of_group", "not analysed"),
    ("klimecki2013", "restated", "groups_compared", "empathy training"), ("klimecki2013", "restated", "experts", "one"),
    ("klimecki2013", "restated", "paper_that_found", "2014"),
    ("klimecki2013", "restated", "regions_named_beforehand", "MI"),
    ("klimecki2014", "sum of groups", "n_total", "53"),
    ("klimecki2014", "repeated statistic", "z", "4.26, cluster 1605"),
    ("leung2018", "sum of parts", "training_weeks", "5"),
    ("leung2018", "longest training", "training_weeks", "6 weeks"),
    ("leung2018", "p from statistic", "p", "t = 4.21, p = 0.014"), ("leung2018", "sign", "direction", "4.21"),
    ("desbordes2012", "restated", "t", "-3.06"), ("desbordes2012", "restated", "images", "all"),
    ("desbordes2012", "restated", "p", "> 0.1"), ("desbordes2012", "sign as stated", "direction", "increase"),
    ("desbordes2012", "words and p", "claim", "p = 0.011"), ("desbordes2012", "words and p", "claim", "p = 0.13"),
    ("desbordes2012", "repeated statistic", "r", "0.46"), ("desbordes2012", "restated", "claim", "significant"),
    ("desbordes2012", "restated", "kind_of_training", "compassion"),
    ("desbordes2012", "longest training", "training_weeks", "8"),
    ("desbordes2012", "exclusion rule", "practices", "2 practices"),
    ("lutz2008", "exclusion rule", "practices", "3 practices"),
    ("weng2013", "restated", "percent_redistributed", "57"), ("weng2013", "ratio", "ratio_redistributed", "51 and 31"),
    ("weng2013", "restated", "kind_of_result", "prediction"), ("weng2013", "words and p", "claim", "p = 0.07"),
    ("mascaro2013", "η² from F", "eta2", "0.2448"), ("mascaro2013", "words and p", "claim", "p < 0.06"),
    ("mascaro2013", "longest training", "training_weeks", "8"), ("lutz2008", "F from t", "F", "18.5"),
    ("lutz2008", "restated", "week_of_practice", "continued as normal"),
    ("lutz2008", "repeated statistic", "F", "28.06"),
    ("lutz2008", "restated", "topic_of_paper", "attention"),
]


@pytest.mark.parametrize(("study", "kind", "quantity", "inside"), EXPECTED)
def test_the_contradictions_that_a_reader_sees_are_found(review: pd.DataFrame, study: str, kind: str, quantity: str,
                                                        inside: str) -> None:
    rows = review[(review["study"] == study) & (review["kind"] == kind) & (review["quantity"] == quantity)
                  & (review["verdict"] == "contradiction")]
    assert (rows["stated_1"].str.contains(inside, regex=False) | rows["stated_2"].str.contains(inside,
                                                                                               regex=False)).any()


def test_what_holds_is_reported_too(review: pd.DataFrame) -> None:
    for study in ("leung2018", "desbordes2012", "weng2013", "mascaro2013", "lutz2008"):
        rows = review[(review["study"] == study) & (review["kind"] == "sum of groups")]
        assert list(rows["verdict"]) == ["consistent"]
    assert set(review[review["kind"] == "whole people"]["verdict"]) == {"consistent", "cannot be checked"}
    ratio = review[review["kind"] == "ratio"].set_index("stated_2")["verdict"]
    assert dict(ratio) == {"57 and 31 %": "consistent", "51 and 31 %": "contradiction"}
    assert (review[review["kind"] == "df from n"]["verdict"] == "consistent").all()


def test_omissions(review: pd.DataFrame) -> None:
    found = review[review["verdict"] == "omission"]
    for study, words in (("mascaro2013", "STS: only in the text"),
                         ("leung2018", "VTA: a result, but not named beforehand"),
                         ("review", "the first lacks ACC"), ("lutz2008", "ACC: a result, but not named beforehand"),
                         ("lutz2008", "PCC, amygdala, mPFC, pSTS: named beforehand, but without a result"),
                         ("klimecki2014", "striatum: only in Table 1"), ("review", "time from training to scan")):
        assert found[found["study"] == study]["finding"].str.contains(words, regex=False).any(), words
