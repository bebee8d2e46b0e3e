"""The output folder is a BIDS derivative dataset: bids-validator-deno, offline from its wheel, agrees."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

import deltaroi
from deltaroi.pipeline.record import BIDSIGNORE

FROZEN = ("report.html", "methods.md", "cobidas.json", "atlases", "group", "logs", "sub-*")


def errors(folder: Path) -> list[dict[str, Any]]:
    validator = Path(sys.executable).parent / "bids-validator-deno"
    done = subprocess.run([validator, folder, "--format", "json"], capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


@pytest.fixture(scope="module")
def output(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bids") / "out"
    deltaroi.run(simulated / "study.yaml", out)
    return out


def test_the_list_of_what_bids_does_not_know_is_frozen(output: Path) -> None:
    assert BIDSIGNORE == FROZEN
    assert (output / ".bidsignore").read_text().splitlines() == list(FROZEN)


@pytest.mark.long
def test_the_validator_finds_no_error(output: Path) -> None:
    assert errors(output) == []


@pytest.mark.long
def test_without_the_list_only_those_paths_are_foreign(output: Path, tmp_path: Path) -> None:
    """A JSON file that BIDS does not know is also called a sidecar without its data file."""
    bare = shutil.copytree(output, tmp_path / "bare")
    (bare / ".bidsignore").unlink()
    found = errors(bare)
    assert {issue["code"] for issue in found} <= {"NOT_INCLUDED", "SIDECAR_WITHOUT_DATAFILE"}
    places = {issue["location"].strip("/") for issue in found}
    assert places
    assert not [place for place in places if not any(fnmatch(place.split("/")[0], pattern) for pattern in FROZEN)]
