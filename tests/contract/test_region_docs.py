"""The page that compares the regions says what the code computes."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from helpers import load_module

CHECKOUT = Path(__file__).resolve().parents[2]
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_module(CHECKOUT / "scripts" / "region_docs.py")


def test_the_page_is_what_the_code_computes(script: ModuleType) -> None:
    """Words are equal; numbers may differ by one in their last digit, as another processor may round."""
    committed, now = script.PAGE.read_text(encoding="utf-8"), script.page(script.read_all())
    hint = "run scripts/region_docs.py"
    assert _NUMBER.sub("#", committed).splitlines() == _NUMBER.sub("#", now).splitlines(), hint
    for there, here in zip(_NUMBER.findall(committed), _NUMBER.findall(now), strict=True):
        last = 10.0 ** -len(there.partition(".")[2])
        assert abs(float(there) - float(here)) <= last * 1.01, f"{there} is {here}: {hint}"


def test_the_list_of_what_lies_far_apart_is_complete(script: ModuleType) -> None:
    """Held against the tables further down the page, which have the distances below the diagonal."""
    text = script.PAGE.read_text(encoding="utf-8")
    start, end = (text.index(f"## {title}\n") for title in ("Where definitions of one name lie far apart",
                                                           "The library on one sheet"))
    listed = {row[1]: float(row[3]) for line in text[start:end].splitlines() if line.startswith("| ")
              for row in [[cell.strip() for cell in line.split("|")]] if row[3].strip("-:") and row[3] != "mm"}
    farthest: dict[str, float] = {}
    for section in text[end:].split("\n## ")[1:]:
        for table in section.split("\n\n"):
            rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
            if rows and rows[0] and rows[0][0].endswith(": Dice \\ mm"):
                names = rows[0][1:]
                apart = [float(row[1 + j]) for i, row in enumerate(rows[2:]) for j in range(i)
                         if "sphere" not in names[i] + names[j]]
                region = section.splitlines()[0].split(":")[0]
                farthest[region] = max([farthest.get(region, 0.0), *apart])
    assert listed == {region: mm for region, mm in farthest.items() if mm > script.FAR_MM}
    assert list(listed) == list(script.REASONS)


def test_every_picture_is_on_the_page_and_small(script: ModuleType) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(pictures/([^)]+)\)", text))
    there = {path.name for path in script.PICTURES.iterdir()}
    assert named == there
    assert sum(path.stat().st_size for path in script.PICTURES.iterdir()) < 3e6
