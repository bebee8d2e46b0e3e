"""The extra ``multilevel`` as pyproject.toml pins it fits the lock file, and the model works with it.

Its packages (about 390 MB) are not in the lock file, so they are installed here into an environment of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.long
def test_the_pinned_extra_works(tmp_path: Path) -> None:
    extra = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["multilevel"]
    assert all("==" in pinned for pinned in extra)
    lock = (CHECKOUT / "requirements.lock").read_text()
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^[A-Za-z0-9._-]+==[^ ;\\]+", lock, flags=re.MULTILINE)) + "\n")
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    (packages,) = (tmp_path / "env" / "lib").glob("python*/site-packages")
    (packages / "locked.pth").write_text(sysconfig.get_path("purelib") + "\n")  # beside what the lock file installs
    pip = subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, *extra], capture_output=True,
                         text=True, check=False)
    absent = re.search(r"No matching distribution|Could not fetch|Connection|Temporary failure", pip.stderr)
    if pip.returncode and absent:
        pytest.skip("the packages of the extra 'multilevel', which the lock file does not hold, cannot be had here")
    assert pip.returncode == 0, pip.stderr
    assert not list(packages.glob("numpy-*")), "the extra asks for another numpy than the lock file"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "src")}
    done = subprocess.run([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-c",
                           CHECKOUT / "pyproject.toml", Path(__file__).with_name("multilevel_with_extra.py")],
                          cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert re.search(r"\b7 passed\b", done.stdout), done.stdout[-2000:]
