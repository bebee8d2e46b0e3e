"""One run's first level over and over, for a profiler: `py-spy record -r 100 -f raw -o OUT -- python THIS`.

    python benchmarks/profile_first_level.py [--seconds 15] [--smoothing 6] [--summary OUT]

`--summary` counts where the samples of such a file were taken: per stage, in per cent of the loop.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

STAGES = {"fill (": "decompression", "apply_by_voxel": "smoothing", "smoothing_plan": "smoothing plan",
          "model_scalings": "confounds, events, design", "fit_series": "fitting", "save_fit": "writing the artefact",
          "_record": "the record", "state (": "means and used voxels", "_mask (": "the brain mask",
          "gather_sets": "picking voxels out of the stream"}
"""Function -> stage; the first that a sample is in counts."""


def summary(path: Path) -> None:
    """Print the share of each stage."""
    found: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        frames, count = line.rsplit(" ", 1)
        if "_once (" in frames:
            found[next((stage for name, stage in STAGES.items() if name in frames), "other")] += int(count)
    total = sum(found.values())
    for stage, count in found.most_common():
        print(f"| {stage} | {100 * count / total:.0f} % |")


def work(seconds: float, width: float) -> None:
    """Fit again and again."""
    from runs import Kind, rois, write_run

    from deltaroi.firstlevel import FirstLevelTask, fit_run, save_fit
    from deltaroi.specs import FirstLevel

    with tempfile.TemporaryDirectory() as name:
        run = write_run(Path(name), Kind())
        regions = rois(run)
        task = FirstLevelTask(FirstLevel(smoothing_fwhm_mm=width), {}, {"a": {"negative": 1.0, "neutral": -1.0}})

        def once() -> None:
            save_fit(Path(name) / "fit.npz", fit_run(run, regions, task))

        once()  # imports and the smoothing plan, which do not count
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            _once(once)


def _once(work: Callable[[], object]) -> None:
    work()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--smoothing", type=float, default=6)
    parser.add_argument("--summary", type=Path)
    options = parser.parse_args()
    if options.summary:
        summary(options.summary)
    else:
        work(options.seconds, options.smoothing)


if __name__ == "__main__":
    main()
