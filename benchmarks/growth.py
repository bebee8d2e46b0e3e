"""How time and memory grow, and a cost model fitted to it: `python benchmarks/growth.py --out docs/growth.tsv`.

    [--repeats 3] [--only AXIS] [--plot docs/growth.png] [--from TABLE.tsv]

Each point is a process of its own (one thread), so that its peak memory (VmHWM) is its own; times are processor
seconds, the median of some repeats after a first one that does not count. Axes, one varied at a time:

  volumes, voxels, grid, rois   the first level of one generated run (read, 6 mm smoothing, AR(1) fit, artefact) and
                                its responses
  specifications                the same run with several specifications from one read
  subjects                      the group stage on generated responses of 14 ROIs and two sessions, 10,000 permutations
  study                         a whole run, masks to responses, of a tiny simulated study: what a subject costs besides
                                its images

`--from` fits and draws a table that exists.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

POINTS: dict[str, tuple[float, ...]] = {
    "volumes": (75, 150, 300, 600, 1200),
    "voxels": (1000, 3000, 8000, 15000, 30000),
    "grid": (4.0, 3.0, 2.0),
    "rois": (1, 14, 56, 224),
    "specifications": (1, 4, 16, 48, 96),
    "subjects": (25, 50, 100, 200, 500, 1000, 2000),
    "study": (10, 20, 40, 80),
}
WIDTH_MM = 6.0
STAGES = 5
SPECIFICATIONS = ("scaling: [none], summary: [median]", "smoothing_fwhm_mm: [0], noise: [ols]",
                  "confounds: {motion6: {motion: 6}, compcor: {acompcor: 5}}", "definitions: [aal3]")
"""Axes that are added one after the other: 1, 4, 16, 48 and 96 specifications."""
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def timed(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median processor seconds after a first call that does not count; and the peak memory, MB."""
    work()
    Path("/proc/self/clear_refs").write_text("5")
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        seconds.append(time.process_time() - start)
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return statistics.median(seconds), int(line.split()[1]) / 1024


def balls(run: Any, n_voxels: int, n_rois: int) -> Any:
    """ROIs of neighbouring voxels inside the brain, as many and as large as asked for."""
    import nibabel as nib
    import numpy as np
    import pandas as pd
    from scipy.spatial import cKDTree

    from deltaroi.masks import RegionSet, RoiVoxels
    from deltaroi.signal.stream import read_header
    from deltaroi.tables import REGIONS
    from deltaroi.types import RoiKey

    grid = read_header(run.bold, "MNI152NLin2009cAsym").grid
    inside = np.argwhere(np.asarray(nib.load(run.mask).dataobj) > 0)
    tree, free = cKDTree(inside), np.ones(len(inside), dtype=bool)
    rng = np.random.default_rng(0)
    rois = []
    for number in range(n_rois):
        size = n_voxels // n_rois
        seed = inside[rng.choice(np.flatnonzero(free))]
        near = tree.query(seed, k=len(inside))[1]
        mine = near[free[near]][:size]
        free[mine] = False
        flat = np.sort(np.ravel_multi_index(inside[mine].T, grid.shape))
        rois.append(RoiVoxels(RoiKey(f"r{number}", "L", "balls"), "majority", flat, np.ones(flat.size)))
    return RegionSet(grid, tuple(rois), pd.DataFrame(columns=REGIONS.names), (), ())


