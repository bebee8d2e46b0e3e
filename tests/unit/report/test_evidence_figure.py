"""The forest plot of published effects shows what it is given."""

from __future__ import annotations

import pytest

from deltaroi.report.figures.evidence import EvidencePanel, PooledRow, evidence_forest
from deltaroi.report.figures.forest import ForestRow
from deltaroi.report.figures.style import to_file_bytes

NAN = float("nan")
ROWS = (ForestRow("Leung 2018", "ABCM - relaxation", -1.8, -2.81, -0.76, NAN, False),
        ForestRow("Weng 2013", "no interval", 0.27, NAN, NAN, NAN, False))
MEAN = PooledRow("Mean of 3 results", -0.65, -1.62, 0.32, -2.5, 1.2)


def texts(figure) -> list[str]:
    return [t.get_text() for axes in figure.axes for t in axes.texts] + [t.get_text() for t in figure.texts]


def test_rows_numbers_means_and_notes_are_on_it() -> None:
    panels = [EvidencePanel("Hedges' g", "g", ROWS, (MEAN,)), EvidencePanel("r", "r", ROWS[:1], remark="No mean")]
    figure = evidence_forest("amygdala", panels, ["one without"], ["selection " * 40])
    found = texts(figure)
    for words in ("amygdala", "Leung 2018", "ABCM - relaxation", "0.27",
                  "\N{MINUS SIGN}1.80 [\N{MINUS SIGN}2.81, \N{MINUS SIGN}0.76]",
                  "\N{MINUS SIGN}0.65 [\N{MINUS SIGN}1.62, 0.32]", "No mean", "\N{BULLET} one without",
                  "Without an effect size", "Read with care"):
        assert words in found, words
    assert sum(text.startswith("   ") or text.startswith("\N{BULLET}") for text in found) > 3


def test_the_axis_holds_intervals_prediction_interval_and_zero() -> None:
    (axes,) = evidence_forest("x", [EvidencePanel("g", "g", ROWS, (MEAN,))], [], []).axes
    low, high = axes.get_xlim()
    assert low < -2.81
    assert high > 1.2


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_same_figure_has_the_same_bytes(kind: str) -> None:
    one, other = (to_file_bytes(evidence_forest("x", [EvidencePanel("g", "g", ROWS, (MEAN,))], ["a"], ["b"]), kind, "x")
                  for _ in range(2))
    assert one == other


def test_a_region_without_any_effect_size_says_so() -> None:
    figure = evidence_forest("putamen", [], ["Klimecki 2013: no statistic is stated"], [])
    assert not figure.axes
    assert "\N{BULLET} Klimecki 2013: no statistic is stated" in texts(figure)
    assert "Read with care" not in texts(figure)
