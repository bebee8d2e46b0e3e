"""No datum of what is tested chooses the voxels it is tested in: change it wildly, and the same voxels are chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deltaroi.firstlevel import RunFit
from deltaroi.grid import Grid
from deltaroi.masks import RegionSet, RoiVoxels
from deltaroi.responses import Localisers, subject_effects
from deltaroi.responses.functional import choose
from deltaroi.specs import Functional
from deltaroi.tables import REGIONS
from deltaroi.types import RoiKey, RunKey

MANY = settings(max_examples=40, deadline=None, derandomize=True)
GRIDS = tuple(Grid((6, 6, 6), np.diag([3.0, 3, size, 1]), "MNI152NLin2009cAsym") for size in (3.0, 3.5))
KEY = RoiKey("best", "L", "functional")
N = 40
FLAT = np.arange(10, 10 + 3 * N, 3)
SETS = {grid.digest: RegionSet(grid, (RoiVoxels(KEY, "majority", FLAT, np.ones(N)),),
                               pd.DataFrame(columns=REGIONS.names), (), ()) for grid in GRIDS}
RULES = [{"select_from": "other_runs"}, {"select_from": "other_sessions"}, {"select_from": "other_subjects"},
         {"select_from": "runs", "runs": ["1"]}, {"select_from": "task", "task": "loc"}]


def fit(key: RunKey, grid: int, serves: bool, share: float, seed: int) -> RunFit:
    """A fit of noise, in which some voxels are not used; what the choice reads, and little else."""
    rng = np.random.default_rng(seed)
    used = rng.random(N) < share
    effect = np.where(used, rng.standard_normal((2, N)), np.nan)
    effect[0] = effect[0] if serves else np.nan
    vectors = np.array([[1.0 if serves else 0.0, 0.0], [0.0, 1.0]])
    return RunFit(
        key=key, grid_digest=GRIDS[grid].digest, flat=FLAT, used=used, mean=np.ones(N), tsnr=np.ones(N),
        scale=np.ones(N), voxels=rng.standard_normal((8, N)).astype(np.float32), contrasts=("loc", "main"),
        effect=effect, variance=np.where(np.isnan(effect), np.nan, rng.uniform(0.5, 2, (2, N))), vectors=vectors,
        design=rng.standard_normal((8, 2)), columns=("a", "b"), n_task=2, frame_times=np.arange(8.0),
        censored=np.zeros(0, np.int64), rois=(KEY,), roi_offset=np.array([0, N]), roi_index=np.arange(N),
        roi_weight=np.ones(N), series=np.zeros((1, 8)), heights={}, dof=6, mean_fd_mm=0.1, noise="ols", hrf="spm",
        scaling="percent", unit="% signal change")


def shaken(one: RunFit, seed: int) -> RunFit:
    """The same run with other data: every number that a response rests on is another."""
    rng = np.random.default_rng(seed)
    return replace(one, effect=-50 * one.effect + np.where(np.isnan(one.effect), np.nan, rng.normal(0, 99, (2, N))),
                   variance=one.variance * rng.uniform(1e-3, 1e3, (2, N)), mean=rng.uniform(1, 99, N),
                   tsnr=rng.uniform(1, 99, N), voxels=rng.normal(0, 9, (8, N)).astype(np.float32))


@st.composite
def people(draw: Any) -> list[tuple[RunKey, int, bool, float, int]]:
    """Five subjects with runs in several sessions, of two tasks, on two grids; some serve no localiser contrast."""
    found: list[tuple[RunKey, int, bool, float, int]] = []
    labels = draw(st.sampled_from([("1", "2", "3"), ("01", "02", "03"), ("n/a",), ("1", "02")]))
    sessions = draw(st.sampled_from([("n/a",), ("pre", "post"), ("a", "b", "c")]))
    for subject in "stuvw":
        keys = [RunKey(subject, session, task, run) for session in sessions for task in ("look", "loc")
                for run in labels if draw(st.integers(0, 5)) > 0]
        found += [(key, draw(st.sampled_from([0, 0, 0, 1])), draw(st.integers(0, 5)) > 0,
                   draw(st.sampled_from([1.0, 0.9, 0.3])), draw(st.integers(0, 2**20))) for key in keys]
    return found


def fitted(drawn: list[tuple[RunKey, int, bool, float, int]]) -> dict[str, list[RunFit]]:
    """The fits of each subject."""
    return {subject: [fit(*one) for one in drawn if one[0].subject == subject] for subject in "stuvw"}


def chosen(found: dict[str, list[RunFit]], spec: Functional) -> dict[RunKey, list[int]]:
    """Tested run of the first subject -> the voxels it is tested in."""
    mine = sorted((one for one in found["s"] if one.key.task == "look"), key=lambda one: one.key)
    told = tuple(one for fits in found.values()
                 for one in subject_effects([f for f in fits if f.key.task == "look"], SETS, {"best": spec}, 0.5))
    local = tuple(one for one in found["s"] if one.key.task == "loc")
    made = choose(KEY, mine, Localisers({"best": spec}, local, told), SETS, 0.5)
    assert {one.key for one in made.covered.fits} == set(made.covered.chosen or {})
    return {key: voxels.index.tolist() for key, voxels in (made.covered.chosen or {}).items()}


def hidden_from(key: RunKey, spec: Functional) -> Any:
    """Which runs the choice for one tested run must not look at."""
    return {"other_runs": lambda run: run == key,
            "other_sessions": lambda run: run.subject == "s" and run.session == key.session,
            "other_subjects": lambda run: run.subject == "s",
            "runs": lambda run: run.run.lstrip("0") != "1",
            "task": lambda run: run.task == "look"}[spec.select_from]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["select_from"])
@MANY
@given(drawn=people(), seed=st.integers(0, 2**20), how=st.sampled_from([{"strongest": 5}, {"above_t": 0.3}]))
def test_the_tested_data_choose_nothing(rule: dict[str, Any], drawn: Any, seed: int, how: dict[str, Any]) -> None:
    found, spec = fitted(drawn), Functional(within="amygdala.hcpex", contrast="loc", **rule, **how)
    before = chosen(found, spec)
    for key, voxels in before.items():
        secret = hidden_from(key, spec)
        assert secret(key)
        other = {subject: [shaken(one, seed + i) if secret(one.key) else one for i, one in enumerate(fits)]
                 for subject, fits in found.items()}
        assert chosen(other, spec)[key] == voxels


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["select_from"])
@MANY
@given(drawn=people())
def test_the_other_data_do_choose(rule: dict[str, Any], drawn: Any) -> None:
    found, spec = fitted(drawn), Functional(within="amygdala.hcpex", contrast="loc", strongest=5, **rule)
    before = {key: voxels for key, voxels in chosen(found, spec).items() if voxels}
    assume(before)
    key = next(iter(before))
    assume(chosen(found, spec.model_copy(update={"strongest": 10})).get(key))  # ten candidates, so two sets of five
    secret = hidden_from(key, spec)
    other = {subject: [one if secret(one.key) else replace(one, effect=-one.effect) for one in fits]
             for subject, fits in found.items()}
    assert not set(chosen(other, spec)[key]) & set(before[key])  # the weakest


@MANY
@given(drawn=people())
def test_the_same_data_are_seen_to_choose(drawn: Any) -> None:
    found = fitted(drawn)
    spec = Functional(within="amygdala.hcpex", contrast="loc", strongest=5, select_from="same_data",
                      allow_circular=True)
    before = {key: voxels for key, voxels in chosen(found, spec).items() if voxels}
    assume(before)
    other = {**found, "s": [replace(one, effect=-one.effect) for one in found["s"]]}
    assert all(chosen(other, spec)[key] != voxels for key, voxels in before.items())
