"""Planted interactions: what reaches which ROI, when and how much."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.simulator.bold import Train
from deltaroi.simulator.coupling import Pair, check_coupled, coupled_rois, courses, lasting, make_coupled, pairs_of
from deltaroi.simulator.scheme import invent
from deltaroi.types import RoiKey

SEED, TARGET = RoiKey("dlPFC", "R", "hcpex"), RoiKey("NAcc", "R", "hcpex")
TIMES = np.arange(0.5, 400.0, 1.0)
TRAIN = Train("a", tuple(np.arange(20.0, 380.0, 40.0)), (20.0,) * 9)
STUDY = """
schema_version: 1
name: small
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}
groups: {column: arm, levels: [a, b], assignment: randomised}
contrasts: {c: negative - neutral}
simulation:
  subjects: {a: 2, b: 1}
  baseline_coupling: 0.25
  seed_fluctuation_percent: 0.7
  coupled:
  - {seed: dlPFC, target: NAcc, condition: negative, strength: 0.5}
  - {seed: dlPFC, target: NAcc, condition: negative, strength: 0.2, group: a, session: post, hemispheres: [L]}
  - {seed: dlPFC, target: VTA, hemispheres: [R], condition: neutral, strength: -0.3}
"""


def made(strength: float = 0.0, baseline: float = 0.0, fluctuation: float = 1.0, name: str = "run",
         train: Train = TRAIN) -> dict[RoiKey, np.ndarray]:
    pair = Pair(SEED, TARGET, baseline, {"a": strength})
    return dict(courses([pair], {"a": train}, TIMES, fluctuation, 3, name))


def planted(text: str = STUDY) -> tuple[Study, pd.DataFrame]:
    study = parse_study(text)
    assert study.simulation is not None
    scheme = invent(study, study.simulation, None)
    check_coupled(study, study.simulation, scheme)
    return study, make_coupled(study.simulation, scheme)


def test_the_seed_fluctuates_as_asked_and_the_target_follows_the_baseline() -> None:
    found = made(baseline=0.4, fluctuation=0.7)
    assert found[SEED].std() == pytest.approx(0.7)
    np.testing.assert_allclose(found[TARGET], 0.4 * found[SEED], atol=1e-12)


def test_the_interaction_is_the_activity_while_the_condition_lasts_before_the_response() -> None:
    seed = made()[SEED]
    late = Train("a", (200.0,), (300.0,))
    added = made(strength=0.8, baseline=0.4, train=late)[TARGET] - 0.4 * seed
    np.testing.assert_allclose(added[TIMES < 200], 0.0, atol=1e-9)
    np.testing.assert_allclose(added[TIMES > 240], 0.8 * seed[TIMES > 240], atol=1e-9)
    assert np.abs(added[(TIMES > 203) & (TIMES < 208)]).max() > 0.01
    whole = made(strength=0.8, baseline=0.4, train=Train("a", (-100.0,), (900.0,)))[TARGET]
    np.testing.assert_allclose(whole, 1.2 * seed, atol=1e-9)


def test_a_condition_lasts_from_its_onset_to_its_end() -> None:
    fine = np.arange(-20, 80) / 10
    train = Train("a", (1.0, 4.0, 6.0), (2.0, 0.0, 9.0))
    expected = ((fine > 0.95) & (fine < 2.95)) | ((fine > 3.95) & (fine < 4.05)) | (fine > 5.95)
    np.testing.assert_array_equal(lasting(train, fine), expected.astype(float))


def test_events_add_up() -> None:
    parts = [made(strength=1.0, train=Train("a", (onset,), (20.0,)))[TARGET] for onset in TRAIN.onsets]
    np.testing.assert_allclose(made(strength=1.0)[TARGET], np.sum(parts, axis=0), atol=1e-9)


def test_runs_and_seeds_have_fluctuations_of_their_own_by_name() -> None:
    one, again, other = made()[SEED], made(strength=1.0)[SEED], made(name="another")[SEED]
    np.testing.assert_array_equal(one, again)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.4
    two = [Pair(SEED, TARGET, 0.4, {}), Pair(SEED, RoiKey("VTA", "R", "hcpex"), 0.4, {})]
    shared = courses(two, {}, TIMES, 1.0, 3, "run")
    assert [roi.region for roi, _ in shared] == ["dlPFC", "NAcc", "VTA"]
    np.testing.assert_array_equal(shared[1][1], shared[2][1])


@pytest.mark.parametrize(("group", "session", "side", "target", "condition", "strength"), [
    ("a", "pre", "L", "NAcc", "negative", 0.5), ("a", "post", "L", "NAcc", "negative", 0.7),
    ("a", "post", "R", "NAcc", "negative", 0.5), ("b", "post", "L", "NAcc", "negative", 0.5),
    ("b", "pre", "R", "VTA", "neutral", -0.3),
])
def test_matching_entries_add_up(group: str, session: str, side: str, target: str, condition: str,
                                 strength: float) -> None:
    rows = planted()[1].query("group == @group and session == @session and hemisphere == @side and "
                              "target_region == @target and condition == @condition")
    assert len(rows) == {"a": 2, "b": 1}[group]
    assert rows["strength"].to_numpy() == pytest.approx(strength)
    assert set(rows["baseline"]) == {0.25}
    assert set(rows["fluctuation_percent"]) == {0.7}


def test_pairs_are_those_of_the_table_and_their_rois_are_drawn() -> None:
    study, table = planted()
    pairs = pairs_of(table)["1001", "post"]
    assert {(pair.seed.hemisphere, pair.target.region): dict(pair.strengths) for pair in pairs} == {
        ("L", "NAcc"): {"negative": 0.7}, ("R", "NAcc"): {"negative": 0.5}, ("R", "VTA"): {"neutral": -0.3}}
    assert study.simulation is not None
    assert {roi.region for roi in coupled_rois(study.simulation)} == {"dlPFC", "NAcc", "VTA"}
    assert study.simulation.carrying == ("negative", "neutral")


@pytest.mark.parametrize(("old", "new", "where"), [
    ("condition: neutral", "condition: nothing", "simulation.coupled.2.condition"),
    ("group: a", "group: c", "simulation.coupled.1.group"),
    ("session: post", "session: late", "simulation.coupled.1.session"),
    ("target: VTA", "target: dlPFC", "simulation.coupled.2.target"),
    ("target: VTA", "target: mine", "simulation.coupled.2.target"),
])
def test_what_nothing_could_carry_is_refused(old: str, new: str, where: str) -> None:
    text = STUDY.replace("simulation:", "regions: {custom: {mine: {sphere: {R: [10, 0, 0]}}}}\nsimulation:")
    with pytest.raises(StudyError) as error:
        planted(text.replace(old, new))
    assert error.value.where == where
