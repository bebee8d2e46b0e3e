"""Which runs choose the voxels of a functional ROI, and for which runs: names only, so that a plan can ask as well."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deltaroi.io.bids import plain
from deltaroi.specs import Functional
from deltaroi.types import NA, RunKey

LEAST_SUBJECTS = 3
"""The fewest other subjects that can choose voxels."""
CHOOSES = "this run chooses the voxels, and is not tested in them"
TOO_FEW = "fewer candidate voxels than are to be chosen"


@dataclass(frozen=True)
class Seen:
    """A run as choosing sees it.

    Attributes
    ----------
    key : RunKey
        The run.
    grid : str
        Digest of its grid.
    serves : bool
        Whether it has an estimate of the localiser contrast.
    """

    key: RunKey
    grid: str
    serves: bool


@dataclass(frozen=True)
class Part:
    """Runs that are measured in one set of voxels, and the runs that choose it.

    Attributes
    ----------
    session, run : str
        What the set is for; ``n/a`` where it is for all sessions, or for all runs of the session.
    grid : str
        Digest of the grid of its runs.
    tested, choosers : tuple of RunKey
        Never a run in both, unless the ROI is circular.
    problem : str
        Why nothing can choose; empty when something can.
    value, threshold : str
        What was found and what is needed.
    """

    session: str
    run: str
    grid: str
    tested: tuple[RunKey, ...]
    choosers: tuple[RunKey, ...] = ()
    problem: str = ""
    value: str = NA
    threshold: str = NA


def contrast_name(spec: Functional) -> str:
    """How the fits call the localiser contrast: its name, or the expression with single spaces outside `backticks`."""
    parts = spec.contrast.strip().split("`")
    return "`".join(part if i % 2 else re.sub(r"\s+", " ", part) for i, part in enumerate(parts))


def is_localiser(spec: Functional, key: RunKey) -> bool:
    """Whether a run is of the localiser task."""
    return spec.select_from == "task" and key.task == spec.task


def is_named(spec: Functional, key: RunKey) -> bool:
    """Whether a run is one of the named runs, which choose and are not tested."""
    return plain("run", key.run) in {plain("run", label) for label in spec.runs}


def parts(spec: Functional, runs: Sequence[Seen], others: Mapping[str, int]) -> tuple[Part, ...]:
    """Divide the runs of one subject into those that are measured in the same voxels.

    Parameters
    ----------
    spec : Functional
        How voxels are chosen.
    runs : sequence of Seen
        The subject's runs of the tested task, and those of the localiser task if there is one.
    others : mapping of str to int
        Grid digest -> other subjects that can choose there.

    Returns
    -------
    tuple of Part
        In the order of the runs. Runs on several grids never share a set.
    """
    groups: dict[tuple[str, str], list[Seen]] = {}
    for run in runs:
        if not is_localiser(spec, run.key) and not is_named(spec, run.key):
            groups.setdefault(_for(spec, run.key), []).append(run)
    found: list[Part] = []
    for (session, label), mine in groups.items():
        if len({run.grid for run in mine}) == 1:
            found.append(_part(spec, (session, label), mine, runs, others))
        else:
            found += [_part(spec, (run.key.session, run.key.run), [run], runs, others) for run in mine]
    return tuple(found)


def _for(spec: Functional, key: RunKey) -> tuple[str, str]:
    """What a run shares its set of voxels with: nothing, its session, or all of the subject."""
    if spec.select_from == "other_runs":
        return key.session, key.run
    return (key.session, NA) if spec.select_from == "other_sessions" else (NA, NA)


def _part(spec: Functional, labels: tuple[str, str], tested: Sequence[Seen], runs: Sequence[Seen],
          others: Mapping[str, int]) -> Part:
    keys, grid = tuple(run.key for run in tested), tested[0].grid
    if spec.select_from == "other_subjects":
        number = others.get(grid, 0)
        problem = "too few other subjects can choose the voxels" if number < LEAST_SUBJECTS else ""
        return Part(*labels, grid, keys, (), problem, str(number), str(LEAST_SUBJECTS))
    able = [run for run in runs if _may_choose(spec, run.key, keys)]
    serving = [run for run in able if run.serves]
    here = tuple(run.key for run in serving if run.grid == grid)
    problem = "" if here else _nobody(spec) if not able else \
        "no run that could choose the voxels has an estimate of the localiser contrast" if not serving else \
        "the runs that could choose the voxels lie on another grid"
    return Part(*labels, grid, keys, here, problem, spec.contrast if able and not serving else NA)


def _may_choose(spec: Functional, key: RunKey, tested: Sequence[RunKey]) -> bool:
    """Whether a run may choose the voxels that other runs are measured in."""
    if spec.select_from == "other_runs":
        return key not in tested
    if spec.select_from == "other_sessions":
        return key.session not in {run.session for run in tested}
    if spec.select_from == "runs":
        return is_named(spec, key)
    return is_localiser(spec, key) if spec.select_from == "task" else True  # same_data: marked as circular


def _nobody(spec: Functional) -> str:
    texts = {"other_runs": "there is no other run that could choose the voxels",
             "other_sessions": "there is no other session that could choose the voxels",
             "runs": f"none of the runs that choose the voxels is there ({', '.join(spec.runs)})",
             "task": f"there is no usable run of the localiser task '{spec.task}'"}
    return texts.get(spec.select_from, "there is no run that could choose the voxels")
