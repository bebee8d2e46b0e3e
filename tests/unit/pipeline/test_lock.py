"""A study held against its lock: which rows are confirmatory, what is corrected apart, whether results came first."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from deltaroi.config.read import parse_study
from deltaroi.config.study import Study
from deltaroi.layout import Layout
from deltaroi.pipeline.freeze import freeze
from deltaroi.pipeline.lock import Judged, hold, judge, marked, note_lock
from deltaroi.pipeline.lock_file import Lock, lock_of
from deltaroi.pipeline.lock_items import lock_items, sharing
from deltaroi.tables import ALL_ROIS
from deltaroi.types import RoiKey

BASE: dict[str, Any] = {
    "schema_version": 1, "name": "s",
    "dataset": {"bids_dir": "b", "task": "t", "sessions": ["pre", "post"]},
    "groups": {"column": "group", "levels": ["A", "B"], "assignment": "randomised"},
    "regions": {"include": ["amygdala", "AI"], "hemispheres": ["L"]},
    "contrasts": {"x": "a - b", "y": "a"},
    "associations": {"h": {"column": "hours"}, "k": {"column": "scale"}},
}
AMYGDALA, AI, VTA = (RoiKey(name, "L", "hcpex") for name in ("amygdala", "AI", "VTA"))
FILE = Path("study.yaml")


def study(**changes: Any) -> Study:
    """The base with dotted places changed, ``__`` for the dot."""
    data = yaml.safe_load(yaml.safe_dump(BASE))
    for place, value in changes.items():
        *parents, last = place.split("__")
        target = data
        for part in parents:
            target = target.setdefault(part, {})
        target[last] = copy.deepcopy(value)
    return parse_study(json.dumps(data))


def lock(one: Study, found: str = "nothing") -> Lock:
    return lock_of(FILE, {
        "study": one.name, "frozen": "2026-01-01T00:00:00Z", "deltaroi": "0", "digest": "d" * 64, "history": [],
        "results": [{"folder": "out", "found": found}],
        "items": {name: {"content": content} for name, content in lock_items(one, FILE).items()}})


def judged(now: dict[str, Any], then: dict[str, Any] | None = None, **more: Any) -> Judged:
    return judge(study(**now), FILE, lock(study(**(then or {}))), **more)


ALL = {("x", AMYGDALA), ("x", AI), ("y", AMYGDALA), ("y", AI)}


def test_as_frozen() -> None:
    found = judged({})
    assert found.confirmatory == ALL
    assert (found.apart, found.tables, found.locked.differences) == (frozenset(), frozenset(), ())
    assert found.names["association"] == {"h", "k"}


@pytest.mark.parametrize("now", [
    {"first_level__confounds": {"scrub_fd_mm": 0.9}}, {"first_level__noise": "ols"}, {"summary": "median"},
    {"regions__minimum_coverage": 0.4}, {"dataset__exclude_where": {"qc": [1]}}, {"dataset__subjects": ["1"]},
    {"group__seed": 1}, {"group__variance": "classical"}, {"groups__covariates": ["age"]},
    {"conditions": {"a": {"where": {"trial_type": "a"}}}}, {"regions__family": "all_contrasts"},
])
def test_what_makes_every_row_exploratory(now: dict[str, Any]) -> None:
    found = judged(now)
    assert (found.confirmatory, found.apart) == (frozenset(), frozenset())
    assert {one.touches for one in found.locked.differences} == {"every row"}


@pytest.mark.parametrize("now", [{"description": "words"}, {"dataset__bids_dir": "c"}, {"execution__jobs": 9},
                                 {"simulation": {"seed": 7}}, {"power": {"n": [9]}}])
def test_what_is_not_locked(now: dict[str, Any]) -> None:
    assert judged(now).confirmatory == ALL
    assert judged(now).locked.differences == ()


def test_an_added_roi_is_corrected_apart() -> None:
    found = judged({"regions__include": ["amygdala", "VTA", "AI"]})
    assert found.confirmatory == ALL
    assert found.apart == {("x", VTA), ("y", VTA)}
    assert found.locked.apart == 2


def test_an_added_roi_shares_the_family_where_nothing_is_confirmatory() -> None:
    found = judged({"regions__include": ["amygdala", "VTA", "AI"], "summary": "median"})
    assert (found.confirmatory, found.apart) == (frozenset(), frozenset())


@pytest.mark.parametrize("regions", [{"include": ["amygdala"]}, {"include": ["amygdala", "VTA"]},
                                     {"include": ["amygdala", {"region": "AI", "definition": "aal3"}]}])
def test_a_lost_or_changed_roi_takes_its_family_along(regions: dict[str, Any]) -> None:
    found = judged({"regions": {"hemispheres": ["L"], **regions}})
    assert (found.confirmatory, found.apart) == (frozenset(), frozenset())


@pytest.mark.parametrize(("contrasts", "family", "confirmatory", "apart"), [
    ({"x": "a - b", "y": "a", "z": "b"}, "contrast", ALL, set()),
    ({"x": "a - b", "y": "a", "z": "b"}, "all_contrasts", ALL, {("z", AMYGDALA), ("z", AI)}),
    ({"x": "a - b", "y": "a + b"}, "contrast", {("x", AMYGDALA), ("x", AI)}, set()),
    ({"x": "a - b"}, "contrast", {("x", AMYGDALA), ("x", AI)}, set()),
    ({"x": "a - b", "y": "a + b"}, "all_contrasts", set(), set()),
    ({"x": "a - b"}, "all_contrasts", set(), set()),
])
def test_contrasts(contrasts: dict[str, str], family: str, confirmatory: set[Any], apart: set[Any]) -> None:
    wide = {"regions__family": family}
    found = judged({"contrasts": contrasts, **wide}, wide)
    assert (found.confirmatory, found.apart) == (confirmatory, apart)


def circular(**more: Any) -> dict[str, Any]:
    spec = {"within": "AI.hcpex", "contrast": "x", "select_from": "same_data", "allow_circular": True, **more}
    custom = {"c": {"functional": spec}}
    return {"regions": {"include": ["amygdala", "AI", "c"], "hemispheres": ["L"], "custom": custom}}


def test_a_circular_roi_is_never_confirmatory_and_touches_no_other() -> None:
    found = judged(circular(strongest=5), circular(strongest=9))
    assert found.confirmatory == ALL
    assert judged(circular(strongest=5), circular(strongest=5)).confirmatory == ALL


def test_a_functional_roi_changes_with_the_contrast_that_chooses_it() -> None:
    spec = {"within": "AI.hcpex", "contrast": "y", "select_from": "other_runs", "strongest": 9}
    regions = {"include": ["amygdala", "f"], "hemispheres": ["L"], "custom": {"f": {"functional": spec}}}
    found = judged({"regions": regions, "contrasts": {"x": "a - b", "y": "a + b"}}, {"regions": regions})
    assert found.confirmatory == frozenset()
    assert "regions.f-L_functional.chosen_by.b" in {one.place for one in found.locked.differences}


@pytest.mark.parametrize(("place", "value", "table"), [("group__equivalence_bounds_d", 0.5, "effects"),
                                                       ("group__small_volume", True, "small_volume"),
                                                       ("group__multilevel", True, "multilevel"),
                                                       ("multiverse", {"summary": ["median"]}, "specification_curve")])
def test_what_decides_one_table(place: str, value: Any, table: str) -> None:
    found = judged({place: value})
    assert found.confirmatory == ALL
    assert table in found.tables
    assert "slopes" not in found.tables
    assert set(found.tables) == {name.removesuffix(".tsv") for one in found.locked.differences
                                 for name in one.touches.removeprefix("the rows of ").split(", ")}


def rows(**columns: Any) -> pd.DataFrame:
    base = {"contrast": "x", "region": "AI", "hemisphere": "L", "definition": "hcpex", "status": "n/a"}
    return pd.DataFrame([{**base, **dict(zip(columns, values, strict=True))}
                         for values in zip(*columns.values(), strict=True)])


def statuses(found: Judged, name: str, /, **columns: Any) -> list[str]:
    return [{"confirmatory": "c", "exploratory": "e"}[one] for one in marked(rows(**columns), name, found)["status"]]


def test_rows_of_effects() -> None:
    columns = {"model": ["ancova", "ancova", "association", "association", "association", "association"],
               "term": ["d", "d", "association:h", "association:h_x_group", "association:k", "association:h"],
               "se_kind": ["hc2_welch", "hc3", "hc2_welch", "hc2_welch", "hc2_welch", "hc3"],
               "primary": [True, False, False, False, False, False]}
    assert statuses(judged({}), "effects", **columns) == ["c", "e", "c", "c", "c", "e"]
    changed = {"associations": {"h": {"column": "hours"}, "k": {"column": "scale", "outcome": "last"}}}
    assert statuses(judged(changed), "effects", **columns) == ["c", "e", "c", "c", "e", "e"]
    bound = judged({"group__equivalence_bounds_d": 0.5})
    assert statuses(bound, "effects", **columns) == ["e", "e", "c", "c", "c", "e"]
    assert statuses(judged({}, late="too late"), "effects", **columns) == ["e"] * 6


def test_rows_of_a_multiverse() -> None:
    section = {"multiverse": {"summary": ["median"], "definitions": ["aal3"]}}
    columns = {"specification": ["main", "median"], "model": ["ancova"] * 2, "term": ["d"] * 2,
               "se_kind": ["hc2_welch"] * 2, "primary": [True, True]}
    curve = {"model": ["ancova"], "term": ["d"], "se_kind": ["hc2_welch"]}
    assert statuses(judged(section, section), "effects", **columns) == ["c", "e"]
    assert statuses(judged(section, section), "specification_curve", **curve) == ["c"]
    more = judged({"multiverse": {"summary": ["median", "eigenvariate"], "definitions": ["aal3"]}}, section)
    assert [one.place for one in more.locked.differences] == ["multiverse.summary"]
    assert statuses(more, "effects", **columns) == ["c", "e"]
    assert statuses(more, "specification_curve", **curve) == ["e"]
    assert "multiverse" not in lock_items(study(), FILE)  # a lock from before there was such a section still holds
    drawn = lock_items(study(**section), FILE)["multiverse"]["drawn"]
    assert set(drawn) == {"amygdala-L_aal3", "AI-L_aal3"}


def test_rows_beside_effects() -> None:
    found = judged({"associations": {"h": {"column": "hours"}, "n": {"column": "new"}}})
    assert statuses(found, "effect_sizes", primary=[True, False]) == ["c", "e"]
    assert statuses(found, "small_volume", region=["AI", "VTA"]) == ["c", "e"]
    assert statuses(found, "multilevel", region=[ALL_ROIS, "VTA"]) == ["c", "e"]
    assert statuses(found, "slopes", association=["h", "h", "n"], leading=[True, False, True]) == ["c", "e", "e"]
    kinds = ["partial", "pearson", "spearman", "robust"]
    assert statuses(found, "associations", association=["h"] * 4, kind=kinds) == ["c", "e", "e", "e"]


NET = {"net": {"method": "gppi", "seed": {"region": "AI", "hemisphere": "L"}}}
PAIR = {"name": ["net", "net", "net"], "seed_region": ["AI"] * 3, "seed_hemisphere": ["L"] * 3,
        "seed_definition": ["hcpex"] * 3, "target_region": ["amygdala", "VTA", "amygdala"],
        "target_hemisphere": ["L"] * 3, "target_definition": ["hcpex"] * 3, "primary": [True, True, False],
        "model": ["change"] * 3}


@pytest.mark.parametrize(("now", "expected"), [
    ({}, ["c", "e", "e"]), ({"regions__include": ["amygdala", "AI", "VTA"]}, ["c", "e", "e"]),
    ({"connectivity": {"net": {**NET["net"], "deconvolve": False}}}, ["e"] * 3),
    ({"connectivity": {"other": NET["net"]}}, ["e"] * 3), ({"regions__include": ["amygdala"]}, ["e"] * 3),
    ({"first_level__noise": "ols"}, ["e"] * 3),
])
def test_rows_of_connectivity(now: dict[str, Any], expected: list[str]) -> None:
    found = judged({"connectivity": NET, **now}, {"connectivity": NET})
    assert statuses(found, "connectivity_effects", **PAIR) == expected
    if "connectivity" in now:
        assert found.confirmatory == ALL
        assert {one.touches for one in found.locked.differences} == {"the rows of this connection"}


def test_rows_of_behaviour_do_not_rest_on_rois() -> None:
    scale = {"m": {"columns": {"pre": "a", "post": "b"}}, "k": {"columns": {"pre": "c", "post": "d"}}}
    table = pd.DataFrame({"measure": ["m", "m", "k", "new"], "primary": [True, False, True, True], "status": "n/a",
                          "model": "change"})
    changed = {"m": scale["m"], "k": {**scale["k"], "unit": "points"}, "new": {"columns": {"pre": "e", "post": "f"}}}
    for now, expected in (({}, ["c", "e", "e", "e"]), ({"regions__include": ["AI"]}, ["c", "e", "e", "e"]),
                          ({"group__seed": 3}, ["e"] * 4), ({"group__equivalence_bounds_d": 0.4}, ["e"] * 4)):
        found = judged({"behaviour": changed, **now}, {"behaviour": scale})
        assert [one[0] for one in marked(table, "behaviour_effects", found)["status"]] == expected


@pytest.mark.parametrize(("now", "expected"), [
    ({}, ["c", "e", "e", "e", "e"]), ({"contrasts": {"x": "a - b", "y": "2 * a"}}, ["e"] * 5),
    ({"contrasts": {"x": "a - b", "y": "a", "z": "b"}}, ["c", "e", "e", "e", "e"]),
    ({"group__factorials__f__factors": {"v": ["2", "1"]}}, ["e"] * 5),
    ({"group__equivalence_bounds_d": 0.4}, ["e"] * 5), ({"regions__include": ["AI", "amygdala", "VTA"]}, list("ceeee")),
])
def test_rows_of_factorials(now: dict[str, Any], expected: list[str]) -> None:
    one = {"factors": {"v": ["1", "2"]}, "cells": {"x": ["1"], "y": ["2"]}}
    then = {"group__factorials": {"f": one}}
    found = judged({"group__factorials": {"f": one, "g": one}, **now}, then)
    table = rows(factorial=["f", "f", "f", "f", "g"], leading=[True, False, True, True, True],
                 within_group=["n/a", "n/a", "A", "n/a", "n/a"], region=["AI", "AI", "AI", "VTA", "AI"])
    table = table.drop(columns="contrast")
    assert [status[0] for status in marked(table, "factorial", found)["status"]] == expected


def test_other_tables_and_no_lock_leave_a_table_as_it_is() -> None:
    table = rows(primary=[True])
    assert marked(table, "effects", None) is table
    plain = table.drop(columns="status")
    assert marked(plain, "residuals", judged({})) is plain


@pytest.mark.parametrize(("conditions", "expected"), [
    ({}, []),
    ({"a": {"where": {"trial_type": "a"}}, "c": {"where": {"trial_type": "c"}}}, []),
    ({"a": {"where": {"trial_type": "a"}}, "wide": {"where": {"trial_type": ["b", "c"]}}}, ["b"]),
    ({"a": {"where": {"won": 1}}, "c": {"where": {"won": [0, 2]}}}, ["b"]),  # trial type b may be among both
    ({"a": {"where": {"won": True}}, "b": {"where": {"won": 1}}}, ["a", "b"]),
    ({"a": {"where": {"won": "1"}}, "b": {"where": {"won": 1.0}}}, ["a", "b"]),
    ({"a": {"where": {"trial_type": "a"}, "modulator": "rating"}}, ["a"]),
])
def test_conditions_that_may_share_events(conditions: dict[str, Any], expected: list[str]) -> None:
    assert sharing(study(conditions=conditions)) == expected


def test_a_contrast_that_takes_events_from_another_condition_changes_every_row() -> None:
    conditions = {"a": {"where": {"trial_type": "a"}}, "b": {"where": {"trial_type": "b"}},
                  "late": {"where": {"trial_type": ["a", "b"], "block": 2}}, "c": {"where": {"trial_type": "c"}}}
    then = {"conditions": conditions, "contrasts": {"x": "c"}}
    harmless = judged({"conditions": {**conditions}, "contrasts": {"x": "c", "y": "2 * c"}}, then)
    assert {contrast for contrast, _ in harmless.confirmatory} == {"x"}
    assert judged({"conditions": conditions, "contrasts": {"x": "c", "y": "late"}}, then).confirmatory == frozenset()


@pytest.mark.parametrize("found", ["responses", "effects"])
def test_a_lock_that_saw_results_confirms_nothing(found: str) -> None:
    late = judge(study(), FILE, lock(study(), found))
    assert late.confirmatory == frozenset()
    assert late.locked.late == f"when it was made, {found} stood in out"
    assert judge(study(), FILE, lock(study(), "no folder")).confirmatory == ALL


@pytest.fixture
def frozen(tmp_path: Path) -> tuple[Path, Layout]:
    file = tmp_path / "study.yaml"
    file.write_text(yaml.safe_dump(BASE))
    return file, Layout(tmp_path / "out")


def held(file: Path, layout: Layout) -> str | None:
    found = hold(parse_study(file.read_text()), file, layout)
    return None if found is None else found.locked.late


def compute(layout: Layout) -> None:
    layout.group.mkdir(parents=True, exist_ok=True)
    layout.table("responses").write_text("")


def test_results_after_the_lock(frozen: tuple[Path, Layout]) -> None:
    file, layout = frozen
    freeze(file)
    assert held(file, layout) == ""
    compute(layout)
    assert held(file, layout) == ""
    file.with_name("study.frozen.json").unlink()
    assert held(file, layout) is None
    assert not layout.frozen.exists()
    freeze(file)
    assert held(file, layout) == ""  # the same content was frozen before


def test_participants_note_the_lock_before_their_responses(frozen: tuple[Path, Layout]) -> None:
    file, layout = frozen
    freeze(file)
    for subject in ("01", "02"):
        note_lock(parse_study(file.read_text()), file, layout)
        path = layout.subject_responses(subject)
        path.parent.mkdir(parents=True)
        path.write_text("")
    assert not layout.frozen.exists()  # that is of the group level
    assert held(file, layout) == ""


def test_results_before_the_lock(frozen: tuple[Path, Layout]) -> None:
    file, layout = frozen
    assert held(file, layout) is None
    compute(layout)
    freeze(file)
    for _ in range(2):
        assert held(file, layout) == "responses in this output folder were first computed without a lock"


def test_results_before_a_second_lock(frozen: tuple[Path, Layout]) -> None:
    file, layout = frozen
    text = file.read_text()
    first = freeze(file)
    held(file, layout)
    file.write_text(text.replace("a - b", "a - 2 * b"))
    freeze(file, replace=True)
    assert held(file, layout) == ""  # nothing was computed in between
    compute(layout)
    file.write_text(text.replace("a - b", "a - 3 * b"))
    freeze(file, replace=True)
    assert "under another lock" in str(held(file, layout))
    assert first.digest not in layout.locks.read_text()
