"""The worked example of docs/freeze.md: its study, its commands and its change print what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from deltaroi.pipeline.lock_items import NOT_LOCKED

PAGE = Path(__file__).resolve().parents[2] / "docs" / "freeze.md"


def block(kind: str) -> str:
    found = re.search(rf"<!-- {kind} -->\n```\w+\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert found is not None
    return found.group(1)


def plain(text: str) -> str:
    """Dates and digests, which change with the day and the region library, by name."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "DATE", text)
    return re.sub(r"\b([0-9a-f]{64}|[0-9a-f]{12})\b", "DIGEST", text)


def freeze(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", "freeze", "study.yaml"], capture_output=True, text=True,
                          cwd=folder, check=False)


def test_the_example_prints_what_the_page_says(tmp_path: Path) -> None:
    study = block("example: study")
    (tmp_path / "study.yaml").write_text(study)
    first = freeze(tmp_path)
    assert first.returncode == 0, first.stderr
    assert plain(first.stdout) == block("output: freeze")
    lock = (tmp_path / "study.frozen.json").read_bytes()
    for line in block("change: study").splitlines():
        old, new = line.split(" -> ")
        assert study.count(old) == 1
        study = study.replace(old, new)
    (tmp_path / "study.yaml").write_text(study)
    again = freeze(tmp_path)
    assert again.returncode == 2
    assert plain(again.stderr) == block("output: again")
    assert (tmp_path / "study.frozen.json").read_bytes() == lock


def test_the_page_names_what_is_not_locked() -> None:
    section = PAGE.read_text().split("## What is locked")[1].split("##")[0]
    assert not [place for place in NOT_LOCKED if f"`{place.split('.')[0]}`" not in section]