def first_level(axis: str, value: float, folder: Path, repeats: int) -> dict[str, float]:
    """One run; see the module's words."""
    from runs import Kind, write_run

    from deltaroi.firstlevel import FirstLevelTask, fit_run, load_fit, save_fit
    from deltaroi.responses import summarise
    from deltaroi.smoothing import smoothing_plan
    from deltaroi.specs import FirstLevel

    worker = axis in ("worker", "worker_unsmoothed")
    kind = Kind(value if axis == "grid" else 3.0, 1200 if worker else int(value) if axis == "volumes" else 150)
    n_voxels = int(value) if axis == "voxels" or worker else 6000
    width = 0.0 if axis == "worker_unsmoothed" else WIDTH_MM
    n_rois = int(value) if axis == "rois" else 14
    made = folder / kind.label  # written in another process: making it would count as memory
    if not made.exists():
        made.mkdir()
        code = f"from pathlib import Path; from runs import Kind, write_run; write_run(Path({str(made)!r}), {kind!r})"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
    run = write_run(made, kind)
    regions = balls(run, n_voxels, n_rois)
    task = FirstLevelTask(FirstLevel(smoothing_fwhm_mm=width), {}, {"a": {"negative": 1.0, "neutral": -1.0}})
    path = folder / "fit.npz"
    fitted, peak = timed(lambda: save_fit(path, fit_run(run, regions, task)), repeats)
    told, more = timed(lambda: summarise([load_fit(path)], {regions.grid.digest: regions}, "auto", 0.5), repeats)
    flat = sorted({int(one) for roi in regions.rois for one in roi.flat})
    import numpy as np

    reads = smoothing_plan(regions.grid, np.array(flat), width).gather.size
    return {"seconds": fitted, "responses_seconds": told, "peak_mb": max(peak, more), "volumes": kind.volumes,
            "voxels": len(flat), "reads": reads, "rois": n_rois, "voxels_in_image": regions.grid.n_voxels,
            "compressed_mb": run.bold.stat().st_size / 1e6, "artefact_mb": path.stat().st_size / 1e6}


def subjects(axis: str, value: float, folder: Path, repeats: int) -> dict[str, float]:
    """The group stage."""
    import numpy as np
    import pandas as pd

    from deltaroi import group
    from deltaroi.specs import Groups, GroupStats
    from deltaroi.tables import RESPONSES, conform

    n, rng = int(value), np.random.default_rng(0)
    people = [f"{i:05d}" for i in range(n)]
    same = {"specification": "main", "task": "t", "definition": "hcpex", "contrast": "c", "summary": "mean",
            "unit": "%", "dof": 100.0, "n_runs": 1, "n_voxels": 100, "n_voxels_used": 100,
            "n_voxels_effective": 100.0, "coverage": 1.0, "mean_fd_mm": 0.1, "censored_fraction": 0.0}
    parts = [pd.DataFrame({**same, "subject": people, "group": ["AB"[i % 2] for i in range(n)], "session": session,
                           "region": region, "hemisphere": side, "value": rng.normal(size=n),
                           "variance": rng.uniform(0.01, 0.02, n), "tsnr": rng.uniform(40, 60, n)})
             for session in ("pre", "post") for region in "abcdefg" for side in "LR"]
    table = conform(pd.concat(parts)[list(RESPONSES.names)], RESPONSES)
    groups = Groups(column="group", levels=["A", "B"], assignment="randomised")
    design = group.GroupDesign.from_study(groups, ["pre", "post"], pd.DataFrame({"participant_id": people}))
    seconds, peak = timed(lambda: group.analyse(table, design, GroupStats(), family="contrast"),
                          repeats if n <= 200 else 1)
    return {"seconds": seconds, "peak_mb": peak, "subjects": n}


def study(axis: str, value: float, folder: Path, repeats: int) -> dict[str, float]:
    """A whole run of a tiny study; besides, what its fits alone take."""
    import yaml

    import deltaroi
    from deltaroi.resources import resource

    content = yaml.safe_load(resource("configs", "demo.yaml").read_text())
    content["simulation"] |= {"resolution_mm": 8, "subjects": {"training": int(value) // 2, "waiting": int(value) // 2}}
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content))
    deltaroi.simulate(file, folder)
    begun = time.process_time()
    deltaroi.run(file, folder / "out", until="responses", jobs=1)
    seconds = time.process_time() - begun
    begun = time.process_time()
    deltaroi.run(file, folder / "out", until="responses", jobs=1)
    return {"seconds": seconds, "resume_seconds": time.process_time() - begun, "peak_mb": timed(int, 1)[1],
            "subjects": int(value)}


