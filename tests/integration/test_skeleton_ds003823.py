"""Simulated BOLD over a real study: its participants, groups, gaps and events are real, only the images are not."""

from __future__ import annotations

from pathlib import Path

import pytest

import deltaroi
from deltaroi.io.tsv import read_tsv

STUDY = """\
schema_version: 1
name: hrv_er_simulated
dataset:
  bids_dir: bids
  derivatives: derivatives/fmriprep
  task: emotionRegulation
  sessions: [pre, post]
groups: {column: condition, levels: [increase_HRV, decrease_HRV], assignment: randomised}
regions: {include: [amygdala, dmPFC, VTA]}
first_level: {confounds: {motion: 6, scrub_fd_mm: 0.9}}
contrasts: {diminish_vs_view: "dn - vn", negative_vs_neutral: "vn - vt"}
group: {permutations: 2000}
simulation:
  seed: 3
  resolution_mm: 5
  partial_volume: false
  planted:
    - {region: dmPFC, condition: dn, percent: 0.8}
    - {region: dmPFC, condition: dn, percent: 0.9, group: increase_HRV, session: post}
"""
N = 32


@pytest.fixture(scope="module")
def result(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> deltaroi.RunResult:
    root = tmp_path_factory.mktemp("skeleton")
    source = shared / "data" / "openneuro_ds003823" / "bids"
    people = read_tsv(source / "participants.tsv").set_index("participant_id")["condition"]
    here = [path.name for path in sorted(source.glob("sub-*"))]
    subjects = [name.removeprefix("sub-") for group in ("increase_HRV", "decrease_HRV")
                for name in [name for name in here if people[name] == group][:N // 2]]
    (root / "study.yaml").write_text(STUDY)
    deltaroi.simulate(root / "study.yaml", root, skeleton=source, subjects=subjects, jobs=1)
    return deltaroi.run(root / "study.yaml", root / "out")


def test_at_least_24_subjects_take_part(result: deltaroi.RunResult) -> None:
    primary = result.effects[result.effects["primary"]]
    assert primary["n"].min() >= 24


def test_the_planted_effect_is_recovered(result: deltaroi.RunResult) -> None:
    asked = result.effects["primary"] & (result.effects["contrast"] == "diminish_vs_view")
    rows = result.effects[asked].set_index(["region", "hemisphere"])
    for side in "LR":
        row = rows.loc[("dmPFC", side)]
        assert row["model"] == "ancova"
        assert row["p_fwe"] < 0.05
        assert row["ci_low"] < 0.9 < row["ci_high"]


def test_nothing_is_found_where_nothing_was_planted(result: deltaroi.RunResult) -> None:
    rows = result.effects[result.effects["primary"] & (result.effects["region"] != "dmPFC")]
    assert (rows["p_fwe"] > 0.01).all(), rows[["contrast", "region", "hemisphere", "p_fwe"]].to_string()


def test_real_gaps_are_listed(result: deltaroi.RunResult) -> None:
    """Whoever lacks a session in the real study is listed, not dropped."""
    used = set(result.responses.groupby("subject")["session"].nunique().loc[lambda n: n < 2].index)
    listed = set(result.exclusions["subject"])
    assert used <= listed


def test_the_report_says_simulated(result: deltaroi.RunResult) -> None:
    assert result.report is not None
    assert "imulated" in result.report.read_text()
