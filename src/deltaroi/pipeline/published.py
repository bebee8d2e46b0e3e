"""The published designs with the evidence: a list, and a simulated dataset that holds the reported effects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.config.write import study_data, yaml_text
from deltaroi.errors import DataError, StudyError, UsageError
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import write_table
from deltaroi.masks import roi_keys
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.reported import reported_results
from deltaroi.simulator import SimulatedDataset, write_dataset
from deltaroi.studies import plant, published, study_names
from deltaroi.tables import PLANTED

STUDY_FILE, PLANTED_FILE = "STUDY.yaml", "planted.tsv"


@dataclass(frozen=True)
class SimulateOptions:
    """How a published design is simulated.

    Attributes
    ----------
    resolution_mm : float
        Voxel edge, mm.
    seed : int
        Seed of every random draw.
    null : bool
        Whether nothing is planted.
    scale : float
        Factor on the number of people of every group; each keeps at least two.
    """

    resolution_mm: float = 4.0
    seed: int = 1
    null: bool = False
    scale: float = 1.0


@dataclass(frozen=True, eq=False)
class SimulatedPublication:
    """What was written.

    Attributes
    ----------
    study_path : Path
        A study file that `deltaroi run` takes as it is.
    dataset : SimulatedDataset
        The data, and the truth per subject.
    planted : DataFrame
        What was planted for each reported result (:data:`deltaroi.tables.PLANTED`).
    """

    study_path: Path
    dataset: SimulatedDataset
    planted: pd.DataFrame


def catalogue() -> pd.DataFrame:
    """The published designs: ``study year n groups sessions regions claims``, text cells."""
    rows = []
    for name in study_names():
        study = published(name)
        if study.design is None:
            raise StudyError("a published design needs the section design", where=f"configs/studies/{name}.yaml")
        people = study.design.groups
        testable = sum(claim.table is not None for claim in study.claims.values())
        keys = roi_keys(study.regions, study.dataset.space)
        rows.append({"study": name, "year": str(study.design.year),
                     "n": str(sum(group.n or 0 for group in people.values())),
                     "groups": ", ".join(f"{label} {group.n or '?'}" for label, group in people.items()),
                     "sessions": ", ".join(study.dataset.sessions) or "none",
                     "regions": ", ".join(dict.fromkeys(f"{key.region}-{key.hemisphere}" for key in keys)),
                     "claims": f"{len(study.claims)}, {testable} testable"})
    return pd.DataFrame(rows)


def simulate_published(name: str, out: str | Path, options: SimulateOptions | None = None, *, jobs: int = 1,
                       progress: Progress | None = None) -> SimulatedPublication:
    """Simulate a published design with the reported effects.

    Parameters
    ----------
    name : str
        Of ``configs/studies``.
    out : path
        Folder for ``bids/``, ``derivatives/``, ``truth.tsv``, ``planted.tsv`` and ``STUDY.yaml``; new, empty, or one
        that the same command began.
    options : SimulateOptions, optional
        Voxel size, seed, number of people, and whether anything is planted.
    jobs : int
        Worker processes; never changes a byte.
    progress : Progress, optional
        Is told how far the work has come.

    Raises
    ------
    UsageError
        There is no such design, or ``scale`` asks for too many people.
    DataError
        The folder holds something else.
    """
    chosen, folder = options or SimulateOptions(), Path(out)
    design = scaled(_at_home(published(name)), chosen)
    planting = plant(design, reported_results(design.claims), null=chosen.null)
    text = (_head(name, chosen) + yaml_text(study_data(planting.study))).encode()
    file = folder / STUDY_FILE
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (
            file.is_file() and file.read_bytes() == text))):
        raise DataError("the folder holds something else", where=str(folder),
                        hint="give a new folder, or remove the old one; nothing was overwritten")
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(file, text)
    dataset = write_dataset(read_study(file), folder, jobs=jobs, progress=progress or Quiet())
    planted = write_table(planting.table, PLANTED, folder / PLANTED_FILE)
    return SimulatedPublication(file, dataset, planted)


def scaled(study: Study, options: SimulateOptions) -> Study:
    """A published design with the seed, the voxel size and the numbers of people that are asked for.

    Raises
    ------
    StudyError
        The design has no simulation, or does not say how many people there were.
    UsageError
        A group would have more than 999 people.
    """
    if study.design is None or study.simulation is None:
        raise StudyError("a simulated publication needs the sections design and simulation", where=study.name)
    levels = study.groups.levels if study.groups is not None else list(study.design.groups)
    sizes: dict[str, int] = {}
    for label in levels:
        group = study.design.groups.get(label)
        if group is None or group.n is None:
            raise StudyError("the number of people is not stated", where=f"design.groups.{label}.n",
                             hint="a published design states it for every group that is compared")
        sizes[label] = max(2, int(group.n * options.scale + 0.5))
        if sizes[label] > 999:
            raise UsageError(f"{label} would have {sizes[label]} people, at most 999 are possible", where="--scale")
    changes = {"subjects": sizes, "seed": options.seed, "resolution_mm": options.resolution_mm}
    return study.model_copy(update={"simulation": study.simulation.model_copy(update=changes)})


def _at_home(study: Study) -> Study:
    """The study on the dataset beside its file."""
    places = {"bids_dir": "bids", "derivatives": "derivatives/fmriprep"}
    return study.model_copy(update={"dataset": study.dataset.model_copy(update=places)})


def _head(name: str, options: SimulateOptions) -> str:
    words = "nothing is planted (--null)" if options.null else "the reported effects are in simulation.planted"
    return (f"# SIMULATED data of the design of {name}: nothing here was measured, {words}.\n"
            f"# Made by `deltaroi studies simulate {name}`, {options.scale:g} times the published number of people.\n")
