"""What many specifications cost: one read of the image and the distinct fits.

    python benchmarks/specifications.py [--volumes 150] [--repeats 3] [--keep FOLDER]

One simulated run at 2 mm (float32, gzip), 7 regions in both hemispheres, by two definitions. Timed are the stages first
level and responses of `deltaroi run` with one job, artefacts, tables and hashes included; ROIs are drawn before. Every
repeat times all studies one after the other; printed are medians of wall and of processor time, which does not count
what other programs take; of one more specification, the difference of the least times.

Predicted for all specifications: one read of the image for both smoothings, and for each distinct fit what a study of
it alone takes (with the ROIs of both definitions) beyond its own read. Peak memory is that of this process after one
study, and after all specifications, each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from timing import timed

import deltaroi
from deltaroi.config.read import read_study
from deltaroi.firstlevel.voxels import read_voxels
from deltaroi.layout import Layout
from deltaroi.pipeline import multiverse, responses, stages
from deltaroi.pipeline.executor import LocalExecutor
from deltaroi.pipeline.multiverse_items import all_regions
from deltaroi.pipeline.plan import make_plan
from deltaroi.pipeline.progress import Quiet
from deltaroi.pipeline.work import Work
from deltaroi.pipeline.work_items import load_region_set

STUDY = """\
schema_version: 1
name: costs
dataset: {{bids_dir: bids, derivatives: derivatives/fmriprep, task: faces, sessions: [], subjects: ["1001"]}}
regions: {{definition: {definition}}}
first_level: {{smoothing_fwhm_mm: {width}, noise: {noise}, scaling: {scaling}, confounds: {confounds}}}
contrasts: {{negative_vs_neutral: "negative - neutral", negative: "negative"}}
"""
SIMULATION = """\
groups: {{column: group, levels: [a, b], assignment: randomised}}
simulation:
  subjects: {{a: 1, b: 1}}
  resolution_mm: 2
  tr_s: 2
  volumes: {volumes}
  events: {{conditions: [negative, neutral], trials: 10, duration_s: 4, gap_s: [6, 8]}}
"""
MAIN = {"definition": "hcpex", "width": "6", "noise": "ar1", "scaling": "percent", "confounds": "{}"}
STRATEGIES = {"main": "{}", "motion6": "{motion: 6}", "compcor": "{acompcor: 5}"}
ALL = """\
multiverse:
  definitions: [aal3]
  smoothing_fwhm_mm: [0]
  scaling: [none]
  confounds: {motion6: {motion: 6}, compcor: {acompcor: 5}}
  summary: [median, weighted_mean]
  noise: [ols]
"""
PAIRS = {
    "summary, the first beside main": ("", "multiverse: {summary: [median]}\n"),
    "summary": ("multiverse: {summary: [median]}\n", "multiverse: {summary: [median, weighted_mean]}\n"),
    "summary eigenvariate": ("multiverse: {summary: [median]}\n", "multiverse: {summary: [median, eigenvariate]}\n"),
    "scaling": ("multiverse: {summary: [median]}\n",
                "multiverse: {summary: [median], scaling: [none], without: [{scaling: none, summary: median}]}\n"),
    "definition": ("multiverse: {definitions: [aal3], noise: [ols], without: [{definition: aal3, noise: ols}]}\n",
                   "multiverse: {definitions: [aal3], noise: [ols]}\n"),
}
"""What is added -> the study without it and with it; it shares the fits that are there."""


def write(folder: Path, name: str, more: str = "", **choices: str) -> Path:
    """A study file."""
    path = folder / f"{name}.yaml"
    path.write_text(STUDY.format(**{**MAIN, **choices}) + more)
    return path


def stages_of(study: Path, out: Path) -> Work:
    """The work of a study with its ROIs drawn, and nothing else done."""
    spec = read_study(study)
    layout = Layout(out)
    for gone in (*out.glob("sub-*"), layout.marks / "first-level", layout.marks / "responses",
                 layout.marks / "specifications"):
        shutil.rmtree(gone, ignore_errors=True)
    work = Work(spec, study, layout, make_plan(spec, study), LocalExecutor(1), Quiet())
    stages.masks(work)
    return work


def work_through(work: Work) -> None:
    """First level and responses."""
    multiverse.first_level(work)
    multiverse.responses(work, responses.responses(work))


def read_alone(work: Work, widths: tuple[float, ...], wide: bool) -> None:
    """The read of the run's image."""
    run = work.plan.runs[0]
    found = load_region_set(work.layout, run.grid.digest)
    found = all_regions(work.layout, found) if wide else found
    flat = np.unique(np.concatenate([roi.flat for roi in found.rois]))
    read_voxels(run.run, run.grid, flat, widths)


