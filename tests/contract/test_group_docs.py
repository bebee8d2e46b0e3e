"""The worked examples of the pages on group designs print what stands there, and their study files can be read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deltaroi.config.read import fields_at

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["behaviour"]


@pytest.mark.parametrize("page", PAGES)
def test_the_worked_example(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    code, printed = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", text, re.DOTALL).groups()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert done.stdout == printed


@pytest.mark.parametrize("page", PAGES)
def test_the_study_files_have_known_keys(page: str) -> None:
    """Every key of a ``yaml`` block is one of the study file; names of measures and the like are free."""
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / f"{page}.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        for section, content in yaml.safe_load(block).items():
            assert section in fields_at(())
            if section == "group":
                assert set(content) <= set(fields_at((section,)))
            else:
                assert {key for entry in content.values() for key in entry} <= set(fields_at((section, "name")))
