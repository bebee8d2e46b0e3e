"""A tiny simulated study, made once per test process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import deltaroi

STUDY = """\
schema_version: 1
name: tiny
dataset: {bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [pre, post]}
groups: {column: group, levels: [training, control], assignment: randomised}
regions: {include: [amygdala, AI, VTA], hemispheres: [L, R]}
first_level: {noise: ols, confounds: {motion: 6, scrub_fd_mm: 0.9}}
contrasts: {negative_vs_neutral: "negative - neutral", negative: "negative"}
group: {permutations: 200}
simulation:
  seed: 5
  subjects: {training: 4, control: 4}
  resolution_mm: 6
  partial_volume: false
  tr_s: 2
  volumes: 70
  events: {conditions: [negative, neutral], trials: 5, duration_s: 4, gap_s: [6, 8]}
  planted:
    - {region: AI, condition: negative, percent: 1.0}
    - {region: AI, condition: negative, percent: 1.5, group: training, session: post}
"""


@pytest.fixture(scope="session")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a simulated dataset and its study file; not to be changed."""
    root = tmp_path_factory.mktemp("tiny")
    (root / "study.yaml").write_text(STUDY)
    deltaroi.simulate(root / "study.yaml", root)
    return root


@pytest.fixture
def tiny(simulated: Path, tmp_path: Path) -> Path:
    """A copy of the simulated dataset that a test may change."""
    return Path(shutil.copytree(simulated, tmp_path / "tiny"))


@pytest.fixture
def edit() -> Callable[[Path, str, str], None]:
    """Replace a text in a study file that must hold it."""

    def replace(folder: Path, old: str, new: str) -> None:
        file = folder / "study.yaml"
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    return replace
