"""Each published design simulated and replicated by command; the card, its folder and its errors."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from deltaroi.io.tsv import read_table
from deltaroi.tables import CARD, PLANTED
from helpers import file_hashes

SCALES = {"desbordes2012": 1, "klimecki2013": 0.7, "klimecki2014": 0.5, "leung2018": 2, "lutz2008": 1, "mascaro2013": 2,
          "weng2013": 1}
"""Factors on the published n: about 80 runs each, so that a test takes half a minute on one core."""
LONG = ("desbordes2012", "klimecki2013", "klimecki2014", "leung2018", "lutz2008", "weng2013")
STANDARD_ERRORS = 2.5
"""A planted effect is adequate when it is this many standard errors at that n: its sign fails in 6 of 1,000 draws."""


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", "studies", *map(str, words)], capture_output=True,
                          text=True, check=False)


def adequate(row: dict[str, Any], planted: dict[str, Any]) -> bool:
    """Whether the sign must be recovered: decided from what was planted and from n alone."""
    size, first, second = planted["planted"], row["new_n_first"], row["new_n_second"]
    if not math.isfinite(size) or size == 0 or not math.isfinite(first):
        return False
    if row["new_kind"] == "r":
        return abs(math.atanh(size)) * math.sqrt(first - 3) >= STANDARD_ERRORS
    n = first if not math.isfinite(second) else 1 / (1 / first + 1 / second)
    return bool(abs(size) * math.sqrt(n) >= STANDARD_ERRORS)


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.long] if name in LONG else [])
                                  for name in SCALES])
def test_simulated_and_replicated(name: str, tmp_path: Path) -> None:
    made = command("simulate", name, tmp_path / "data", "--resolution", "8", "--seed", "1", "--scale",
                   str(SCALES[name]))
    assert made.returncode == 0, made.stderr
    done = command("replicate", name, tmp_path / "data" / "STUDY.yaml", "--out", tmp_path / "out", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    card = read_table(tmp_path / "out" / "card.tsv", CARD)
    planted = read_table(tmp_path / "data" / "planted.tsv", PLANTED).set_index("claim")
    testable = [row for row in card.to_dict("records") if row["table"] != "n/a"]
    assert testable
    assert all(row["verdict"] != "not testable" for row in testable), [row["problem"] for row in testable]
    must = [row for row in testable if adequate(row, planted.loc[row["claim"]].to_dict())]
    assert must
    for row in must:
        assert row["new"] * planted.loc[row["claim"], "planted"] > 0, row["claim"]
        assert (row["planted"], row["turned"]) == (planted.loc[row["claim"], "planted"], False)
    assert "SIMULATED" in done.stdout
    assert "SIMULATED" in (tmp_path / "out" / "card.html").read_text()


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A replication of a few simulated people; not to be changed."""
    out = tmp_path_factory.mktemp("small") / "out"
    done = command("replicate", "mascaro2013", "--out", out, "--resolution", "8", "--scale", "0.4", "--jobs", "1")
    assert done.returncode == 0, done.stderr
    return out


def read(folder: Path) -> pd.DataFrame:
    return read_table(folder / "card.tsv", CARD).set_index("claim")


def test_without_a_study_file_the_design_is_simulated(small: Path) -> None:
    assert {path.name for path in small.iterdir()} == {"card.tsv", "card.json", "card.html", "dataset", "results",
                                                       "simulated.json"}
    card = read(small)
    assert (card.loc["mascaro2013_dmpfc_rmet", "new_n_first"], card.loc["mascaro2013_dmpfc_rmet", "new_n_second"]) == (
        5, 3)
    said = json.loads((small / "card.json").read_text())["Replication"]
    assert said["Simulation"] == {"resolution_mm": 8.0, "seed": 1, "null": False, "scale": 0.4}
    assert [one["Measured"] for one in said["NamedBeforehand"]] == ["B (hcpex)", "L (hcpex)"]
    assert said["Groups"] == {"CBCT": 5, "control": 3}
    assert "0.4 times the published number of people" in (small / "card.html").read_text()


