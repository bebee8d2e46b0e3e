"""A web server of one test, and a cache of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from remote_servers import WebServer, own_settings, serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    own_settings(tmp_path, monkeypatch)
    return tmp_path / "cache"


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A web server without files."""
    with serving(WebServer()) as server:
        yield server
