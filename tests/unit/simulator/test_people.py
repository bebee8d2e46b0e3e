"""Simulated people are as the design states them, and their scores as the section says."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.simulator.scheme import Scheme, invent
from deltaroi.simulator.truth import check_planted, make_truth

STUDY = """
schema_version: 1
name: small
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}
groups: {column: arm, levels: [a, b], assignment: randomised}
contrasts: {c: negative - neutral}
design:
  citation: nobody
  year: 2000
  groups:
    a: {n: 13, male_percent: 33, age_mean: 31, age_sd: 6}
    b: {n: 8, male_percent: 87, age_mean: 21.9, age_sd: 6.72}
    c: {n: 4}
simulation:
  scores:
    hours: {mean: 20, sd: 5, groups: [a]}
    before: {mean: {a: 26, b: 24}, sd: 3}
    after: {mean: {a: 28, b: 24}, sd: 2, follows: before, correlation: 0.6}
  noise: {subject_sd_percent: 0.2, session_sd_percent: 0.3}
  planted:
  - {region: amygdala, condition: negative, percent: 0.4, per_sd_of: hours, group: a, session: post, hemispheres: [L]}
"""


def scheme(text: str = STUDY) -> Scheme:
    study = parse_study(text)
    assert study.simulation is not None
    made = invent(study, study.simulation, None)
    check_planted(study, study.simulation, made)
    return made


def people(text: str = STUDY) -> pd.DataFrame:
    return pd.read_csv(io.BytesIO(scheme(text).files["participants.tsv"]), sep="\t", na_values="n/a")


def test_numbers_and_sexes_are_those_of_the_design() -> None:
    table = people()
    assert table.groupby("arm").size().to_dict() == {"a": 13, "b": 8}
    men = table[table["sex"] == "M"].groupby("arm").size()
    assert men.to_dict() == {"a": 4, "b": 7}  # 33 % of 13 is 4.29, 87 % of 8 is 6.96


def test_ages_have_the_mean_and_sd_of_the_design_and_nobody_is_a_child() -> None:
    table = people(STUDY.replace("n: 13", "n: 500").replace("n: 8", "n: 500"))
    for group, mean, sd in (("a", 31, 6), ("b", 21.9, 6.72)):
        ages = table.loc[table["arm"] == group, "age"]
        assert ages.mean() == pytest.approx(mean, abs=1.0)
        assert ages.std() == pytest.approx(sd, rel=0.15)
        assert ages.min() >= 18
        assert ages.max() <= 80


def test_scores_have_their_means_sds_and_correlation() -> None:
    table = people(STUDY.replace("n: 13", "n: 500").replace("n: 8", "n: 500"))
    a, b = table[table["arm"] == "a"], table[table["arm"] == "b"]
    assert b["hours"].isna().all()
    assert a["hours"].mean() == pytest.approx(20, abs=0.8)
    assert a["hours"].std() == pytest.approx(5, rel=0.08)
    assert a["after"].mean() - b["after"].mean() == pytest.approx(4, abs=0.6)
    assert a["after"].std() == pytest.approx(2, rel=0.08)
    assert np.corrcoef(a["before"], a["after"])[0, 1] == pytest.approx(0.6, abs=0.09)
    assert abs(np.corrcoef(a["before"], a["hours"])[0, 1]) < 0.13


def test_a_planted_correlation_is_in_the_truth_of_every_person() -> None:
    study = parse_study(STUDY)
    silent = parse_study(STUDY.replace("percent: 0.4", "percent: 0"))
    assert study.simulation is not None
    assert silent.simulation is not None
    table = people().set_index("participant_id")
    added = make_truth(study.simulation, scheme())
    added["percent"] -= make_truth(silent.simulation, scheme())["percent"]
    for row in added.itertuples():
        hours = table.loc[f"sub-{row.subject}", "hours"]
        expected = 0.4 * (hours - 20) / 5 if row.group == "a" and row.session == "post" else 0.0
        assert row.percent == pytest.approx(expected, abs=1e-12)
    assert added["percent"].abs().max() > 0.1


def test_the_same_seed_makes_the_same_people() -> None:
    assert scheme().files["participants.tsv"] == scheme().files["participants.tsv"]
    other = scheme(STUDY.replace("simulation:\n", "simulation:\n  seed: 2\n"))
    assert other.files["participants.tsv"] != scheme().files["participants.tsv"]


@pytest.mark.parametrize(("old", "new", "message"), [
    ("groups: [a]}", "groups: [z]}", "the group 'z' does not exist"),
    ("mean: {a: 26, b: 24}", "mean: {a: 26}", "mean lacks the group 'b'"),
    ("hours: {mean", "age: {mean", "a column of this name already"),
])
def test_scores_that_cannot_be_are_refused(old: str, new: str, message: str) -> None:
    assert old in STUDY
    text = STUDY.replace(old, new).replace("per_sd_of: hours", "per_sd_of: age" if "age: {mean" in new else
                                           "per_sd_of: hours")
    with pytest.raises(StudyError, match=message):
        scheme(text)


@pytest.mark.parametrize(("old", "new", "message"), [
    ("follows: before", "follows: later", "expected a score listed before it: hours, before"),
    ("follows: before, correlation: 0.6", "follows: before", "go together"),
    ("per_sd_of: hours", "per_sd_of: minutes", "expected one of simulation.scores: hours, before, after"),
])
def test_scores_that_cannot_be_read(old: str, new: str, message: str) -> None:
    assert old in STUDY
    with pytest.raises(StudyError, match=message):
        parse_study(STUDY.replace(old, new))


def without_dataset() -> Study:
    lines = STUDY.replace("session: post, ", "").splitlines()
    return parse_study("\n".join(line for line in lines if not line.startswith("dataset:")))


def test_with_a_design_the_dataset_may_be_absent() -> None:
    study = without_dataset()
    assert study.dataset.bids_dir is None
    assert study.dataset.sessions == []
    assert study.simulation is not None
    assert {run.key.session for run in invent(study, study.simulation, None).runs} == {"n/a"}


def test_without_a_design_the_dataset_is_required() -> None:
    text = STUDY[:STUDY.index("design:")]
    with pytest.raises(StudyError, match=r"dataset\.bids_dir: this key is required and missing"):
        parse_study(text.replace("bids_dir: bids, ", ""))
    with pytest.raises(StudyError, match="dataset: this key is required and missing"):
        parse_study("\n".join(line for line in text.splitlines() if not line.startswith("dataset:")))
