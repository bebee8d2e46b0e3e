"""participants.tsv of every quirk."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaroi.errors import DataError
from deltaroi.io.participants import read_participants


def read(folder: Path, text: str) -> tuple:
    (folder / "participants.tsv").write_text(text)
    return read_participants(folder)


def test_labels_with_and_without_sub(tmp_path: Path) -> None:
    table, gone, warnings = read(tmp_path, "participant_id\tage\nsub-01\t30\n02\tN/A\n")
    assert table["participant_id"].tolist() == ["01", "02"]
    assert table["age"].tolist() == ["30", "n/a"]
    assert (gone, warnings) == ((), ())


def test_no_file_is_a_warning(tmp_path: Path) -> None:
    table, _, warnings = read_participants(tmp_path)
    assert len(table) == 0
    assert list(table.columns) == ["participant_id"]
    assert warnings == ("there is no participants.tsv",)


def test_a_repeated_row_is_used_once(tmp_path: Path) -> None:
    table, gone, warnings = read(tmp_path, "participant_id\tage\nsub-01\t30\nsub-01\t30\n01\t30\n")
    assert len(table) == 1
    assert gone == ()
    assert warnings == ("participants.tsv: 2 row(s) stand twice, word for word; one of them is used",)


def test_two_rows_that_differ_exclude_the_person(tmp_path: Path) -> None:
    table, gone, _ = read(tmp_path, "participant_id\tage\nsub-01\t30\nsub-01\t31\nsub-02\t20\n")
    assert table["participant_id"].tolist() == ["02"]
    assert [(row.subject, row.value) for row in gone] == [("01", "2 rows")]
    assert "several rows" in gone[0].reason


def test_a_row_without_a_label_is_said(tmp_path: Path) -> None:
    table, _, warnings = read(tmp_path, "participant_id\tage\nn/a\t30\nsub-02\t20\n")
    assert table["participant_id"].tolist() == ["02"]
    assert warnings == ("participants.tsv: 1 row(s) without participant_id",)


def test_the_column_must_exist(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'participant_id'; the columns are Participant_ID, age") as caught:
        read(tmp_path, "Participant_ID\tage\nsub-01\t30\n")
    assert caught.value.hint == "rename 'Participant_ID' to 'participant_id'"
