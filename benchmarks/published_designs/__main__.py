"""Are the intervals and verdicts of replication cards what they claim? The published designs, simulated without images.

    python -m benchmarks.published_designs [--draws 500] [--only NAME] [--jobs 2] [--write | --tables]

Every draw is the simulator's own truth (responses, scores, couplings) plus normal measurement noise with the SD that
the design states, tested by the group stage and judged by the card's own code: once with the reported effects planted,
once with none. Prints the tables of docs/replication.md; --write puts them there and the counts into counts.tsv beside
this file; --tables makes them again from the counts that stand. The seed of a draw is its number, so any draw can be
made again alone.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from typing import Any

import pandas as pd
from benchmarks.published_designs.answers import tables as rows_of
from benchmarks.published_designs.pages import COUNTS, PAGE, tables, with_tables
from benchmarks.published_designs.simulated import simulate
from threadpoolctl import threadpool_limits

from deltaroi.config.study import Study
from deltaroi.pipeline.card import Asked, judge, read_reports
from deltaroi.pipeline.published import SimulateOptions, scaled
from deltaroi.pipeline.reported import reported_results
from deltaroi.stats.verdicts import RULES
from deltaroi.studies import plant, published, study_names

DRAWS, QUICK = 500, 20
"""Draws per study, and how many of the first are counted apart, so that a test can make them again."""
RUNS = ("planted", "null")
VERDICTS = tuple(rule.word for rule in RULES)
_FIRST_SEED = 1


@cache
def planted(name: str, null: bool) -> tuple[Study, dict[str, float]]:
    """A design with its effects, and what each claim tests in truth; nothing where that is not said."""
    made = plant(scaled(published(name), SimulateOptions()), reported_results(published(name).claims), null=null)
    truth = {row["claim"]: 0.0 if null or row["source"] == "no effect" else float(row["planted"])
             for row in made.table.to_dict("records")}
    return made.study, truth


@cache
def asked_of(name: str, null: bool) -> Asked:
    """The design against its own publication."""
    there = published(name)
    return Asked(planted(name, null)[0], there, read_reports(name, there.claims, name))


@threadpool_limits.wrap(limits=1)
def judged(name: str, run: str, draw: int) -> list[dict[str, Any]]:
    """The rows of one draw's card, with what is true of each claim."""
    asked, truth = asked_of(name, run == "null"), planted(name, run == "null")[1]
    claims = {claim: one for claim, one in asked.reports.tested(asked.study.claims).items() if one.table is not None}
    found = rows_of(simulate(asked.study, _FIRST_SEED + draw), claims)
    return [{**judge(asked, claim, one, found), "truth": truth[claim], "run": run, "draw": draw}
            for claim, one in claims.items()]


def counted(cards: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One row per run and claim."""
    for (run, study, claim), part in cards.groupby(["run", "study", "claim"], sort=True):
        truth, first = float(part["truth"].iloc[0]), part["draw"] < QUICK
        held = (part["new_low"] <= truth) & (truth <= part["new_high"])
        kinds = set(part["new_kind"])
        yield {"run": run, "study": study, "claim": claim, "kind": "/".join(sorted(kinds)),
               "reported": part["reported"].iloc[0], "truth": truth, "draws": len(part),
               "mean": part["new"].mean(), "sd": part["new"].std(),
               "held": int(held.sum()) if math.isfinite(truth) else math.nan,
               f"held_first_{QUICK}": int(held[first].sum()) if math.isfinite(truth) else math.nan,
               "direction": int((part["direction_agrees"] == "yes").sum()),
               "predicted": int((part["prediction_holds_new"] == "yes").sum()),
               "has_prediction": int((part["prediction_holds_new"] != "n/a").sum()),
               **{word: int((part["verdict"] == word).sum()) for word in VERDICTS}}


def count(name: str, draws: int, jobs: int) -> pd.DataFrame:
    """The counts of one study, both runs."""
    asked = [(name, run, draw) for run in RUNS for draw in range(draws)]
    with ProcessPoolExecutor(jobs) as pool:
        rows = [row for part in pool.map(judged, *zip(*asked, strict=True), chunksize=25) for row in part]
    return pd.DataFrame(counted(pd.DataFrame(rows)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=DRAWS)
    parser.add_argument("--only", default="", help="studies whose name holds this")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write docs/replication.md and counts.tsv")
    parser.add_argument("--tables", action="store_true", help="make docs/replication.md from counts.tsv")
    options = parser.parse_args()
    if options.write and options.draws != DRAWS:
        parser.error("only all draws are written")
    if options.tables:
        write_page(pd.read_csv(COUNTS, sep="\t"))
        return
    parts = []
    for name in (name for name in study_names() if options.only in name):
        before = time.perf_counter()
        parts.append(count(name, options.draws, options.jobs))
        print(f"{name}: {time.perf_counter() - before:.0f} s", flush=True)
    counts = pd.concat(parts, ignore_index=True)
    print(tables(counts))
    if options.write:
        if COUNTS.exists():
            old = pd.read_csv(COUNTS, sep="\t")
            counts = pd.concat([old[~old["study"].isin(set(counts["study"]))], counts])
        counts = counts.sort_values(["run", "study", "claim"], ascending=[False, True, True])
        counts.to_csv(COUNTS, sep="\t", index=False, float_format="%.6g", na_rep="n/a")
        write_page(pd.read_csv(COUNTS, sep="\t"))


def write_page(counts: pd.DataFrame) -> None:
    """Put the tables on the page."""
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), tables(counts)), encoding="utf-8")


if __name__ == "__main__":
    main()
