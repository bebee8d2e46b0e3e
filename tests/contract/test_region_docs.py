"""The page that compares the regions says what the code computes."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("region_docs", CHECKOUT / "scripts" / "region_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_code_computes(script: ModuleType) -> None:
    """Words are equal; numbers may differ by one in their last digit, as another processor may round."""
    committed, now = script.PAGE.read_text(encoding="utf-8"), script.page(script.read_all())
    hint = "run scripts/region_docs.py"
    assert _NUMBER.sub("#", committed).splitlines() == _NUMBER.sub("#", now).splitlines(), hint
    for there, here in zip(_NUMBER.findall(committed), _NUMBER.findall(now), strict=True):
        last = 10.0 ** -len(there.partition(".")[2])
        assert abs(float(there) - float(here)) <= last * 1.01, f"{there} is {here}: {hint}"


def test_every_picture_is_on_the_page_and_small(script: ModuleType) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(pictures/([^)]+)\)", text))
    there = {path.name for path in script.PICTURES.iterdir()}
    assert named == there
    assert sum(path.stat().st_size for path in script.PICTURES.iterdir()) < 3e6
