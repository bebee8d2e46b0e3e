"""The verdicts of docs/replication.md are those of the code, in their order; its example prints what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from deltaroi.stats.verdicts import MEANINGS, RULES

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "replication.md").read_text()


def test_the_table_of_verdicts() -> None:
    section = TEXT.split("## The verdicts")[1].split("##")[0]
    lines = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("|")]
    rows = [tuple(cell.strip() for cell in cells) for cells in lines]
    assert rows[2:] == [(rule.word, rule.meaning) for rule in RULES]
    assert len(MEANINGS) == len(RULES)


def test_every_verdict_named_in_the_text_exists() -> None:
    section = TEXT.split("## The verdicts")[1].split("##")[0]
    named = set(re.findall(r"`([^`]+)`", section))
    assert named
    assert named <= set(MEANINGS)


def test_the_example() -> None:
    code, printed = re.search(r"```python\n(.*?)```\n\nprints\n\n```\n(.*?)```", TEXT, re.DOTALL).groups()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    assert done.stdout == printed
