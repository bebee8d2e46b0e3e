"""The figures of the design beside their targets: `python benchmarks/figures.py` (about ten minutes).

Runs the benchmarks one after the other, each in a process of its own with one thread for linear algebra, and takes the
figures from what they print, which goes to stderr as it comes. Ratios are made within one run (see the scripts).
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from machine import describe

HERE = Path(__file__).parent
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
NUMBER = r"([-+]?[\d.]+)"


def output(*command: str) -> str:
    """What a command prints, also shown as it comes."""
    environment = {**os.environ, **THREADS, "PYTHONWARNINGS": "ignore"}
    process = subprocess.Popen([sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment)
    lines = []
    for line in process.stdout or ():
        sys.stderr.write(line)
        sys.stderr.flush()
        lines.append(line)
    if process.wait():
        raise SystemExit(f"{' '.join(command)} failed")
    return "".join(lines)


def found(text: str, pattern: str) -> str:
    """The number that a pattern names."""
    match = re.search(pattern.replace("#", NUMBER), text)
    if match is None:
        raise SystemExit(f"no line like {pattern!r} was printed")
    return match[1]


def first_level() -> dict[str, tuple[str, str]]:
    """Against nilearn and against decompression, without and with smoothing."""
    text = output(str(HERE / "first_level.py"), "--only", "2mm_150_float32_gzip")
    rows = [next(line for line in text.splitlines() if f" {width} mm  deltaroi" in line) for width in (6, 0)]
    both = {what: " / ".join(f"{found(row, pattern)} x" for row in rows) for what, pattern in
            (("whole", "whole x#"), ("restricted", "restricted x#"), ("decompress", r"\| x# of"))}
    return {"first level, same values, against nilearn whole brain + ROI average; 6 mm / no smoothing":
            (">= 20 x", both["whole"]),
            "against nilearn with its mask restricted to the ROIs; 6 mm / no smoothing": (">= 8 x", both["restricted"]),
            "against the time to just decompress the file; 6 mm / no smoothing": ("<= 2 x", both["decompress"])}


def memory() -> dict[str, tuple[str, str]]:
    """Peak of a worker."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = [found(output(str(HERE / "growth.py"), "--repeats", "1", "--point", axis, "15000", folder),
                       '"peak_mb": #') for axis in ("worker", "worker_unsmoothed")]
    return {"peak memory of a worker, 1,200 volumes x 15,000 ROI voxels; 6 mm / no smoothing":
            ("<= 400 MB", " / ".join(f"{float(peak):.0f} MB" for peak in peaks))}


def specifications() -> dict[str, tuple[str, str]]:
    """Many from one read."""
    text = output(str(HERE / "specifications.py"))
    more = ", ".join(f"{what} {found(text, f'one more specification by {what}: [-+.0-9]+ % #')} %"
                     for what in ("summary", "scaling", "definition"))
    count = found(text, "# specifications, ")
    return {"a specification that shares a fit": ("<= +3 %", more),
            f"{count} specifications over one read + the distinct fits": (
                "1 +- 0.2", found(text, r"measured / predicted: [\d.]+ #"))}


def others() -> dict[str, tuple[str, str]]:
    """Permutations, help, finding runs."""
    permuted = found(output(str(HERE / "permutations.py")), r"\| hc3 \| #")
    helped = []
    command = [sys.executable, "-c", "from deltaroi.cli.main import entry; entry(['--help'])"]
    for _ in range(6):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        helped.append(time.perf_counter() - start)
    finding = found(output(str(HERE / "find_runs.py")), "find_runs: median #")
    return {"10,000 max-T permutations, 100 subjects x 14 ROIs (ANCOVA, HC3)": ("<= 2 s", f"{permuted} s"),
            "deltaroi --help": ("<= 0.3 s", f"{statistics.median(helped[1:]):.2f} s"),
            "finding the runs of a 200-subject x 2-session fMRIPrep tree": ("<= 5 s", f"{finding} s")}


def main() -> None:
    """Measure everything, print the table."""
    table = {**first_level(), **memory(), **specifications(), **others()}
    print(f"{describe()}\n\n| figure | target | measured |\n|---|---|---|")
    for name, (target, measured) in table.items():
        print(f"| {name} | {target} | {measured} |")


if __name__ == "__main__":
    main()
