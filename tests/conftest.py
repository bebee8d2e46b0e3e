"""What all tests share: where the real data are."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["DELTAROI_CACHE"] = "off"  # for this process and those that it starts; tests of the cache say where it lies
CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real data; skipped with a reason only where it is absent."""
    folder = Path(os.environ.get("DELTAROI_SHARED", CHECKOUT.parent / "shared")).resolve()
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (set DELTAROI_SHARED)")
    return folder
