"""The first level of one run against nilearn and against bare decompression: `python benchmarks/first_level.py`.

    [--quick] [--repeats 5] [--long-repeats 1] [--only 2mm_150] [--out TABLE.tsv]

Each way has a worker process of its own, with one thread, warm: the imports are done and one small run was fitted. In
every repeat the ways take turns on the same file, and each ratio is made within that repeat; the table has the medians.
Peak memory is the operating system's (VmHWM of the worker, reset before the first repeat, imports included).

Ways:
  decompress    read the file with isal (or as it is) into one buffer and throw it away
  deltaroi      read, smooth, fit (AR(1)), write the artefact (the first level); read it again, one value per ROI
  restricted    nilearn's FirstLevelModel with its mask restricted to the ROIs, then the ROI averages
  whole         nilearn's FirstLevelModel on the brain mask, then the ROI averages

nilearn is given the design matrix that deltaroi made, so that both fit the same model; making it counts for deltaroi.
With smoothing, the restricted mask smooths the whole image, as nilearn does. Values are compared: the largest
difference over the ROIs stands in the table in units of the value's standard error (design: below 0.001).
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
WAYS = ("decompress", "deltaroi", "restricted", "whole")
CONTRASTS = {"negative_vs_neutral": {"negative": 1.0, "neutral": -1.0}}


def worker(pipe: Connection, way: str) -> None:
    """Do jobs (kind, folder, width) until None comes; answers with seconds, memory and values."""
    start = time.perf_counter()
    sys.path.insert(0, str(Path(__file__).parent))
    prepare = {"decompress": _decompress, "deltaroi": _deltaroi, "restricted": _nilearn, "whole": _nilearn}[way]
    prepared = prepare(way)
    pipe.send(time.perf_counter() - start)
    while (job := pipe.recv()) is not None:
        ready = prepared(*job)
        _reset_peak()
        begun = time.perf_counter(), time.process_time()
        values, fitted = ready()
        pipe.send({"wall_s": time.perf_counter() - begun[0], "cpu_s": time.process_time() - begun[1],
                   "first_level_s": fitted - begun[1], "peak_mb": _peak_mb(), "values": values})


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mb() -> float:
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _decompress(way: str) -> Any:
    from isal import igzip

    def prepared(kind: Any, folder: Path, width: float) -> Any:
        from runs import write_run

        path = write_run(folder, kind).bold
        target = memoryview(bytearray(1 << 20))

        def work() -> tuple[None, float]:
            with igzip.open(path, "rb") if kind.compressed else path.open("rb", buffering=0) as stream:
                while stream.readinto(target):
                    pass
            return None, time.process_time()
        return work
    return prepared


def _specification(width: float) -> Any:
    from deltaroi.specs import FirstLevel

    return FirstLevel(smoothing_fwhm_mm=width, scaling="none")


def _deltaroi(way: str) -> Any:
    from runs import rois, write_run

    from deltaroi.firstlevel import FirstLevelTask, fit_run, load_fit, save_fit
    from deltaroi.responses import summarise

    def prepared(kind: Any, folder: Path, width: float) -> Any:
        run = write_run(folder, kind)
        regions = rois(run)
        task = FirstLevelTask(_specification(width), {}, CONTRASTS)
        path = folder / "fit.npz"

        def work() -> tuple[dict[str, tuple[float, float]], float]:
            save_fit(path, fit_run(run, regions, task))
            fitted = time.process_time()
            table = summarise([load_fit(path)], {regions.grid.digest: regions}, "auto", 0.5).table
            values = {f"{row.region}-{row.hemisphere}": (row.value, row.variance) for row in table.itertuples()}
            return values, fitted
        return work
    return prepared


def _nilearn(way: str) -> Any:
    import warnings

    import nibabel as nib
    import numpy as np
    import pandas as pd
    from nilearn.glm.first_level import FirstLevelModel
    from runs import rois, write_run

    from deltaroi.firstlevel import FirstLevelTask
    from deltaroi.firstlevel.model import model_run

    # the mask that is given is used
    warnings.filterwarnings("ignore", ".*Generation of a mask has been requested")

    def prepared(kind: Any, folder: Path, width: float) -> Any:
        run = write_run(folder, kind)
        regions = rois(run)
        made = model_run(run, FirstLevelTask(_specification(width), {}, CONTRASTS), kind.volumes)
        frame = pd.DataFrame(made.design.matrix, columns=list(made.design.columns), index=made.design.frame_times)
        brain = nib.load(run.mask)
        inside = np.asarray(brain.dataobj).ravel() > 0
        if way == "restricted":
            chosen = np.zeros(inside.shape, dtype=np.uint8)
            chosen[np.concatenate([roi.flat for roi in regions.rois])] = 1
            brain = nib.Nifti1Image((chosen & inside).reshape(brain.shape), brain.affine)

        def work() -> tuple[dict[str, tuple[float, float]], float]:
            model = FirstLevelModel(mask_img=brain, noise_model="ar1", smoothing_fwhm=width or None,
                                    signal_scaling=False, minimize_memory=True)
            model.fit(str(run.bold), design_matrices=[frame])
            image = model.compute_contrast(made.vectors[0], output_type="effect_size")
            effect = np.asarray(image.dataobj).ravel()
            fitted = time.process_time()
            return {f"{roi.key.region}-{roi.key.hemisphere}": (float(effect[roi.flat[inside[roi.flat]]].mean()), 0.0)
                    for roi in regions.rois}, fitted
        return work
    return prepared


def measure(kinds: list[Any], widths: tuple[float, ...], repeats: dict[int, int]) -> list[dict[str, Any]]:
    """One row per kind and width."""
    context = multiprocessing.get_context("spawn")
    os.environ.update(dict.fromkeys(THREADS, "1"))
    pipes, imports = {}, {}
    for way in WAYS:
        here, there = context.Pipe()
        context.Process(target=worker, args=(there, way), daemon=True).start()
        pipes[way], imports[way] = here, here.recv()
    print("imports: " + ", ".join(f"{way} {seconds:.2f} s" for way, seconds in imports.items()), flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for way in WAYS[1:]:  # warm up
            ask(pipes[way], way, (type(kinds[0])(4.0, 40, "float32", True), Path(name), 6.0))
        for kind, width in itertools.product(kinds, widths):
            taken: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
            for _ in range(repeats[kind.volumes]):
                for way in WAYS:
                    taken[way].append(ask(pipes[way], way, (kind, Path(name), width)))
            rows.append(row(kind, width, taken))
            print_row(rows[-1])
            if width == widths[-1]:
                for path in Path(name).glob(f"*{kind.label.replace('_', '')}*"):
                    path.unlink()
    for pipe in pipes.values():
        pipe.send(None)
    return rows


def ask(pipe: Connection, way: str, job: tuple[Any, Path, float]) -> dict[str, Any]:
    """One job done by a worker."""
    pipe.send(job)
    try:
        return dict(pipe.recv())
    except EOFError:
        raise SystemExit(f"the worker '{way}' died at {job[0].label}") from None


def row(kind: Any, width: float, taken: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians, ratios by processor time within each repeat, memory and the largest difference of values."""
    out: dict[str, Any] = {"run": kind.label, "smoothing_mm": width}
    for way, found in taken.items():
        out[f"{way}_wall_s"] = statistics.median(one["wall_s"] for one in found)
        out[f"{way}_cpu_s"] = statistics.median(one["cpu_s"] for one in found)
        out[f"{way}_peak_mb"] = max(one["peak_mb"] for one in found)
    ours = taken["deltaroi"]
    for way in ("whole", "restricted"):
        out[f"{way}_over_deltaroi"] = statistics.median(
            a["cpu_s"] / b["cpu_s"] for a, b in zip(taken[way], ours, strict=True))
        out[f"{way}_over_deltaroi_wall"] = statistics.median(
            a["wall_s"] / b["wall_s"] for a, b in zip(taken[way], ours, strict=True))
        out[f"{way}_difference_se"] = max(abs(taken[way][0]["values"][name][0] - value) / variance**0.5
                                          for name, (value, variance) in ours[0]["values"].items())
    out["first_level_s"] = statistics.median(one["first_level_s"] for one in ours)
    out["first_level_over_decompress"] = statistics.median(
        a["first_level_s"] / b["cpu_s"] for a, b in zip(ours, taken["decompress"], strict=True))
    return out


