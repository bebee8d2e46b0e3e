"""Real pre/post data of two groups against R: picture ratings of ds003823, mean of ``vn`` minus mean of ``vt``.

``vn`` and ``vt`` are the viewed negative and the viewed neutral pictures. The R values are in ``ratings_ds003823.csv``,
made by ``Rscript ratings_ds003823.R BIDS_DIR`` (R 4.2.2; package versions in ``ratings_ds003823_versions.txt``), which
reads the events files by itself.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.group import CompareOptions, GroupResult, compare
from deltaroi.specs import GroupStats

HERE = Path(__file__).parent
LEVELS = ("increase_HRV", "decrease_HRV")


def ratings(bids: Path) -> pd.DataFrame:
    rows = []
    for path in sorted(bids.glob("sub-*/ses-*/func/*_task-emotionRegulation_events.tsv")):
        subject, session = path.parts[-4], path.parts[-3]
        events = pd.read_csv(path, sep="\t", na_values=["n/a"])
        means = events.groupby("trial_type")["rating"].mean()
        rows.append((subject, session, "rating", means["vn"] - means["vt"]))
    return pd.DataFrame(rows, columns=["subject", "session", "region", "value"])


@pytest.fixture(scope="module")
def values(shared: Path) -> pd.DataFrame:
    return ratings(shared / "data" / "openneuro_ds003823" / "bids")


def compared(values: pd.DataFrame, shared: Path, assignment: str, permutations: int = 0) -> GroupResult:
    return compare(values, CompareOptions(
        ("pre", "post"), LEVELS, assignment, participants=shared / "data/openneuro_ds003823/bids/participants.tsv",
        group_column="condition", stats=GroupStats(permutations=permutations)))


def test_every_row_equals_r(values: pd.DataFrame, shared: Path) -> None:
    reference = pd.read_csv(HERE / "ratings_ds003823.csv")
    effects = compared(values, shared, "randomised").effects.set_index(["model", "term", "comparison", "se_kind"])
    effects = effects[(effects.index.get_level_values("model") != "lmm")  # test_mixed_against_r.py
                      & (effects.index.get_level_values("se_kind") != "hc2_welch")]  # test_small_samples_against_r.py
    assert set(effects.index) == set(reference[["model", "term", "comparison", "se_kind"]].itertuples(index=False,
                                                                                                  name=None))
    wrong = []
    for row in reference.to_dict("records"):
        found = effects.loc[(row["model"], row["term"], row["comparison"], row["se_kind"]), row["field"]]
        if not np.isclose(found, row["value"], rtol=1e-6, atol=1e-9):
            wrong.append(f"{list(row.values())[:5]}: {found:.10g}, R {row['value']:.10g}")
    assert not wrong, "\n".join(wrong)


def test_people_without_both_sessions_are_listed(values: pd.DataFrame, shared: Path) -> None:
    result = compared(values, shared, "randomised")
    primary = result.effects[result.effects["primary"]].iloc[0]
    complete = values.dropna().groupby("subject").size().eq(2).sum()
    listed = {row.subject for row in result.exclusions}
    assert primary["n"] == complete
    assert len(set(values["subject"])) - len(listed) == complete


def test_the_reading_is_true_to_the_numbers(values: pd.DataFrame, shared: Path) -> None:
    """People were randomised; as if they were not, the change score is primary and Welch's p equals R's."""
    for assignment, model, kind in (("randomised", "ancova", "hc2_welch"), ("preexisting", "change", "welch")):
        row = compared(values, shared, assignment, 200).effects.query("primary").iloc[0]
        assert (row["model"], row["se_kind"]) == (model, kind)
        way = "higher" if row["estimate"] > 0 else "lower"
        assert f"{way} in increase_HRV than in decrease_HRV" in row["reading"]
        assert ("evidence for" in row["reading"]) == (row["p_fwe"] < 0.05)
