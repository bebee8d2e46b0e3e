"""The tables of docs/replication.md, from the counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.stats.monte_carlo import wilson
from deltaroi.stats.verdicts import RULES

COUNTS = Path(__file__).with_name("counts.tsv")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "replication.md"
START, END = "<!-- calibration: python -m benchmarks.published_designs --write -->", "<!-- end of calibration -->"
NOMINAL = 0.95
_CONFIRMED = ("replicated", "replicated, but smaller", "direction confirmed")
_OTHER_WAY = ("opposite",)
_MOST = 3


def tables(counts: pd.DataFrame) -> str:
    """Both tables: with the reported effects planted, and with none."""
    parts = []
    for run, title in (("planted", "Reported effects planted"), ("null", "Nothing planted")):
        rows = counts[counts["run"] == run].to_dict("records")
        if rows:
            parts.append("\n".join([f"**{title}**, {_draws(rows)} draws per study", "", *_lines(run, rows)]))
    return "\n\n".join(parts)


def _draws(rows: list[dict[Any, Any]]) -> str:
    return "/".join(map(str, sorted({int(row["draws"]) for row in rows})))


def _lines(run: str, rows: list[dict[Any, Any]]) -> list[str]:
    head = ["claim", "kind", *(["planted", "mean new"] if run == "planted" else ["mean new"]),
            "interval holds " + ("the planted size" if run == "planted" else "0"), "0 excluded as reported",
            "0 excluded otherwise", "verdicts"]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for row in rows:
        n = int(row["draws"])
        other = sum(row[word] for word in (*_OTHER_WAY, "effect where none was reported"))
        cells = [row["claim"], str(row["kind"]).replace("_", "\\_"),
                 *([_number(row["truth"])] if run == "planted" else []),
                 _number(row["mean"]), coverage(row["held"], n), _share(sum(row[w] for w in _CONFIRMED), n),
                 _share(other, n), _verdicts(row, n)]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def coverage(held: float, n: int) -> str:
    """A rate with its Wilson band, and a word where .95 lies outside."""
    if math.isnan(held):
        return "n/a"
    rate = held / n
    low, high = wilson(rate, n)
    word = "" if low <= NOMINAL <= high else " *low*" if rate < NOMINAL else " *high*"
    return f"{_rate(rate)} [{_rate(low)}, {_rate(high)}]{word}"


def _verdicts(row: dict[Any, Any], n: int) -> str:
    found = sorted(((row[rule.word], rule.word) for rule in RULES if row[rule.word]), reverse=True)
    return ", ".join(f"{word} {_share(times, n)}" for times, word in found[:_MOST])


def _share(times: float, n: int) -> str:
    return _rate(times / n)


def _rate(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1"


def _number(value: float) -> str:
    return "n/a" if math.isnan(value) else f"{value:.2f}"


def with_tables(page: str, text: str) -> str:
    """The page with these tables."""
    before, _, rest = page.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{text}\n\n{END}{after}"