def specifications(axis: str, value: float, folder: Path, repeats: int) -> dict[str, float]:
    """One run in several specifications: first level and responses of `deltaroi run`, artefacts and tables included."""
    import specifications as bench


    made = folder.parent / "simulated"
    if not (made / "bids").exists():
        made.mkdir(exist_ok=True)  # simulated in another process: it would count as memory
        file = bench.write(made, "made", bench.SIMULATION.format(volumes=150))
        code = f"import deltaroi; deltaroi.simulate({str(file)!r}, {str(made)!r})"
        subprocess.run([sys.executable, "-c", code], check=True)
    axes = ", ".join(SPECIFICATIONS[:[1, 4, 16, 48, 96].index(int(value))])
    file = bench.write(made, f"growth{value:g}", f"multiverse: {{{axes}}}\n" if axes else "")
    out = made / f"out-growth{value:g}"
    seconds = []
    for _ in range(repeats + 1):
        work = bench.stages_of(file, out)
        Path("/proc/self/clear_refs").write_text("5")
        begun = time.process_time()
        bench.work_through(work)
        seconds.append(time.process_time() - begun)
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return {"seconds": statistics.median(seconds[1:]), "peak_mb": int(line.split()[1]) / 1024,
            "specifications": int(value)}


POINT: dict[str, Callable[[str, float, Path, int], dict[str, float]]] = {
    **dict.fromkeys(("worker", "worker_unsmoothed", "volumes", "voxels", "grid", "rois"), first_level),
    "specifications": specifications, "subjects": subjects, "study": study}


def fit_model(table: Any) -> dict[str, Any]:
    """Costs per unit, by non-negative least squares on relative errors.

    seconds of a run = a + b · GB uncompressed + c · 1e9 (volumes · voxels read) + d · 1e9 (volumes · voxels kept)
    seconds of its responses = a + b · ROIs
    seconds of the group stage = a + b · subjects
    """
    import numpy as np
    from scipy.optimize import nnls

    out: dict[str, Any] = {}
    names = ("seconds", "responses_seconds", "volumes", "voxels", "reads", "voxels_in_image", "rois", "subjects",
             "resume_seconds")
    table = table.reindex(columns=["axis", *names])
    runs = table[table["axis"].isin(["volumes", "voxels", "grid", "rois"])]
    volumes = runs["volumes"]
    stages = {
        "first level": (runs, "seconds", {
            "s per run": np.ones(len(runs)), "s per GB uncompressed": 4e-9 * volumes * runs["voxels_in_image"],
            "s per 1e9 values smoothed": 1e-9 * volumes * runs["reads"],
            "s per 1e9 values fitted": 1e-9 * volumes * runs["voxels"]}),
        "responses": (runs, "responses_seconds", {
            "s per run": np.ones(len(runs)), "s per ROI": runs["rois"],
            "s per 1e9 values kept": 1e-9 * volumes * runs["voxels"]}),
    }
    for name, axis, column in (("group stage", "subjects", "seconds"),
                               ("a subject besides its images", "study", "seconds"),
                               ("a subject that is resumed", "study", "resume_seconds")):
        mine = table[table["axis"] == axis]
        stages[name] = (mine, column, {"s": np.ones(len(mine)), "s per subject": mine["subjects"]})
    for name, (mine, column, costs) in stages.items():
        if len(mine) < 3:
            continue
        left = np.column_stack([np.asarray(one, dtype=float) for one in costs.values()])
        seconds = mine[column].to_numpy(dtype=float)
        found, _ = nnls(left / seconds[:, None], np.ones(len(seconds)))
        misfit = np.abs(left @ found / seconds - 1)
        out[name] = {**dict(zip(costs, (float(one) for one in found), strict=True)),
                     "points": len(seconds), "median misfit": float(np.median(misfit)), "largest": float(misfit.max())}
    return out


def cohort(costs: dict[str, Any], n: int, sessions: int = 2, volumes: int = 300) -> dict[str, float]:
    """What a cohort costs by the model: one run of 2 mm per session, the 14 ROIs of the first-level benchmark.

    12,000 ROI voxels, 92,000 read for the smoothing of 6 mm, values of float32.
    """
    runs, voxels, reads, in_image = n * sessions, 12_000, 92_000, 99 * 117 * 95
    size_gb = 4e-9 * volumes * in_image
    run, told = costs["first level"], costs["responses"]
    per_run = run["s per run"] + run["s per GB uncompressed"] * size_gb \
        + run["s per 1e9 values smoothed"] * 1e-9 * volumes * reads \
        + run["s per 1e9 values fitted"] * 1e-9 * volumes * voxels \
        + told["s per run"] + told["s per ROI"] * 14 + told["s per 1e9 values kept"] * 1e-9 * volumes * voxels
    beside, group = costs["a subject besides its images"], costs["group stage"]
    again = costs["a subject that is resumed"]
    return {"subjects": n, "runs": runs, "CPU hours, runs": runs * per_run / 3600,
            "CPU hours, a subject besides its images": n * beside["s per subject"] / 3600,
            "CPU hours, group stage": (group["s"] + n * group["s per subject"]) / 3600,
            "CPU hours to resume": n * again["s per subject"] / 3600,
            "TB of images, uncompressed": runs * size_gb / 1000,
            "TB of artefacts": runs * volumes * voxels * 4e-12,
            "GB of permutations in memory": 8e-9 * 10_001 * n, "step marks (files)": runs + n}


