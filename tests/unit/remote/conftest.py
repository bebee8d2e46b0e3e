"""A web server of one test, and a cache of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deltaroi.remote import forget
from remote_servers import WebServer, serving


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache."""
    monkeypatch.setenv("DELTAROI_CACHE", str(tmp_path / "cache"))
    forget()
    return tmp_path / "cache"


@pytest.fixture
def web() -> Iterator[WebServer]:
    """A web server without files."""
    with serving(WebServer()) as server:
        yield server
