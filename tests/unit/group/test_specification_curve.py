"""The joint test of many specifications, against loops over all arrangements; effects of each; what stands where."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from deltaroi.group import GroupDesign, analyse, explore
from deltaroi.specs import GroupStats
from deltaroi.stats.permutation import local_arrangements, sign_flips
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch
from deltaroi.stats.signed import curve, signed

Z = stats.norm.isf(0.025)


def table(values: np.ndarray, groups: list[str], sessions: tuple[str, ...] = ("n/a",)) -> pd.DataFrame:
    """Responses of one ROI; ``values`` has shape (specifications, subjects, sessions), NaN for none."""
    rows = []
    for s, spec in enumerate(values):
        for i, person in enumerate(spec):
            rows += [{"specification": "main" if s == 0 else f"other{s:02d}", "subject": f"{i:02d}", "session": session,
                      "task": "t", "region": "r", "hemisphere": "L", "definition": "d", "contrast": "c",
                      "summary": "mean", "group": groups[i], "value": value, "unit": "%"}
                     for session, value in zip(sessions, person, strict=True)]
    return pd.DataFrame(rows)


def summaries(estimates: np.ndarray, z: np.ndarray) -> tuple[float, float, float]:
    """What is compared, written as a loop."""
    positive, negative = int((estimates > 0).sum()), int((estimates < 0).sum())
    way = 1 if positive > negative else -1 if negative > positive else (-1 if z.mean() < 0 else 1)
    hits = sum(1 for e, one in zip(estimates, z, strict=True) if np.sign(e) == way and abs(one) > Z)
    return abs(float(np.median(estimates))), hits / len(z), abs(float(z.mean()))


def shares(found: list[tuple[float, float, float]]) -> list[float]:
    """p of each summary: the first of ``found`` are the data."""
    return [float(np.mean([row[k] >= found[0][k] * (1 - 1e-9) for row in found])) for k in range(3)]


def specifications(rng: np.random.Generator, shape: tuple[int, ...], n: int, effect: np.ndarray) -> np.ndarray:
    """Values of n specifications that share most of their noise."""
    shared = rng.normal(size=shape) + effect
    return np.stack([shared + 0.5 * rng.normal(size=shape) for _ in range(n)])


def test_two_groups_against_all_relabellings() -> None:
    rng = np.random.default_rng(3)
    groups = ["a"] * 4 + ["b"] * 5
    effect = np.where(np.array(groups) == "a", 1.3, 0.0)[:, None]
    values = specifications(rng, (9, 1), 7, effect)
    spec = GroupStats(variance="classical", arrangements="permutations", permutations=100)
    row = explore(table(values, groups), GroupDesign((), ("a", "b"), "randomised"), spec).curve.iloc[0]

    def of(first: tuple[int, ...]) -> tuple[float, float, float]:
        inside = np.isin(np.arange(9), first)
        estimates, z = [], []
        for y in values[:, :, 0]:
            test = stats.ttest_ind(y[inside], y[~inside])
            estimates.append(y[inside].mean() - y[~inside].mean())
            z.append(np.copysign(stats.norm.isf(test.pvalue / 2), test.statistic))
        return summaries(np.array(estimates), np.array(z))

    own = (0, 1, 2, 3)
    found = [of(own), *(of(one) for one in itertools.combinations(range(9), 4) if one != own)]
    assert len(found) == 126 == row["arrangements"]
    assert [row["p_median"], row["p_share"], row["p_stouffer"]] == pytest.approx(shares(found), abs=1e-12)
    assert [abs(row["median"]), row["share_significant"], abs(row["mean_z"])] == pytest.approx(found[0], rel=1e-9)
    assert min(shares(found)) < 0.2
    assert "exact" in row["note"]


def test_one_group_with_missing_subjects_against_all_flips() -> None:
    rng = np.random.default_rng(5)
    values = specifications(rng, (7, 2), 5, np.array([0.0, 0.9]))
    values[1, 0, 1] = values[3, 2, 0] = values[3, 6, 1] = np.nan
    spec = GroupStats(permutations=100)
    row = explore(table(values, ["n/a"] * 7, ("pre", "post")), GroupDesign(("pre", "post")), spec).curve.iloc[0]
    change = values[:, :, 1] - values[:, :, 0]

    def of(signs: np.ndarray) -> tuple[float, float, float]:
        tests = [stats.ttest_1samp((one * signs)[np.isfinite(one)], 0) for one in change]
        z = [np.copysign(stats.norm.isf(test.pvalue / 2), test.statistic) for test in tests]
        return summaries(np.array([np.nanmean(one * signs) for one in change]), np.array(z))

    found = [of(np.array(signs)) for signs in itertools.product((1.0, -1.0), repeat=7)]
    assert (row["arrangements"], row["n_subjects"], row["n_tested"]) == (128, 7, 5)
    assert [row["p_median"], row["p_share"], row["p_stouffer"]] == pytest.approx(shares(found), abs=1e-12)


def test_one_arrangement_for_all_keeps_what_specifications_share() -> None:
    """A copy of a specification changes nothing; p values do not grow or shrink with the number of copies."""
    rng = np.random.default_rng(8)
    groups = ["a"] * 6 + ["b"] * 6
    effect = np.where(np.array(groups) == "a", 1.0, 0.0)[:, None, None] * np.array([0.0, 1.0])
    one = specifications(rng, (12, 2), 1, effect[:, 0])
    design = GroupDesign(("pre", "post"), ("a", "b"), "randomised")
    rows = [explore(table(np.repeat(one, n, axis=0), groups, ("pre", "post")), design,
                    GroupStats(permutations=999)).curve.iloc[0] for n in (2, 20)]
    for name in ("median", "mean_z", "p_median", "p_stouffer", "p_share"):
        assert rows[0][name] == pytest.approx(rows[1][name])
    alone = analyse(table(one, groups, ("pre", "post")), design, GroupStats(permutations=999)).effects
    primary = alone[alone["primary"]].iloc[0]
    assert rows[0]["p_stouffer"] == pytest.approx(primary["p_fwe"])  # of one ROI, max-T is the same test
    assert rows[0]["median"] == pytest.approx(primary["estimate"])


@pytest.mark.parametrize("kind", ["classical", "hc3", "hc2_welch"])
def test_an_arrangement_is_a_refit(kind: str) -> None:
    rng = np.random.default_rng(2)
    n = 14
    nuisance = np.column_stack([np.ones(n), rng.normal(size=n)])
    tested = np.repeat([1.0, 0.0], n // 2)[:, None]
    y = rng.normal(size=n) + tested[:, 0] + nuisance[:, 1]
    test = FreedmanLane(np.arange(n), y, nuisance, tested, kind, tested[:, 0].astype(np.int64))
    signs, _ = sign_flips(n, 600, 1)  # more than a block
    signs = signs[:600]
    found = signed(test, signs)
    fitted = nuisance @ np.linalg.lstsq(nuisance, y, rcond=None)[0]
    design = np.column_stack([nuisance, tested])
    for row in (0, 7, 511, 512, 599):
        star = fitted + signs[row] * (y - fitted)
        assert found.estimate[row] == pytest.approx(np.linalg.lstsq(design, star, rcond=None)[0][2], rel=1e-9)
    absolute = test.absolute(signs)
    if kind != "hc2_welch":
        absolute = stats.norm.isf(stats.t.sf(absolute, n - 3))
    np.testing.assert_allclose(np.abs(found.z), absolute, rtol=1e-7)
    np.testing.assert_array_equal(np.sign(found.z), np.sign(found.estimate))


def test_welch_and_flips_have_estimates() -> None:
    rng = np.random.default_rng(4)
    y, labels = rng.normal(size=9), np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    signs, _ = sign_flips(9, 100, 1)
    welch = signed(Welch(np.arange(9), y, labels, equivalent=True), signs[:50])
    reference = stats.ttest_ind(y[labels == 0], y[labels == 1], equal_var=False)
    assert welch.estimate[0] == pytest.approx(y[labels == 0].mean() - y[labels == 1].mean())
    assert 2 * stats.norm.sf(abs(welch.z[0])) == pytest.approx(reference.pvalue)
    flips = signed(SignFlip(np.arange(9), y), signs[:50])
    assert flips.estimate[3] == pytest.approx((y * signs[3]).mean())
    assert 2 * stats.norm.sf(abs(flips.z[3])) == pytest.approx(stats.ttest_1samp(y * signs[3], 0).pvalue)
    few = signed(SignFlip(np.arange(3), y[:3]), local_arrangements(signs[:50], np.arange(3)))
    assert few.z.shape == (50,)


def test_no_p_is_below_what_can_be_told_apart() -> None:
    estimate = np.array([[2.0] + [0.1] * 99, [3.0] + [0.2] * 99])
    assert curve(estimate, estimate, floor=10).p_median == pytest.approx(0.1)
    assert curve(estimate, estimate, floor=1000).p_median == pytest.approx(0.01)
    assert np.isnan(curve(estimate, estimate).p_median)


@pytest.fixture
def study() -> Callable[..., tuple[pd.DataFrame, GroupDesign]]:
    def make(effect: float = 0.0, seed: int = 0) -> tuple[pd.DataFrame, GroupDesign]:
        rng = np.random.default_rng(seed)
        groups = ["a"] * 10 + ["b"] * 11
        gain = np.where(np.array(groups) == "a", effect, 0.0)[:, None] * np.array([0.0, 1.0])
        values = specifications(rng, (21, 2), 6, gain)
        return table(values, groups, ("pre", "post")), GroupDesign(("pre", "post"), ("a", "b"), "randomised")
    return make


def test_the_direction_of_a_planted_effect_is_found(study: Callable[..., tuple[pd.DataFrame, GroupDesign]]) -> None:
    for sign in (1, -1):
        row = explore(*study(1.6 * sign, seed=1), GroupStats(permutations=999)).curve.iloc[0]
        assert np.sign(row["median"]) == sign
        assert (row["share_sign"], row["n_specifications"], row["unit"]) == (1.0, 6, "%")
        assert max(row["p_median"], row["p_share"], row["p_stouffer"]) < 0.05
    null = explore(*study(0.0, seed=1), GroupStats(permutations=999)).curve.iloc[0]
    assert min(null["p_median"], null["p_stouffer"]) > 0.05


def test_several_units_are_compared_by_z(study: Callable[..., tuple[pd.DataFrame, GroupDesign]]) -> None:
    frame, design = study(1.0)
    plain = explore(frame, design, GroupStats(permutations=200)).curve.iloc[0]
    other = frame["specification"] == "other03"
    frame.loc[other, "value"] *= 1000
    frame.loc[other, "unit"] = "raw units"
    row = explore(frame, design, GroupStats(permutations=200)).curve.iloc[0]
    assert (row["unit"], row["main_unit"]) == ("z", "%")
    assert row["main_estimate"] == pytest.approx(plain["main_estimate"])
    assert row["mean_z"] == pytest.approx(plain["mean_z"])
    assert row["p_stouffer"] == pytest.approx(plain["p_stouffer"])


def test_effects_are_those_of_the_specification_alone(study: Callable[..., tuple[pd.DataFrame, GroupDesign]]) -> None:
    frame, design = study(0.5)
    second = frame.assign(region="q", value=frame["value"] + np.random.default_rng(9).normal(size=len(frame)))
    frame = pd.concat([frame, second], ignore_index=True)
    found = explore(frame, design, GroupStats(permutations=50)).effects
    assert set(found["specification"]) == {f"other{i:02d}" for i in range(1, 6)}
    assert found["p_fwe"].isna().all()
    alone = analyse(frame[frame["specification"] == "other04"], design, GroupStats(permutations=50)).effects
    here = found[found["specification"] == "other04"].drop(columns=["p_fwe", "p_step_down", "family"])
    same = alone[(alone["model"] == "ancova") & (alone["term"] == "group_difference")][here.columns]
    assert len(here)
    pd.testing.assert_frame_equal(here.drop(columns="reading").reset_index(drop=True),
                                  same.drop(columns="reading").reset_index(drop=True), check_dtype=False)


def test_another_definition_stands_in_the_place_of_the_first(
        study: Callable[..., tuple[pd.DataFrame, GroupDesign]]) -> None:
    frame, design = study(0.5)
    moved = frame["specification"] == "other02"
    frame.loc[moved, "definition"] = "e"
    fixed = frame[frame["specification"].isin(["main", "other01"])].assign(region="v")
    twice = pd.concat([fixed, fixed.assign(definition="e", value=-fixed["value"])])
    found = explore(pd.concat([frame, twice], ignore_index=True), design, GroupStats(permutations=50)).curve
    rows = found.set_index(["region", "definition"])
    assert rows.loc[("r", "d"), "n_specifications"] == 6
    assert rows.loc[("v", "d"), "n_specifications"] == rows.loc[("v", "e"), "n_specifications"] == 2
    assert rows.loc[("v", "d"), "median"] == pytest.approx(-rows.loc[("v", "e"), "median"])
    assert len(found) == 3


def test_what_has_no_joint_p_says_why() -> None:
    rng = np.random.default_rng(0)
    groups = ["a"] * 6 + ["b"] * 6 + ["c"] * 6
    design = GroupDesign((), ("a", "b", "c"), "randomised")
    row = explore(table(specifications(rng, (18, 1), 3, np.zeros(1)), groups), design, GroupStats()).curve.iloc[0]
    assert np.isnan(row["p_median"])
    assert "no direction" in row["note"]
    design = GroupDesign((), ("a", "b"), "randomised")
    two = table(specifications(rng, (12, 1), 3, np.zeros(1)), groups[:12])
    row = explore(two, design, GroupStats(permutations=0)).curve.iloc[0]
    assert "permutations are off" in row["note"]
    assert np.isfinite(row["median"])
    assert np.isnan(row["p_median"])
