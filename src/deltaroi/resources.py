"""Where the data files live: the checkout when its ``pyproject.toml`` is ours, else the package folder."""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

from deltaroi.errors import DataError


@cache
def _root() -> Path:
    package = Path(__file__).resolve().parent
    checkout = package.parents[1]
    project = checkout / "pyproject.toml"
    if project.is_file():
        try:
            ours = tomllib.loads(project.read_text(encoding="utf-8")).get("project", {}).get("name") == "deltaroi"
        except tomllib.TOMLDecodeError:
            ours = False
        if ours and (checkout / "atlases").is_dir():
            return checkout
    return package


def resource(*parts: str) -> Path:
    """Path of a data file or folder under ``atlases/`` or ``configs/``.

    Raises
    ------
    DataError
        It is not there: the installation is incomplete.
    """
    path = _root().joinpath(*parts)
    if not path.exists():
        raise DataError("a file of the installation is missing", where="/".join(parts), hint="reinstall deltaroi")
    return path
