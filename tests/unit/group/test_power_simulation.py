"""Simulated studies: what they are made of, and that they are tested as the group stage tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import DataError, StudyError, UsageError
from deltaroi.group import CompareOptions, GroupDesign, analyse
from deltaroi.group.pilot import read_pilot
from deltaroi.group.power import Assumed, check, count, primary_question, simulate, with_effect
from deltaroi.specs import GroupStats

TWO, SESSIONS = ("A", "B"), ("pre", "post")


def assumed(levels: tuple[str, ...] = TWO, sessions: tuple[str, ...] = SESSIONS, covariates: int = 0,
            spec: GroupStats | None = None, **more: object) -> Assumed:
    stats = spec or GroupStats(permutations=99)
    question = primary_question(sessions if sessions != ("n/a",) else (), levels if levels != ("all",) else None,
                                "randomised", stats, covariates)
    fields = {"sd": ((1.0,) * len(sessions),) * len(levels), "correlation": 0.5, "roi_correlation": 0.3, "rois": 3,
              "affected": 1, "alpha": 0.05, "criteria": ("uncorrected", "holm", "max_t"), "seed": 4, **more}
    return Assumed(levels=levels, sessions=sessions, question=question, covariates=covariates, stats=stats, **fields)


def as_responses(study: Assumed, n: tuple[int, ...], draw: int, effect: float) -> tuple[pd.DataFrame, GroupDesign]:
    """A simulated study as the table and design that the group stage takes."""
    block, sample = simulate(study, n, draw)
    values = with_effect(study, block, sample, effect).values
    rows = [("main", subject, session, "n/a", f"roi{r + 1}", "B", "simulated", "c", "mean",
             study.levels[sample.group[i]], values[r, i, s], "u")
            for r in range(study.rois) for i, subject in enumerate(sample.subjects)
            for s, session in enumerate(study.sessions)]
    names = ["specification", "subject", "session", "task", "region", "hemisphere", "definition", "contrast",
             "summary", "group", "value", "unit"]
    people = pd.DataFrame(sample.covariates, index=list(sample.subjects), columns=list(sample.columns))
    levels = None if study.levels == ("all",) else study.levels
    return pd.DataFrame(rows, columns=names), GroupDesign(
        study.sessions if study.sessions != ("n/a",) else (), levels, "randomised" if levels else None,
        people if len(sample.columns) else None)


def test_the_effect_of_a_primary_phase_begins_after_its_first_session() -> None:
    spec = GroupStats(permutations=0, phases={"late": ["b", "c"]}, primary_phase="late")
    study = assumed(sessions=("a", "b", "c"), spec=spec)
    assert (study.question.model, study.question.comparison) == ("change", "A-B|c-b")
    block, sample = simulate(study, (4, 5), 0)
    added = with_effect(study, block, sample, 2.0).values - block.values
    assert added[0, sample.group == 0] == pytest.approx(np.tile([0.0, 0.0, 2.0], (4, 1)))
    assert not added[:, sample.group == 1].any()


@pytest.mark.parametrize(("levels", "sessions", "covariates", "primary"), [
    (TWO, SESSIONS, 0, "auto"), (TWO, SESSIONS, 2, "auto"), (TWO, SESSIONS, 0, "change"),
    (("all",), SESSIONS, 0, "auto"), (("A", "B", "C"), SESSIONS, 0, "auto"), (TWO, ("n/a",), 0, "auto"),
    (("all",), ("n/a",), 0, "auto"),
    (TWO, ("a", "b", "c"), 0, "auto")])
def test_every_simulated_study_is_tested_as_a_real_one(levels: tuple[str, ...], sessions: tuple[str, ...],
                                                       covariates: int, primary: str) -> None:
    spec = GroupStats(permutations=0, primary=primary)
    study = assumed(levels, sessions, covariates, spec, criteria=("uncorrected", "holm"))
    n, draws = (12, 9, 10)[:len(levels)], 4
    for effect in (0.0, 1.2):
        found = np.zeros(2)
        covered = 0.0
        for draw in range(draws):
            effects = analyse(*as_responses(study, n, draw, effect), spec).effects
            row = effects[effects["primary"] & (effects["region"] == "roi1")].iloc[0]
            found += [row["p"] <= 0.05, row["p_holm"] <= 0.05]
            covered += row["ci_low"] <= effect <= row["ci_high"] if row["statistic_kind"] == "t" else np.nan
        counts = count(study, n, (effect,), range(draws))
        np.testing.assert_array_equal(counts.found[0], found)
        np.testing.assert_array_equal(counts.covered, [covered])


def test_sds_and_correlations_are_those_that_were_assumed() -> None:
    study = assumed(sd=((1.0, 2.0), (3.0, 0.5)), correlation=0.6, roi_correlation=0.25)
    block, sample = simulate(study, (6000, 6000), 0)
    for group in (0, 1):
        values = block.values[:, sample.group == group]
        np.testing.assert_allclose(values.std(axis=1), [study.sd[group]] * 3, rtol=0.05)
        assert np.corrcoef(values[0, :, 0], values[0, :, 1])[0, 1] == pytest.approx(0.6, abs=0.04)
        assert np.corrcoef(values[0, :, 0], values[1, :, 0])[0, 1] == pytest.approx(0.25, abs=0.05)


def test_draws_are_the_same_however_they_are_dealt_out() -> None:
    study = assumed()
    whole = count(study, (8, 8), (0.0, 1.0), range(6))
    parts = [count(study, (8, 8), (0.0, 1.0), draws) for draws in (range(2), range(2, 6))]
    np.testing.assert_array_equal(whole.found, sum(part.found for part in parts))
    np.testing.assert_array_equal(whole.found[1], count(study, (8, 8), (1.0,), range(6)).found[0])


def test_the_effect_is_in_the_affected_rois_of_the_first_group_alone() -> None:
    study = assumed(affected=2)
    block, sample = simulate(study, (3, 2), 0)
    difference = with_effect(study, block, sample, 5.0).values - block.values
    expected = np.zeros((3, 5, 2))
    expected[:2, :3, 1] = 5.0
    np.testing.assert_allclose(difference, expected)


def test_max_t_controls_the_family_and_is_not_stricter_than_holm_by_much() -> None:
    study = assumed(rois=5, roi_correlation=0.9, spec=GroupStats(permutations=199, variance="classical"))
    plain, holm, max_t = count(study, (20, 20), (0.8,), range(60)).found[0]
    assert plain > max_t >= holm


@pytest.mark.parametrize(("study", "n", "says"), [
    (assumed(covariates=3), (2, 2), "power.n: 2/2 subjects cannot be tested"),
    (assumed(sessions=("a", "b", "c"), correlation=-0.6, sd=((1.0,) * 3,) * 2), (9, 9), "power.correlation"),
    (assumed(TWO, ("a", "b", "c"), 1), (9, 9), "power.criteria: max-T is not computed")])
def test_what_cannot_be_simulated_is_refused(study: Assumed, n: tuple[int, ...], says: str) -> None:
    with pytest.raises(StudyError) as caught:
        check(study, n)
    assert str(caught.value).startswith(says)


@pytest.fixture
def pilot(tmp_path: Path) -> Path:
    """400 subjects per group, so that what was put in comes out."""
    study = assumed(sd=((1.0, 2.0), (3.0, 0.5)), correlation=0.6, roi_correlation=0.25)
    table, _ = as_responses(study, (400, 400), 1, 0.7)
    path = tmp_path / "responses.tsv"
    table.to_csv(path, sep="\t", index=False)
    return path


def test_a_pilot_gives_back_what_it_was_made_of(pilot: Path) -> None:
    found = read_pilot(pilot, CompareOptions(SESSIONS, TWO), None)
    for row, expected in zip(found.sd, ((1.0, 2.0), (3.0, 0.5)), strict=True):
        for one, sd in zip(row, expected, strict=True):
            assert one.low < sd < one.high
            assert one.high / one.low < 1.2
    assert found.correlation.low < 0.6 < found.correlation.high
    assert found.roi_correlation.low < 0.25 < found.roi_correlation.high
    assert (found.n, found.rois, found.unit, found.contrast) == ((400, 400), 3, "u", "c")


def test_a_pilot_without_groups_stands_for_every_group(pilot: Path) -> None:
    table = pd.read_csv(pilot, sep="\t", dtype=str, keep_default_na=False)
    table[table["group"] == "A"].drop(columns="group").to_csv(pilot, sep="\t", index=False)
    found = read_pilot(pilot, CompareOptions(SESSIONS, TWO), None)
    assert found.sd[0] == found.sd[1]
    assert found.n == (400,)
    assert "no groups" in found.notes[0]


@pytest.mark.parametrize(("change", "error", "says"), [
    (lambda t: t.assign(group="patients"), UsageError, "has the groups patients, the study A, B"),
    (lambda t: pd.concat([t, t.assign(contrast="d")]), UsageError, "has the contrasts c, d"),
    (lambda t: t[t["subject"].isin(["00000", "00001", "00400", "00401"])], DataError, "fewer than three"),
    (lambda t: t.assign(value="1.0"), DataError, "do not vary"),
    (lambda t: t[t["session"] == "pre"], UsageError, "no session post")])
def test_a_pilot_that_does_not_fit(pilot: Path, change, error: type[Exception], says: str) -> None:
    table = pd.read_csv(pilot, sep="\t", dtype=str, keep_default_na=False)
    change(table).to_csv(pilot, sep="\t", index=False)
    with pytest.raises(error, match=says):
        read_pilot(pilot, CompareOptions(SESSIONS, TWO), None)
