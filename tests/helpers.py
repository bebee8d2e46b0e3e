"""What tests of several folders share and pytest need not know: ``from helpers import ...`` (``pythonpath`` in
pyproject.toml). Fixtures are in the folders' conftest.py.
"""

from __future__ import annotations

import hashlib
import importlib.util
import shutil
import sys
from pathlib import Path
from types import ModuleType

import deltaroi


def load_module(path: Path) -> ModuleType:
    """A module that is in no package, by its file; once per process."""
    name = f"by_path_{path.stem}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        spec.loader.exec_module(module)
    return sys.modules[name]


def file_hashes(folder: Path) -> dict[str, str]:
    """Hash of every file of a folder outside its logs/."""
    files = [p for p in sorted(folder.rglob("*")) if p.is_file() and p.relative_to(folder).parts[0] != "logs"]
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def simulate_with_localiser(root: Path, study: str, without: str = "") -> None:
    """Two runs of the task ``look`` per session, and in the session ``pre`` one of the localiser task ``loc``.

    Parameters
    ----------
    root : Path
        The folder of the dataset and its study.yaml; made here.
    study : str
        The study file, with ``TASK`` and ``RUNS`` where their values belong.
    without : str
        Label of a subject that gets no localiser.
    """
    extra = root.with_name(f"{root.name}-localiser")
    for folder, task, runs in ((root, "look", 2), (extra, "loc", 1)):
        folder.mkdir()
        (folder / "study.yaml").write_text(study.replace("TASK", task).replace("RUNS", str(runs)))
        deltaroi.simulate(folder / "study.yaml", folder)
    for path in sorted(extra.rglob("*_ses-pre_task-loc*")):
        if f"sub-{without}" not in path.parts:
            (root / path.relative_to(extra)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, root / path.relative_to(extra))
    shutil.rmtree(extra)
