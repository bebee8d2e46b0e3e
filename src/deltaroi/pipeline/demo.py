"""The demo: simulate a small study with a known effect, run everything, and hold the result against the truth."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deltaroi.config.expression import parse_contrast
from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import UsageError
from deltaroi.pipeline.progress import Progress, Quiet
from deltaroi.pipeline.run import RunResult, run
from deltaroi.resources import resource

_STUDY, _RESULTS, _DONE = "study.yaml", "results", "simulated.done"


@dataclass(frozen=True)
class DemoResult:
    """What the demo made.

    Attributes
    ----------
    folder : Path
        Holds the simulated dataset, the study file and ``results``.
    run : RunResult
        The analysis.
    recovery : DataFrame
        One row per ROI and contrast: ``region hemisphere contrast planted estimate ci_low ci_high p_fwe verdict``;
        planted and estimate in % (first group minus second, last session minus first).
    """

    folder: Path
    run: RunResult
    recovery: pd.DataFrame


def run_demo(out: str | Path, *, jobs: int = 2, progress: Progress | None = None) -> DemoResult:
    """Simulate the demo study into a folder and analyse it.

    Parameters
    ----------
    out : path
        A new or empty folder, or one that an earlier demo began.
    jobs : int
        Worker processes.
    progress : Progress, optional
        Is told how far the work has come.

    Raises
    ------
    UsageError
        The folder holds something else.
    """
    from deltaroi.simulator import write_dataset

    folder, shown = Path(out), progress or Quiet()
    template = resource("configs", "demo.yaml")
    file = folder / _STUDY
    if folder.exists() and not folder.is_dir():
        raise UsageError("this is a file, not a folder", where=str(folder), hint="give a new folder")
    if folder.is_dir() and any(folder.iterdir()) and not (
            file.is_file() and file.read_bytes() == template.read_bytes()):
        raise UsageError("the folder is not empty", where=str(folder), hint="give a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(template, file)
    study = read_study(file)
    if not (folder / _DONE).is_file():
        write_dataset(study, folder, jobs=jobs, progress=shown)
        (folder / _DONE).write_text("The simulated data are complete.\n")
    result = run(file, folder / _RESULTS, jobs=jobs, progress=shown)
    return DemoResult(folder, result, recovery(study, result.effects))


def recovery(study: Study, effects: pd.DataFrame) -> pd.DataFrame:
    """Hold the primary effects against the planted ones.

    Parameters
    ----------
    study : Study
        With a ``simulation`` and two groups.
    effects : DataFrame
        The effects table.

    Returns
    -------
    DataFrame
        See :class:`DemoResult`; ``verdict`` is ``found`` (p_fwe < .05 with the planted sign), ``missed``,
        ``nothing planted`` or ``false alarm``.
    """
    rows = []
    primary = effects[effects["primary"] & (effects["term"] == "group_difference")]
    for row in primary.to_dict("records"):
        planted = planted_difference(study, row["contrast"], row["region"], row["hemisphere"])
        hit = row["p_fwe"] < 0.05
        if planted:
            verdict = "found" if hit and row["estimate"] * planted > 0 else "missed"
        else:
            verdict = "false alarm" if hit else "nothing planted"
        kept = {name: row[name] for name in ("region", "hemisphere", "contrast")}
        numbers = {name: row[name] for name in ("estimate", "ci_low", "ci_high", "p_fwe")}
        rows.append({**kept, "planted": planted, **numbers, "verdict": verdict})
    return pd.DataFrame(rows)


def planted_difference(study: Study, contrast: str, region: str, hemisphere: str) -> float:
    """The planted group difference of the change, in %: (first - second group) of (last - first session)."""
    if study.simulation is None or study.groups is None or len(study.dataset.sessions) < 2:
        return 0.0
    weights = parse_contrast(study.contrasts[contrast])
    first, second = study.groups.levels[0], study.groups.levels[-1]
    total = 0.0
    for signal in study.simulation.planted:
        if signal.region != region or hemisphere not in signal.hemispheres:
            continue
        group = 1.0 if signal.group == first else -1.0 if signal.group == second else 0.0
        sessions = study.dataset.sessions
        time = 1.0 if signal.session == sessions[-1] else -1.0 if signal.session == sessions[0] else 0.0
        total += group * time * weights.get(signal.condition, 0.0) * signal.percent
    return total
