"""A small BIDS dataset with fMRIPrep derivatives, of any layout, for discovery and planning; nilearn's data folder."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

SPACE = "MNI152NLin2009cAsym"
AFFINE = np.array([[40.0, 0, 0, -60], [0, 40, 0, -60], [0, 0, 40, -60], [0, 0, 0, 1]])
EVENTS = "onset\tduration\ttrial_type\n" + "".join(f"{4 * i}\t2\t{'ab'[i % 2]}\n" for i in range(8))
MOTION = ("trans_x", "trans_y", "trans_z", "rot_x", "rot_y", "rot_z")
CONFOUNDS = (*(f"{name}{more}" for name in MOTION for more in ("", "_derivative1", "_power2", "_derivative1_power2")),
             "framewise_displacement")


def nifti(shape: tuple[int, ...] = (4, 4, 4, 20), tr: float = 2.0, affine: np.ndarray = AFFINE) -> bytes:
    """A small gzipped image."""
    import nibabel

    image = nibabel.Nifti1Image(np.ones(shape, dtype=np.float32), affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header.set_zooms([*image.header.get_zooms()[:3], *([tr] if len(shape) > 3 else [])])
    return gzip.compress(image.to_bytes(), mtime=0)


def confounds(rows: int = 20, columns: tuple[str, ...] = CONFOUNDS) -> str:
    lines = ["\t".join(columns)] + ["\t".join("0.1" for _ in columns) for _ in range(rows)]
    return "\n".join(lines) + "\n"


@dataclass
class Trees:
    """A dataset under construction; names are given relative to the two roots."""

    root: Path
    bids: Path = field(init=False)
    derivatives: Path = field(init=False)

    def __post_init__(self) -> None:
        self.bids, self.derivatives = self.root / "bids", self.root / "fmriprep"
        self.bids.mkdir()
        self.derivatives.mkdir()

    def raw(self, name: str, content: str | bytes | dict = "") -> Path:
        return self._write(self.bids / name, content)

    def derived(self, name: str, content: str | bytes | dict = "") -> Path:
        return self._write(self.derivatives / name, content)

    def _write(self, path: Path, content: str | bytes | dict) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def folder(self, subject: str, session: str | None) -> str:
        return f"sub-{subject}/ses-{session}/func" if session else f"sub-{subject}/func"

    def stem(self, subject: str, session: str | None, task: str = "t", *entities: str) -> str:
        parts = [f"sub-{subject}", *([f"ses-{session}"] if session else []), f"task-{task}", *entities]
        return f"{self.folder(subject, session)}/{'_'.join(parts)}"

    def run(self, subject: str, session: str | None = None, *entities: str, task: str = "t",
            events: str | None = EVENTS, sidecar: dict | None = None, space: str = f"space-{SPACE}") -> str:
        """One complete run as fMRIPrep 23 leaves it; returns the stem of its names."""
        stem = self.stem(subject, session, task, *entities)
        self.raw(f"{stem}_bold.nii.gz", "x")
        if events is not None:
            self.raw(f"{stem}_events.tsv", events)
        self.derived(f"{stem}_{space}_desc-preproc_bold.nii.gz", nifti())
        self.derived(f"{stem}_{space}_desc-preproc_bold.json",
                     sidecar or {"RepetitionTime": 2.0, "StartTime": 0.5, "SliceTimingCorrected": True})
        self.derived(f"{stem}_{space}_desc-brain_mask.nii.gz", nifti((4, 4, 4)))
        self.derived(f"{stem}_desc-confounds_timeseries.tsv", confounds())
        return stem

    def participants(self, text: str) -> Path:
        return self.raw("participants.tsv", text)

    def study(self, text: str = "", **dataset: object) -> Path:
        """A study file over this dataset; ``text`` replaces its last part."""
        entries = {"bids_dir": "bids", "derivatives": "fmriprep", "task": "t", **dataset}
        path = self.root / "study.yaml"
        path.write_text(f"schema_version: 1\nname: tried\ndataset: {json.dumps(entries)}\n"
                        f"{text or 'contrasts: {a_b: a - b}'}\n")
        return path


@pytest.fixture
def trees(tmp_path: Path) -> Trees:
    """An empty dataset."""
    return Trees(tmp_path)


@pytest.fixture
def nilearn_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder of nilearn's."""
    for name in ("NILEARN_SHARED_DATA", "NILEARN_DATA"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "nilearn_data"
    monkeypatch.setenv("NILEARN_DATA", str(folder))
    monkeypatch.setenv("HOME", str(tmp_path))
    return folder
