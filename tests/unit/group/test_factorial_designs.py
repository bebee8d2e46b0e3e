"""Factorial designs of a table: directions, who is left out, what leads, what is said."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from deltaroi.errors import TableError, UsageError
from deltaroi.group import CompareOptions, compare
from deltaroi.specs import Factorial, GroupStats

FACTORS = {"state": ("med", "rest"), "valence": ("neg", "neu")}


def table(n: int = 8, sessions: tuple[str, ...] = (), groups: str = "EN", seed: int = 1) -> pd.DataFrame:
    """In E, med minus rest is 2 higher for neg than for neu (at the last session); nothing else."""
    rng = np.random.default_rng(seed)
    rows = []
    for i, region, state, valence, session in itertools.product(
            range(n * len(groups)), ("AI", "VTA"), FACTORS["state"], FACTORS["valence"], sessions or ("only",)):
        group = groups[i % len(groups)]
        late = session == (sessions or ("only",))[-1]
        hit = (group, state, valence) == ("E", "med", "neg") and late
        rows.append((f"{i:02d}", region, group, state, valence, session, rng.normal() * 0.1 + 2 * hit))
    frame = pd.DataFrame(rows, columns=["subject", "region", "group", "state", "valence", "session", "value"])
    return frame if sessions else frame.drop(columns="session")


def crossed(values: pd.DataFrame, sessions: tuple[str, ...] = (), groups: tuple[str, ...] = ("E", "N"),
            **stats: object) -> tuple[pd.DataFrame, object]:
    options = CompareOptions(sessions, groups, "preexisting", factorial=FACTORS,
                             stats=GroupStats(**{"permutations": 300, **stats}))
    result = compare(values, options)
    return result.beside["factorial"], result


def row(frame: pd.DataFrame, term: str, comparison: str, kind: str) -> pd.Series:
    found = frame.query("region == 'AI' and term == @term and comparison == @comparison and se_kind == @kind")
    assert len(found) == 1
    return found.iloc[0]


def test_the_interaction_is_found_where_it_is_and_in_the_direction_of_the_levels() -> None:
    frame, result = crossed(table())
    there = row(frame, "group:state:valence", "E-N|med-rest:neg-neu", "welch")
    assert there["estimate"] == pytest.approx(2, abs=0.3)
    assert there["leading"]
    assert there["p_fwe"] < 0.05
    assert there["reading"].startswith("The interaction (med minus rest) × (neg minus neu) in AI was ")
    assert "higher in E than in N" in there["reading"]
    simple = row(frame, "state:valence", "E|med-rest:neg-neu", "classical")
    assert (simple["within_group"], simple["p_fwe"]) == ("E", pytest.approx(np.nan, nan_ok=True))
    assert ", within E alone, was 1.9" in simple["reading"]
    assert row(frame, "state:valence", "N|med-rest:neg-neu", "classical")["estimate"] == pytest.approx(0, abs=0.2)
    assert set(frame["term"]) == {"group", "state", "group:state", "valence", "group:valence", "state:valence",
                                  "group:state:valence"}
    assert sum("max-T" in note and "factorial" in note for note in result.notes) == 1


def test_sessions_are_a_factor_and_changes_are_last_minus_first() -> None:
    frame, _ = crossed(table(sessions=("pre", "post")), ("pre", "post"))
    there = row(frame, "group:state:valence:session", "E-N|med-rest:neg-neu:post-pre", "welch")
    assert there["estimate"] == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(("variance", "leading"), [("robust", "welch"), ("hc3", "welch"), ("classical", "classical")])
def test_which_errors_lead(variance: str, leading: str) -> None:
    frame, _ = crossed(table(), variance=variance)
    whole = frame[frame["within_group"] == "n/a"]
    assert set(whole.loc[whole["leading"], "se_kind"]) == {leading}
    assert whole.loc[whole["leading"], "p_fwe"].notna().all()
    assert whole.loc[~whole["leading"], "p_fwe"].isna().all()


def test_two_groups_and_two_levels_f_is_t_squared_of_the_pooled_test() -> None:
    frame, _ = crossed(table())
    f = row(frame, "group:state", "E-N|med-rest", "classical")
    assert (f["estimate"] / f["se"]) ** 2 == pytest.approx(f["statistic"])
    assert (f["df1"], f["df2"], f["gg_epsilon"]) == (1, 14, 1)


def test_who_lacks_a_cell_is_listed_and_out_of_that_roi_only() -> None:
    values = table()
    gone = values[(values["subject"] == "03") & (values["region"] == "AI") & (values["state"] == "rest")
                  & (values["valence"] == "neu")].index
    frame, result = crossed(values.drop(index=gone))
    assert set(frame.loc[frame["region"] == "AI", "n"]) <= {15, 8, 7}
    assert set(frame.loc[frame["region"] == "VTA", "n"]) <= {16, 8}
    rows = [r for r in result.exclusions if "factorial" in r.reason]
    assert [(r.subject, r.region, r.value) for r in rows] == [("03", "AI-B factorial", "3 of 4 cells")]


def test_the_order_of_rows_changes_nothing() -> None:
    values = table()
    pd.testing.assert_frame_equal(crossed(values)[0], crossed(values.sample(frac=1, random_state=2))[0])


def test_one_group_and_three() -> None:
    one, _ = crossed(table(groups="E"), groups=())
    assert set(one["term"]) == {"state", "valence", "state:valence"}
    assert set(one["se_kind"]) == {"classical"}
    three, _ = crossed(table(groups="EMN"), groups=("E", "M", "N"))
    comparisons = set(three.loc[three["term"] == "group:state:valence", "comparison"])
    assert comparisons == {f"{who}|med-rest:neg-neu" for who in ("E,M,N", "E-N", "M-N")}
    assert row(three, "group:state:valence", "E,M,N|med-rest:neg-neu", "welch")["statistic_kind"] == "F"


def test_covariates_do_not_enter_and_that_is_said() -> None:
    values = table()
    values["age"] = values["subject"].astype(int)
    options = CompareOptions((), ("E", "N"), "preexisting", factorial=FACTORS, covariates=("age",),
                             stats=GroupStats(permutations=0))
    result = compare(values, options)
    pd.testing.assert_frame_equal(result.beside["factorial"], crossed(table(), permutations=0)[0])
    assert "factorial factorial: covariates and strata do not enter its model" in result.warnings


@pytest.mark.parametrize(("factors", "says"), [
    ({"stat": ()}, "no column 'stat' holds the factor"),
    ({"state": ("med", "sleep")}, "the column 'state' has no level sleep"),
    ({"state": ("med",)}, "the column 'state' also has the level rest"),
])
def test_columns_that_are_no_factors(factors: dict[str, tuple[str, ...]], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        compare(table(), CompareOptions((), ("E", "N"), "preexisting", factorial=factors))


def test_contrasts_beside_factors_are_refused() -> None:
    values = pd.concat([table().assign(contrast=c) for c in ("a", "b")])
    with pytest.raises(TableError, match="several contrasts stand beside the columns of the factors"):
        crossed(values)


@pytest.mark.parametrize(("factors", "cells", "says"), [
    ({"session": ["a", "b"]}, {"x": ["a"], "y": ["b"]}, "no factor is called 'session'"),
    ({"f": ["a"]}, {"x": ["a"]}, "factors.f: found a, expected two or more different levels"),
    ({"f": ["a", "b"]}, {"x": ["a"], "y": ["c"]}, r"cells.y: found \[c\], expected one level of each of f"),
    ({"f": ["a", "b"]}, {"x": ["a"], "y": ["a"]}, r"cells.y: 'x' is \[a\] already"),
    ({"f": ["a", "b"], "g": ["c", "d"]}, {"x": ["a", "c"], "y": ["a", "d"], "z": ["b", "c"]},
     r"cells: no contrast is \[b, d\]"),
])
def test_cells_that_make_no_design(factors: dict[str, list[str]], cells: dict[str, list[str]], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Factorial(factors=factors, cells=cells)
