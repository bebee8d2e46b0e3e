"""How often do the tests reject without an effect, and how often do the intervals hold the truth? On simulated data.

    python -m benchmarks.calibration [--draws 5000] [--only TEXT] [--write | --tables]

Every draw is analysed by the functions that deltaroi ships. Prints the tables of docs/calibration.md; --write puts them
there and the raw counts into counts.csv beside this file, with --only those of the designs that were run; --tables
makes them again from the counts that stand. Each draw has a seed of its own, so any draw can be made again alone. One
core, about half an hour.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import pandas as pd
from benchmarks.calibration.cells import CELLS, DRAWS, QUICK, Cell
from benchmarks.calibration.data import simulate
from benchmarks.calibration.estimators import DESIGNS
from benchmarks.calibration.pages import COUNTS, PAGE, tables, with_tables
from threadpoolctl import threadpool_limits


@threadpool_limits.wrap(limits=1)
def count(cell: Cell, draws: int) -> pd.DataFrame:
    """Counts of one cell: one row per estimator and measure, ``hits`` out of ``of``, and of the first QUICK draws."""
    found: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for draw in range(draws):
        data = simulate(cell, draw)
        for estimator in DESIGNS[cell.design]:
            for one in estimator(data):
                tally = found[one.estimator, one.measure]
                tally[0] += one.count
                tally[1] += one.of
                tally[2] += one.count if draw < QUICK else 0
    rows = [[cell.design, cell.name, *key, *tally] for key, tally in found.items()]
    return pd.DataFrame(rows, columns=["design", "cell", "estimator", "measure", "hits", "of", f"first_{QUICK}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--only", default="", help="designs whose name holds this")
    parser.add_argument("--write", action="store_true", help="write docs/calibration.md and counts.csv")
    parser.add_argument("--tables", action="store_true", help="make docs/calibration.md from counts.csv")
    options = parser.parse_args()
    if options.tables:
        write_page(tables(pd.read_csv(COUNTS)))
        return
    if options.write and options.draws != DRAWS:
        parser.error("only all draws are written")
    parts = []
    start = time.perf_counter()
    for cell in CELLS:
        if options.only in cell.design:
            before = time.perf_counter()
            parts.append(count(cell, options.draws))
            print(f"{cell.design}: {cell.name}: {time.perf_counter() - before:.1f} s", flush=True)
    counts = pd.concat(parts, ignore_index=True)
    text = tables(counts)
    print(f"\n{text}\n\n{time.perf_counter() - start:.0f} s")
    if options.write:
        counts = with_others(counts)
        counts.to_csv(COUNTS, index=False)
        write_page(tables(counts))


def with_others(counts: pd.DataFrame) -> pd.DataFrame:
    """These counts in place of the committed ones of the same cells, in the order of the cells."""
    old = pd.read_csv(COUNTS)
    key = ["design", "cell"]
    made = set(counts[key].itertuples(index=False, name=None))
    both = pd.concat([old[[k not in made for k in old[key].itertuples(index=False, name=None)]], counts])
    order = {(cell.design, cell.name): k for k, cell in enumerate(CELLS)}
    places = both[key].apply(tuple, axis=1).map(order)
    return both[places.notna()].iloc[places.dropna().argsort(kind="stable")].reset_index(drop=True)


def write_page(text: str) -> None:
    """Put the tables on the page."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")


if __name__ == "__main__":
    main()
