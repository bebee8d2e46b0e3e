"""A look at one run before anything is computed: header, mask, confounds, events."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.grid import Grid
from deltaroi.io.events import NOTES, read_events
from deltaroi.io.files import read_text
from deltaroi.io.images import check_length
from deltaroi.io.inventory import Run
from deltaroi.io.looks import Looks
from deltaroi.io.sidecars import read_json
from deltaroi.pipeline.progress import Progress, SubjectCount
from deltaroi.pipeline.run_looks import RunLooks, as_exclusion
from deltaroi.remote import local
from deltaroi.signal import ImageHeader, build_conditions, read_header
from deltaroi.specs import Confounds
from deltaroi.types import NA, Exclusion

_MOTION = "trans_x"
_FD, _DVARS, _GLOBAL = "framewise_displacement", "std_dvars", "global_signal"


@dataclass(frozen=True, eq=False)
class Preflight:
    """What a look at one run showed.

    Attributes
    ----------
    run : Run
        The run.
    grid : Grid or None
        Of its image; None when that cannot be read.
    n_volumes : int
        Length of its image.
    contrasts : tuple of str
        Contrasts it can serve.
    conditions : mapping of str to int
        Events per condition of its model.
    trial_types : tuple of str
        Labels in the column ``trial_type``.
    exclusions : tuple of Exclusion
        Why it is not used; empty when it is.
    foreseen : tuple of Exclusion
        Events and contrasts that the first level will leave out.
    notes : tuple of str
        Choices, oddities.
    """

    run: Run
    grid: Grid | None = None
    n_volumes: int = 0
    contrasts: tuple[str, ...] = ()
    conditions: Mapping[str, int] | None = None
    trial_types: tuple[str, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    foreseen: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the run can be fitted."""
        return not self.exclusions


def look(runs: Sequence[Run], study: Study, looks: Looks, progress: Progress) -> list[Preflight]:
    """Look at every run, as :func:`inspect` does.

    Parameters
    ----------
    runs : sequence of Run
        The runs.
    study : Study
        What is asked of them.
    looks : Looks
        Earlier looks at runs.
    progress : Progress
        Is told how many runs have been looked at.
    """
    known, checked = RunLooks.deciding(looks, decides(study)), []
    count = SubjectCount(progress, "inputs", [run.key.subject for run in runs])
    for run in runs:
        checked.append(inspect(run, study, known))
        progress.advance("inputs")
        count.finished(run.key.subject)
    progress.end("inputs")
    return checked


def inspect(run: Run, study: Study, known: RunLooks) -> Preflight:
    """Look at one run; whatever stops it becomes an exclusion.

    Parameters
    ----------
    run : Run
        The run.
    study : Study
        What is asked of it.
    known : RunLooks
        Earlier looks for :func:`decides`; only those at usable runs are kept.
    """
    states = known.states(run)
    earlier = known.recall(run, states, partial(_unpack, run))
    if earlier is not None:
        return earlier
    try:
        header = _image(run)
        notes = [*run.notes, *header.notes, *_repetition_time(run, header)]
        if run.mask is not None:
            _mask(local(run.mask), header)
        _confounds(local(run.confounds) if run.confounds else None, study.first_level.confounds, header.n_volumes)
        found = _events(run, study, header, notes)
    except DataError as error:
        return Preflight(run, exclusions=(_lost(run, error),))
    if found.ok and found.grid is not None:
        known.keep(run, states, _pack(found, found.grid))
    return found


def decides(study: Study) -> list[Any]:
    """The fields of a study that decide what a look at a run gives, JSON-able."""
    return [study.first_level.confounds.model_dump(mode="json"), dict(study.contrasts),
            {name: one.model_dump(mode="json") for name, one in study.conditions.items()}]


def _pack(found: Preflight, grid: Grid) -> list[Any]:
    """A usable run as JSON has it."""
    return [grid.shape, grid.affine.tolist(), grid.space, found.n_volumes, found.contrasts,
            dict(found.conditions or {}), found.trial_types, [astuple(row) for row in found.foreseen], found.notes]


def _unpack(run: Run, value: Any) -> Preflight:
    shape, affine, space, n_volumes, contrasts, conditions, types, foreseen, notes = value
    return Preflight(run, Grid(tuple(shape), np.array(affine, dtype=np.float64).reshape(4, 4), str(space)),
                     int(n_volumes), tuple(contrasts), dict(conditions), tuple(types), (),
                     tuple(as_exclusion(row) for row in foreseen), tuple(notes))


