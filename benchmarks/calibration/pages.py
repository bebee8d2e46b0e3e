"""The tables of docs/calibration.md."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from benchmarks.calibration.cells import ALPHA, CELLS, COVERAGE_BAND, ERROR_BAND, PERMUTATIONS
from scipy import stats

COUNTS = Path(__file__).parent / "counts.csv"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "calibration.md"
START, END = "<!-- tables: python -m benchmarks.calibration --write -->", "<!-- end of the tables -->"
NOMINAL = {"error": ALPHA, "coverage": 1 - ALPHA}
BANDS = {"error": ERROR_BAND, "coverage": COVERAGE_BAND}
TITLES = {"error": "Rejections where nothing is to be found", "coverage": "Coverage of the 95 % interval",
          "power": "Rejections of the effect (power)"}


def interval(count: int, of: int) -> tuple[float, float]:
    """95 % Monte-Carlo interval of a share (Wilson)."""
    found = stats.binomtest(count, of).proportion_ci(0.95, "wilson")
    return float(found.low), float(found.high)


def word(measure: str, count: int, of: int) -> str:
    """Plain word: what the Monte-Carlo interval says against the nominal rate."""
    low, high = interval(count, of)
    if low <= NOMINAL[measure] <= high:
        return "as stated"
    return "liberal" if (low > NOMINAL[measure]) == (measure == "error") else "conservative"


def verdicts(counts: pd.DataFrame) -> pd.DataFrame:
    """The judged rows with ``rate``, ``low``, ``high``, ``word`` and ``passed``."""
    judged = {(cell.design, cell.name): cell.judged for cell in CELLS}
    rows = counts[[e in judged[d, c] and m in BANDS for d, c, e, m in
                   zip(counts["design"], counts["cell"], counts["estimator"], counts["measure"], strict=True)]].copy()
    rows["rate"] = rows["hits"] / rows["of"]
    rows["word"] = [word(*one) for one in zip(rows["measure"], rows["hits"], rows["of"], strict=True)]
    rows["passed"] = [BANDS[m][0] <= rate <= BANDS[m][1] for m, rate in zip(rows["measure"], rows["rate"], strict=True)]
    return rows


def tables(counts: pd.DataFrame) -> str:
    """All tables, as Markdown."""
    judged = verdicts(counts)
    failed = judged[~judged["passed"]]
    draws = int(counts["of"].min())
    lines = [f"- {row.design}, {row.cell}: `{row.estimator}` {row.measure} {_short(row.rate)} ({row.word})"
             for row in failed.itertuples()]
    parts = [f"{draws:,} draws per cell; {PERMUTATIONS} permutations or sets of multipliers per draw. {len(judged)} "
             f"rates are judged, {len(failed)} of them outside the band{':' if lines else '.'}", "\n".join(lines)]
    passed = {(r.design, r.cell, r.estimator, r.measure): r.passed for r in judged.itertuples()}
    for design, rows in counts.groupby("design", sort=False):
        parts.append(f"## {str(design)[0].upper()}{str(design)[1:]}")
        for measure in TITLES:
            part = rows[rows["measure"] == measure]
            if len(part):
                parts += [f"### {TITLES[measure]}", _table(part, passed)]
    return "\n\n".join(part for part in parts if part)


def _table(rows: pd.DataFrame, passed: dict[tuple[str, str, str, str], bool]) -> str:
    cells = list(dict.fromkeys(rows["cell"]))
    texts = {(row.estimator, row.cell): _text(row, passed.get((row.design, row.cell, row.estimator, row.measure)))
             for row in rows.itertuples()}
    names = list(dict.fromkeys(rows["estimator"]))
    lines = [["estimator", *cells], ["---"] * (len(cells) + 1)]
    lines += [[f"`{name}`", *(texts.get((name, cell), "–") for cell in cells)] for name in names]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(row: tuple[object, ...], passed: bool | None) -> str:
    count, of, measure = int(row.hits), int(row.of), str(row.measure)  # type: ignore[attr-defined]
    if measure == "power":
        return _short(count / of)
    low, high = interval(count, of)
    text = f"{_short(count / of)} ({_short(low)}–{_short(high)}) {word(measure, count, of)}"
    return text if passed is None else f"**{text}: {'pass' if passed else 'FAIL'}**"


def _short(rate: float) -> str:
    return f"{rate:.3f}".removeprefix("0")


def with_tables(page: str, text: str) -> str:
    """The page with the tables between its two marks."""
    before, rest = page.split(START)
    return f"{before}{START}\n\n{text}\n\n{END}{rest.split(END)[1]}"
