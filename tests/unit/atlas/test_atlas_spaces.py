"""The table of template spaces."""

from __future__ import annotations

import pytest

from deltaroi import atlas

C, F = "MNI152NLin2009cAsym", "MNI152NLin6Asym"
CASES = [
    (C, C, "same"), (F, F, "same"), ("MNI152NLin6ASym", F, "same"), (F, "MNI152NLin6ASym", "same"),
    ("Colin27", C, "compatible"), ("Colin27", F, "compatible"), ("MNIColin27", C, "compatible"),
    ("Colin27", "MNI152", "compatible"),
    ("MNI152", C, "compatible"), ("MNI152", F, "compatible"), ("MNI152", "MNI152", "same"),
    (C, F, "refused"), (F, C, "refused"), ("Talairach", C, "refused"), ("native", C, "refused"),
    ("T1w", F, "refused"), (C, "MNI152NLin2009cSym", "refused"), (C, "MNI152", "refused"),
    (f"{C}:res-2", C, "same"), (f" {C} ", C, "same"), (C, f"{C}_res-2", "same"), (F, "MNI152", "refused"),
    ("MNIPediatricAsym:cohort-1", "MNIPediatricAsym:cohort-1", "same"),
    ("MNIPediatricAsym:cohort-1:res-2", "MNIPediatricAsym:cohort-1", "same"),
    ("MNIPediatricAsym:cohort-1", "MNIPediatricAsym:cohort-2", "refused"), ("MNI152Lin", C, "refused"),
    (C, "MNI152Lin", "refused"), ("MNI152", "MNI152Lin", "refused"), ("MNI152", "T1w", "refused"),
    ("T1w", "T1w", "compatible"), (C, "T1w", "refused"),
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


@pytest.mark.parametrize(("source", "grid", "words"), [
    (C, "MNI152", "does not say which template"), ("T1w", C, "T1w is each person's own space"),
    (C, "T1w", "T1w is each person's own space"), ("T1w", "T1w", "each person's own space"),
    ("MNI152Lin", C, "nothing is known of how 'MNI152Lin' fits"),
    ("MNIPediatricAsym:cohort-1", "MNIPediatricAsym:cohort-2", "nothing is known"),
])
def test_words(source: str, grid: str, words: str) -> None:
    assert words in atlas.space_relation(source, grid).note
