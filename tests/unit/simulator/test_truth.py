"""The truth is what was planted plus the random effects, by name."""

from __future__ import annotations

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
groups: {column: arm, levels: [a, b], assignment: randomised, covariates: [age, hours]}
contrasts: {c: negative - neutral}
simulation:
  subjects: {a: 3, b: 2}
  noise: {subject_sd_percent: SUBJECT, session_sd_percent: SESSION}
  planted:
  - {region: amygdala, condition: negative, percent: 0.5}
  - {region: amygdala, condition: negative, percent: 0.3, group: a, session: post, hemispheres: [L]}
  - {region: amygdala, condition: neutral, percent: 0.2, session: pre}
"""


def small(subject: float = 0.0, session: float = 0.0, text: str = STUDY) -> Study:
    return parse_study(text.replace("SUBJECT", str(subject)).replace("SESSION", str(session)))


def scheme(study: Study) -> Scheme:
    assert study.simulation is not None
    made = invent(study, study.simulation, None)
    check_planted(study, study.simulation, made)
    return made


def truth(study: Study) -> pd.DataFrame:
    assert study.simulation is not None
    return make_truth(study.simulation, scheme(study))


@pytest.mark.parametrize(("group", "session", "hemisphere", "condition", "percent"), [
    ("a", "pre", "L", "negative", 0.5), ("a", "post", "L", "negative", 0.8), ("a", "post", "R", "negative", 0.5),
    ("b", "post", "L", "negative", 0.5), ("a", "pre", "L", "neutral", 0.2), ("a", "post", "L", "neutral", 0.0),
])
def test_matching_entries_add_up(group: str, session: str, hemisphere: str, condition: str, percent: float) -> None:
    rows = truth(small()).query("group == @group and session == @session and hemisphere == @hemisphere "
                                "and condition == @condition")
    assert len(rows) == {"a": 3, "b": 2}[group]
    assert rows["percent"].to_numpy() == pytest.approx(percent, abs=1e-12)


def test_random_effects_have_their_sds() -> None:
    text = STUDY.replace("{a: 3, b: 2}", "{a: 300, b: 300}").replace("hemispheres: [L]", "hemispheres: [L, R]")
    frame = truth(small(0.2, 0.1, text))
    frame["random"] = frame["percent"] - truth(small(0.0, 0.0, text))["percent"]
    wide = frame.pivot_table(index="subject", columns=["session", "hemisphere", "condition"], values="random")
    change = wide["post"] - wide["pre"]
    assert np.sqrt((change**2).to_numpy().mean()) == pytest.approx(0.1 * np.sqrt(2), rel=0.05)
    assert np.sqrt((wide["pre"] ** 2).to_numpy().mean()) == pytest.approx(np.hypot(0.2, 0.1), rel=0.05)
    correlation = np.corrcoef(wide["pre"].to_numpy().T)
    assert np.abs(correlation[np.triu_indices(4, 1)]).max() < 0.15


def test_another_subject_or_region_changes_nothing_else() -> None:
    before = truth(small(0.2, 0.1))
    after = truth(small(0.2, 0.1, STUDY.replace("{a: 3, b: 2}", "{a: 4, b: 2}")
                        + "  - {region: VTA, condition: neutral, percent: 1.0}\n"))
    assert len(after) == len(before) / 20 * 36
    kept = after.merge(before, on=[c for c in before.columns if c != "percent"], suffixes=("", "_before"))
    assert len(kept) == len(before)
    assert (kept["percent"] == kept["percent_before"]).all()


@pytest.mark.parametrize(("old", "new", "message"), [
    ("condition: neutral", "condition: netural", "condition 'netural' does not exist"),
    ("group: a", "group: c", "group 'c' does not exist"),
    ("session: pre}", "session: mid}", "session 'mid' does not exist"),
    ("levels: [a, b]", "levels: [a, z]", "group 'z' has no simulated subjects"),
    ("column: arm", "column: age", "cannot stand in the column 'age'"),
    ("{a: 3, b: 2}", '{a: 3, b: 2, "c\\td": 1}', "cannot stand in a table"),
    ("{a: 3, b: 2}", "{a: 3, b: 2}\n  volumes: 20", "20 volumes of 2 s end before the last event can begin"),
])
def test_what_cannot_be_planted_is_refused(old: str, new: str, message: str) -> None:
    assert old in STUDY
    with pytest.raises(StudyError, match=message):
        scheme(small(text=STUDY.replace(old, new)))


def test_participants_have_what_the_study_needs() -> None:
    made = scheme(small())
    lines = made.files["participants.tsv"].decode().splitlines()
    assert lines[0].split("\t") == ["participant_id", "arm", "age", "sex", "hours"]
    assert [line.split("\t")[:2] for line in lines[1:]] == [
        ["sub-1001", "a"], ["sub-1002", "a"], ["sub-1003", "a"], ["sub-2001", "b"], ["sub-2002", "b"]]
    assert {run.flipped for run in made.runs if run.key.subject == "1002"} == {True}
    assert {run.flipped for run in made.runs if run.key.subject in ("1001", "1003")} == {False}
