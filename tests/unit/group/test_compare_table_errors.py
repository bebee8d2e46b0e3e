"""``compare``: any table in, or an error that names the cell."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from deltaroi.errors import DeltaroiError, TableError, UsageError
from deltaroi.group import CompareOptions, compare
from deltaroi.specs import GroupStats

TWO = CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0))


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, sep="\t", index=False, na_rep="n/a", lineterminator="\n")
    return path


def test_file_and_frame_give_the_same_table(make_table, tmp_path) -> None:
    table = make_table({"A": 4, "B": 4})
    table.loc[3, "value"] = float("nan")
    path = write(tmp_path / "values.tsv", table.assign(subject="sub-" + table["subject"],
                                                       session="ses-" + table["session"]))
    pd.testing.assert_frame_equal(compare(path, TWO).effects, compare(table, TWO).effects)


def test_participants_bring_the_groups(make_table, tmp_path) -> None:
    table = make_table({"A": 4, "B": 4})
    people = table.groupby("subject")["group"].first().reset_index()
    people["participant_id"] = "sub-" + people["subject"]
    path = write(tmp_path / "participants.tsv", people[["participant_id", "group"]].rename(columns={"group": "arm"}))
    asked = CompareOptions(("pre", "post"), ("A", "B"), participants=path, group_column="arm", stats=TWO.stats)
    pd.testing.assert_frame_equal(compare(table.drop(columns="group"), asked).effects, compare(table, TWO).effects)


@pytest.mark.parametrize(("change", "says"), [
    (lambda t: t.drop(columns="region"), "no column 'region'"),
    (lambda t: t.assign(value=["x" if i == 4 else v for i, v in enumerate(t["value"])]), "row 6: column 'value'"),
    (lambda t: t.assign(value=["inf" if i == 4 else v for i, v in enumerate(t["value"])]), "row 6: column 'value'"),
    (lambda t: t.assign(subject=["" if i == 2 else v for i, v in enumerate(t["subject"])]), "row 4: column 'subject'"),
    (lambda t: pd.concat([t, t.iloc[[5]]]), "a second value for"),
    (lambda t: t.assign(group=["B" if i == 1 else v for i, v in enumerate(t["group"])]), "subject 000 is in group B"),
    (lambda t: t.iloc[:0], "no rows"),
])
def test_a_bad_cell_is_named(make_table, tmp_path, change, says: str) -> None:
    path = write(tmp_path / "values.tsv", change(make_table({"A": 4, "B": 4})))
    with pytest.raises(TableError, match=says) as error:
        compare(path, TWO)
    assert "values.tsv" in str(error.value)


@pytest.mark.parametrize(("asked", "says"), [
    (CompareOptions((), ("A", "B")), "the table has the sessions post, pre"),
    (CompareOptions(("pre", "after"), ("A", "B")), "no session after in the table"),
    (CompareOptions(("pre", "post"), ()), "the table has the groups A, B"),
    (CompareOptions(("pre", "post"), ("A", "Z")), "no subject is in group Z"),
    (CompareOptions(("pre", "post"), ("A", "B"), group_column="arm"), "no column 'arm'"),
    (CompareOptions(("pre", "post"), ("A", "B"), covariates=("age",)), "no column 'age'"),
])
def test_what_does_not_fit_the_table_is_a_usage_error(make_table, asked: CompareOptions, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        compare(make_table({"A": 4, "B": 4}), asked)


def test_odd_labels_stay_whole(make_table) -> None:
    table = make_table({"A": 5, "B": 5})
    odd = {"A": "HRV {0} 100% – A-B|x", "B": "l'été  <b>"}
    table["group"] = table["group"].map(odd)
    effects = compare(table, CompareOptions(("pre", "post"), tuple(odd.values()), stats=TWO.stats)).effects
    assert effects["reading"].str.contains("HRV {0} 100% – A-B|x", regex=False).any()
    assert not effects["reading"].str.contains("\n|\t").any()


def test_missing_file_is_our_error(tmp_path) -> None:
    with pytest.raises(DeltaroiError, match="missing"):
        compare(tmp_path / "nothing.tsv", TWO)