def print_row(found: dict[str, Any]) -> None:
    """One line of the table."""
    print(f"{found['run']:24s} {found['smoothing_mm']:g} mm  deltaroi {found['deltaroi_cpu_s']:6.2f} s "
          f"{found['deltaroi_peak_mb']:5.0f} MB | x{found['first_level_over_decompress']:.2f} of "
          f"{found['decompress_cpu_s']:.2f} s | whole x{found['whole_over_deltaroi']:.1f} "
          f"({found['whole_cpu_s']:.1f} s, {found['whole_peak_mb']:.0f} MB) | restricted "
          f"x{found['restricted_over_deltaroi']:.1f} ({found['restricted_cpu_s']:.1f} s, "
          f"{found['restricted_peak_mb']:.0f} MB) | difference {found['whole_difference_se']:.1e} SE", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="150 volumes at 3 mm only, gzip")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--long-repeats", type=int, default=1, help="repeats with 600 volumes")
    parser.add_argument("--only", default="", help="runs whose label begins so, e.g. 2mm_150_float32_gzip")
    parser.add_argument("--out", type=Path, help="write the table, tab-separated")
    options = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).parent))
    from machine import describe
    from runs import Kind

    kinds = [Kind(*one) for one in itertools.product((2.0, 3.0), (150, 600), ("float32", "int16"), (True, False))]
    if options.quick:
        kinds = [kind for kind in kinds if kind.label.startswith("3mm_150") and kind.compressed]
    kinds = [kind for kind in kinds if kind.label.startswith(options.only)]
    print(describe())
    rows = measure(kinds, (0.0, 6.0), {150: options.repeats, 600: options.long_repeats})
    if options.out:
        import pandas as pd

        pd.DataFrame(rows).to_csv(options.out, sep="\t", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
