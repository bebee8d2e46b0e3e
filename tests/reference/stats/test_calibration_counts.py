"""The committed counts of benchmarks/calibration come from the code, the page from the counts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats

CHECKOUT = Path(__file__).resolve().parents[3]
QUICK = [("two groups", "10/10"), ("two groups", "8/20 SD 2:1, gap, effect"), ("three groups", "8/20/20 SD 2:1:1"),
         ("one group", "8, effect"), ("two groups, max-T", "10/10, gap"), ("one group, max-T", "10, effect in 3 of 7"),
         ("two groups, three sessions", "8/20 SD 2:1, 15 % missing")]


@pytest.fixture(scope="module")
def benchmark() -> dict[str, ModuleType]:
    sys.path.insert(0, str(CHECKOUT))
    try:
        return {name: importlib.import_module(f"benchmarks.calibration.{name}")
                for name in ("cells", "data", "estimators", "pages", "__main__")}
    finally:
        sys.path.remove(str(CHECKOUT))


@pytest.fixture(scope="module")
def counts(benchmark: dict[str, ModuleType]) -> pd.DataFrame:
    return pd.read_csv(benchmark["pages"].COUNTS)


def again(benchmark: dict[str, ModuleType], counts: pd.DataFrame, design: str, name: str) -> None:
    """Make the first draws again and compare."""
    cell = next(c for c in benchmark["cells"].CELLS if (c.design, c.name) == (design, name))
    made = benchmark["__main__"].count(cell, benchmark["cells"].QUICK)
    committed = counts.query("design == @design and cell == @name").reset_index(drop=True)
    assert made[["estimator", "measure"]].equals(committed[["estimator", "measure"]])
    assert made["hits"].tolist() == committed["first_200"].tolist()


@pytest.mark.parametrize(("design", "name"), QUICK)
def test_the_first_draws_give_the_committed_counts(benchmark: dict[str, ModuleType], counts: pd.DataFrame, design: str,
                                                   name: str) -> None:
    again(benchmark, counts, design, name)


@pytest.mark.long
def test_the_first_draws_of_every_cell(benchmark: dict[str, ModuleType], counts: pd.DataFrame) -> None:
    for cell in benchmark["cells"].CELLS:
        again(benchmark, counts, cell.design, cell.name)


def test_the_page_shows_the_counts(benchmark: dict[str, ModuleType], counts: pd.DataFrame) -> None:
    pages = benchmark["pages"]
    page = pages.PAGE.read_text(encoding="utf-8")
    assert pages.with_tables(page, pages.tables(counts)) == page, "run python -m benchmarks.calibration --write"


def test_every_cell_was_run_in_full_and_every_judged_estimator_is_there(benchmark: dict[str, ModuleType],
                                                                        counts: pd.DataFrame) -> None:
    cells = benchmark["cells"]
    assert len({cell.seed for cell in cells.CELLS}) == len(cells.CELLS)
    assert (counts["of"] % cells.DRAWS == 0).all()
    there = set(counts[["design", "cell", "estimator"]].itertuples(index=False, name=None))
    assert {(c.design, c.name) for c in cells.CELLS} == {key[:2] for key in there}
    assert {(c.design, c.name, judged) for c in cells.CELLS for judged in c.judged} <= there


def table_of(data: Any, stats: GroupStats) -> pd.DataFrame:
    """The effects table of one draw, with A the first group."""
    levels, sessions = tuple("ABC"[:len(data.cell.n)]), ("pre", "post", "later")[:data.cell.sessions]
    frame = pd.DataFrame([{"subject": f"{i:03d}", "group": levels[g], "region": f"{roi}", "session": session,
                           "value": data.values[roi, i, k]} for roi in range(data.cell.rois)
                          for i, g in enumerate(data.group) for k, session in enumerate(sessions)])
    assignment = "randomised" if "ancova" in str(data.cell.judged) else "preexisting"
    return compare(frame, CompareOptions(sessions, levels, assignment, stats=stats)).effects


def test_every_default_lies_within_its_band(benchmark: dict[str, ModuleType], counts: pd.DataFrame) -> None:
    """Errors within .04 to .06, coverage within .935 to .965: a default outside is changed, never the band."""
    assert benchmark["pages"].BANDS == {"error": (0.040, 0.060), "coverage": (0.935, 0.965)}
    judged = benchmark["pages"].verdicts(counts)
    assert len(judged) == 100
    assert judged["passed"].all(), judged[~judged["passed"]].to_string()


@pytest.mark.parametrize(("design", "name", "comparison", "makers"), [
    ("two groups", "8/20 SD 2:1, effect", "A-B|post-pre", ("ancova", "change")),
    ("three groups", "8/20/20 SD 2:1:1", "A-C|post-pre", ("ancova", "change")),
    ("one group", "10", "A|post-pre", ("paired",))])
def test_the_tests_are_those_of_the_group_stage(benchmark: dict[str, ModuleType], design: str, name: str,
                                                comparison: str, makers: tuple[str, ...]) -> None:
    cell = next(c for c in benchmark["cells"].CELLS if (c.design, c.name) == (design, name))
    data = benchmark["data"].simulate(cell, 3)
    made = {label: test for maker in makers for label, test in getattr(benchmark["estimators"], maker)(data).items()}
    seen = set()
    for row in table_of(data, GroupStats(permutations=0)).to_dict("records"):
        joint = row["comparison"] == "A,B,C|post-pre"
        label = "paired t" if row["model"] == "paired" else f"{row['model']} {row['se_kind']}{' F' if joint else ''}"
        if label in made and (joint or row["comparison"] == comparison):
            assert made[label].p == pytest.approx(row["p"], rel=1e-12)
            seen.add(label)
    assert {maker for maker in makers if any(label.startswith(maker) for label in seen)} == set(makers)
    assert set(cell.judged) - {"last session welch"} <= seen


@pytest.mark.parametrize(("design", "name"), [
    ("two groups, three sessions", "8/20 SD 2:1, 15 % missing"), ("three groups, three sessions", "10/10/10")])
def test_mixed_models_are_those_of_the_group_stage(benchmark: dict[str, ModuleType], design: str, name: str) -> None:
    cell = next(c for c in benchmark["cells"].CELLS if (c.design, c.name) == (design, name))
    data = benchmark["data"].simulate(cell, 3)
    made = benchmark["estimators"].mixed_models(data)
    rows = table_of(data, GroupStats(permutations=0)).set_index(["comparison", "se_kind"])
    levels = "ABC"[:len(cell.n)]
    assert rows["primary"].sum() == 1
    assert rows.loc[("-".join(levels) if len(levels) == 2 else ",".join(levels)) + "|pre,post,later", "cr2_welch"][
        "primary"].all()
    for kind in ("cr2_welch", "satterthwaite"):
        joint = rows.loc[("-".join(levels) if len(levels) == 2 else ",".join(levels)) + "|pre,post,later", kind]
        last = rows.loc[f"A-{levels[-1]}|later-pre", kind]
        assert made[f"lmm {kind} F"].p == pytest.approx(joint["p"], rel=1e-12)
        assert made[f"lmm {kind}"].p == pytest.approx(last["p"], rel=1e-12)


@pytest.mark.parametrize(("design", "name"), [
    ("two groups, three sessions, max-T", "8/20 SD 2:1"),
    ("two groups, max-T", "10/10"), ("two groups, max-T", "8/20 SD 2:1, gap"),
    ("one group, max-T", "10, effect in 3 of 7")])
def test_max_t_is_that_of_the_group_stage(benchmark: dict[str, ModuleType], design: str, name: str) -> None:
    cell = next(c for c in benchmark["cells"].CELLS if (c.design, c.name) == (design, name))
    data = benchmark["data"].simulate(cell, 3)
    stats = GroupStats(permutations=benchmark["cells"].PERMUTATIONS, seed=data.seed)
    table = table_of(data, stats)
    primary = table[table["primary"]].set_index("region")["p_fwe"]
    maker, label = {"10/10": ("own_baselines_max_t", benchmark["cells"].MAX_T_ANCOVA),
                    "8/20 SD 2:1, gap": ("changes_max_t", benchmark["cells"].MAX_T_CHANGE),
                    "8/20 SD 2:1": ("profiles_max_t", benchmark["cells"].MAX_T_MIXED),
                    "10, effect in 3 of 7": ("flipped_max_t", benchmark["cells"].MAX_T_PAIRED)}[name]
    found = getattr(benchmark["estimators"], maker)(data)[label]
    assert len(primary) == cell.rois
    assert [primary[f"{roi}"] for roi in range(cell.rois)] == pytest.approx(found.p.tolist(), abs=0)
