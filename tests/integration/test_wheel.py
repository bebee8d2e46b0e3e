"""The wheel alone is enough: built, installed into an empty environment, run with the checkout out of sight."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
SPACES = {"cit168": "MNI152NLin2009cAsym", "harvard-oxford": "MNI152NLin6Asym"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "checkout"
    ignore = shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "demo-out", ".hypothesis")
    shutil.copytree(CHECKOUT, copy, ignore=ignore)
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, copy], check=True,
                   capture_output=True)
    shutil.rmtree(copy)
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.long
def test_data_travel_in_the_wheel(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("atlases", "configs"):
        for path in (CHECKOUT / folder).rglob("*"):
            if path.is_file():
                assert f"deltaroi/{path.relative_to(CHECKOUT).as_posix()}" in names
    assert "deltaroi/py.typed" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


@pytest.mark.long
def test_demo_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    """An empty environment, the wheel and what it depends on, an empty home folder, and no checkout."""
    lock = (CHECKOUT / "requirements.lock").read_text()
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(re.findall(r"^[A-Za-z0-9._-]+==[^ ;\\]+", lock, flags=re.MULTILINE)) + "\n")
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", python.parents[1]], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "-c", constraints, wheel], check=True)
    home = tmp_path / "home"
    home.mkdir()
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run([python.parent / "deltaroi", "demo", tmp_path / "out"], cwd=home, env=environment,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "results" / "report.html").is_file()
    assert "simulated" in done.stdout.lower()
    for definition, extra in (("cit168", "cit168"), ("harvard-oxford", "harvard-oxford")):
        asked = subprocess.run([python.parent / "deltaroi", "regions", "build", "--regions", "NAcc", "--definition",
                                definition, "--space", SPACES[definition], "--out", tmp_path / definition], cwd=home,
                               env=environment, capture_output=True, text=True, check=False)
        assert asked.returncode == 4, asked.stderr
        assert f"pip install 'deltaroi[{extra}]'" in asked.stderr
    listed = subprocess.run([python.parent / "deltaroi", "regions", "list"], cwd=home, env=environment,
                            capture_output=True, text=True, check=True)
    assert "deltaroi[cit168]" in listed.stdout
    assert "amygdala" in listed.stdout
