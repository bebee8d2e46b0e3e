"""The question of the study asked of every voxel of an ROI."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import StudyError
from deltaroi.grid import Grid
from deltaroi.group import GroupDesign, SmallVolume, analyse, small_volume
from deltaroi.group.small_volume import voxel_question
from deltaroi.signal.session_map import SessionMap
from deltaroi.specs import GroupStats
from deltaroi.stats import multiple
from deltaroi.types import CIRCULAR, FUNCTIONAL, RoiKey

GRID = Grid((6, 6, 6), np.array([[-3.0, 0, 0, 20], [0, 3, 0, -30], [0, 0, 3, -10], [0, 0, 0, 1]]),
            "MNI152NLin2009cAsym")
OTHER = replace(GRID, affine=GRID.affine + np.eye(4)[:, [3, 0, 1, 2]] * 0.5)
GRIDS = {one.digest: one for one in (GRID, OTHER)}
LEFT, RIGHT = RoiKey("box", "L", "hcpex"), RoiKey("box", "R", "hcpex")
PLACES = {LEFT: np.arange(10, 22), RIGHT: np.arange(60, 90)}
STATS = GroupStats(permutations=400, seed=3)


def study(sizes: dict[str, int], sessions: Sequence[str] = ("pre", "post"), gain: float = 0.0, seed: int = 0,
          rois: Sequence[RoiKey] = (LEFT, RIGHT), voxel: int = 65) -> tuple[list[SessionMap], dict[str, str]]:
    """Maps of groups of these sizes; the first group gains in one voxel at the last session."""
    rng = np.random.default_rng(seed)
    maps, groups = [], {}
    people = [group for group, n in sizes.items() for _ in range(n)]
    for i, group in enumerate(people):
        groups[f"{i:03d}"] = group
        for key in rois:
            flat = PLACES[key]
            trait = rng.normal(size=flat.size)
            for session in sessions:
                values = trait + 0.7 * rng.normal(size=flat.size)
                values += gain * (group == people[0] and session == sessions[-1]) * (flat == voxel)
                maps.append(SessionMap(f"{i:03d}", "c", session, key, GRID.digest, "% signal change", flat.size,
                                       float(flat.size), flat, np.ones(flat.size), values))
    return maps, groups


def ask(maps: Sequence[SessionMap], groups: dict[str, str], design: GroupDesign, spec: GroupStats = STATS,
        family: str = "contrast") -> SmallVolume:
    return small_volume(maps, GRIDS, groups, design, spec, family, 0.5)


def as_responses(maps: Sequence[SessionMap], groups: dict[str, str], voxel: int) -> pd.DataFrame:
    """One voxel of the maps as if it were the ROI."""
    rows = [{"specification": "main", "subject": one.subject, "session": one.session, "task": "t",
             "region": one.key.region, "hemisphere": one.key.hemisphere, "definition": one.key.definition,
             "contrast": one.contrast, "summary": "mean", "group": groups[one.subject], "unit": one.unit,
             "value": float(one.values[one.flat == voxel][0])} for one in maps if voxel in one.flat]
    return pd.DataFrame(rows)


TWO = {"A": 9, "B": 7}
DESIGNS: dict[str, tuple[dict[str, int], tuple[str, ...], GroupDesign, GroupStats]] = {
    "ancova": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "randomised"), STATS),
    "change": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "preexisting"), STATS),
    "classical": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "randomised"),
                  STATS.model_copy(update={"variance": "classical"})),
    "hc3": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "randomised"),
            STATS.model_copy(update={"variance": "hc3"})),
    "permuted": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "randomised"),
                 STATS.model_copy(update={"arrangements": "permutations"})),
    "relabelled": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "preexisting"),
                   STATS.model_copy(update={"arrangements": "permutations"})),
    "strata": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "randomised", None, pd.Series(
        ["x", "y"] * 8, index=[f"{i:03d}" for i in range(16)], name="site")),
        STATS.model_copy(update={"arrangements": "permutations"})),
    "covariate": (TWO, ("pre", "post"), GroupDesign(("pre", "post"), ("A", "B"), "preexisting", pd.DataFrame(
        {"age": [str(20 + i * i % 17) for i in range(16)]}, index=[f"{i:03d}" for i in range(16)])), STATS),
    "paired": ({"A": 12}, ("pre", "post"), GroupDesign(("pre", "post")), STATS),
    "two_sample": (TWO, ("n/a",), GroupDesign((), ("A", "B"), "preexisting"), STATS),
    "one_sample": ({"A": 12}, ("n/a",), GroupDesign(), STATS),
    "omnibus ancova": ({"A": 6, "B": 6, "C": 6}, ("pre", "post"),
                       GroupDesign(("pre", "post"), ("A", "B", "C"), "randomised"), STATS),
    "omnibus change": ({"A": 6, "B": 6, "C": 6}, ("pre", "post"),
                       GroupDesign(("pre", "post"), ("A", "B", "C"), "preexisting"), STATS),
}


@pytest.mark.parametrize("name", DESIGNS)
def test_one_voxel_is_tested_like_an_roi(name: str) -> None:
    """The peak has the numbers, an ROI of one voxel the permutation p, that the group stage finds for its values."""
    sizes, sessions, design, spec = DESIGNS[name]
    maps, groups = study(sizes, sessions, gain=1.0)
    found = ask(maps, groups, design, spec).table.set_index("hemisphere")
    for key in (LEFT, RIGHT):
        row = found.loc[key.hemisphere]
        ijk = GRID.index(np.array([[row["x_mm"], row["y_mm"], row["z_mm"]]]))
        voxel = int(GRID.ravel(np.round(ijk))[0])
        own = [replace(one, flat=one.flat[one.flat == voxel], values=one.values[one.flat == voxel], n_voxels=1,
                       whole=1.0, weights=np.ones(1)) for one in maps if one.key == key]
        effects = analyse(as_responses(own, groups, voxel), design, spec).effects
        primary = effects[effects["primary"]].iloc[0]
        same = ["model", "term", "comparison", "se_kind", "n", "statistic_kind", "unit"]
        assert row[same].tolist() == primary[same].tolist()
        for column in ("statistic", "df", "estimate"):
            assert row[column] == pytest.approx(primary[column], rel=1e-12, nan_ok=True)
        alone = ask(own, groups, design, spec).table.iloc[0]
        assert alone["p_peak"] == primary["p_fwe"]
        assert row["p_peak"] >= alone["p_peak"]


@pytest.mark.parametrize("sizes", [{"A": 8, "B": 8}, {"A": 10}])
def test_with_more_than_two_sessions_the_last_is_compared_with_the_first(sizes: dict[str, int]) -> None:
    sessions = ("pre", "mid", "post")
    levels = tuple(sizes) if len(sizes) > 1 else None
    maps, groups = study(sizes, sessions, gain=4.0)
    randomised = "randomised" if levels else None
    long = ask(maps, groups, GroupDesign(sessions, levels, randomised))
    ends = ask([one for one in maps if one.session != "mid"], groups, GroupDesign(("pre", "post"), levels, randomised))
    assert set(long.table["model"]) == {"ancova" if levels else "paired"}
    pd.testing.assert_frame_equal(long.table, ends.table)


def test_the_question_follows_the_design() -> None:
    sessions = ("pre", "mid", "post")
    for assignment, model in (("randomised", "ancova"), ("preexisting", "change")):
        design = GroupDesign(sessions, ("A", "B", "C"), assignment)  # type: ignore[arg-type]
        question = voxel_question(design, sessions, STATS, covariates={})
        assert (question.model, question.joint, question.comparison) == (model, True, "A,B,C|post-pre")
    asked = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
    spec = STATS.model_copy(update={"primary": "lmm"})
    assert voxel_question(asked, ("pre", "post"), spec, covariates={}).model == "ancova"
    with pytest.raises(StudyError, match="does not fit"):
        voxel_question(asked, ("pre", "post"), STATS.model_copy(update={"primary": "paired"}), covariates={})


def test_a_planted_voxel_is_found_and_its_maps_agree() -> None:
    maps, groups = study({"A": 12, "B": 12}, gain=4.0)
    found = ask(maps, groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised"))
    left, right = found.table.itertuples(index=False)
    assert (right.x_mm, right.y_mm, right.z_mm) == tuple(GRID.world(GRID.unravel(np.array([65])))[0])
    assert right.p_holm < 0.05 < left.p_holm
    assert (right.n_voxels_significant, right.extent_mm3, right.n) == (1, 27.0, 24)
    assert (left.n_voxels_significant, left.family_size, right.family_size) == (0, 2, 2)
    assert [left.p_holm, right.p_holm] == multiple.holm(np.array([left.p_peak, right.p_peak])).tolist()
    one = found.maps[1]
    at = int(np.argmax(one.statistic))
    assert (one.key, one.kind, one.flat[at]) == (RIGHT, "z", 65)
    assert one.corrected[at] == 1 - right.p_peak
    assert one.estimate[at] == pytest.approx(right.estimate, rel=1e-9)
    assert (np.sign(one.statistic) == np.sign(one.estimate)).all()
    assert (one.corrected > 0.95).sum() == 1
    assert "evidence for a difference" in right.reading
    assert "higher in A than in B at post" in right.reading
    assert "no evidence either way" in left.reading


def test_the_peak_may_be_a_fall() -> None:
    maps, groups = study({"A": 12, "B": 12}, gain=-4.0)
    found = ask(maps, groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised"))
    right = found.table.set_index("hemisphere").loc["R"]
    assert (right["x_mm"], right["y_mm"], right["z_mm"]) == tuple(GRID.world(GRID.unravel(np.array([65])))[0])
    assert right["estimate"] < -2
    assert "lower in A than in B at post" in right["reading"]
    assert found.maps[1].statistic.min() < -3


def test_order_of_subjects_and_maps_changes_nothing() -> None:
    maps, groups = study(TWO, gain=1.0)
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
    one, other = ask(maps, groups, design), ask(maps[::-1], dict(reversed(groups.items())), design)
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    for a, b in zip(one.maps, other.maps, strict=True):
        np.testing.assert_array_equal(a.corrected, b.corrected)


def test_subjects_on_different_grids_are_not_put_together() -> None:
    maps, groups = study(TWO)
    mixed = [replace(one, grid_digest=OTHER.digest) if (one.subject, one.key) == ("003", LEFT) else one for one in maps]
    found = ask(mixed, groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised"))
    assert found.table["hemisphere"].tolist() == ["R"]
    (row,) = found.exclusions
    assert (row.stage, row.region, row.value) == ("small-volume", "box-L_hcpex c", "2 grids")


@pytest.mark.parametrize("gone", [5, 7])
def test_voxels_that_somebody_lacks_are_out_for_all(gone: int) -> None:
    maps, groups = study(TWO)
    def without(one: SessionMap) -> SessionMap:
        kept = slice(gone, None) if (one.subject, one.session, one.key) == ("004", "post", LEFT) else slice(None)
        return replace(one, flat=one.flat[kept], values=one.values[kept], weights=one.weights[kept])
    found = ask([without(one) for one in maps], groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised"))
    if gone == 5:
        row = found.table.set_index("hemisphere").loc["L"]
        assert (row["n_voxels"], row["n_voxels_shared"], row["n_voxels_tested"]) == (12, 7, 7)
        cut = [replace(one, flat=one.flat[5:], values=one.values[5:], weights=one.weights[5:]) if one.key == LEFT else
               one for one in maps]  # nobody has them: the same voxels, the same numbers
        again = ask(cut, groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised"))
        pd.testing.assert_frame_equal(found.table, again.table, check_exact=True)
        np.testing.assert_array_equal(found.maps[0].statistic, again.maps[0].statistic)
    else:
        assert found.table["hemisphere"].tolist() == ["R"]
        assert (found.exclusions[0].value, found.exclusions[0].threshold) == ("0.417", "0.5")


def test_voxels_without_a_value_or_without_variance_are_out_and_counted() -> None:
    maps, groups = study({"A": 12})
    def spoiled(one: SessionMap) -> SessionMap:
        values = one.values.copy()
        values[0] = np.nan if one.subject == "004" else values[0]
        values[1] = 7.0 + (one.session == "post")
        return replace(one, values=values)
    design = GroupDesign(("pre", "post"))
    found = ask([spoiled(one) for one in maps], groups, design)
    row = found.table.set_index("hemisphere").loc["L"]
    assert (row["n"], row["n_voxels_shared"], row["n_voxels_tested"]) == (12, 12, 10)
    assert found.maps[0].flat.tolist() == PLACES[LEFT][2:].tolist()
    def flat(one: SessionMap) -> SessionMap:
        return replace(one, values=np.ones(one.flat.size))
    nothing = ask([flat(one) for one in maps], groups, design)
    assert nothing.table.empty
    assert {row.region for row in nothing.exclusions} == {"box-L_hcpex c", "box-R_hcpex c"}


def test_who_lacks_a_session_a_group_or_a_covariate_is_out() -> None:
    maps, groups = study(TWO)
    maps = [one for one in maps if (one.subject, one.session) != ("001", "post")]
    groups["002"] = "elsewhere"
    ages = pd.DataFrame({"age": ["n/a" if i == 5 else str(20 + i) for i in range(16)]},
                        index=[f"{i:03d}" for i in range(16)])
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised", ages)
    assert set(ask(maps, groups, design).table["n"]) == {13}
    few = [one for one in maps if one.subject == "003"]
    assert {row.reason for row in ask(few, groups, replace(design, covariates=None)).exclusions} == {
        "too few subjects have every session that is compared"}


def test_circular_rois_are_a_family_of_their_own_and_nothing_is_claimed() -> None:
    best = RoiKey("best", "R", CIRCULAR)
    PLACES[best] = PLACES[RIGHT]
    maps, groups = study({"A": 12, "B": 12}, gain=5.0, rois=(LEFT, RIGHT, best))
    found = ask(maps, groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised")).table
    row = found[found["definition"] == CIRCULAR].iloc[0]
    assert found["family_size"].tolist() == [1, 2, 2]
    assert row["p_holm"] == row["p_peak"] < 0.05
    assert "nothing can be concluded" in row["reading"]
    assert row["reading"].endswith("p means nothing.")
    assert "evidence" not in row["reading"]


def test_a_functional_roi_is_measured_by_its_chosen_voxels() -> None:
    """What subjects share is held against what was chosen for them, not against the ROI that was chosen in."""
    best = RoiKey("best", "R", FUNCTIONAL)
    PLACES[best] = np.arange(60, 70)
    maps, groups = study(TWO, rois=(best,))
    maps = [replace(one, n_voxels=500) for one in maps]
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
    row = ask(maps, groups, design).table.iloc[0]
    assert (row["n_voxels"], row["n_voxels_shared"]) == (500, 10)


def test_all_contrasts_are_one_family_where_asked() -> None:
    maps, groups = study(TWO)
    both = [*maps, *(replace(one, contrast="d", values=one.values[::-1]) for one in maps)]
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
    assert set(ask(both, groups, design).table["family_size"]) == {2}
    assert set(ask(both, groups, design, family="all_contrasts").table["family_size"]) == {4}


def test_arrangements_are_needed() -> None:
    with pytest.raises(ValueError, match="permutations is 0"):
        GroupStats(small_volume=True, permutations=0)


def test_floor() -> None:
    """Of 4 against 4 subjects there are 70 relabellings: no voxel can be surer."""
    maps, groups = study({"A": 4, "B": 4}, gain=50.0, rois=(RIGHT,))
    spec: Any = STATS.model_copy(update={"arrangements": "permutations"})
    row = ask(maps, groups, GroupDesign(("pre", "post"), ("A", "B"), "randomised"), spec).table.iloc[0]
    assert row["p_peak"] >= 1 / 70
