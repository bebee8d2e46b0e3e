"""Every path of the output folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltaroi.types import NA, RoiKey, RunKey


@dataclass(frozen=True)
class Layout:
    """The output folder: a BIDS derivative dataset.

    Parameters
    ----------
    root : Path
        The folder given with ``--out``.
    """

    root: Path

    @property
    def description(self) -> Path:
        """``dataset_description.json``."""
        return self.root / "dataset_description.json"

    @property
    def bidsignore(self) -> Path:
        """``.bidsignore``."""
        return self.root / ".bidsignore"

    @property
    def report(self) -> Path:
        """The self-contained report."""
        return self.root / "report.html"

    @property
    def methods(self) -> Path:
        """The methods paragraph."""
        return self.root / "methods.md"

    @property
    def cobidas(self) -> Path:
        """The COBIDAS items, machine readable."""
        return self.root / "cobidas.json"

    @property
    def group(self) -> Path:
        """Folder of the group tables."""
        return self.root / "group"

    @property
    def atlases(self) -> Path:
        """Folder of the mask images."""
        return self.root / "atlases"

    @property
    def logs(self) -> Path:
        """Folder of logs and marks; the only place with dates and absolute paths."""
        return self.root / "logs"

    @property
    def marks(self) -> Path:
        """Folder of the marks of finished steps."""
        return self.logs / "steps"

    @property
    def study(self) -> Path:
        """The study as run."""
        return self.group / "study.json"

    @property
    def record(self) -> Path:
        """Versions, warnings and counts of the run."""
        return self.group / "run.json"

    def table(self, name: str) -> Path:
        """A group table by its schema's name."""
        return self.group / f"{name}.tsv"

    def regions(self, grid_digest: str) -> Path:
        """The artefact of the masks step for one grid."""
        return self.atlases / f"grid-{grid_digest}_regions.npz"

    def roi_image(self, key: RoiKey, space: str, grid_digest: str) -> Path:
        """The weights of one ROI on one grid, as an image; the space is part of the grid's digest."""
        space_label = "".join(c for c in space if c.isalnum())
        return self.atlases / f"grid-{grid_digest[:8]}_space-{space_label}_roi-{key.file_label}_weights.nii.gz"

    def run_fit(self, key: RunKey) -> Path:
        """The first-level artefact of one run."""
        folder = self.root / f"sub-{key.subject}"
        if key.session != NA:
            folder = folder / f"ses-{key.session}"
        return folder / "func" / f"{key.label}_desc-firstlevel_stat.npz"

    def subject_responses(self, subject: str) -> Path:
        """The responses of one subject."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-responses_stat.tsv"

    def subject_exclusions(self, subject: str) -> Path:
        """What is not in one subject's responses."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-exclusions_stat.tsv"

    def subject_notes(self, subject: str) -> Path:
        """What the first level of one subject noticed."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-notes_stat.json"

    @property
    def group_exclusions(self) -> Path:
        """What the group stage left out; part of ``exclusions.tsv``."""
        return self.group / "effects_exclusions.tsv"

    @property
    def group_notes(self) -> Path:
        """What the group stage noticed."""
        return self.group / "effects_notes.json"
