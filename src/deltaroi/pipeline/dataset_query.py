"""Where a study's runs are looked for."""

from __future__ import annotations

from pathlib import Path

from deltaroi.config.read import resolve
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.io.inventory import DatasetQuery


def dataset_query(study: Study, study_path: str | Path) -> DatasetQuery:
    """The runs that a study asks for, paths resolved against its file.

    Raises
    ------
    StudyError
        The study names no data, or data that this version cannot read.
    """
    dataset = study.dataset
    if dataset.bids_dir is None:
        raise StudyError("the study names no data: it is a design", where="dataset.bids_dir",
                         hint="give dataset.bids_dir and dataset.derivatives; for a published design, `deltaroi "
                              "studies init NAME BIDS_DIR` writes a study file for your data")
    for name in ("bids_dir", "derivatives"):
        if "://" in (getattr(dataset, name) or ""):
            raise StudyError("a remote dataset is not available in this version", where=f"dataset.{name}",
                             hint="download it, and give the path of its folder")
    bids_dir = resolve(study_path, dataset.bids_dir)
    if dataset.derivatives is None:
        inside = bids_dir / "derivatives" / "fmriprep"
        raise StudyError("the folder of the fMRIPrep derivatives is not given", where="dataset.derivatives",
                         hint=f"did you mean {dataset.bids_dir}/derivatives/fmriprep?" if inside.is_dir() else
                         "add `derivatives: <folder>`, relative to the study file")
    subjects = None if dataset.subjects is None else tuple(s.removeprefix("sub-") for s in dataset.subjects)
    reference = study.first_level.slice_time_ref
    return DatasetQuery(
        bids_dir, resolve(study_path, dataset.derivatives), dataset.task, dataset.space,
        tuple(dataset.sessions), dataset.resolution, subjects,
        None if reference == "auto" else float(reference))
