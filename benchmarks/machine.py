"""The machine and the versions behind a figure."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path


def describe() -> str:
    """One line: cores, memory, processor, versions."""
    try:
        cpu = next(line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                   if line.startswith("model name"))
        memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1024**2
    except (OSError, StopIteration, ValueError, IndexError):
        cpu, memory = platform.processor(), float("nan")
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "nilearn", "nibabel", "isal"))
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {cpu}; Python {platform.python_version()}, {libraries}"
