"""The commands of the published designs: what they print, write and refuse."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deltaroi.config.read import read_study
from deltaroi.errors import StudyError
from deltaroi.pipeline.published_init import MARK, init_published


def deltaroi(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)


def dataset(root: Path, groups: tuple[str, str] = ("CBCT", "control"), types: str = "emotion control_task",
            sessions: tuple[str, str] = ("pre", "post"), task: str = "rmet") -> Path:
    """A BIDS folder of texts with two people."""
    bids = root / "data"
    for subject, _ in enumerate(groups, 1):
        for session in sessions:
            folder = bids / f"sub-{subject}" / f"ses-{session}" / "func"
            folder.mkdir(parents=True)
            rows = "".join(f"{5 * i}\t2\t{name}\n" for i, name in enumerate(types.split()))
            (folder / f"sub-{subject}_ses-{session}_task-{task}_events.tsv").write_text(
                f"onset\tduration\ttrial_type\n{rows}")
    people = "".join(f"sub-{i}\t{group}\t{20 + i}\t{21 + i}\n" for i, group in enumerate(groups, 1))
    (bids / "participants.tsv").write_text(f"participant_id\tgroup\trmet_pre\tRMET_post\n{people}")
    (bids / "dataset_description.json").write_text('{"Name": "x", "BIDSVersion": "1.8.0"}')
    derived = root / "data-fmriprep" / "sub-1"
    derived.mkdir(parents=True)
    return bids


def test_list_names_people_and_sessions() -> None:
    done = deltaroi("studies", "list")
    assert done.returncode == 0, done.stderr
    assert "mascaro2013    2013  21   CBCT 13, control 8" in done.stdout
    assert "klimecki2014   2014  53   compassion 25, memory 28" in done.stdout
    assert "    amygdala-R\n" in done.stdout


def test_show_says_what_is_stated_and_what_is_not() -> None:
    done = deltaroi("studies", "show", "mascaro2013")
    assert done.returncode == 0, done.stderr
    assert "CBCT: n 13, men 100 %, age 31 ± 6.02 years" in done.stdout
    assert "control: n 8, men 100 %, age not stated" in done.stdout
    assert "mascaro2013_dmpfc_rmet: increase, F(19) = 6.16, p < 0.05, eta2 0.25, g 1.07" in done.stdout
    assert "groups.assignment: preexisting" in done.stdout


def test_an_unknown_design_is_refused_with_the_known_ones() -> None:
    done = deltaroi("studies", "show", "mascaro2012")
    assert done.returncode == 2
    assert "did you mean 'mascaro2013'?" in done.stderr


def test_a_design_names_no_data(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(
        "schema_version: 1\nname: x\ncontrasts: {c: a}\ndesign: {citation: c, year: 2000, groups: {g: {n: 4}}}\n"
        "power: {n: [10], effects: [0.5], sd: 1, rois: 1, draws: 100}\n")
    for words in (("check", tmp_path / "study.yaml"), ("run", tmp_path / "study.yaml", "--out", tmp_path / "out")):
        done = deltaroi(*words)
        assert done.returncode == 3
        assert "the study names no data: it is a design" in done.stderr
    done = deltaroi("power", tmp_path / "study.yaml", "--out", tmp_path / "power")
    assert done.returncode == 0, done.stderr


def test_init_takes_over_what_matches_by_name(tmp_path: Path) -> None:
    bids = dataset(tmp_path)
    text = init_published("mascaro2013", bids, base=tmp_path)
    assert MARK not in text
    (tmp_path / "study.yaml").write_text(text)
    study = read_study(tmp_path / "study.yaml")
    assert (study.dataset.bids_dir, study.dataset.derivatives, study.dataset.task) == ("data", "data-fmriprep", "rmet")
    assert study.dataset.sessions == ["pre", "post"]
    assert study.groups is not None
    assert study.groups.levels == ["CBCT", "control"]
    assert study.conditions["control_task"].where == {"trial_type": "control_task"}
    assert study.behaviour["rmet"].columns == {"pre": "rmet_pre", "post": "RMET_post"}
    claim = study.claims["mascaro2013_dmpfc_rmet"]
    assert claim.where["comparison"] == "CBCT-control|post-pre"
    assert claim.plant is None
    assert study.simulation is None


def test_init_marks_what_does_not_match_and_guesses_nothing(tmp_path: Path) -> None:
    bids = dataset(tmp_path, ("A", "Control"), "faces shapes", ("first", "post"), "eyes")
    text = init_published("mascaro2013", bids, base=tmp_path)
    (tmp_path / "study.yaml").write_text(text)
    study = read_study(tmp_path / "study.yaml")
    assert study.groups is not None
    assert study.groups.levels == ["FILLIN_CBCT", "Control"]
    assert study.dataset.sessions == ["FILLIN_pre", "post"]
    assert study.dataset.task == "eyes"  # the only task
    assert study.conditions["emotion"].where == {"trial_type": "FILLIN_emotion"}
    assert study.claims["mascaro2013_dmpfc_rmet"].where["comparison"] == "FILLIN_CBCT-Control|post-FILLIN_pre"
    assert "#   FILLIN_CBCT: a group; the dataset has A, Control" in text
    assert "#   FILLIN_emotion: a trial type; the dataset has faces, shapes" in text
    filled = text.replace("FILLIN_CBCT", "A").replace("FILLIN_pre", "first")
    (tmp_path / "filled.yaml").write_text(filled)
    claim = read_study(tmp_path / "filled.yaml").claims["mascaro2013_dmpfc_rmet"]
    assert claim.where["comparison"] == "A-Control|post-first"


def test_init_marks_sessions_of_phases_and_columns_of_measures(tmp_path: Path) -> None:
    bids = dataset(tmp_path, ("compassion", "memory"), "high_emotion low_emotion", ("pre", "late"), "sovt")
    (tmp_path / "study.yaml").write_text(init_published("klimecki2014", bids, base=tmp_path))
    study = read_study(tmp_path / "study.yaml")
    assert study.dataset.sessions == ["pre", "FILLIN_mid", "FILLIN_post"]
    assert study.group.phases == {"empathy": ["pre", "FILLIN_mid"], "compassion": ["FILLIN_mid", "FILLIN_post"]}
    assert study.behaviour["empathy_after"].columns == {"FILLIN_post": "FILLIN_empathy_post"}
    where = study.claims["klimecki2014_negative_affect_empathy"].where
    assert where["comparison"] == "compassion|FILLIN_mid-pre"


def test_init_chooses_no_task_among_several(tmp_path: Path) -> None:
    bids = dataset(tmp_path, task="eyes")
    folder = bids / "sub-1" / "ses-pre" / "func"
    (folder / "sub-1_ses-pre_task-rest_events.tsv").write_text("onset\tduration\ttrial_type\n1\t1\tx\n")
    text = init_published("mascaro2013", bids, base=tmp_path)
    assert "task: FILLINrmet" in text
    assert "#   FILLINrmet: the task; the dataset has eyes, rest" in text


def test_init_writes_a_file_once(tmp_path: Path) -> None:
    bids = dataset(tmp_path)
    done = deltaroi("studies", "init", "mascaro2013", bids, "--out", tmp_path / "mine.yaml")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "mine.yaml").is_file()
    assert deltaroi("studies", "init", "mascaro2013", bids, "--out", tmp_path / "mine.yaml").returncode == 2


@pytest.mark.parametrize("text", ["claims: {x: {table: effects}}", "claims: {x: {untestable: a, where: {b: c}}}",
                                  "claims: {x: {}}", "claims: {x: {table: effects, where: {a: b}, plant: {}}}",
                                  "claims: {x: {untestable: a, plant: {condition: b}}}"])
def test_a_claim_is_a_row_or_a_reason(tmp_path: Path, text: str) -> None:
    (tmp_path / "study.yaml").write_text(
        "schema_version: 1\nname: x\ndataset: {bids_dir: b, task: t}\ncontrasts: {c: a}\n" + text)
    with pytest.raises(StudyError, match=r"claims\.x"):
        read_study(tmp_path / "study.yaml")
