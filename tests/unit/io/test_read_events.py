"""Events tables of every quirk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deltaroi.errors import DataError
from deltaroi.io.events import NOTES, read_events


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "sub-01_task-t_events.tsv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_types_and_missing_values(tmp_path: Path) -> None:
    table = read_events(write(tmp_path, "onset\tduration\ttrial_type\tRT\n0\t4\t1\tn/a\n1.5\tn/a\tN/A\t0.3\n"))
    assert table["onset"].dtype == table["duration"].dtype == np.float64
    assert table["onset"].tolist() == [0.0, 1.5]
    assert np.isnan(table["duration"][1])
    assert table["trial_type"].tolist() == ["1", "n/a"]
    assert table["RT"].tolist() == ["n/a", "0.3"]
    assert table.attrs[NOTES] == ()


@pytest.mark.parametrize("text", ["onset\tduration\r\n1\t2\r\n", "\ufeffonset\tduration\n1\t2\n",
                                  "onset\tduration\n1\t2\n\n\n"])
def test_crlf_bom_and_blank_lines(tmp_path: Path, text: str) -> None:
    table = read_events(write(tmp_path, text))
    assert list(table.columns) == ["onset", "duration"]
    assert table["onset"].tolist() == [1.0]


def test_unsorted_onsets_are_sorted_stably_and_noted(tmp_path: Path) -> None:
    text = "onset\tduration\ttrial_type\n5\t1\ta\nn/a\t1\tb\n2\t1\tc\n5\t1\td\n"
    table = read_events(write(tmp_path, text))
    assert table["trial_type"].tolist() == ["c", "a", "d", "b"]
    assert np.isnan(table["onset"].iloc[-1])
    assert table.attrs[NOTES] == ("the events file is not sorted by onset",)


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    table = read_events(write(tmp_path, "onset\tduration\ttrial_type\n"))
    assert len(table) == 0
    assert table["onset"].dtype == np.float64
    assert table.attrs[NOTES] == ()


@pytest.mark.parametrize(("text", "says"), [
    ("onset\tduration\n1\t2\nx\t3\n", r"row 3: onset 'x' is not a number"),
    ("onset\tduration\n1,5\t2\n", r"row 2: onset '1,5' is not a number"),
    ("onset\tduration\n1\tinf\n", r"row 2: duration 'inf' is not a number"),
    ("onset\ttrial_type\n1\ta\n", r"no column 'duration'; the columns are onset, trial_type"),
    ("onset,duration\n1,2\n", r"no column 'onset'"),
    ("onset\tduration\n1\n", r"row 2 has 1 cells, the header 2"),
    ("", r"cannot be read: empty"),
    (b"onset\tduration\n\xff\xfe\t1\n", r"not UTF-8"),
])
def test_what_is_wrong_names_file_and_row(tmp_path: Path, text: str | bytes, says: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=says) as caught:
        read_events(path)
    assert caught.value.where == str(path)
