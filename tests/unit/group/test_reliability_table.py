"""Reliability per ROI: what is known from sessions, from halves of runs, and what is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import GroupDesign, reliability
from deltaroi.tables import RUN_VALUES

KEY = {"specification": "main", "task": "t", "region": "AI", "hemisphere": "L", "definition": "x", "contrast": "c",
       "summary": "mean", "unit": "%"}
DESIGN = GroupDesign(("pre", "post"), ("A", "B"), "randomised")


def made(per_group: int = 200, runs: int = 4, trait: float = 1.0, gain: float = 1.0, noise: float = 1.0,
         seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Responses and values of runs: a trait, in group A a change that differs between people, and noise per run."""
    random = np.random.default_rng(seed)
    single = []
    for g in "AB":
        for i in range(per_group):
            level, change = trait * random.normal(), gain * random.normal() * (g == "A")
            single += [{**KEY, "subject": f"{g}{i}", "session": s, "run": str(r + 1), "group": g,
                        "value": level + change * (s == "post") + noise * random.normal()}
                       for s in ("pre", "post") for r in range(runs)]
    table = pd.DataFrame(single)
    whole = table.groupby([*KEY, "subject", "session", "group"], as_index=False)["value"].mean()
    return whole, table[RUN_VALUES.names]


def rows(found: pd.DataFrame) -> pd.DataFrame:
    return found.set_index(["measure", "session", "group"])


def test_what_was_planted_comes_back() -> None:
    """Noise of a session's mean of 4 runs: 1/4. Trait 1, change 1 in A only."""
    found = rows(reliability(*made(), DESIGN))
    value = found["value"]
    assert value["icc_3_1", "n/a", "B"] == pytest.approx(1 / 1.25, abs=0.05)
    assert value["icc_3_1", "n/a", "A"] < value["icc_3_1", "n/a", "B"] - 0.1
    assert value["split_half", "pre", "A"] == pytest.approx(1 / 1.25, abs=0.06)
    assert value["change", "n/a", "A"] == pytest.approx(1 / 1.5, abs=0.08)
    assert value["change", "n/a", "B"] == pytest.approx(0, abs=0.25)
    assert found.loc[("icc_3_1", "n/a", "B"), "trusted"]
    assert not found.loc[("icc_3_1", "n/a", "A"), "trusted"]
    assert "training effect that differs between people lowers it" in found.loc[("icc_3_1", "n/a", "A"), "note"]


def test_attenuation() -> None:
    found = rows(reliability(*made(), DESIGN)).loc[("icc_3_1", "n/a", "B")]
    assert found["seen_of_50"] == pytest.approx(0.5 * np.sqrt(found["value"]))
    assert found["true_of_30"] == pytest.approx(0.3 / np.sqrt(found["value"]))
    assert f"what a true r of {found['true_of_30']:.2f} would give" in found["note"]


def test_a_true_correlation_that_cannot_be() -> None:
    notes = rows(reliability(*made(trait=0.1, runs=1), DESIGN))["note"]
    assert any("no true r" in note or "not above 0" in note for note in notes)


def test_one_run_per_session_has_no_halves() -> None:
    responses, runs = made(per_group=9, runs=1)
    for table in (runs, runs.iloc[:0]):
        found = rows(reliability(responses, table, DESIGN))
        halves = found.loc[["split_half", "change"]]
        assert halves["value"].isna().all()
        assert (halves["note"] == "n/a: needs at least two runs per session, with values of single runs").all()
        assert found.loc["icc_3_1", "value"].notna().all()


def test_runs_are_taken_in_turn_whatever_their_order() -> None:
    responses, runs = made(per_group=12)
    one, other = (reliability(responses, table, DESIGN) for table in (runs, runs.sample(frac=1, random_state=3)))
    pd.testing.assert_frame_equal(one, other)
    wide = runs[runs["subject"].str.startswith("A")].pivot(index="subject", columns=["session", "run"], values="value")
    odd, even = (wide["pre"][list(numbers)].mean(axis=1) for numbers in (("1", "3"), ("2", "4")))
    r = np.corrcoef(odd, even)[0, 1]
    assert rows(one).loc[("split_half", "pre", "A"), "value"] == pytest.approx(2 * r / (1 + r))


def test_one_group_and_missing_sessions() -> None:
    responses, runs = made(per_group=10)
    gone = (responses["subject"] == "A3") & (responses["session"] == "post")
    responses.loc[gone, "value"] = np.nan
    found = rows(reliability(responses, runs, GroupDesign(("pre", "post"))))
    assert set(found.index.get_level_values("group")) == {"all"}
    assert found.loc[("icc_3_1", "n/a", "all"), "n"] == 19
    assert "lower bound" in found.loc[("icc_3_1", "n/a", "all"), "note"]
