"""Where a study's runs are looked for."""

from __future__ import annotations

from pathlib import Path

from deltaroi.config.read import resolve
from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.io.file_index import read_index
from deltaroi.io.inventory import DatasetQuery
from deltaroi.io.places import Place
from deltaroi.remote import RemoteDataset, Route, is_url, list_objects


def dataset_query(study: Study, study_path: str | Path) -> DatasetQuery:
    """The runs that a study asks for, paths resolved against its file; remote datasets are listed.

    Raises
    ------
    StudyError
        The study names no data, or data that this version cannot read.
    DataError
        A remote dataset cannot be listed.
    """
    dataset = study.dataset
    if dataset.bids_dir is None and dataset.index is None:
        raise StudyError("the study names no data: it is a design", where="dataset.bids_dir",
                         hint="give dataset.bids_dir and dataset.derivatives; for a published design, `deltaroi "
                              "studies init NAME BIDS_DIR` writes a study file for your data")
    route = route_of(study)
    listed = read_index(resolve(study_path, dataset.index), route) if dataset.index else {}
    subjects = None if dataset.subjects is None else tuple(s.removeprefix("sub-") for s in dataset.subjects)
    reference = study.first_level.slice_time_ref
    return DatasetQuery(
        _one_of(study, study_path, "bids_dir", listed.get("raw")),
        _one_of(study, study_path, "derivatives", listed.get("derivatives")), dataset.task, dataset.space,
        tuple(dataset.sessions), dataset.resolution, subjects,
        None if reference == "auto" else float(reference))


def _one_of(study: Study, study_path: str | Path, name: str, listed: RemoteDataset | None) -> Place:
    """The dataset that a key or the index names."""
    entry: str | None = getattr(study.dataset, name)
    kind = "raw" if name == "bids_dir" else name
    if entry is not None and listed is not None:
        raise StudyError(f"the {kind} files are named twice: here and in the index", where=f"dataset.{name}",
                         hint=f"remove this key, or the rows with dataset {kind}")
    if entry is not None:
        return place_of(study_path, entry, f"dataset.{name}", route_of(study))
    if listed is not None:
        return listed
    if study.dataset.index is not None:
        raise StudyError(f"the index names no file of the dataset '{kind}'", where="dataset.index",
                         hint=f"add its rows, or name its folder in dataset.{name}")
    raise _without_derivatives(study_path, study.dataset.bids_dir or "")


def route_of(study: Study) -> Route:
    """How the study's remote data are reached."""
    return Route(**study.execution.remote.model_dump())


def place_of(study_path: str | Path, entry: str, where: str, route: Route) -> Place:
    """A folder relative to the study file, or a remote dataset with what it holds.

    Raises
    ------
    StudyError
        A URL that cannot be listed.
    DataError
        The store cannot be asked, or there is nothing.
    """
    return listed_place(entry, where, route) if is_url(entry) else resolve(study_path, entry)


def given_place(entry: str | Path, where: str) -> Place:
    """A folder as it was given to a command, or a remote dataset, reached as the environment says."""
    return listed_place(entry, where, Route()) if isinstance(entry, str) and is_url(entry) else Path(entry)


def listed_place(entry: str, where: str, route: Route) -> RemoteDataset:
    """A remote dataset with what it holds; see :func:`place_of`."""
    if not entry.startswith("s3://"):
        raise StudyError("only s3:// addresses can be listed", where=where, hint="name the https:// files of a dataset "
                         "one by one in a table, dataset.index: FILES.tsv (docs/remote.md)")
    return list_objects(entry, route)


def _without_derivatives(study_path: str | Path, bids_dir: str) -> StudyError:
    inside = not is_url(bids_dir) and (resolve(study_path, bids_dir) / "derivatives" / "fmriprep").is_dir()
    return StudyError("the folder of the fMRIPrep derivatives is not given", where="dataset.derivatives",
                      hint=f"did you mean {bids_dir}/derivatives/fmriprep?" if inside else
                      "add `derivatives: <folder>`, relative to the study file; or s3://…")
