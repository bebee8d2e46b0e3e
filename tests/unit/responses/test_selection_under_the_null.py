"""Without any effect, voxels chosen from other data respond with 0 on average; those from the same data do not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from deltaroi.responses import Localisers, subject_effects, summarise
from deltaroi.specs import Functional

PAGE = Path(__file__).resolve().parents[3] / "docs" / "functional-rois.md"
SUBJECTS = [f"{i:02d}" for i in range(30)]
RULE = {"within": "amygdala.hcpex", "contrast": "loc", "strongest": 6}


@pytest.fixture(scope="module")
def people(make_box: Any) -> dict[str, Any]:
    """Fits of subjects in two sessions of two runs, of pure noise."""
    box = make_box()
    return {"box": box, "fits": {s: [box.fit(run, session, s, seed=11) for session in ("pre", "post") for run in "12"]
                                 for s in SUBJECTS}}


def values(people: dict[str, Any], **choice: Any) -> np.ndarray:
    """Response of each subject and session to the very contrast that chose."""
    box, how = people["box"], Functional(**RULE, **choice)
    told = tuple(one for fits in people["fits"].values()
                 for one in subject_effects(fits, box.sets(), {"best": how}, 0.5))
    tables = [summarise(fits, box.sets(), "mean", 0.5, Localisers({"best": how}, (), told)).table
              for fits in people["fits"].values()]
    return np.array([table.loc[table["contrast"] == "loc", "value"] for table in tables])


def ratio(people: dict[str, Any], **choice: Any) -> float:
    """Mean over subjects of the mean response, over its standard error."""
    mean = values(people, **choice).mean(axis=1)
    return float(mean.mean() / (mean.std(ddof=1) / np.sqrt(len(mean))))


def on_the_page(select_from: str) -> float:
    """The ratio that docs/functional-rois.md gives, without its sign."""
    found = re.findall(rf"(\d+\.\d) for `{select_from}`", " ".join(PAGE.read_text(encoding="utf-8").split()))
    assert len(found) == 1
    return float(found[0])


@pytest.mark.parametrize("choice", [{"select_from": "other_runs"}, {"select_from": "other_sessions"},
                                    {"select_from": "other_subjects"}, {"select_from": "runs", "runs": ["1"]}],
                         ids=lambda choice: choice["select_from"])
def test_no_response_in_voxels_chosen_from_other_data(people: dict[str, Any], choice: dict[str, Any]) -> None:
    found = ratio(people, **choice)
    assert abs(found) < 3
    assert abs(found) == pytest.approx(on_the_page(choice["select_from"]), abs=0.1)


def test_a_response_out_of_nothing_in_voxels_chosen_from_the_same_data(people: dict[str, Any]) -> None:
    found = ratio(people, select_from="same_data", allow_circular=True)
    assert found > 5
    assert found == pytest.approx(on_the_page("same_data"), abs=0.1)
