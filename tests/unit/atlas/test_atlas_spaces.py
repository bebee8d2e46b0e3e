"""The table of template spaces."""

from __future__ import annotations

import pytest

from deltaroi import atlas

C, F = "MNI152NLin2009cAsym", "MNI152NLin6Asym"
CASES = [
    (C, C, "same"), (F, F, "same"), ("MNI152NLin6ASym", F, "same"), (F, "MNI152NLin6ASym", "same"),
    ("Colin27", C, "compatible"), ("Colin27", F, "compatible"), ("MNIColin27", C, "compatible"),
    ("MNI152", C, "compatible"), ("MNI152", F, "compatible"), ("MNI152", "MNI152", "same"),
    (C, F, "refused"), (F, C, "refused"), ("Talairach", C, "refused"), ("native", C, "refused"),
    ("T1w", F, "refused"), (C, "MNI152NLin2009cSym", "refused"), (C, "MNI152", "refused"),
    ("not stated", C, "refused"), (C, "not stated", "refused"), ("not stated", "not stated", "refused"),
]


@pytest.mark.parametrize(("source", "grid", "kind"), CASES)
def test_relation(source: str, grid: str, kind: str) -> None:
    found = atlas.space_relation(source, grid)
    assert found.kind == kind
    assert bool(found.note) == (kind != "same")
    assert bool(found.offset) == (kind == "compatible")


def test_the_offset_of_colin27_is_stated() -> None:
    assert "3-5 mm" in atlas.space_relation("Colin27", C).offset
