"""The study file of docs/maps.md can be read, and its table has the columns that a table of maps has."""

from __future__ import annotations

import re
from pathlib import Path

from deltaroi.config.read import parse_study
from deltaroi.measuring.table import OPTIONAL, REQUIRED

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "maps.md").read_text()


def test_the_example() -> None:
    study = parse_study(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    header, *rows = re.findall(r"^(?:sub).*$", PAGE, re.MULTILINE)
    assert set(header.split()) <= {*REQUIRED, *OPTIONAL}
    assert {row.split()[2] for row in rows} == {"negative_map", "neutral_map"}
    assert study.dataset.maps == "maps.tsv"
    assert set(re.findall(r"\w+_map", " ".join(study.contrasts.values()))) == {row.split()[2] for row in rows}
