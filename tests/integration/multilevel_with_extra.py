"""What needs the extra ``multilevel``: run by test_multilevel_extra.py in an environment that has it."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deltaroi
from deltaroi.group import CompareOptions, compare
from deltaroi.io.tsv import read_table
from deltaroi.report.data import read_output
from deltaroi.specs import GroupStats
from deltaroi.stats.multilevel_sampler import CHAINS, KEPT, versions
from deltaroi.tables import ALL_ROIS, MULTILEVEL

STAN = Path(__file__).resolve().parents[1] / "reference" / "stats" / "multilevel"
ASKED = GroupStats(multilevel=True, permutations=0, seed=3)
NUMBERS = ["estimate", "sd", "ci_low", "ci_high", "p_direction", "unpooled", "tau", "rhat", "ess"]


@pytest.fixture(scope="module")
def reference() -> pd.DataFrame:
    """The model of the values that Stan was given."""
    values = pd.read_csv(STAN / "values.csv", dtype={"subject": str})
    found = compare(values, CompareOptions(("pre", "post"), ("A", "B"), stats=ASKED)).beside["multilevel"]
    assert found is not None
    return found


def test_posterior_is_stans(reference: pd.DataFrame) -> None:
    """Within Monte Carlo error: some thousand effective draws here, ten thousand there."""
    stan = pd.read_csv(STAN / "posterior.csv").set_index("name")
    ours = reference.set_index(reference["region"].where(reference["region"] != ALL_ROIS, "mean")
                               + reference["hemisphere"].replace("n/a", ""))
    theirs = stan.loc[ours.index]
    assert len(ours) == 9
    assert (ours["rhat"] < 1.01).all()
    off = (ours["estimate"] - theirs["mean"]).abs() / theirs["sd"]
    assert off.max() < 0.1
    assert ours["sd"].to_numpy() == pytest.approx(theirs["sd"].to_numpy(), rel=0.1)
    for end, name in (("ci_low", "low"), ("ci_high", "high")):
        assert ((ours[end] - theirs[name]).abs() / theirs["sd"]).max() < 0.25
    assert ours["p_direction"].to_numpy() == pytest.approx(theirs["positive"].to_numpy(), abs=0.015)
    assert ours["tau_high"].iloc[0] == pytest.approx(stan.loc["tau", "high"], rel=0.15)


def test_pooling_draws_towards_the_mean(reference: pd.DataFrame) -> None:
    overall = reference[reference["region"] == ALL_ROIS]["estimate"].item()
    rois = reference[reference["region"] != ALL_ROIS]
    apart = (rois["unpooled"] - overall).abs()
    assert ((rois["estimate"] - overall).abs() < apart)[apart > 0.1].all()
    assert (apart > 0.1).sum() >= 4
    assert (rois["ci_high"] - rois["ci_low"] < rois["unpooled_high"] - rois["unpooled_low"]).all()
    assert (reference["ess"] <= CHAINS * KEPT * 2).all()


def table(groups: dict[str, int], sessions: tuple[str, ...], rois: int, gain: float) -> pd.DataFrame:
    """Values whose last session is higher by ``gain`` in the first group."""
    random = np.random.default_rng(2)
    people = [group for group, n in groups.items() for _ in range(n)]
    rows = []
    for i, group in enumerate(people):
        first, shared = group == next(iter(groups)), random.normal()
        for r, session in itertools.product(range(rois), sessions):
            value = shared + random.normal() + gain * (first and session == sessions[-1])
            rows.append((f"{i:03d}", session, f"r{r}", group, 20 + i % 7, value))
    return pd.DataFrame(rows, columns=["subject", "session", "region", "group", "age", "value"])


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """By the real command, twice."""
    table({"A": 8, "B": 8}, ("pre", "post"), 3, 1.0).to_csv(tmp_path / "values.tsv", sep="\t", index=False)
    files = []
    for name, seed in (("one", "1"), ("two", "1"), ("three", "2")):
        done = subprocess.run([sys.executable, "-m", "deltaroi", "compare", tmp_path / "values.tsv", "--sessions",
                               "pre,post", "--groups", "A,B", "--permutations", "0", "--seed", seed, "--multilevel",
                               "--out", tmp_path / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "multilevel.tsv" in done.stderr
        files.append((tmp_path / name / "multilevel.tsv").read_bytes())
    assert files[0] == files[1] != files[2]
    assert len(read_table(tmp_path / "one" / "multilevel.tsv", MULTILEVEL)) == 4


def test_three_groups_and_a_covariate() -> None:
    frame = table({"A": 20, "B": 20, "C": 20}, ("pre", "post"), 5, 1.5)
    options = CompareOptions(("pre", "post"), ("A", "B", "C"), "preexisting", covariates=("age",), stats=ASKED)
    found = compare(frame, options).beside["multilevel"]
    assert set(found["comparison"]) == {"A-C|post-pre", "B-C|post-pre"}
    assert set(found["model"]) == {"change"}
    overall = found[found["region"] == ALL_ROIS].set_index("comparison")
    assert overall.loc["A-C|post-pre", "p_direction"] > 0.999
    assert abs(overall.loc["B-C|post-pre", "estimate"]) < 3 * overall.loc["B-C|post-pre", "sd"]
    assert found[NUMBERS].drop(columns="unpooled").notna().all(axis=None)


def test_one_group_and_more_than_two_sessions() -> None:
    """The linear mixed model is primary there; complete-case changes are pooled."""
    sessions = ("s1", "s2", "s3")
    found = compare(table({"A": 25}, sessions, 3, 1.0), CompareOptions(sessions, stats=ASKED)).beside["multilevel"]
    assert set(found["comparison"]) == {"s2-s1", "s3-s1"}
    overall = found[found["region"] == ALL_ROIS].set_index("comparison")
    assert overall.loc["s3-s1", "estimate"] == pytest.approx(1.0, abs=4 * overall.loc["s3-s1", "sd"])
    assert overall.loc["s3-s1", "p_direction"] > overall.loc["s2-s1", "p_direction"]


def test_too_few_rois_is_a_warning() -> None:
    result = compare(table({"A": 8, "B": 8}, ("pre", "post"), 2, 0.0),
                     CompareOptions(("pre", "post"), ("A", "B"), stats=ASKED))
    assert result.beside["multilevel"].empty
    assert [w for w in result.warnings if "there are 2 ROIs, and at least 3 are needed" in w]


def test_a_study(tiny: Path, tmp_path: Path, edit: Callable[[Path, str, str], None]) -> None:
    edit(tiny, "group: {permutations: 200}", "group: {permutations: 200, multilevel: true}")
    out = tmp_path / "out"
    deltaroi.run(tiny / "study.yaml", out)
    found = read_output(out).multilevel
    assert found.groupby("contrast").size().to_dict() == {"negative": 7, "negative_vs_neutral": 7}
    assert found.loc[found["region"] != ALL_ROIS, "unpooled"].notna().all()
    assert "All ROIs at once: a multilevel model" in (out / "report.html").read_text()
    assert f"numpyro {versions()['numpyro']}" in (out / "methods.md").read_text()
    assert set(deltaroi.run(tiny / "study.yaml", out).reran.values()) == {0}
    edit(tiny, ", multilevel: true", "")
    again = deltaroi.run(tiny / "study.yaml", out)
    assert (again.reran["effects"], again.reran["responses"]) == (1, 0)
    assert not list((out / "group").glob("multilevel.*"))
