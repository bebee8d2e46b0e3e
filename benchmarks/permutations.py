"""Max-T permutation over ROIs, each with its own baseline.

    python benchmarks/permutations.py [--permutations 10000] [--subjects 100] [--rois 14] [--repeats 5]

Simulated values of two groups. Times the whole test, drawing the permutations included: Freedman-Lane with HC3,
classical, variance-group and HC2-Welch errors, the last also by sign flips; with all subjects in every ROI, and with
two others missing in each (HC3). Beside it, in the same process and on as many cores, the HC3 numbers by refitting
every permutation with numpy's lstsq, on a hundredth of the permutations and times a hundred. Prints medians of the wall
time and of the processor time, which does not count what other programs take, and how much memory came on top.
"""

from __future__ import annotations

import argparse
import resource
import statistics

import numpy as np
from numpy.typing import NDArray
from timing import timed

from deltaroi.stats.permutation import distinct_relabellings, max_t, permutations, sign_flips
from deltaroi.stats.permuted import FreedmanLane

FloatArray = NDArray[np.float64]
SEED = 20260101
FULL = "hc3"
KINDS = (FULL, "classical", "groups", "hc2_welch")


def family(subjects: int, rois: int, kind: str, missing: int = 0) -> list[FreedmanLane]:
    """ROIs that correlate; each lacks its own ``missing`` subjects."""
    rng = np.random.default_rng(SEED)
    group = (np.arange(subjects) < subjects // 2).astype(np.int64)
    common = rng.normal(size=subjects)
    out = []
    for roi in range(rois):
        pre = rng.normal(size=subjects) + common
        post = 0.5 * pre + rng.normal(size=subjects) + common
        here = np.setdiff1d(np.arange(subjects), (missing * roi + np.arange(missing)) % subjects)
        nuisance = np.column_stack([np.ones(here.size), pre[here] - pre[here].mean()])
        out.append(FreedmanLane(here, post[here], nuisance, group[here, None].astype(np.float64), kind, group[here]))
    return out


def refitted(tests: list[FreedmanLane], rows: NDArray[np.int64]) -> FloatArray:
    """HC3 |t| of every permutation by fitting each again, shape (tests, rows)."""
    table = np.empty((len(tests), len(rows)))
    for line, test in zip(table, tests, strict=True):
        design = np.column_stack([test.nuisance, test.tested])
        fitted = test.nuisance @ np.linalg.lstsq(test.nuisance, test.y, rcond=None)[0]
        for k, row in enumerate(rows):
            values = fitted + (test.y - fitted)[row]
            beta = np.linalg.lstsq(design, values, rcond=None)[0]
            half = np.linalg.pinv(design)
            leverage = np.einsum("ij,ji->i", design, half)
            error = half[-1] * (values - design @ beta) / (1 - leverage)
            line[k] = abs(beta[-1]) / np.sqrt(error @ error)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--permutations", type=int, default=10_000)
    parser.add_argument("--subjects", type=int, default=100)
    parser.add_argument("--rois", type=int, default=14)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    families = {kind: family(options.subjects, options.rois, kind) for kind in KINDS}
    families["hc2_welch, sign flips"] = families["hc2_welch"]
    families["hc3, 2 missing"] = family(options.subjects, options.rois, "hc3", 2)
    few = permutations(options.subjects, options.permutations // 100, SEED)[0]
    fast = np.stack([test.absolute(few) for test in families[FULL]])
    assert np.allclose(fast, refitted(families[FULL], few), rtol=1e-9), "the two ways differ"  # noqa: S101
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def whole(tests: list[FreedmanLane], flips: bool) -> None:
        make = sign_flips if flips else permutations
        rows = make(options.subjects, options.permutations, SEED)[0]
        max_t(tests, rows, [distinct_relabellings(test.tested[:, 0].astype(np.int64)) for test in tests])

    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in (*families, "refitting")}
    for _ in range(options.repeats):
        for name, tests in families.items():
            seconds[name].append(timed(lambda tests=tests, flips="flips" in name: whole(tests, flips)))
        seconds["refitting"].append(tuple(100 * one for one in timed(lambda: refitted(families[FULL], few[1:]))))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.permutations} permutations, {options.subjects} subjects, {options.rois} ROIs\n")
    print("| errors | wall s | processor s | refitting takes |\n|---|---|---|---|")
    for name, times in seconds.items():
        wall, cpu = (statistics.median(one[k] for one in times) for k in (0, 1))
        ratio = statistics.median(b[1] / a[1] for a, b in zip(times, seconds["refitting"], strict=True))
        print(f"| {name} | {wall:.2f} | {cpu:.2f} | {ratio:.0f} x |")
    print(f"\nmemory: {after - before:.0f} MB on top of {before:.0f} MB")


if __name__ == "__main__":
    main()
