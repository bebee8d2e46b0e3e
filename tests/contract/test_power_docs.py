"""The worked example of docs/power.md: its study and its command print what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "power.md"


def block(kind: str) -> str:
    found = re.search(rf"<!-- {kind} -->\n```\w+\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert found is not None
    return found.group(1)


def test_the_example_prints_what_the_page_says(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(block("example: study"))
    line = next(line for line in PAGE.read_text().splitlines() if line.startswith("deltaroi power"))
    done = subprocess.run([sys.executable, "-m", *line.split()], capture_output=True, text=True, cwd=tmp_path,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == block("output: power")
    assert {path.name for path in (tmp_path / "power").iterdir()} == {"power.tsv", "power.json", "power.html"}
