"""The group stage against R: ``Rscript make_reference.R`` (R and package versions in versions.txt)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats

HERE = Path(__file__).parent
KEY = ["region", "model", "term", "comparison", "se_kind"]
DESIGNS = {
    "balanced": CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0)),
    "unbalanced": CompareOptions(("pre", "post"), ("A", "B"), "preexisting", stats=GroupStats(permutations=0)),
    "covariates": CompareOptions(("pre", "post"), ("A", "B"), covariates=("age", "sex"),
                                 stats=GroupStats(permutations=0)),
    "dropouts": CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0, variance="classical")),
    "three": CompareOptions(("pre", "post"), ("A", "C", "B"), stats=GroupStats(permutations=0)),
    "onegroup": CompareOptions(("pre", "post"), ("A",), stats=GroupStats(permutations=0)),
}
RELATIVE = 1e-7  # every number: better than six digits


def long_form(frame: pd.DataFrame) -> dict[tuple[str, ...], dict[str, float]]:
    return {tuple(row[k] for k in KEY): row for row in frame.to_dict("records")}


@pytest.mark.parametrize("name", DESIGNS)
def test_every_number_equals_r(name: str) -> None:
    values = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    reference = pd.read_csv(HERE / "reference.csv").query("dataset == @name")
    ours = long_form(compare(values.query("dataset == @name").drop(columns="dataset"), DESIGNS[name]).effects)
    assert len(reference) > 30
    wrong = []
    for row in reference.to_dict("records"):
        found = ours[tuple(row[k] for k in KEY)][row["field"]]
        if not np.isclose(found, row["value"], rtol=RELATIVE, atol=1e-12):
            wrong.append(f"{[row[k] for k in KEY]} {row['field']}: {found:.10g}, R {row['value']:.10g}")
    assert not wrong, "\n".join(wrong)


def test_every_test_of_the_table_has_a_reference() -> None:
    """No row with a p value goes unchecked but those that are a function of checked ones."""
    values = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    reference = pd.read_csv(HERE / "reference.csv").query("field == 'p'")
    for name, options in DESIGNS.items():
        ours = compare(values.query("dataset == @name").drop(columns="dataset"), options).effects
        have = set(reference.query("dataset == @name")[KEY].itertuples(index=False, name=None))
        tested = {row for row in ours[KEY].itertuples(index=False, name=None)
                  if not (name == "three" and row[1] in ("paired", "two_sample"))
                  and row[1] != "lmm"  # test_mixed_against_r.py
                  and row[4] != "hc2_welch"}  # test_small_samples_against_r.py
        assert tested <= have, tested - have