def _lost(run: Run, error: DataError) -> Exclusion:
    place = Path(error.where).name if "/" in error.where else NA
    reason = f"{error.message}: {error.hint}" if error.hint else error.message
    return Exclusion("inputs", run.key.subject, run.key.session, run.key.run, reason=reason, value=place, failure=True)


def _image(run: Run) -> ImageHeader:
    header = read_header(run.bold, run.space)
    check_length(run.bold, _bytes_of(header))
    if header.n_volumes < 2:
        raise DataError("the BOLD image has one volume", where=str(run.bold), hint="expected a time series")
    if not header.oriented:
        raise DataError("the header states no orientation (qform and sform code 0)", where=str(run.bold),
                        hint="a template image needs one; make the image again")
    return header


def _bytes_of(header: ImageHeader) -> int:
    return header.offset + math.prod(header.grid.shape) * header.n_volumes * header.dtype.itemsize


def _repetition_time(run: Run, header: ImageHeader) -> list[str]:
    """A note when the header's TR is not the sidecar's."""
    if header.tr_s is None:
        return []
    readings = [header.tr_s] if header.tr_unit != "unknown" else [header.tr_s, header.tr_s / 1000]
    if any(abs(tr - run.tr_s) < 1e-3 for tr in readings):
        return []
    return [f"TR is {header.tr_s:g} s in the header and {run.tr_s:g} s in the sidecar: the sidecar's is used"]


def _mask(path: Path, image: ImageHeader) -> None:
    header = read_header(path, image.grid.space)
    check_length(path, _bytes_of(header))
    if not header.grid.same_as(image.grid):
        raise DataError("the brain mask is not on the grid of the BOLD image", where=str(path),
                        hint=f"mask {header.grid.shape}, image {image.grid.shape}; make the mask again")


def _confounds(path: Path | None, spec: Confounds, n_volumes: int) -> None:
    """Whether the table has the rows and the columns that the study asks for."""
    asks = {_MOTION: spec.motion > 0, _FD: spec.scrub_fd_mm is not None, _DVARS: spec.scrub_dvars is not None,
            _GLOBAL: spec.global_signal, "a_comp_cor_00": spec.acompcor > 0}
    if path is None:
        if any(asks.values()) or spec.non_steady_state:
            raise DataError("no confounds table beside the BOLD image", hint="expected "
                            "*_desc-confounds_timeseries.tsv; or switch off all of first_level.confounds")
        return
    sidecar = path.with_suffix(".json")
    if sidecar.exists() or sidecar.is_symlink():
        read_json(sidecar)
    lines = [line for line in read_text(path).splitlines() if line.strip()]
    if len(lines) - 1 != n_volumes:
        raise DataError(f"the confounds table has {len(lines) - 1} rows, the run {n_volumes} volumes", where=str(path),
                        hint="table and image are not of one run, or one of them is truncated")
    columns = lines[0].split("\t")
    lacking = [name for name, asked in asks.items() if asked and name not in columns]
    if lacking:
        old = " (names of fMRIPrep before 1.2: run a newer version)" if "FramewiseDisplacement" in columns else ""
        raise DataError(f"the confounds table has no column {', '.join(lacking)}{old}", where=str(path),
                        hint="change first_level.confounds, or run fMRIPrep again")


def _events(run: Run, study: Study, header: ImageHeader, notes: list[str]) -> Preflight:
    """Which contrasts the events serve."""
    if run.events is None:
        raise DataError("no events file applies to this run")
    table = read_events(run.events)
    where = (run.key.subject, run.key.session, run.key.run)
    if table.empty:
        gone = Exclusion("inputs", *where, reason="the events file has a header and no events", value=run.events.name)
        return Preflight(run, header.grid, header.n_volumes, exclusions=(gone,))
    weights = {name: parse_contrast(text, f"contrasts.{name}") for name, text in study.contrasts.items()}
    model = build_conditions(table, study.conditions, weights, key=run.key, scan_s=header.n_volumes * run.tr_s)
    counts = {str(name): int(number) for name, number in model.events["trial_type"].value_counts(sort=False).items()}
    types = tuple(sorted(set(table["trial_type"]) - {NA})) if "trial_type" in table.columns else ()
    exclusions: tuple[Exclusion, ...] = ()
    if not model.contrasts:
        exclusions = (*model.exclusions, Exclusion(
            "inputs", *where, reason="no contrast has all its conditions in this run", value=", ".join(counts) or NA))
    return Preflight(run, header.grid, header.n_volumes, tuple(model.contrasts), counts, types, exclusions,
                     () if exclusions else model.exclusions, (*notes, *table.attrs[NOTES], *model.notes))
