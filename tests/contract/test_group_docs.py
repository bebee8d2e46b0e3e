"""The pages on group designs: worked examples print what stands there, study files can be read."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deltaroi.config.study import Study

ROOT = Path(__file__).resolve().parents[2]
# and the sessions of their studies
PAGES = {"behaviour": ["pre", "post"], "factorials": [], "phases": ["pre", "mid", "post"]}


@pytest.mark.parametrize("page", PAGES)
def test_the_worked_example(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text()
    code, printed = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", text, re.DOTALL).groups()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert done.stdout == printed


@pytest.mark.parametrize("page", PAGES)
def test_the_parts_of_study_files_can_be_read(page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / f"{page}.md").read_text(), re.DOTALL)
    assert blocks
    for block in blocks:
        part = yaml.safe_load(block)
        cells = [name for one in part.get("group", {}).get("factorials", {}).values() for name in one["cells"]]
        study = {"schema_version": 1, "name": "s", "contrasts": dict.fromkeys(cells or ["x"], "a - b"),
                 "groups": {"column": "group", "levels": ["A", "B"], "assignment": "randomised"},
                 "dataset": {"bids_dir": "b", "derivatives": "d", "task": "t", "sessions": PAGES[page]}}
        Study.model_validate_json(json.dumps({**study, **part}))
