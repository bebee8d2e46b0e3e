"""The table of maps, and the table of names."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi.errors import DataError, TableError
from deltaroi.measuring.labels import read_labels
from deltaroi.measuring.table import read_maps


def written(folder: Path, *lines: str, name: str = "MAPS.tsv") -> Path:
    path = folder / name
    path.write_text("\n".join(line.replace(" ", "\t") for line in lines) + "\n")
    return path


def test_rows_are_read_and_prefixes_dropped(tmp_path: Path) -> None:
    path = written(tmp_path, "subject session contrast path group note", "sub-01 ses-pre faces maps/a.nii A x",
                   "02 n/a faces /abs/b.nii n/a y")
    rows, notes = read_maps(path)
    assert [(r.number, r.subject, r.session, r.group, r.task, r.unit) for r in rows] == [
        (2, "01", "pre", "A", "n/a", "as in the map"), (3, "02", "n/a", "n/a", "n/a", "as in the map")]
    assert [r.file.path for r in rows] == [tmp_path / "maps" / "a.nii", Path("/abs/b.nii")]
    assert notes == ("columns not used: note",)


def test_volume_suffix_is_not_part_of_a_name_that_exists(tmp_path: Path) -> None:
    (tmp_path / "odd,1").touch()
    rows, _ = read_maps(written(tmp_path, "subject contrast path", "1 c odd,1", "2 c con.nii,2"))
    assert [(r.file.path.name, r.file.volume) for r in rows] == [("odd,1", None), ("con.nii", 2)]


def test_one_file_in_two_rows_is_said(tmp_path: Path) -> None:
    _, notes = read_maps(written(tmp_path, "subject contrast path", "1 c a.nii", "2 c b.nii", "3 c a.nii"))
    assert notes == ("rows 2, 4 name the same file",)


@pytest.mark.parametrize(("lines", "message"), [
    (["subject path", "1 a.nii"], r"missing columns \['contrast'\]"),
    (["subject contrast path"], "no rows"),
    (["subject,contrast,path", "1,c,a.nii"], "one cell separated by commas"),
    (["subject contrast path", "1 c http://example.org/x.nii.gz?token=x"], "row 2: http://example.org/x.nii.gz: "),
    (["subject contrast path", "1 c n/a"], "row 2 has no path"),
    (["subject contrast path", "1 c a.nii", "n/a c b.nii"], "row 3 has no subject"),
    (["subject contrast path", "1 c a.nii", "2 c b.nii", "sub-1 c d.nii"], "rows 2 and 4 are both subject 1"),
    (["subject session contrast path", "1 pre c a.nii", "1 ses-pre c b.nii"], "session pre, contrast c"),
    (["subject session contrast path group", "1 pre c a.nii A", "1 post c b.nii B"], "A .row 2. and in B .row 3."),
])
def test_tables_that_cannot_be_used(lines: list[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        read_maps(written(tmp_path, *lines))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    data = np.zeros((3, 3, 3), dtype=np.int16)
    data[0], data[1] = 1, 2
    nib.save(nib.Nifti1Image(data, np.eye(4)), tmp_path / "l.nii")
    return tmp_path / "l.nii"


@pytest.mark.parametrize(("lines", "message"), [
    (["label name", "1 a"], "no column 'index'"),
    (["index title", "1 a"], "no column 'name'"),
    (["index name", "x a"], "row 2: the index is 'x', expected a whole number"),
    (["index name", "1.5 a"], "the index is '1.5'"),
    (["index name", "1 a", "2 a"], "row 3: the name 'a' stands twice for B, for the labels 1 and 2"),
    (["index name", "1 a", "1 b"], "row 3: the index 1 stands twice, for 'a' and 'b'"),
    (["index name hemisphere", "1 a up"], "hemisphere 'up'"),
    (["index name", "1 a-b", "2 a_b"], "both become the region name 'a_b'"),
    (["index name", "1 n/a"], "row 2: the label 1 has no name"),
    (["index name", "1 ../"], "cannot name a region"),
    (["index name", "0 background"], "names no label"),
    (["index name", "7 a"], "none of its labels is in l.nii"),
])
def test_names_that_cannot_be_used(lines: list[str], message: str, labels: Path, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        read_labels(labels, written(tmp_path, *lines, name="l.tsv"), "not stated")


def test_names_become_names(labels: Path, tmp_path: Path) -> None:
    names = written(tmp_path, "index name", "1 7Net_LH/Vis", "2 x__y", name="l.tsv")
    regions, _, notes = read_labels(labels, names, "s")
    assert list(regions) == ["label_7Net_LH_Vis", "x__y"]
    assert notes == ("names changed to letters, digits and _: '7Net_LH/Vis' is called label_7Net_LH_Vis",)


def test_a_missing_label_image(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_labels(tmp_path / "no.nii", written(tmp_path, "index name", "1 a", name="l.tsv"), "s")
