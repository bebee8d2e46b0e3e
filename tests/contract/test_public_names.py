"""The public surface is frozen, cheap to import, and documented."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import deltaroi

PUBLIC = ["DeltaroiError", "RunResult", "Study", "check", "compare", "measure", "read_study", "regions", "run",
          "simulate"]


def test_names_are_frozen() -> None:
    assert sorted(deltaroi.__all__) == PUBLIC
    assert dir(deltaroi) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_documented(name: str) -> None:
    thing = getattr(deltaroi, name)
    assert inspect.getdoc(thing)
    if inspect.isfunction(thing):
        doc = inspect.getdoc(thing) or ""
        assert "Parameters" in doc
        assert "Returns" in doc
        assert "Raises" in doc


def test_names_survive_the_import_of_the_rooms_behind_them() -> None:
    code = ("import deltaroi, pkgutil, importlib\n"
            "for m in pkgutil.walk_packages(deltaroi.__path__, 'deltaroi.'):\n"
            "    if not m.name.endswith('__main__'): importlib.import_module(m.name)\n"
            "import types\n"
            "print([n for n in deltaroi.__all__ if isinstance(getattr(deltaroi, n), types.ModuleType)])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="no attribute"):
        deltaroi.nothing  # noqa: B018
