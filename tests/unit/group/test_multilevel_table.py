"""The multilevel model's refusal without its extra, and its rows and readings from given draws."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import StudyError
from deltaroi.group import CompareOptions, GroupDesign, compare
from deltaroi.group.blocks import prepare
from deltaroi.group.families import corrected_rows
from deltaroi.group.multilevel import Fitted, rows_of_question
from deltaroi.group.questions import questions
from deltaroi.specs import GroupStats
from deltaroi.stats.multilevel import levels
from deltaroi.stats.multilevel_sampler import PACKAGES, Draws
from deltaroi.tables import ALL_ROIS, MULTILEVEL, conform

ASKED = GroupStats(multilevel=True, permutations=0)


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the lock file's environment, wherever these tests run."""
    known = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None if name in PACKAGES
                        else known(name, package))


@pytest.mark.usefixtures("without_extra")
def test_without_the_extra_the_message_says_what_to_install(make_table) -> None:
    with pytest.raises(StudyError, match="needs numpyro, jax, jaxlib") as error:
        compare(make_table({"A": 5, "B": 5}), CompareOptions(("pre", "post"), ("A", "B"), stats=ASKED))
    assert error.value.where == "group.multilevel"
    assert "pip install 'deltaroi[multilevel]'" in error.value.hint


@pytest.mark.usefixtures("without_extra")
def test_the_refusal_comes_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="the extra 'multilevel' of deltaroi"):
        compare(tmp_path / "absent.tsv", CompareOptions(stats=ASKED))


@pytest.mark.usefixtures("without_extra")
def test_not_asked_for_nothing_is_missing(make_table) -> None:
    options = CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0))
    assert "multilevel" not in compare(make_table({"A": 5, "B": 5}), options).beside


def rows(table: pd.DataFrame, change: bool = False, **draws: Any) -> pd.DataFrame:
    """The table that these draws make: effects 0.5, -0.2 and 0.1 with an SD of 0.1, in units of 2."""
    random = np.random.default_rng(5)
    frame = table.assign(specification="main", task="n/a", hemisphere="L", definition="hcpex", contrast="c",
                         summary="mean", unit="%")
    sessions = ("pre", "post")
    spec = GroupStats(permutations=0, primary="change" if change else "auto")
    groups = tuple(sorted(set(table["group"])))
    design = GroupDesign(sessions, groups if len(groups) > 1 else None, "randomised")
    ready = prepare(frame, design)
    asked = questions(sessions, design.levels, "randomised", spec, covariates=False)
    found = corrected_rows(ready.blocks, asked, ready.sample, spec).rows
    question = next(q for q in asked if q.primary)
    values = ready.blocks[0].values[:, :, 1].T
    n = len(values)
    data = levels(values, np.ones((3, n, 1)) if len(groups) > 1 else np.empty((3, n, 0)),
                  (ready.sample.group == 0).astype(float)[:, None], ready.sample.group, tuple("abc"))
    assert not isinstance(data, str), data
    object.__setattr__(data, "unit", 2.0)
    effect = np.array([0.5, -0.2, 0.1]) + 0.1 * random.normal(size=(4000, 1, 3))
    given = {"rhat": np.full((1, 4), 1.001), "ess": np.full((1, 4), 1500.0), "divergent": 0, **draws}
    mean, tau = 0.1 + 0.2 * random.normal(size=(4000, 1)), np.abs(random.normal(size=(4000, 1)))
    made = Draws(effect, mean, tau, given["rhat"], given["ess"], np.ones(1), np.full(1, 900.0), given["divergent"])
    mine = [row for row in found if row.leading]
    listed = list(rows_of_question(ready.blocks[0], question, Fitted(data, made, ready), mine))
    return conform(pd.DataFrame(listed, columns=MULTILEVEL.names), MULTILEVEL).set_index("region")


def test_numbers_of_a_row(make_table) -> None:
    found = rows(make_table({"A": 9, "B": 8}))
    assert list(found.index) == [ALL_ROIS, "r0", "r1", "r2"]
    r0 = found.loc["r0"]
    assert r0["estimate"] == pytest.approx(1.0, abs=0.02)
    assert (r0["sd"], r0["ci_low"], r0["ci_high"]) == pytest.approx((0.2, 0.608, 1.392), abs=0.02)
    assert found["p_direction"].to_dict() == pytest.approx(
        {ALL_ROIS: 0.69, "r0": 1.0, "r1": 0.977, "r2": 0.841}, abs=0.02)
    assert found["tau"].unique() == pytest.approx([2 * 0.674], abs=0.1)
    assert found["n"].tolist() == [17, 17, 17, 17]
    assert found.loc[ALL_ROIS, ["unpooled", "unpooled_low"]].isna().all()


def test_alone_is_the_primary_row_of_the_effects(make_table) -> None:
    table = make_table({"A": 9, "B": 8}, gain=1.0)
    found = rows(table)
    effects = compare(table, CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0))).effects
    primary = effects[effects["primary"]].set_index("region")
    for ours, theirs in (("unpooled", "estimate"), ("unpooled_low", "ci_low"), ("unpooled_high", "ci_high")):
        assert found.loc[["r0", "r1", "r2"], ours].to_dict() == pytest.approx(primary[theirs].to_dict())


def test_readings_say_the_numbers(make_table) -> None:
    found = rows(make_table({"A": 9, "B": 8}))
    row = found.loc["r1"]
    assert row["reading"] == (
        f"Pooled over 3 ROIs, at post, given the value at pre, the difference A minus B of r1-L (hcpex) is "
        f"{row['estimate']:.3g} % (95 % credible interval {row['ci_low']:.3g} to {row['ci_high']:.3g} %); it is lower "
        f"in A with probability {row['p_direction']:.3f}; without pooling it is {row['unpooled']:.3g} %.")
    assert "it is higher in A with probability more than 0.999;" in found.loc["r0", "reading"]
    overall = found.loc[ALL_ROIS]
    assert "the difference A minus B of the ROIs in general is" in overall["reading"]
    assert f"SD of {overall['tau']:.3g} % ({overall['tau_low']:.3g} to {overall['tau_high']:.3g})" in overall["reading"]


def test_readings_of_change_scores_and_of_one_group(make_table) -> None:
    change = rows(make_table({"A": 9, "B": 8}), change=True)
    assert "the difference A minus B of the change of r0-L (hcpex) from pre to post is" in change.loc["r0", "reading"]
    alone = rows(make_table({"A": 9}))
    assert "the change of r1-L (hcpex) from pre to post is" in alone.loc["r1", "reading"]
    assert "it is below zero with probability" in alone.loc["r1", "reading"]


@pytest.mark.parametrize(("draws", "said"), [
    ({"rhat": np.array([[1.0, 1.0, 1.2, 1.0]])}, "largest R-hat 1.200"),
    ({"rhat": np.full((1, 4), np.nan)}, "R-hat nan"),
    ({"ess": np.array([[900.0, 90.0, 900.0, 900.0]])}, "smallest effective number 90"),
    ({"divergent": 40}, "40 draws diverged"),
])
def test_no_number_where_the_chains_do_not_agree(make_table, draws: dict[str, Any], said: str) -> None:
    found = rows(make_table({"A": 9, "B": 8}), **draws)
    numbers = ["estimate", "sd", "ci_low", "ci_high", "p_direction", "tau", "tau_low", "tau_high"]
    assert found[numbers].isna().all(axis=None)
    assert found.loc[["r0", "r1", "r2"], "unpooled"].notna().all()
    assert found["reading"].str.contains("no pooled estimate, because", regex=False).all()
    assert found["reading"].str.contains(said, regex=False).all()
