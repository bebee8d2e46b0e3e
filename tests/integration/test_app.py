"""The BIDS-App form: participants beside each other into one folder, then the group; the bytes of a plain run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import deltaroi
from deltaroi.cli.main import entry
from deltaroi.layout import Layout
from helpers import file_hashes

App = Callable[..., str]


def start(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-m", "deltaroi", "app", *map(str, words)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True, start_new_session=True)


def end(process: subprocess.Popen[str], code: int = 0) -> str:
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, err
    assert "Traceback" not in err
    return out + err


@pytest.fixture
def app(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run the command in this process; returns what it says."""

    def run(*words: str | Path, code: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            entry(["app", *map(str, words)])
        said = capsys.readouterr()
        assert ended.value.code == code, said.err
        return said.out + said.err

    return run


def test_a_participant_touches_nothing_of_the_others(app: App, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    study = shutil.move(tiny / "study.yaml", tiny / "bids" / "deltaroi.yaml")
    (tiny / "bids" / "code").mkdir()
    code = Path(shutil.move(study, tiny / "bids" / "code"))
    code.write_text(code.read_text().replace("bids_dir: bids", "bids_dir: ..").replace("derivatives: d",
                                                                                     "derivatives: ../../d"))
    said = app(tiny / "bids", out, "participant", "--participant_label", "sub-1001")
    assert "sub-1001: 2 runs fitted, responses" in said
    assert {path.name for path in out.glob("sub-*")} == {"sub-1001"}
    assert {path.name.split("_")[-1] for path in (out / "group").iterdir()} == {"regions.npz"}
    assert not (out / "report.html").exists()
    before = {path: path.stat().st_mtime_ns for path in (out / "sub-1001").rglob("*")}
    app("--participant-label", "1002", "1001", "--", tiny / "bids", out, "participant")
    assert {path: path.stat().st_mtime_ns for path in (out / "sub-1001").rglob("*")} == before
    assert (out / "sub-1002" / "sub-1002_desc-responses_stat.tsv").is_file()


def test_only_some_sessions_are_fitted_on_this_machine(app: App, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with (tiny / "study.yaml").open("a") as study:
        study.write("execution: {backend: dask, scheduler: 'tcp://127.0.0.1:9'}\n")
    said = app(tiny / "bids", out, "participant", "--study", tiny / "study.yaml", "--participant-label", "1001",
               "--session-label", "ses-pre")
    assert "sub-1001: 1 runs fitted, no responses" in said
    assert [path.name for path in (out / "sub-1001").iterdir()] == ["ses-pre"]


@pytest.mark.long
def test_participants_at_the_same_time_then_the_group_give_the_bytes_of_one_run(app: App, simulated: Path,
                                                                                tmp_path: Path) -> None:
    """Different and the same participants in four processes, one of which is killed and its part done again."""
    study, out = simulated / "study.yaml", tmp_path / "out"
    deltaroi.run(study, tmp_path / "plain", jobs=2)
    people = [["1001", "1002", "1003"], ["1003", "1004", "2001"], ["2001", "2002"], ["2003", "2004", "1001"]]
    line = (simulated / "bids", out, "participant", "--study", study, "--participant-label")
    running = [start(*line, *labels) for labels in people]
    give_up = time.monotonic() + 60
    while not list((out / "logs" / "steps" / "first-level").glob("sub-200[34]*")) and time.monotonic() < give_up:
        time.sleep(0.005)
    os.killpg(running[-1].pid, signal.SIGKILL)
    running[-1].communicate()
    for process in running[:-1]:
        end(process)
    assert not Layout(out).table("responses").exists()
    app(*line, *people[-1])
    said = app(simulated / "bids", out, "group", "--study", study)
    assert "first-level: 16 runs of 8 subjects, 16 already there" in said
    assert re.search("responses: 8 .*8 already there", said)
    assert file_hashes(out) == file_hashes(tmp_path / "plain")


@pytest.mark.long
def test_participants_of_a_multiverse(app: App, tiny: Path, tmp_path: Path) -> None:
    """Its models and specifications are the participants' work too: the group finds them done."""
    study, out = tiny / "study.yaml", tmp_path / "out"
    study.write_text(study.read_text() + "multiverse: {summary: [median], noise: [ols], definitions: [aal3]}\n")
    deltaroi.run(study, tmp_path / "plain", jobs=1)
    app(tiny / "bids", out, "participant", "--study", study)
    assert len(list((out / "logs" / "steps" / "specifications").iterdir())) == 8
    said = app(tiny / "bids", out, "group", "--study", study)
    assert "were not done" not in said
    assert file_hashes(out) == file_hashes(tmp_path / "plain")


@pytest.mark.long
def test_the_group_does_what_participants_left_undone(app: App, simulated: Path, tmp_path: Path) -> None:
    study, out = simulated / "study.yaml", tmp_path / "out"
    deltaroi.run(study, tmp_path / "plain", jobs=2)
    app(simulated / "bids", out, "participant", "--study", study, "--participant-label", "1001", "1002", "2001")
    said = app(simulated / "bids", out, "group", "--study", study, "--n-cpus", "2")
    assert "first-level: 10 steps were not done" in said
    assert file_hashes(out) == file_hashes(tmp_path / "plain")


def test_a_dataset_somewhere_else_takes_the_place_of_that_of_the_study_file(app: App, tiny: Path,
                                                                            tmp_path: Path) -> None:
    """As in a container; derivatives are named, or lie in the dataset at the place that the study file says."""
    study = shutil.copy(tiny / "study.yaml", tmp_path / "study.yaml")
    moved = (tiny / "derivatives" / "fmriprep").rename(tiny / "bids" / "prep")
    words = (tiny / "bids", tmp_path / "out", "participant", "--study", study, "--participant-label", "1001",
             "--session-label", "pre")
    assert "derivatives" in app(*words, code=4)
    app(*words, "-d", moved)
    text = Path(study).read_text()
    Path(study).write_text(text.replace("derivatives/fmriprep", "bids/prep"))
    app(*words)


def test_whoever_is_left_out_by_the_rules_is_no_error(app: App, tiny: Path, tmp_path: Path) -> None:
    study = tiny / "study.yaml"
    study.write_text(study.read_text().replace("sessions: [pre, post]", "sessions: [pre, post], subjects: ['1001']"))
    said = app(tiny / "bids", tmp_path / "out", "participant", "--study", study, "--participant-label", "2001")
    assert "sub-2001: no usable run" in said
    assert "not listed in dataset.subjects" in said


@pytest.mark.parametrize(("words", "says"), [
    (["participant"], "deltaroi init"),
    (["participant", "--study", "study.yaml", "--participant-label", "100"], "no participant '100'"),
    (["participant", "--study", "study.yaml", "--session-label", "mid"], "no session 'mid'"),
    (["participant", "--study", "study.yaml", "--task-id", "rest"], "about the task 'faces'"),
    (["group", "--study", "study.yaml", "--participant-label", "1001"], "dataset.subjects"),
])
def test_what_does_not_fit_is_named(app: App, simulated: Path, tmp_path: Path, words: list[str], says: str) -> None:
    full = [simulated / word if word == "study.yaml" else word for word in words]
    assert says in app(simulated / "bids", tmp_path / "out", *full, code=2)
    assert not (tmp_path / "out").exists()
