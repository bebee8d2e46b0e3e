"""Published designs, simulated: what is written, what was planted in it, and that `check` and `run` take it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deltaroi
from deltaroi.config.expression import parse_contrast
from deltaroi.errors import DataError, UsageError
from deltaroi.io.tsv import read_table
from deltaroi.pipeline.published import SimulatedPublication, SimulateOptions, simulate_published
from deltaroi.studies import answer, study_names
from deltaroi.tables import PLANTED, TRUTH
from helpers import file_hashes

SMALL = SimulateOptions(resolution_mm=8, scale=0.08)


@pytest.mark.parametrize("name", study_names())
def test_every_design_can_be_simulated_and_checked(name: str, tmp_path: Path) -> None:
    made = simulate_published(name, tmp_path / "out", SMALL)
    checked = deltaroi.check(made.study_path)
    assert checked.exit_code == 0, list(checked.lines())
    assert (checked.subjects["subjects"] >= 2).all()
    assert checked.plan.simulated
    assert "SIMULATED" in (tmp_path / "out" / "STUDY.yaml").read_text().splitlines()[0]
    planted = read_table(tmp_path / "out" / "planted.tsv", PLANTED)
    assert {"reported", "default"} & set(planted["source"])


@pytest.fixture(scope="module")
def mascaro(tmp_path_factory: pytest.TempPathFactory) -> SimulatedPublication:
    """The smallest design with twice its people, on coarse voxels."""
    return simulate_published("mascaro2013", tmp_path_factory.mktemp("mascaro") / "out",
                              SimulateOptions(resolution_mm=8, seed=2, scale=2))


@pytest.mark.long
def test_a_run_answers_the_claims_in_their_direction(mascaro: SimulatedPublication) -> None:
    result = deltaroi.run(mascaro.study_path, mascaro.study_path.parent / "results")
    assert result.exit_code == 0
    planted = mascaro.planted.set_index("claim")
    answered = 0
    for name, claim in result.study.claims.items():
        if claim.table is None:
            continue
        found = answer(claim, {"effects": result.effects, **result.beside})
        assert found.row is not None, found.reason
        assert found.row["se_kind"] == "classical"
        # 26 and 16 people: the estimate lies within four standard errors of what was planted
        assert abs(found.row["estimate"] - planted.loc[name, "percent"]) < 4 * found.row["se"]
        assert found.row["estimate"] * planted.loc[name, "planted"] > 0
        answered += 1
    assert answered == 4


@pytest.mark.long
def test_the_measurement_error_is_small_beside_what_sessions_vary(mascaro: SimulatedPublication) -> None:
    """Measured minus planted, in SDs of one condition: near the stated one, far below that between sessions."""
    root = mascaro.study_path.parent / "results"  # written by the run of the test above; resumed where it stood alone
    assert deltaroi.run(mascaro.study_path, root).exit_code == 0
    values = pd.concat([pd.read_csv(path, sep="\t", dtype={"subject": str}) for path in
                        sorted(root.rglob("*desc-responses_stat.tsv"))])
    study = deltaroi.read_study(mascaro.study_path)
    weights = dict(parse_contrast(study.contrasts["emotion_vs_control"]))
    truth = read_table(mascaro.dataset.truth_path, TRUTH)
    truth["planted"] = truth["percent"] * truth["condition"].map(weights)
    keys = ["subject", "session", "region", "hemisphere"]
    both = values.merge(truth.groupby(keys, as_index=False)["planted"].sum(), on=keys)
    assert len(both) == len(values) == 3 * 2 * 42
    error = (both["value"] - both["planted"]).std() / np.sqrt(sum(w**2 for w in weights.values()))
    assert study.design is not None
    assert study.simulation is not None
    assert error < 2 * study.design.measurement_sd_percent
    assert error < 0.2 * study.simulation.noise.session_sd_percent


def test_null_plants_no_difference_of_groups_or_sessions(tmp_path: Path) -> None:
    made = simulate_published("leung2018", tmp_path / "out", SimulateOptions(resolution_mm=10, scale=0.2, null=True))
    study = deltaroi.read_study(made.study_path)
    assert study.simulation is not None
    assert all(one.group is None and one.session is None and one.per_sd_of is None for one in study.simulation.planted)
    assert any(one.percent for one in study.simulation.planted)
    assert {score.mean for score in study.simulation.scores.values()} == {45, 20}
    testable = made.planted[made.planted["table"] != "n/a"]
    assert set(testable["source"]) == {"none", "no effect"}
    assert (testable["planted"].fillna(0) == 0).all()


@pytest.mark.long
def test_the_same_seed_gives_the_same_bytes_whatever_the_jobs(tmp_path: Path) -> None:
    chosen = SimulateOptions(resolution_mm=12, scale=0.1)
    for folder, jobs in (("one", 1), ("two", 2)):
        simulate_published("lutz2008", tmp_path / folder, chosen, jobs=jobs)
    assert file_hashes(tmp_path / "one") == file_hashes(tmp_path / "two")
    simulate_published("lutz2008", tmp_path / "three", SimulateOptions(resolution_mm=12, scale=0.1, seed=2))
    assert file_hashes(tmp_path / "one") != file_hashes(tmp_path / "three")


def test_a_folder_is_completed_or_left_alone(tmp_path: Path) -> None:
    chosen = SimulateOptions(resolution_mm=12, scale=0.1)
    first = simulate_published("lutz2008", tmp_path / "out", chosen)
    before = file_hashes(tmp_path / "out")
    image = sorted(first.dataset.derivatives.rglob("*_bold.nii.gz"))[0]
    image.unlink()
    sorted(first.dataset.derivatives.rglob("*_timeseries.json"))[0].unlink()
    simulate_published("lutz2008", tmp_path / "out", chosen)
    assert file_hashes(tmp_path / "out") == before
    with pytest.raises(DataError, match="holds something else"):
        simulate_published("lutz2008", tmp_path / "out", SimulateOptions(resolution_mm=12, scale=0.1, seed=2))
    with pytest.raises(UsageError, match="at most 999"):
        simulate_published("lutz2008", tmp_path / "big", SimulateOptions(scale=100))


def test_what_is_written_is_bids(tmp_path: Path) -> None:
    made = simulate_published("leung2018", tmp_path / "out", SimulateOptions(resolution_mm=12, scale=0.1))
    program = Path(sys.executable).with_name("bids-validator-deno")
    for folder in (made.dataset.bids_dir, made.dataset.derivatives):
        done = subprocess.run([program, "--json", str(folder)], capture_output=True, text=True, check=False)
        issues = json.loads(done.stdout)["issues"]["issues"]
        assert [issue for issue in issues if issue["severity"] == "error"] == []
        assert issues, "a validator that says nothing did not run"


def test_the_command_prints_what_it_planted(tmp_path: Path) -> None:
    words = ["studies", "simulate", "mascaro2013", tmp_path / "out", "--resolution", "12", "--scale", "0.1"]
    done = subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "the data are simulated" in done.stderr
    assert "mascaro2013_ifg_rmet    reported     +1.15 SD" in done.stdout
    assert f"next: deltaroi run {tmp_path / 'out' / 'STUDY.yaml'}" in done.stdout
