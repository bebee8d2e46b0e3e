"""The committed counts of benchmarks/published_designs come from the code, the page from the counts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import GroupDesign, analyse
from deltaroi.stats.verdicts import RULES
from deltaroi.studies import answer, study_names

CHECKOUT = Path(__file__).resolve().parents[3]
NUMBERS = ("statistic", "df", "p")


@pytest.fixture(scope="module")
def benchmark() -> dict[str, ModuleType]:
    sys.path.insert(0, str(CHECKOUT))
    try:
        return {name: importlib.import_module(f"benchmarks.published_designs.{name}")
                for name in ("simulated", "answers", "pages", "__main__")}
    finally:
        sys.path.remove(str(CHECKOUT))


@pytest.fixture(scope="module")
def counts(benchmark: dict[str, ModuleType]) -> pd.DataFrame:
    return pd.read_csv(benchmark["pages"].COUNTS, sep="\t")


def test_the_page_shows_the_counts(benchmark: dict[str, ModuleType], counts: pd.DataFrame) -> None:
    pages = benchmark["pages"]
    page = pages.PAGE.read_text(encoding="utf-8")
    assert pages.with_tables(page, pages.tables(counts)) == page, "run python -m benchmarks.published_designs --tables"


def test_every_study_was_run_in_full(benchmark: dict[str, ModuleType], counts: pd.DataFrame) -> None:
    main = benchmark["__main__"]
    assert main.DRAWS >= 500
    assert set(counts["study"]) == set(study_names())
    assert set(counts["draws"]) == {main.DRAWS}
    words = [rule.word for rule in RULES]
    assert (counts[words].sum(axis=1) == counts["draws"]).all()
    assert (counts["not testable"] == 0).all()
    for name in study_names():
        study, _ = main.planted(name, False)
        testable = {claim for claim, one in study.claims.items() if one.table is not None}
        for run in main.RUNS:
            found = counts[(counts["study"] == name) & (counts["run"] == run)]
            assert set(found["claim"]) == testable


def again(benchmark: dict[str, ModuleType], counts: pd.DataFrame, name: str) -> None:
    """Make the first draws again and compare which intervals hold the truth."""
    main = benchmark["__main__"]
    rows = [row for run in main.RUNS for draw in range(main.QUICK) for row in main.judged(name, run, draw)]
    made = pd.DataFrame(main.counted(pd.DataFrame(rows))).set_index(["run", "claim"])
    committed = counts[counts["study"] == name].set_index(["run", "claim"]).loc[made.index]
    column = f"held_first_{main.QUICK}"
    pd.testing.assert_series_equal(made[column].astype(float), committed[column].astype(float))
    assert made["truth"].to_numpy() == pytest.approx(committed["truth"].to_numpy(), rel=1e-5, nan_ok=True)


def test_the_first_draws_give_the_committed_counts(benchmark: dict[str, ModuleType], counts: pd.DataFrame) -> None:
    again(benchmark, counts, "mascaro2013")


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in study_names() if name != "mascaro2013"])
def test_the_first_draws_of_every_study(benchmark: dict[str, ModuleType], counts: pd.DataFrame, name: str) -> None:
    again(benchmark, counts, name)


@pytest.mark.parametrize("name", ["mascaro2013", "desbordes2012", "leung2018", "klimecki2014"])
def test_the_tests_are_those_of_the_group_stage(benchmark: dict[str, ModuleType], name: str) -> None:
    """Effects and correlations of one draw are the rows that `analyse` makes of the same responses."""
    study, _ = benchmark["__main__"].planted(name, False)
    draw = benchmark["simulated"].simulate(study, 3)
    claims = {claim: one for claim, one in study.claims.items() if one.table in ("effects", "associations")}
    rows = []
    for roi, contrast in {(benchmark["answers"].roi_of(one.where), one.where["contrast"]) for one in claims.values()}:
        values = draw.contrast(roi, contrast)
        rows += [("main", subject, session, "t", roi.region, roi.hemisphere, roi.definition, contrast, "mean",
                  draw.sample.levels[draw.sample.group[i]], values[i, k], "percent")
                 for i, subject in enumerate(draw.sample.subjects) for k, session in enumerate(draw.sessions)]
    frame = pd.DataFrame(rows, columns=["specification", "subject", "session", "task", "region", "hemisphere",
                                        "definition", "contrast", "summary", "group", "value", "unit"])
    scores = pd.DataFrame({column: ["n/a" if np.isnan(x) else f"{x!r}" for x in values.tolist()]
                           for column, values in draw.scores.items()}, index=list(draw.sample.subjects))
    design = GroupDesign(draw.sessions, draw.sample.levels, study.groups.assignment,
                         associations=study.associations, scores=scores)
    found = analyse(frame, design, study.group.model_copy(update={"permutations": 0}))
    tables = {"effects": found.effects, **found.beside}
    for claim, one in claims.items():
        row = answer(one, tables).row
        assert row is not None, claim
        made = benchmark["answers"].answer(draw, one)
        for column in NUMBERS if one.table == "effects" else ("r", "df", "p"):
            assert made[column] == pytest.approx(row[column], rel=1e-9), claim
        assert made["n"] == row["n"]