def test_it_resumes_and_changes_nothing(small: Path) -> None:
    before = file_hashes(small)
    times = {path: path.stat().st_mtime_ns for path in (small / "dataset").rglob("*.nii.gz")}
    done = command("replicate", "mascaro2013", "--out", small, "--resolution", "8", "--scale", "0.4")
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in (small / "dataset").rglob("*.nii.gz")} == times
    after = file_hashes(small)
    assert {name for name in before if before[name] != after.get(name) and "logs" not in name} == set()


def test_another_simulation_does_not_go_into_the_same_folder(small: Path) -> None:
    done = command("replicate", "mascaro2013", "--out", small, "--resolution", "8", "--scale", "0.4", "--seed", "2")
    assert done.returncode == 2
    assert "holds another simulation" in done.stderr


def mine(small: Path, path: Path, *changes: tuple[str, str]) -> Path:
    """The simulated study as the user's own file, with changes."""
    text = (small / "dataset" / "STUDY.yaml").read_text()
    for place in ("bids_dir: ", "derivatives: "):
        text = text.replace(place, f"{place}{small / 'dataset'}/")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)
    return path


@pytest.mark.long
def test_groups_listed_the_other_way_round_give_the_same_card(small: Path, tmp_path: Path) -> None:
    study = mine(small, tmp_path / "mine.yaml", ("levels: [CBCT, control]", "levels: [control, CBCT]"),
                 ("CBCT-control|post-pre", "control-CBCT|post-pre"))
    done = command("replicate", "mascaro2013", study, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    straight, turned = read(small), read(tmp_path / "out")
    tested = turned[turned["new"].notna()]
    assert tested["turned"].all()
    assert len(tested) >= 3
    for column in ("new", "new_low", "new_high", "bf_r0"):
        expected = pytest.approx(straight.loc[tested.index, column].tolist(), rel=1e-6, nan_ok=True)
        assert tested[column].tolist() == expected, column
    assert tested["verdict"].tolist() == straight.loc[tested.index, "verdict"].tolist()


@pytest.mark.parametrize(("words", "code", "said"), [
    (("mascaro2031",), 2, "no published design is called 'mascaro2031'"),
    (("mascaro2013", "{mine}", "--seed", "3"), 2, "with a study file nothing is simulated"),
    (("mascaro2013", "{mine}", "--null"), 2, "with a study file nothing is simulated"),
    (("leung2018", "{mine}"), 3, "is a result of mascaro2013, not of leung2018"),
    (("mascaro2013", "{misspelled}"), 3, "mascaro2013_ifg_rmet"),
])
def test_errors_come_before_the_work(small: Path, tmp_path: Path, words: tuple[str, ...], code: int, said: str) -> None:
    files = {"mine": mine(small, tmp_path / "mine.yaml"),
             "misspelled": mine(small, tmp_path / "misspelled.yaml", ("mascaro2013_ifg_rmet:", "mascaro2013_ifg_met:"))}
    done = command("replicate", *(word.format(**files) for word in words), "--out", tmp_path / "out")
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.long
def test_nothing_that_can_be_tested_is_said_and_coded(small: Path, tmp_path: Path) -> None:
    study = mine(small, tmp_path / "mine.yaml")
    text = study.read_text()
    claims = "\nclaims:\n  mascaro2013_rmet_score: {untestable: not measured}\n"
    study.write_text(text[:text.index("\nclaims:")] + claims)
    done = command("replicate", "mascaro2013", study, "--out", tmp_path / "out")
    assert done.returncode == 4, done.stderr
    assert "not testable: mascaro2013_rmet_score: not measured" in done.stdout
    assert read(tmp_path / "out")["verdict"].tolist() == ["not testable"]
