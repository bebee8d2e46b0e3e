"""The README and the docs are executed: examples run, study files parse, commands exist with their options."""

from __future__ import annotations

import importlib
import inspect
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
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


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


def command_of(line: str) -> str:
    return line.split("#")[0].strip()


def commands() -> list[str]:
    """The commands of the fences without a language."""
    fences = [fence for page in PAGES for fence in FENCE.findall(page.read_text())]
    lines = [line for language, block in fences if not language for line in block.splitlines()]
    return sorted({command_of(line) for line in lines if line.startswith("deltaroi ")})


def test_no_command_in_a_fence_is_left_untested() -> None:
    """Read line by line, whatever the fence's language: a fence that is paired wrongly hides its commands."""
    found = set()
    for page in PAGES:
        inside = False
        for line in page.read_text().splitlines():
            inside ^= line.startswith("```")
            if inside and line.startswith("deltaroi "):
                found.add(command_of(line))
        assert not inside, page.name
    assert len(found) > 10
    assert found == set(commands())


@pytest.mark.parametrize("line", commands())
def test_commands_exist_with_their_options(line: str) -> None:
    words = line.split()[1:]
    names = [words[0]] + ([words[1]] if words[0] in ("regions", "evidence", "studies") else [])
    words = [sys.executable, "-m", "deltaroi", *names, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    for option in re.findall(r"(?<=\s)--[a-z-]+", line):
        assert option in done.stdout, f"{option} of: {line}"


def test_links_lead_somewhere() -> None:
    links = [(page, target) for page in PAGES
             for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()) if "://" not in target]
    assert links
    assert not [f"{page.name}: {target}" for page, target in links if not (page.parent / target).exists()]


def written_signatures() -> list[tuple[str, list[str]]]:
    """The calls ``room.name(arguments) -> result`` of docs/architecture.md; ``...`` stands for arguments left out."""
    text = " ".join((CHECKOUT / "docs" / "architecture.md").read_text().split())
    found = re.findall(r"(\w+(?:\.\w+)+)\(((?:[^()]|\([^()]*\))*)\) ->", text)
    return [(name, re.findall(r"(\w+)(?::[^,\[\]()]*(?:[\[(][^\])]*[\])])?[^,]*)?(?:, |$)", inside.replace("*, ", "")))
            for name, inside in found if inside != "..."]


@pytest.mark.parametrize(("name", "arguments"), written_signatures())
def test_the_signatures_of_the_architecture_page_are_those_of_the_code(name: str, arguments: list[str]) -> None:
    room, _, function = name.rpartition(".")
    found = inspect.signature(getattr(importlib.import_module(f"deltaroi.{room}"), function))
    assert arguments == list(found.parameters)
