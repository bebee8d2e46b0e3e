"""The forest plot of published effects in one region: one panel per kind of effect size, and what has none."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaroi.report.figures.forest import ForestRow, draw_row, scale
from deltaroi.report.figures.style import GREY, GROUPS, INK, PALE, styled
from deltaroi.report.words import interval, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 8.2  # inches, as everything below
_LABELS, _STUDY, _NUMBERS, _EDGE = 3.8, 1.05, 1.32, 0.1
_LINE, _SMALL, _TITLE, _HEAD, _AXIS = 0.24, 0.135, 0.34, 0.3, 0.5
_NOTE_WIDTH = 158  # characters
_DECIMALS = 2


@dataclass(frozen=True)
class PooledRow:
    """The mean of a panel: estimate, interval, prediction interval, and what it rests on."""

    label: str
    estimate: float
    low: float
    high: float
    prediction_low: float
    prediction_high: float


@dataclass(frozen=True)
class EvidencePanel:
    """Effects of one scale.

    Attributes
    ----------
    title : str
        What the effect size is.
    xlabel : str
        The axis.
    rows : tuple of ForestRow
        One per result; ``heading`` is the study, ``label`` the rest.
    pooled : tuple of PooledRow
        Their means, where there are enough comparable ones.
    remark : str
        Why there is no mean; empty where there is one.
    """

    title: str
    xlabel: str
    rows: tuple[ForestRow, ...]
    pooled: tuple[PooledRow, ...] = ()
    remark: str = ""


def evidence_forest(title: str, panels: Sequence[EvidencePanel], without: Sequence[str],
                    caveats: Sequence[str]) -> Figure:
    """Draw the published effects in a region.

    Parameters
    ----------
    title : str
        The region.
    panels : sequence of EvidencePanel
        From top to bottom; may be empty.
    without : sequence of str
        Results without an effect size, each with the reason.
    caveats : sequence of str
        What to know before reading the plot.

    Returns
    -------
    Figure
        Squares with intervals; a diamond is a mean, the pale bar behind it its prediction interval.
    """
    from matplotlib.figure import Figure

    blocks = [("Without an effect size", _wrapped(without)), ("Read with care", _wrapped(caveats))]
    blocks = [(heading, lines) for heading, lines in blocks if lines]
    height = _TITLE + sum(_panel_height(panel) for panel in panels) + _EDGE
    height += sum(_HEAD + _SMALL * len(lines) for _, lines in blocks)
    with styled():
        figure = Figure(figsize=(WIDTH, height))
        top = height - 0.2
        figure.text(_EDGE / WIDTH, top / height, title, fontsize=10, fontweight="bold", va="center")
        top = height - _TITLE
        for panel in panels:
            _draw_panel(figure, panel, top)
            top -= _panel_height(panel)
        for heading, lines in blocks:
            figure.text(_EDGE / WIDTH, (top - 0.17) / height, heading, fontweight="bold", va="center")
            for i, line in enumerate(lines):
                figure.text(_EDGE / WIDTH, (top - _HEAD - _SMALL * (i + 0.35)) / height, line, fontsize=6.8, color=GREY,
                            va="center")
            top -= _HEAD + _SMALL * len(lines)
    return figure


def _wrapped(texts: Sequence[str]) -> list[str]:
    return [line for text in texts
            for line in textwrap.wrap(f"\N{BULLET} {text}", _NOTE_WIDTH, subsequent_indent="   ")]


def _lines(panel: EvidencePanel) -> int:
    return len(panel.rows) + len(panel.pooled) + bool(panel.remark)


def _panel_height(panel: EvidencePanel) -> float:
    return _HEAD + _LINE * _lines(panel) + _AXIS


def _draw_panel(figure: Figure, panel: EvidencePanel, top: float) -> None:
    height = float(figure.get_size_inches()[1])
    n = _lines(panel)
    figure.text(_EDGE / WIDTH, (top - 0.15) / height, panel.title, fontweight="bold", va="center", color=GROUPS[0])
    bottom = top - _HEAD - _LINE * n
    axes = figure.add_axes((_LABELS / WIDTH, bottom / height, 1 - (_LABELS + _NUMBERS) / WIDTH, _LINE * n / height))
    axes.set_ylim(n - 0.5, -0.5)
    means = [ForestRow("", "", p.estimate, min(p.low, p.prediction_low), max(p.high, p.prediction_high), float("nan"),
                       False) for p in panel.pooled]
    scale(axes, [*panel.rows, *means])
    axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
    for y, row in enumerate(panel.rows):
        _label(axes, y, row.heading, row.label)
        draw_row(axes, y, row, _DECIMALS)
    for y, pooled in enumerate(panel.pooled, start=len(panel.rows)):
        _label(axes, y, "", pooled.label)
        _diamond(axes, y, pooled)
    if panel.remark:
        _label(axes, n - 1, "", panel.remark, GREY)
    axes.spines[["left"]].set_visible(False)
    axes.set_yticks([])
    axes.set_xlabel(panel.xlabel)
    axes.locator_params(axis="x", nbins=6)


def _label(axes: Axes, y: int, bold: str, text: str, shade: str = INK) -> None:
    """The study in bold and the rest after it, from the left edge of the figure."""
    left = 72 * (_EDGE - _LABELS)
    if bold:
        axes.annotate(bold, (0, y), xycoords=("axes fraction", "data"), xytext=(left, 0), textcoords="offset points",
                      va="center", fontweight="bold", fontsize=7.4)
        left += 72 * _STUDY
    axes.annotate(text, (0, y), xycoords=("axes fraction", "data"), xytext=(left, 0), textcoords="offset points",
                  va="center", fontsize=7.4, color=shade)


def _diamond(axes: Axes, y: int, pooled: PooledRow) -> None:
    axes.fill_betweenx([y - 0.12, y + 0.12], pooled.prediction_low, pooled.prediction_high, color=PALE, linewidth=0.6,
                       edgecolor=GREY, zorder=1)
    axes.fill([pooled.low, pooled.estimate, pooled.high, pooled.estimate], [y, y - 0.3, y, y + 0.3], color=GROUPS[0],
              linewidth=0, zorder=3)
    axes.annotate(f"{number(pooled.estimate, _DECIMALS)} {interval(pooled.low, pooled.high, _DECIMALS)}", (1, y),
                  xycoords=("axes fraction", "data"), xytext=(5, 0), textcoords="offset points", va="center",
                  fontsize=7.4, fontweight="bold")
