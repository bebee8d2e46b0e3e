"""Reading the ROI voxels of one run, with and without smoothing, against just decompressing the file.

    python benchmarks/read_and_smooth.py [--volumes 150] [--repeats 5] [--keep FILE.nii.gz]

One generated run at 2 mm (99 × 117 × 95, float32, gzip): a smooth baseline inside an ellipsoid, 0 outside, and 1 %
noise, which does not compress. About 7,000 ROI voxels in nine balls, smoothed by 6 mm. One thread; every repeat times
the three ways one after the other on the same file. Prints medians of the wall time and of the processor time, which
does not count what other programs take, and the ratio of processor times to decompression.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
from isal import igzip
from scipy.ndimage import gaussian_filter
from timing import timed

from deltaroi.signal import gather, read_header
from deltaroi.smoothing import smoothing_plan

SHAPE = (99, 117, 95)
AFFINE = np.array([[2.0, 0, 0, -98], [0, 2, 0, -134], [0, 0, 2, -72], [0, 0, 0, 1]])
CENTRES = [(38, 60, 30), (60, 60, 30), (50, 80, 40), (50, 85, 25), (50, 85, 55), (30, 80, 50), (70, 80, 50),
           (35, 70, 35), (65, 70, 35)]
RADIUS_VOXELS = 5.7


def ball_voxels() -> np.ndarray:
    """Flat positions of the balls."""
    chosen = np.zeros(SHAPE, dtype=bool)
    ijk = np.moveaxis(np.indices(SHAPE, dtype=np.int16), 0, -1)
    for centre in CENTRES:
        chosen |= ((ijk - np.array(centre, dtype=np.int16)) ** 2).sum(axis=-1) < RADIUS_VOXELS**2
    return np.flatnonzero(chosen)


def write_run(path: Path, volumes: int) -> None:
    """Write the run volume by volume."""
    rng = np.random.default_rng(0)
    axes = [(np.arange(n) - (n - 1) / 2) / (0.425 * n) for n in SHAPE]
    inside = (axes[0][:, None, None] ** 2 + axes[1][:, None] ** 2 + axes[2] ** 2) < 1
    baseline = ((9000 + 1e5 * gaussian_filter(rng.standard_normal(SHAPE), 4)) * inside).astype(np.float32)
    header = nib.Nifti1Header(endianness="<")
    header.set_data_dtype(np.float32)
    header.set_data_shape((*SHAPE, volumes))
    header.set_sform(AFFINE, 4)
    header["magic"], header["vox_offset"] = b"n+1", 352
    with igzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(header.binaryblock + bytes(4))
        for _ in range(volumes):
            volume = baseline * (1 + np.float32(0.01) * rng.standard_normal(SHAPE, dtype=np.float32))
            stream.write(volume.tobytes(order="F"))


def decompress(path: Path) -> None:
    """Decompress and throw away."""
    target = memoryview(bytearray(1 << 20))
    with igzip.open(path, "rb") as stream:
        while stream.readinto(target):
            pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--volumes", type=int, default=150)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, help="use this file, written when it is not there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.keep or Path(folder) / "run.nii.gz"
        if not path.exists():
            write_run(path, options.volumes)
        report(path, options.repeats)


def report(path: Path, repeats: int) -> None:
    """Time and print."""
    header = read_header(path)
    flat = ball_voxels()
    planning = timed(lambda: smoothing_plan(header.grid, flat, 6.0))
    plan = smoothing_plan(header.grid, flat, 6.0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    ways: dict[str, Callable[[], object]] = {
        "decompress": lambda: decompress(path), "read": lambda: gather(path, flat),
        "read and smooth 6 mm": lambda: gather(path, flat, plan)}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, work in ways.items():
            seconds[name].append(timed(work))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{path.stat().st_size / 1e6:.0f} MB gzip, {header.n_volumes} volumes, {len(flat)} ROI voxels, "
          f"{len(plan.gather)} read for smoothing; plan {planning[1]:.2f} s")
    for name, times in seconds.items():
        ratio = statistics.median(a[1] / b[1] for a, b in zip(times, seconds["decompress"], strict=True))
        wall, cpu = (statistics.median(one[k] for one in times) for k in (0, 1))
        print(f"{name:22s} wall {wall:.2f} s  processor {cpu:.2f} s  {ratio:.2f} x decompression")
    print(f"peak memory {after:.0f} MB ({before:.0f} MB before reading)")


if __name__ == "__main__":
    main()
