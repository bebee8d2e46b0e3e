"""Which voxels a localiser contrast chooses, from which runs, and what is measured in them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from nilearn.glm import compute_contrast
from nilearn.glm.first_level import run_glm

from deltaroi.errors import DataError
from deltaroi.grid import Grid
from deltaroi.responses import Localisers, SubjectResponses, load_effects, save_effects, subject_effects, summarise
from deltaroi.responses.functional import pick
from deltaroi.specs import Functional

WITHIN = {"within": "amygdala.hcpex", "contrast": "loc"}


def spec(select_from: str, **more: Any) -> Functional:
    rule = {} if "above_t" in more else {"strongest": 10}
    return Functional(**{**WITHIN, **rule, "select_from": select_from, **more})


def respond(box: Any, tested: list[Any], how: Functional, *grids: Grid, **more: Any) -> SubjectResponses:
    return summarise(tested, box.sets(*grids), "auto", more.pop("minimum", 0.5), Localisers({"best": how}, **more))


def value(found: SubjectResponses, session: str = "pre", contrast: str = "main", column: str = "value") -> Any:
    table = found.table.set_index(["session", "contrast"])
    return table.loc[(session, contrast), column]


def strongest(runs: list[Any], k: int = 10, contrast: int = 0) -> np.ndarray:
    """The k voxels with the largest t over runs, written out."""
    effect = np.mean([run.effect[contrast] for run in runs], axis=0)
    error = np.sqrt(np.sum([run.variance[contrast] for run in runs], axis=0)) / len(runs)
    return np.sort(np.argsort(-effect / error, kind="stable")[:k])


def reasons(found: SubjectResponses) -> list[tuple[str, str, str, str, str]]:
    return [(e.session, e.run, e.reason, e.value, e.threshold) for e in found.exclusions if " " not in e.region]


def test_other_runs_by_hand(make_box: Any) -> None:
    """One subject again with numpy: voxels, value, variance, table."""
    box = make_box()
    fits = [box.fit("1"), box.fit("2"), box.fit("1", "post")]
    found = respond(box, fits, spec("other_runs"))
    sets = [strongest([f for f in fits if f is not one]) for one in fits]
    assert value(found) == pytest.approx(np.mean([fits[i].effect[1, sets[i]].mean() for i in (0, 1)]), rel=1e-12)
    assert value(found, "post") == pytest.approx(fits[2].effect[1, sets[2]].mean(), rel=1e-12)
    assert value(found, contrast="loc") == pytest.approx(
        np.mean([fits[i].effect[0, sets[i]].mean() for i in (0, 1)]), rel=1e-12)
    variances = []
    for i in (0, 1):
        mean = fits[i].voxels[:, sets[i]].astype(np.float64).mean(axis=1)
        labels, results = run_glm(mean[:, None], fits[i].design, "ols")
        variances.append(float(compute_contrast(labels, results, fits[i].vectors[1]).variance[0]))
    assert value(found, column="variance") == pytest.approx(sum(variances) / 4, rel=1e-6)
    row = found.table.iloc[0]
    assert (row["n_voxels"], row["n_voxels_used"], row["n_voxels_effective"], row["coverage"]) == (60, 10, 10, 1)
    assert value(found, "post", column="tsnr") == pytest.approx(np.median(fits[2].tsnr[sets[2]]))
    assert found.exclusions == ()
    chosen = found.selections
    assert chosen[["session", "run"]].to_numpy().tolist() == [["post", "1"], ["pre", "1"], ["pre", "2"]]
    assert chosen["n_choosing"].tolist() == [2, 2, 2]
    assert (set(chosen["n_candidates"]), set(chosen["n_chosen"])) == ({60}, {10})
    first, second = sets[2], sets[0]
    assert np.isnan(chosen["overlap"][0])
    assert chosen["overlap"][1] == pytest.approx(np.intersect1d(first, second).size / 10)
    where = box.grid.world(box.grid.unravel(box.flat[first])).mean(axis=0)
    assert chosen.loc[0, ["x_mm", "y_mm", "z_mm"]].tolist() == pytest.approx(where.tolist())
    t = fits[0].effect[0] + fits[1].effect[0]
    t = t / np.sqrt(fits[0].variance[0] + fits[1].variance[0])
    assert chosen["threshold_t"][0] == pytest.approx(t[first].min())


def test_other_sessions(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit(run, session) for session in ("pre", "post", "late") for run in "12"]
    found = respond(box, fits, spec("other_sessions"))
    for session in ("pre", "post", "late"):
        mine = [f for f in fits if f.key.session == session]
        others = [f for f in fits if f.key.session != session]
        expected = np.mean([f.effect[1] for f in mine], axis=0)[strongest(others)].mean()
        assert value(found, session) == pytest.approx(expected, rel=1e-12)
    assert found.selections["n_choosing"].tolist() == [4, 4, 4]
    assert set(found.selections["run"]) == {"n/a"}


def test_named_runs_choose_and_are_not_tested(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit(run, session) for session in ("pre", "post") for run in ("01", "02", "03")]
    found = respond(box, fits, spec("runs", runs=["1"]))
    chosen = strongest([fits[0], fits[3]])
    assert value(found) == pytest.approx((fits[1].effect[1] + fits[2].effect[1])[chosen].mean() / 2, rel=1e-12)
    assert value(found, column="n_runs") == 2
    assert len(found.selections) == 1
    why = "this run chooses the voxels, and is not tested in them"
    assert reasons(found) == [("post", "01", why, "n/a", "n/a"), ("pre", "01", why, "n/a", "n/a")]


def test_a_localiser_task_chooses_and_is_never_tested(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit("1"), box.fit("1", "post")]
    local = [box.fit("1", task="loc", contrasts=("a - b",)), box.fit("1", "late", task="loc", contrasts=("a - b",))]
    found = respond(box, fits, spec("task", task="loc", contrast="a  -   b"), fits=tuple(local))
    assert value(found, "post") == pytest.approx(fits[1].effect[1, strongest(local)].mean(), rel=1e-12)
    assert set(found.table["task"]) == {"look"}
    assert set(found.table["contrast"]) == {"loc", "main"}
    assert found.selections["contrast"].tolist() == ["a - b"]
    alone = respond(box, fits, spec("task", task="loc", contrast="a - b"))
    assert reasons(alone) == [("n/a", "n/a", "there is no usable run of the localiser task 'loc'", "n/a", "n/a")]
    assert alone.table["value"].isna().all()


def test_same_data_is_every_run(make_box: Any) -> None:
    box = make_box(definition="circular")
    fits = [box.fit("1"), box.fit("1", "post")]
    found = respond(box, fits, spec("same_data", allow_circular=True))
    assert value(found) == pytest.approx(fits[0].effect[1, strongest(fits)].mean(), rel=1e-12)
    assert set(found.table["definition"]) == set(found.selections["definition"]) == {"circular"}


def test_other_subjects_by_hand(make_box: Any, tmp_path: Any) -> None:
    box, how = make_box(), spec("other_subjects")
    people = {s: [box.fit(run, session, s) for session in ("pre", "post") for run in "12"] for s in "abcd"}
    told = [one for fits in people.values() for one in subject_effects(fits, box.sets(), {"best": how}, 0.5)]
    save_effects(tmp_path / "told.npz", told)
    read = load_effects(tmp_path / "told.npz")
    save_effects(tmp_path / "again.npz", reversed(read))
    assert (tmp_path / "told.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    found = respond(box, people["b"], how, others=read)
    means = np.array([np.mean([f.effect[0] for f in people[s]], axis=0) for s in ("a", "c", "d")])
    t = means.mean(axis=0) / (means.std(axis=0, ddof=1) / np.sqrt(3))
    chosen = np.sort(np.argsort(-t)[:10])
    pre = [f for f in people["b"] if f.key.session == "pre"]
    assert value(found) == pytest.approx((pre[0].effect[1] + pre[1].effect[1])[chosen].mean() / 2, rel=1e-12)
    assert found.selections["threshold_t"].tolist() == [pytest.approx(t[chosen].min())]
    assert found.selections["n_choosing"].tolist() == [3]
    few = respond(box, people["b"], how, others=tuple(one for one in read if one.subject != "d"))
    assert reasons(few) == [("n/a", "n/a", "too few other subjects can choose the voxels", "2", "3")]


def test_a_voxel_that_another_subject_lacks_is_no_candidate(make_box: Any) -> None:
    box, how = make_box(), spec("other_subjects")
    people = {s: [box.fit(subject=s, unused=[3, 4] if s == "c" else [])] for s in ("a", "b", "c", "d")}
    told = [one for fits in people.values() for one in subject_effects(fits, box.sets(), {"best": how}, 0.5)]
    assert respond(box, people["b"], how, others=tuple(told)).selections["n_candidates"].tolist() == [58]
    assert respond(box, people["c"], how, others=tuple(told)).selections["n_candidates"].tolist() == [58]


@pytest.mark.parametrize(("how", "fits", "said"), [
    ("other_runs", [("1", "pre")], ("pre", "1", "there is no other run that could choose the voxels")),
    ("other_sessions", [("1", "pre"), ("2", "pre")],
     ("pre", "n/a", "there is no other session that could choose the voxels")),
    ("runs", [("2", "pre")], ("n/a", "n/a", "none of the runs that choose the voxels is there (1)")),
])
def test_without_other_data_there_is_no_value(make_box: Any, how: str, fits: list[tuple[str, str]],
                                              said: tuple[str, str, str]) -> None:
    box = make_box()
    more = {"runs": ["1"]} if how == "runs" else {}
    found = respond(box, [box.fit(*one) for one in fits], spec(how, **more))
    assert found.table["value"].isna().all()
    assert found.table["n_runs"].tolist() == [0, 0]
    assert [row[:3] for row in reasons(found)] == [said]
    assert "no run of this session is left for the ROI and contrast" in {e.reason for e in found.exclusions}


def test_a_run_without_the_localiser_contrast_does_not_choose(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit("1", serve=(False, True)), box.fit("2"), box.fit("3")]
    found = respond(box, fits, spec("other_runs"))
    assert found.selections["n_choosing"].tolist() == [2, 1, 1]
    expected = [fits[0].effect[1, strongest(fits[1:])].mean(), fits[1].effect[1, strongest(fits[2:])].mean(),
                fits[2].effect[1, strongest(fits[1:2])].mean()]
    assert value(found) == pytest.approx(np.mean(expected), rel=1e-12)
    two = respond(box, fits[:2], spec("other_runs"))
    why = "no run that could choose the voxels has an estimate of the localiser contrast"
    assert reasons(two) == [("pre", "2", why, "loc", "n/a")]
    assert value(two) == pytest.approx(fits[0].effect[1, strongest(fits[1:2])].mean(), rel=1e-12)
    assert value(two, column="n_runs") == 1


def test_fewer_candidates_than_asked_for_is_no_value(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit("1", unused=range(25)), box.fit("2", unused=range(25, 30))]
    found = respond(box, fits, spec("other_runs", strongest=31), minimum=0.2)
    assert found.table["value"].isna().all()
    assert [row[2:] for row in reasons(found)] == [("fewer candidate voxels than are to be chosen", "30", "31")] * 2
    assert found.selections["n_chosen"].tolist() == [0, 0]
    assert found.selections[["threshold_t", "overlap", "x_mm"]].isna().all(axis=None)
    assert (respond(box, fits, spec("other_runs", strongest=30), minimum=0.2).table["n_voxels_used"] == 30).all()


def test_above_t(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit("1", signal=0.5), box.fit("2", signal=0.5)]
    found = respond(box, fits, spec("other_runs", above_t=1.5))
    sets = [np.flatnonzero(f.effect[0] / np.sqrt(f.variance[0]) > 1.5) for f in reversed(fits)]
    assert value(found) == pytest.approx(np.mean([f.effect[1, s].mean() for f, s in zip(fits, sets, strict=True)]))
    assert found.selections["n_chosen"].tolist() == [s.size for s in sets]
    assert value(found, column="n_voxels_effective") == pytest.approx(np.mean([s.size for s in sets]))
    assert (found.selections["threshold_t"] > 1.5).all()
    none = respond(box, fits, spec("other_runs", above_t=50.0))
    assert none.table["value"].isna().all()
    assert {row[2] for row in reasons(none)} == {"no voxel has a t above the threshold"}
    assert all(row[3].startswith("largest t ") and row[4] == "t > 50" for row in reasons(none))


def test_ties_go_to_the_first_voxel() -> None:
    t = np.array([1.0, 3.0, np.nan, 3.0, 3.0, np.inf, -1.0])
    assert pick(t, spec("other_runs", strongest=2)).places.tolist() == [1, 3]
    assert pick(t, spec("other_runs", strongest=2)).candidates == 5
    assert pick(t, spec("other_runs", above_t=1.0)).places.tolist() == [1, 3, 4]
    assert pick(t, spec("other_runs", above_t=0.0)).places.tolist() == [0, 1, 3, 4]


def test_chosen_voxels_keep_their_weights(make_box: Any) -> None:
    weights = np.linspace(0.1, 1, 60)
    box = make_box(rule="fill_weight", weights=weights)
    fits = [box.fit("1"), box.fit("2")]
    found = respond(box, fits, spec("other_runs"))
    sets = [strongest([f]) for f in reversed(fits)]
    assert set(found.table["summary"]) == {"weighted_mean"}
    expected = [f.effect[1, s] @ weights[s] / weights[s].sum() for f, s in zip(fits, sets, strict=True)]
    assert value(found) == pytest.approx(np.mean(expected), rel=1e-12)
    assert value(found, column="n_voxels_effective") == pytest.approx(np.mean([weights[s].sum() for s in sets]))


def test_partial_volume_of_chosen_voxels(make_box: Any) -> None:
    """Run by run in its own voxels; a set that is filled alike leaves its session without a value, and a row."""
    weights = np.linspace(0.1, 1, 60)
    box = make_box(rule="fill_weight", weights=weights)
    fits = [box.fit("1"), box.fit("2")]
    found = summarise(fits, box.sets(), "partial_volume", 0.5, Localisers({"best": spec("other_runs")}))
    expected = []
    for one, other in zip(fits, reversed(fits), strict=True):
        s = strongest([other])
        model = np.column_stack([weights[s], 1 - weights[s]])
        expected.append(np.linalg.lstsq(model, one.effect[1, s], rcond=None)[0][0])
    assert value(found) == pytest.approx(np.mean(expected), rel=1e-9)
    lone = summarise(fits, box.sets(), "partial_volume", 0.5, Localisers({"best": spec("other_runs", strongest=1)}))
    assert lone.table["value"].isna().all()
    assert [row[2].split(" to tell")[0] for row in reasons(lone)] == ["its voxels are filled too much alike"]


def test_only_voxels_that_all_runs_have_are_candidates(make_box: Any) -> None:
    box = make_box()
    fits = [box.fit("1", unused=[0, 1]), box.fit("2"), box.fit("1", "post", unused=[2])]
    found = respond(box, fits, spec("other_sessions"))
    assert set(found.selections["n_candidates"]) == {57}
    assert value(found, column="coverage") == pytest.approx(57 / 60)
    low = respond(box, [*fits, box.fit("2", "post", unused=range(40))], spec("other_sessions"))
    assert reasons(low) == [("post", "2", "coverage of the ROI in this run is below the minimum", "0.333", "0.5")]
    pd.testing.assert_frame_equal(low.table, found.table)


def test_runs_on_another_grid_cannot_choose(make_box: Any) -> None:
    box = make_box()
    other = Grid(box.grid.shape, np.diag([3.0, 3, 3.5, 1]), box.grid.space)
    fits = [box.fit("1"), box.fit("2"), box.fit("1", "post", grid=other)]
    found = respond(box, fits, spec("other_runs"), box.grid, other)
    assert reasons(found) == [("post", "1", "the runs that could choose the voxels lie on another grid", "n/a", "n/a")]
    assert value(found) == pytest.approx(np.mean([fits[0].effect[1, strongest(fits[1:2])].mean(),
                                                  fits[1].effect[1, strongest(fits[:1])].mean()]))
    both = respond(box, fits, spec("same_data", allow_circular=True), box.grid, other)
    assert both.selections[["session", "run"]].to_numpy().tolist() == [["post", "1"], ["pre", "1"], ["pre", "2"]]
    assert value(both) == pytest.approx((fits[0].effect[1] + fits[1].effect[1])[strongest(fits[:2])].mean() / 2)


def test_another_roi_is_not_changed(make_box: Any) -> None:
    """The runs of a localiser task, and the named runs, take nothing from an anatomical ROI."""
    box, plain = make_box(), make_box(definition="hcpex")
    (grid, mine), = box.sets().items()
    sets = {grid: replace(mine, rois=(*mine.rois, *plain.sets()[grid].rois))}
    fits = [box.fit(run, unused=[7] if run == "1" else []) for run in "123"]
    local = (box.fit(task="loc", contrasts=("a",), unused=range(20)),)
    both = summarise(fits, sets, "auto", 0.5, Localisers({"best": spec("task", task="loc", contrast="a")}, local))
    alone = summarise(fits, plain.sets(), "auto", 0.5)
    table = both.table[both.table["definition"] == "hcpex"].reset_index(drop=True)
    pd.testing.assert_frame_equal(table, alone.table, check_exact=True)


def test_a_functional_roi_without_its_rule_is_refused(make_box: Any) -> None:
    box = make_box()
    with pytest.raises(DataError, match="nothing says how the voxels of best-L_functional are chosen"):
        summarise([box.fit()], box.sets(), "auto", 0.5)
    with pytest.raises(DataError, match="cannot be read"):
        load_effects(Path(__file__))


@pytest.mark.parametrize("how", ["mean", "median", "eigenvariate", "mean_timeseries"])
def test_order_of_runs_changes_nothing(make_box: Any, how: str) -> None:
    box = make_box()
    fits = [box.fit(run, session) for session in ("pre", "post") for run in "12"]
    one, other = (summarise(order, box.sets(), how, 0.5, Localisers({"best": spec("other_runs")}))
                  for order in (fits, fits[::-1]))
    pd.testing.assert_frame_equal(one.table, other.table, check_exact=True)
    pd.testing.assert_frame_equal(one.selections, other.selections, check_exact=True)
    assert one.table["value"].notna().all()