def peak_mb(folder: Path, name: str) -> float:
    """Peak memory of a process that works through one study."""
    code = f"import specifications as s, pathlib; s.measure(pathlib.Path({str(folder)!r}), {name!r})"
    env = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}:{os.environ.get('PYTHONPATH', '')}"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    return float(json.loads(done.stdout.splitlines()[-1]))


def measure(folder: Path, name: str) -> None:
    """Work through one study and print this process's peak memory, MB."""
    work_through(stages_of(folder / f"{name}.yaml", folder / f"out-{name}"))
    status = Path("/proc/self/status").read_text()  # ru_maxrss would be that of the process that started this one
    print(int(next(row for row in status.splitlines() if row.startswith("VmHWM")).split()[1]) / 1024)


def report(folder: Path, repeats: int) -> None:
    """Time everything and print it."""
    studies = {"one": write(folder, "one"), "all": write(folder, "all", ALL)}
    for n, (what, (before, after)) in enumerate(PAIRS.items()):
        studies |= {f"{what}-": write(folder, f"pair{n}a", before), f"{what}+": write(folder, f"pair{n}b", after)}
    fits = [(width, strategy, noise) for width in ("6", "0") for strategy in STRATEGIES for noise in ("ar1", "ols")]
    for width, strategy, noise in fits:
        name = f"fit-{width}-{strategy}-{noise}"
        studies[name] = write(folder, name, definition="[hcpex, aal3]", width=width, noise=noise,
                              confounds=STRATEGIES[strategy])
    times: dict[str, list[tuple[float, float]]] = {}
    for repeat in range(repeats + 1):  # the first is to warm up
        for name, path in studies.items():
            work = stages_of(path, folder / f"out-{path.stem}")
            found = timed(lambda work=work: work_through(work))  # type: ignore[misc]
            if repeat:
                times.setdefault(name, []).append(found)
            if name in ("all", "fit-6-main-ar1", "fit-0-main-ar1"):
                widths = {"all": (6.0, 0.0), "fit-6-main-ar1": (6.0,), "fit-0-main-ar1": (0.0,)}[name]
                found = timed(lambda work=work, widths=widths, wide=name == "all":  # type: ignore[misc]
                              read_alone(work, widths, wide))
                if repeat:
                    times.setdefault(f"read {name}", []).append(found)
    show(times, fits, read_study(studies["all"]))
    for name in ("one", "all"):
        print(f"peak memory, {name}: {peak_mb(folder, name):.0f} MB")


def show(times: dict[str, list[tuple[float, float]]], fits: list[tuple[str, str, str]], study: Any) -> None:
    """Medians, the prediction, and what one more specification costs."""
    middle = {name: tuple(statistics.median(one[k] for one in found) for k in range(2))
              for name, found in times.items()}
    made = study.specifications
    distinct = len({one.fit for one in made})
    if distinct != len(fits):
        raise SystemExit(f"{distinct} distinct fits, {len(fits)} studies of single fits")
    print(f"{len(made)} specifications, {distinct} distinct fits; wall s, processor s")
    print("one specification: {:.2f} {:.2f}".format(*middle["one"]))
    print("one read for both smoothings: {:.2f} {:.2f}".format(*middle["read all"]))
    predicted = []
    for k in range(2):
        alone = sum(middle[f"fit-{w}-{s}-{n}"][k] - middle[f"read fit-{w}-main-ar1"][k] for w, s, n in fits)
        predicted.append(middle["read all"][k] + alone)
    print("predicted, one read + distinct fits: {:.2f} {:.2f}".format(*predicted))
    print("all specifications: {:.2f} {:.2f}".format(*middle["all"]))
    print("measured / predicted: {:.2f} {:.2f}".format(*(middle["all"][k] / predicted[k] for k in range(2))))
    per = [(middle["all"][k] - predicted[k]) / (len(made) - distinct) for k in range(2)]
    print("beyond the prediction, per specification that shares a fit, % of one specification: {:.1f} {:.1f}".format(
        *(100 * per[k] / middle["one"][k] for k in range(2))))
    least = {name: tuple(min(one[k] for one in found) for k in range(2)) for name, found in times.items()}
    for what in PAIRS:  # of small differences, the least times: what other programs take only adds
        more = [100 * (least[f"{what}+"][k] - least[f"{what}-"][k]) / least["one"][k] for k in range(2)]
        print("one more specification by {}: {:+.1f} % {:+.1f} % of one specification".format(what, *more))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--volumes", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--keep", type=Path, help="a folder for the simulated run, used again when it holds one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "bids").exists():
            deltaroi.simulate(write(folder, "made", SIMULATION.format(volumes=options.volumes)), folder)
        report(folder, options.repeats)


if __name__ == "__main__":
    main()
