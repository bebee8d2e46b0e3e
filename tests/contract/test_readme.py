"""The README and the docs are executed: examples run, study files parse, commands exist with their options."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deltaroi.config.read import parse_study
from deltaroi.masks import roi_keys
from deltaroi.pipeline.localisers import check_functional

CHECKOUT = Path(__file__).resolve().parents[2]
PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("*.md"))]


def examples(kind: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        blocks = re.findall(rf"<!-- example: {kind} -->\n```\w+\n(.*?)```", page.read_text(), flags=re.DOTALL)
        found += [(f"{page.name}-{i}", block) for i, block in enumerate(blocks)]
    return found


@pytest.mark.parametrize(("name", "text"), examples("study"))
def test_study_examples_parse(name: str, text: str) -> None:
    study = parse_study(text, name)
    assert roi_keys(study.regions)
    check_functional(study)


@pytest.mark.parametrize(("name", "text"), examples("python"))
def test_python_examples_run(name: str, text: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, f"{name}: {done.stderr}"


def commands() -> list[str]:
    blocks = [block for page in PAGES for block in re.findall(r"```\n(.*?)```", page.read_text(), flags=re.DOTALL)]
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("deltaroi ")]
    return sorted({line.split("#")[0].strip() for line in lines})


@pytest.mark.parametrize("line", commands())
def test_commands_exist_with_their_options(line: str) -> None:
    words = line.split()[1:]
    names = [words[0]] + ([words[1]] if words[0] == "regions" else [])
    words = [sys.executable, "-m", "deltaroi", *names, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    for option in re.findall(r"(?<=\s)--[a-z-]+", line):
        assert option in done.stdout, f"{option} of: {line}"


def test_links_lead_somewhere() -> None:
    links = [(page, target) for page in PAGES
             for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()) if "://" not in target]
    assert links
    assert not [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]
