"""Writing a simulated dataset: BIDS texts, derivatives run by run, and the truth beside them."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import pandas as pd
from threadpoolctl import threadpool_limits

from deltaroi.config.study import Study
from deltaroi.errors import DataError, StudyError
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import read_table, write_table
from deltaroi.simulator.coupling import check_coupled, make_coupled, pairs_of
from deltaroi.simulator.derivatives import PlantedPercent, Scene, Work, make_scene, write_run
from deltaroi.simulator.scheme import Scheme, check_labels, invent, json_bytes
from deltaroi.simulator.skeleton import overlay
from deltaroi.simulator.truth import check_planted, make_truth
from deltaroi.tables import COUPLED, TRUTH
from deltaroi.types import RoiKey

STAGE = "simulate"
# What the validator cannot know: sidecars whose images are not simulated; fMRIPrep's confounds (it ignores them too).
_IGNORED = {"raw": b"*_bold.json\n", "derivative": b"*_desc-confounds_timeseries.*\n"}
_README = """# SIMULATED data: {name}

Nothing here was measured. The images come from a forward model ({source}); `../truth.tsv` says what was planted.
The raw part holds texts only: no raw images are simulated, only derivatives laid out as fMRIPrep lays them out
(`../derivatives/fmriprep`), which no version of fMRIPrep has produced.
"""


class Progress(Protocol):
    """Is told how far the work has come."""

    def start(self, stage: str, total: int, reused: int = 0, subjects: int = 0, subjects_reused: int = 0) -> None:
        """The work begins: ``total`` runs of so many subjects, and what of it is already there."""

    def advance(self, stage: str) -> None:
        """One run is written."""

    def subject_done(self, stage: str) -> None:
        """The last run of one subject is written."""

    def end(self, stage: str) -> None:
        """All runs are written."""


@dataclass(frozen=True)
class SimulatedDataset:
    """What was written.

    Attributes
    ----------
    bids_dir, derivatives : Path
        The raw texts (``OUT/bids``) and the fMRIPrep-like derivatives (``OUT/derivatives/fmriprep``).
    truth : DataFrame
        What was planted (:data:`deltaroi.tables.TRUTH`); also in ``truth_path`` (``OUT/truth.tsv``).
    notes : tuple of str
        What to know about these data, e.g. events without BOLD in a skeleton.
    """

    bids_dir: Path
    derivatives: Path
    truth: pd.DataFrame
    truth_path: Path
    notes: tuple[str, ...] = ()


def write_dataset(study: Study, out: Path, *, skeleton: Path | None = None, subjects: list[str] | None = None,
                  progress: Progress | None = None, jobs: int = 1) -> SimulatedDataset:
    """Simulate the study that a study file describes.

    Parameters
    ----------
    study : Study
        With a ``simulation`` section.
    out : Path
        Folder for ``bids/``, ``derivatives/fmriprep/``, ``truth.tsv``, with interactions ``coupled.tsv``, and
        ``simulation.json``. A folder that holds the same simulation is completed; anything else is left alone.
    skeleton : Path, optional
        A real BIDS folder whose people, sessions and events are taken over.
    subjects : list of str, optional
        Only these labels (without ``sub-``); default: ``dataset.subjects``, else all.
    progress : Progress, optional
        Is told how far the work has come.
    jobs : int
        Worker processes; never changes a byte.

    Returns
    -------
    SimulatedDataset

    Raises
    ------
    StudyError
        No ``simulation`` section, or one that cannot be.
    DataError
        ``out`` holds something else, or the skeleton cannot be read.
    """
    simulation = study.simulation
    if simulation is None:
        raise StudyError("the study file has no section 'simulation'", where="simulation",
                         hint="`deltaroi schema` describes its keys; `simulation: {}` takes every default")
    check_labels(study)
    wanted = subjects if subjects is not None else study.dataset.subjects
    scheme = invent(study, simulation, wanted) if skeleton is None else overlay(study, simulation, skeleton, wanted)
    check_planted(study, simulation, scheme)
    check_coupled(study, simulation, scheme)
    if not scheme.runs:
        raise StudyError("no subject is left to simulate", where="dataset.subjects")
    truth = make_truth(simulation, scheme)
    scene = make_scene(study, simulation, scheme)
    bids, derivatives = out / "bids", out / "derivatives" / "fmriprep"
    _claim(out, study, skeleton is not None, scheme)
    _write_texts(study, scheme, bids, derivatives, skeleton is not None)
    coupled = make_coupled(simulation, scheme)
    _write_runs(scheme, truth, coupled, scene, derivatives, progress, jobs)
    write_table(truth, TRUTH, out / "truth.tsv")
    if simulation.coupled:
        write_table(coupled, COUPLED, out / "coupled.tsv")
    return SimulatedDataset(bids, derivatives, read_table(out / "truth.tsv", TRUTH), out / "truth.tsv", scheme.notes)


def _claim(out: Path, study: Study, over_skeleton: bool, scheme: Scheme) -> None:
    """Take the folder, unless it holds something else."""
    record = json_bytes({"simulated_by": f"deltaroi {version('deltaroi')}", "over_skeleton": over_skeleton,
                         "subjects": sorted({run.key.subject for run in scheme.runs}),
                         "study": study.model_dump(mode="json", include={"name", "dataset", "conditions", "groups",
                                                                         "design", "simulation"})})
    path = out / "simulation.json"
    if path.is_file() and path.read_bytes() == record:
        return
    ours = ("simulation.json", "bids", "derivatives", "truth.tsv", "coupled.tsv")
    taken = [name for name in ours if (out / name).exists()]
    if taken:
        raise DataError(f"the folder holds something else: {', '.join(taken)}", where=str(out),
                        hint="give a new folder, or remove the old one; nothing was overwritten")
    atomic_write(path, record)


def _write_texts(study: Study, scheme: Scheme, bids: Path, derivatives: Path, over_skeleton: bool) -> None:
    """The raw tree, and what stands at the top of both trees."""
    source = "people, sessions and events of a real dataset" if over_skeleton else "people and events made up as well"
    readme = _README.format(name=study.name, source=source).encode()
    made_by = {"Name": "deltaroi simulator (fMRIPrep-like)", "Version": version("deltaroi")}
    for path, data in sorted(scheme.files.items()):
        atomic_write(bids / path, data)
    for folder, kind in ((bids, "raw"), (derivatives, "derivative")):
        about = {"Name": f"SIMULATED: {study.name}", "BIDSVersion": "1.10.0", "DatasetType": kind,
                 "GeneratedBy": [made_by]}
        atomic_write(folder / "README.md", readme)
        atomic_write(folder / ".bidsignore", _IGNORED[kind])
        atomic_write(folder / "dataset_description.json", json_bytes(about))


def _write_runs(scheme: Scheme, truth: pd.DataFrame, coupled: pd.DataFrame, scene: Scene, derivatives: Path,
                progress: Progress | None, jobs: int) -> None:
    """Write the derivatives of all runs, here or in worker processes."""
    planted: dict[tuple[str, str], list[PlantedPercent]] = {}
    for row in truth.itertuples(index=False):
        roi = RoiKey(str(row.region), str(row.hemisphere), str(row.definition))
        planted.setdefault((str(row.subject), str(row.session)), []).append(
            PlantedPercent(roi, str(row.condition), float(row.percent)))  # type: ignore[arg-type]
    pairs = pairs_of(coupled)
    work = [Work(derivatives, run, tuple(planted.get((run.key.subject, run.key.session), ())),
                 pairs.get((run.key.subject, run.key.session), ())) for run in scheme.runs]
    left = Counter(run.key.subject for run in scheme.runs)
    if progress is not None:
        progress.start(STAGE, len(work), subjects=len(left))
    for subject in _written(work, scene, jobs):
        left[subject] -= 1
        if progress is not None:
            progress.advance(STAGE)
            if not left[subject]:
                progress.subject_done(STAGE)
    if progress is not None:
        progress.end(STAGE)


def _written(work: list[Work], scene: Scene, jobs: int) -> Iterator[str]:
    """Write every run; yield the subject of each that is done."""
    if jobs == 1 or len(work) == 1:
        for item in work:
            with threadpool_limits(1):
                write_run(scene, item)
            yield item.run.key.subject
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(work)), context, _enter, (scene,)) as pool:
        futures = {pool.submit(_write_here, item): item.run.key.subject for item in work}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        finally:
            for future in futures:
                future.cancel()


_SCENE: list[Scene] = []


def _enter(scene: Scene) -> None:
    """A worker keeps what all runs share."""
    _SCENE[:] = [scene]


def _write_here(item: Work) -> None:
    with threadpool_limits(1):
        write_run(_SCENE[0], item)
