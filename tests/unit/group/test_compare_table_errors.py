"""``compare``: any table in, or an error that names the cell."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from deltaroi.errors import DataError, DeltaroiError, StudyError, TableError, UsageError
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
    (lambda t: t.assign(value=["1_0" if i == 4 else v for i, v in enumerate(t["value"])]), "row 6: .* holds '1_0'"),
    (lambda t: t.assign(value=t["value"] * 1e200), "cannot be computed with"),
    (lambda t: t.assign(value=t["value"] * 1e-200), "cannot be computed with"),
    (lambda t: t.assign(subject=["" if i == 2 else v for i, v in enumerate(t["subject"])]), "row 4: column 'subject'"),
    (lambda t: pd.concat([t, t.iloc[[5]]]), "a second value for subject 000, session post, region r2"),
    (lambda t: t.assign(value=["0,5" if i == 4 else v for i, v in enumerate(t["value"])]), "decimal points"),
    (lambda t: t.assign(group=["B" if i == 1 else v for i, v in enumerate(t["group"])]), "subject 000 is in group B"),
    (lambda t: t.iloc[:0], "no rows"),
])
def test_a_bad_cell_is_named(make_table, tmp_path, change, says: str) -> None:
    path = write(tmp_path / "values.tsv", change(make_table({"A": 4, "B": 4})))
    with pytest.raises(TableError, match=says) as error:
        compare(path, TWO)
    assert "values.tsv" in str(error.value)


def test_a_covariate_with_decimal_commas_is_no_text(make_table) -> None:
    table = make_table({"A": 4, "B": 4})
    table["age"] = "2" + table["subject"].str[-1] + ",5"
    with pytest.raises(DataError, match=r"the covariate 'age' holds '20,5' \(subject 000\)") as caught:
        compare(table, CompareOptions(("pre", "post"), ("A", "B"), covariates=("age",), stats=TWO.stats))
    assert caught.value.hint == "write decimal points, not commas"


@pytest.mark.parametrize(("asked", "says"), [
    (CompareOptions((), ("A", "B")), "the table has the sessions post, pre"),
    (CompareOptions(("pre", "after"), ("A", "B")), "no session after in the table"),
    (CompareOptions(("pre", "pst"), ("A", "B")), r"did you mean 'post'\? found: post, pre"),
    (CompareOptions(("pre", "pre"), ("A", "B")), "--sessions: a label stands twice: pre, pre"),
    (CompareOptions("pre,post", ("A", "B")), "--sessions: found the text 'pre,post'"),  # type: ignore[arg-type]
    (CompareOptions(("pre", "post"), ("A", "A")), "--groups: a label stands twice"),
    (CompareOptions(("pre", "post"), ()), "the table has the groups A, B"),
    (CompareOptions(("pre", "post"), ("A", "Z")), "no subject is in group Z"),
    (CompareOptions(("pre", "post"), ("A", "B"), group_column="arm"), "no column 'arm'"),
    (CompareOptions(("pre", "post"), ("A", "B"), covariates=("age",)), "no column 'age'"),
])
def test_what_does_not_fit_the_table_is_a_usage_error(make_table, asked: CompareOptions, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        compare(make_table({"A": 4, "B": 4}), asked)


@pytest.mark.parametrize(("sign", "word"), [(",", "commas"), (";", "semicolons"), (" ", "spaces")])
def test_another_separator_is_named(make_table, tmp_path, sign: str, word: str) -> None:
    path = tmp_path / "values.csv"
    make_table({"A": 4, "B": 4}).to_csv(path, sep=sign, index=False)
    with pytest.raises(TableError, match=f"one cell separated by {word}; save the table separated by tabs"):
        compare(path, TWO)


def test_quotes_are_named(make_table, tmp_path) -> None:
    path = tmp_path / "values.tsv"
    make_table({"A": 4, "B": 4}).to_csv(path, sep="\t", index=False, quoting=csv.QUOTE_ALL)
    with pytest.raises(TableError, match=r"without quotes \(in R: quote = FALSE\)"):
        compare(path, TWO)


def test_groups_may_be_numbers(make_table) -> None:
    table = make_table({"A": 4, "B": 4})
    coded = table.assign(group=table["group"].map({"A": 1, "B": 0}))
    asked = CompareOptions(("pre", "post"), (1, 0), stats=TWO.stats)  # type: ignore[arg-type]
    ours, plain = (result.effects.query("primary")["p"] for result in (compare(coded, asked), compare(table, TWO)))
    pd.testing.assert_series_equal(ours, plain)


def test_an_unknown_assignment_is_refused(make_table) -> None:
    asked = CompareOptions(("pre", "post"), ("A", "B"), "randomized", stats=TWO.stats)  # type: ignore[arg-type]
    with pytest.raises(StudyError, match="'randomized' does not say how people came into their group"):
        compare(make_table({"A": 4, "B": 4}), asked)


def test_participants_with_other_labels_are_refused(make_table) -> None:
    table = make_table({"A": 4, "B": 4})
    people = pd.DataFrame({"participant_id": [f"sub-{i}" for i in range(8)], "group": ["A", "B"] * 4})
    asked = CompareOptions(("pre", "post"), ("A", "B"), participants=people, stats=TWO.stats)
    with pytest.raises(UsageError, match=r"subjects are 000, 001, 002, .*; the participants 0, 1, 2, "):
        compare(table, asked)


def test_a_table_without_any_value_is_refused(make_table) -> None:
    with pytest.raises(DataError, match="no row has a value"):
        compare(make_table({"A": 4, "B": 4}).assign(value=float("nan")), TWO)


@pytest.mark.parametrize("scale", [1e-50, 1e-12, 1e9, 1e50])
def test_the_unit_changes_no_test(make_table, scale: float) -> None:
    table = make_table({"A": 5, "B": 6})
    plain, scaled = (compare(t, TWO).effects for t in (table, table.assign(value=table["value"] * scale)))
    for name in ("statistic", "p", "effect_size", "es_ci_low", "bf10", "p_equivalence"):
        pd.testing.assert_series_equal(plain[name], scaled[name], rtol=1e-9)


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
