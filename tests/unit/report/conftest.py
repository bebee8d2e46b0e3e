"""Output folders for the report's tests."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from helpers import load_module


@pytest.fixture(scope="session")
def folder() -> ModuleType:
    """The module that builds output folders."""
    return load_module(Path(__file__).with_name("folder.py"))
