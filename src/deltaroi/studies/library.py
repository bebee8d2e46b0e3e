"""The study files of published designs, ``configs/studies/*.yaml``."""

from __future__ import annotations

from pathlib import Path

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import UsageError, did_you_mean
from deltaroi.resources import resource


def study_names() -> tuple[str, ...]:
    """Names of the published designs, sorted."""
    return tuple(sorted(path.stem for path in resource("configs", "studies").glob("*.yaml")))


def published_path(name: str) -> Path:
    """The study file of a published design.

    Raises
    ------
    UsageError
        There is none of this name; names those that there are.
    """
    known = study_names()
    if name not in known:
        raise UsageError(f"no published design is called '{name}'", where="NAME",
                         hint=did_you_mean(name, known, shortest=3) or f"there are {', '.join(known)}")
    return resource("configs", "studies", f"{name}.yaml")


def published(name: str) -> Study:
    """A published design; see :func:`published_path`."""
    return read_study(published_path(name))
