"""A headless Chromium, and output folders to show in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from helpers import load_module

BINARY, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")


@pytest.fixture(scope="session")
def folder() -> ModuleType:
    """The module that builds output folders for the report's tests."""
    return load_module(Path(__file__).resolve().parents[1] / "unit" / "report" / "folder.py")


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """One browser with an empty profile for all tests; it logs every request and console message."""
    if not (BINARY.is_file() and DRIVER.is_file()):
        pytest.skip(f"no browser: {BINARY} or {DRIVER} is absent (Debian: chromium chromium-driver)")
    options = Options()
    options.binary_location = str(BINARY)
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    yield driver
    driver.quit()
