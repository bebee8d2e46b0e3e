"""Every path of the output folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltaroi.grid import Grid
from deltaroi.types import NA, RoiKey, RunKey, camel


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

    @property
    def frozen(self) -> Path:
        """The preregistration lock of the study as run, and what differs from it; only where there is a lock."""
        return self.group / "frozen.json"

    @property
    def locks(self) -> Path:
        """Digests of the locks that runs knew, the first one first."""
        return self.logs / "locks.json"

    def table(self, name: str) -> Path:
        """A group table by its schema's name."""
        return self.group / f"{name}.tsv"

    def regions(self, grid_digest: str) -> Path:
        """The artefact of the masks step for one grid."""
        return self.group / f"grid-{grid_digest}_regions.npz"

    def other_regions(self, grid_digest: str) -> Path:
        """The ROIs that only other specifications than main have, on one grid."""
        return self.group / f"grid-{grid_digest}_desc-multiverse_regions.npz"

    def roi_image(self, key: RoiKey, space: str, grid_digest: str, resolution: str | None = None) -> Path:
        """The image of one ROI on one grid: the weight of each voxel.

        Parameters
        ----------
        key : RoiKey
            The ROI.
        space : str
            Template space of the grid.
        grid_digest : str
            Which grid; it keeps two grids of one space and voxel size apart.
        resolution : str, optional
            The voxel size as :func:`resolution_label` writes it; without it the file that is there is looked up.
        """
        end = f"label-{camel(key.region, key.hemisphere)}_desc-{grid_digest[:8]}_probseg.nii.gz"
        return self._atlas_file(key.definition, space, resolution, end)

    def label_image(self, definition: str, space: str, grid_digest: str, resolution: str | None = None) -> Path:
        """The label image of one definition on one grid; the arguments are those of :meth:`roi_image`."""
        return self._atlas_file(definition, space, resolution, f"desc-{grid_digest[:8]}_dseg.nii.gz")

    def atlas_description(self, definition: str) -> Path:
        """What a definition is: licence, citations, sources."""
        return self.root / f"atlas-{camel(definition)}_description.json"

    def atlas_files(self) -> list[Path]:
        """Every file of ROIs that is there: images, label tables, sidecars and descriptions."""
        files = (*self.root.glob("tpl-*/anat/tpl-*_atlas-*_res-*_desc-*seg.*"),
                 *self.root.glob("atlas-*_description.json"))
        return sorted(files)

    def _atlas_file(self, definition: str, space: str, resolution: str | None, end: str) -> Path:
        template = f"tpl-{camel(space) or 'other'}"
        start = f"{template}_atlas-{camel(definition)}_res-"
        folder = self.root / template / "anat"
        found = sorted(folder.glob(f"{start}*_{end}")) if resolution is None else []
        return found[0] if found else folder / f"{start}{resolution or 'any'}_{end}"

    def run_fit(self, key: RunKey, model: str | None = None) -> Path:
        """The first-level artefact of one run; with ``model`` that of a model of the multiverse."""
        folder = self.root / f"sub-{key.subject}"
        if key.session != NA:
            folder = folder / f"ses-{key.session}"
        return folder / "func" / f"{key.label}_desc-{camel('firstlevel', model or '')}_stat.npz"

    def subject_specifications(self, subject: str) -> Path:
        """The responses of one subject in the specifications other than main."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-specifications_stat.tsv"

    def subject_specification_exclusions(self, subject: str) -> Path:
        """What is not in these responses."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-specificationsExclusions_stat.tsv"

    def subject_specification_notes(self, subject: str) -> Path:
        """What these first levels noticed, and that of main did not."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-specificationsNotes_stat.json"

    def subject_responses(self, subject: str) -> Path:
        """The responses of one subject."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-responses_stat.tsv"

    def subject_exclusions(self, subject: str) -> Path:
        """What is not in one subject's responses."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-exclusions_stat.tsv"

    def subject_runs(self, subject: str) -> Path:
        """The responses of one subject's runs, each alone."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-runs_stat.tsv"

    def subject_selections(self, subject: str) -> Path:
        """The voxels that were chosen for one subject."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-selections_stat.tsv"

    def subject_voxel_effects(self, subject: str) -> Path:
        """What one subject tells the others about the voxels of functional ROIs."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-localiser_stat.npz"

    @property
    def voxel_effects(self) -> Path:
        """What all subjects tell each other about the voxels of functional ROIs."""
        return self.group / "localiser_effects.npz"

    def subject_notes(self, subject: str) -> Path:
        """What the first level of one subject noticed."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-notes_stat.json"

    def subject_maps(self, subject: str) -> Path:
        """The session maps of one subject, at the voxels of the ROIs."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-sessions_stat.npz"

    def voxel_map(self, key: RoiKey, contrast: str, grid_digest: str, statistic: str) -> Path:
        """What was found in the voxels of one ROI, for viewing.

        Parameters
        ----------
        key : RoiKey
            The ROI.
        contrast : str
            Name of the contrast.
        grid_digest : str
            Which grid.
        statistic : str
            What the image shows: ``z``, ``t``, ``F``, ``effect``, or ``corrp`` (one minus the corrected p).
        """
        roi = f"atlas-{camel(key.definition)}_label-{camel(key.region, key.hemisphere)}"
        return self.voxel_maps / (f"contrast-{camel(contrast)}_{roi}_desc-{grid_digest[:8]}_stat-{statistic}"
                                  "_statmap.nii.gz")

    @property
    def voxel_maps(self) -> Path:
        """Folder of the maps of the voxels inside the ROIs."""
        return self.group / "small_volume"

    @property
    def small_volume_exclusions(self) -> Path:
        """ROIs whose voxels could not be tested; part of ``exclusions.tsv``."""
        return self.group / "small_volume_exclusions.tsv"

    @property
    def small_volume_notes(self) -> Path:
        """How the voxels were tested."""
        return self.group / "small_volume_notes.json"

    def subject_connectivity(self, subject: str) -> Path:
        """The connectivity of one subject."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-connectivity_stat.tsv"

    def subject_connectivity_exclusions(self, subject: str) -> Path:
        """What is not in one subject's connectivity."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-connectivityExclusions_stat.tsv"

    def subject_connectivity_notes(self, subject: str) -> Path:
        """What the connectivity of one subject noticed."""
        return self.root / f"sub-{subject}" / f"sub-{subject}_desc-connectivityNotes_stat.json"

    @property
    def connectivity_exclusions(self) -> Path:
        """What the group comparison of connectivity left out; part of ``exclusions.tsv``."""
        return self.group / "connectivity_exclusions.tsv"

    @property
    def connectivity_notes(self) -> Path:
        """What the group comparison of connectivity noticed."""
        return self.group / "connectivity_notes.json"

    @property
    def behaviour_exclusions(self) -> Path:
        """Who is not in the analysis of behaviour; part of ``exclusions.tsv``."""
        return self.group / "behaviour_exclusions.tsv"

    @property
    def behaviour_notes(self) -> Path:
        """What the analysis of behaviour noticed."""
        return self.group / "behaviour_notes.json"

    @property
    def group_exclusions(self) -> Path:
        """What the group stage left out; part of ``exclusions.tsv``."""
        return self.group / "effects_exclusions.tsv"

    @property
    def group_notes(self) -> Path:
        """What the group stage noticed."""
        return self.group / "effects_notes.json"


def beside(image: Path, ending: str) -> Path:
    """The file that belongs to an image: ``.json`` its sidecar, ``.tsv`` its table."""
    return image.with_name(image.name.removesuffix(".nii.gz") + ending)


def resolution_label(grid: Grid) -> str:
    """The voxel size of a grid in a file name: ``2mm``, ``3x3x4mm``, ``2p4mm``."""
    sizes = [f"{round(float(size), 3):g}".replace(".", "p") for size in grid.voxel_sizes]
    return ("x".join(sizes) if len(set(sizes)) > 1 else sizes[0]) + "mm"
