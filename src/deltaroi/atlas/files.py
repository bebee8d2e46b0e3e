"""Reading the data files of the library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from deltaroi.errors import DataError
from deltaroi.resources import resource

SPACES_FILE = "spaces.yaml"


class Closed(BaseModel):
    """Base of all data-file models: closed and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def read_yaml(path: Path) -> Any:
    """Parse one data file safely.

    Raises
    ------
    DataError
        It is not YAML.
    """
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise DataError(f"not a YAML file: {error}", where=str(path), hint="reinstall deltaroi") from error


def definition_files() -> Iterator[Path]:
    """The definitions, in alphabetical order."""
    return (path for path in sorted(resource("atlases").glob("*.yaml")) if path.name != SPACES_FILE)