def draw(table: Any, path: Path) -> None:
    """One panel per axis: seconds and peak memory."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    words = {"volumes": "volumes (3 mm, 6,000 voxels)", "voxels": "voxels kept (3 mm, 150 volumes)",
             "grid": "voxel edge, mm (150 volumes)", "rois": "ROIs (6,000 voxels together)",
             "specifications": "specifications (one read)", "subjects": "subjects (group stage, 14 ROIs)",
             "study": "subjects (whole run, tiny images)"}
    axes = [axis for axis in POINTS if axis in set(table["axis"])]
    rows = -(-len(axes) // 2)
    figure, panels = plt.subplots(rows, 2, figsize=(9, 2.7 * rows), layout="constrained", squeeze=False)
    for panel in panels.flat[len(axes):]:
        panel.set_visible(False)
    lines: list[Any] = []
    for panel, axis in zip(panels.flat, axes, strict=False):
        mine = table[table["axis"] == axis].sort_values("value")
        panel.plot(mine["value"], mine["seconds"], "o-", color="#1b6ca8", label="processor seconds")
        if axis in ("volumes", "voxels", "grid", "rois"):
            panel.plot(mine["value"], mine["responses_seconds"], "s:", color="#1b6ca8", label="of the responses, s")
        panel.set_ylim(0, 1.1 * mine["seconds"].max())
        panel.set_xlabel(words[axis])
        panel.set_ylabel("s", color="#1b6ca8")
        other = panel.twinx()
        other.plot(mine["value"], mine["peak_mb"], "^--", color="#b3541e", label="peak memory")
        other.set_ylim(0, 1.1 * mine["peak_mb"].max())
        other.set_ylabel("MB", color="#b3541e")
        other.spines["top"].set_visible(False)
        panel.spines["top"].set_visible(False)
        lines = lines or [*panel.get_lines(), *other.get_lines()]
    figure.legend(lines, [str(line.get_label()) for line in lines], frameon=False, loc="lower right")
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", choices=list(POINTS))
    parser.add_argument("--out", type=Path)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--from", dest="table", type=Path, help="a table made before")
    parser.add_argument("--point", nargs=3, metavar=("AXIS", "VALUE", "FOLDER"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    if options.point:
        axis, value, folder = options.point
        with contextlib.redirect_stdout(sys.stderr):
            found = POINT[axis](axis, float(value), Path(folder), options.repeats)
        print(json.dumps({"axis": axis, "value": float(value), **found}))
        return
    import pandas as pd
    from machine import describe

    print(describe())
    table = pd.read_csv(options.table, sep="\t") if options.table else measured(options)
    if options.out:
        table.to_csv(options.out, sep="\t", index=False, float_format="%.5g")
    if options.plot:
        draw(table, options.plot)
    costs = fit_model(table)
    for name, found in costs.items():
        print(f"{name}: " + ", ".join(f"{what} {value:.3g}" for what, value in found.items()))
    if len(costs) == STAGES:
        for n in (100, 1000, 50_000):
            print("cohort: " + ", ".join(f"{what} {value:,.3g}" for what, value in cohort(costs, n).items()))


def measured(options: argparse.Namespace) -> Any:
    """The table, one row per point."""
    import pandas as pd

    rows = []
    with tempfile.TemporaryDirectory() as name:
        for axis, values in POINTS.items():
            for value in values if options.only in (None, axis) else ():
                folder = Path(name) / ("runs" if POINT[axis] is first_level else f"{axis}{value:g}")
                folder.mkdir(exist_ok=True)
                command = [sys.executable, __file__, "--repeats", str(options.repeats), "--point", axis, str(value),
                           str(folder)]
                done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, **THREADS})
                rows.append(json.loads(done.stdout))
                print(json.dumps(rows[-1]), flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
