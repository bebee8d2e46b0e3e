"""Tables of label names that come with atlases."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaroi import atlas
from deltaroi.atlas.label_names import label_names
from deltaroi.atlas.places import locate, stamp
from deltaroi.errors import TableError


def read(folder: Path, text: str) -> dict[str, int]:
    path = folder / "names.txt"
    path.write_bytes(text.encode())
    return label_names(path, stamp(path))


@pytest.mark.parametrize(("text", "expected"), [
    ("1\t7Networks_LH_Vis_1\t120\t18\t131\t0\n", {"7Networks_LH_Vis_1": 1}),  # Schaefer et al., FreeSurfer's colours
    ("0 Pu\n10 VTA\n", {"Pu": 0, "VTA": 10}),  # Pauli et al.
    ("1 Precentral_L\r\n2 Precentral_R\r\n", {"Precentral_L": 1, "Precentral_R": 2}),  # AAL3
    ("4 Left Lateral Ventricle\n5 Left Inferior Lateral Ventricle\n",
     {"Left Lateral Ventricle": 4, "Left Inferior Lateral Ventricle": 5}),
    ("# colours\n\n4   Left Lateral Ventricle   120  18  134  0\n", {"Left Lateral Ventricle": 4}),
    ("4\tLeft Lateral Ventricle\n5\tThalamus, dorsal\n", {"Left Lateral Ventricle": 4, "Thalamus, dorsal": 5}),
    ('\ufeffindex,name\n4.0,Left Ventricle\n5,"Thalamus, dorsal"\n', {"Left Ventricle": 4, "Thalamus, dorsal": 5}),
    ("4 Area 44, left\n", {"Area 44, left": 4}),
])
def test_the_whole_name_is_kept(tmp_path: Path, text: str, expected: dict[str, int]) -> None:
    assert read(tmp_path, text) == expected


@pytest.mark.parametrize(("text", "line", "message"), [
    ("1 a\n2 b\n1 c\n", 3, "found the label 1 again, expected each once; it stands in line 1 too"),
    ("1 a\n\n2 a\n", 3, "found the name 'a' again, expected each once; it stands in line 1 too"),
    ("1 a\n1 a\n", 2, "found the label 1 again"),
    ("index name\n1 a\nx b\n", 3, "found 'x b', expected the id of a label and its name"),
    ("1 a\n2\n", 2, "found '2', expected the id of a label and its name"),
    ("1 a\n1.5 b\n", 2, "found '1.5 b'"),
    ("1 a\n-2 b\n", 2, "found '-2 b'"),
])
def test_what_is_no_table_of_names_is_refused(tmp_path: Path, text: str, line: int, message: str) -> None:
    with pytest.raises(TableError) as caught:
        read(tmp_path, text)
    assert message in caught.value.message
    assert caught.value.where == f"{tmp_path / 'names.txt'}, line {line}"
    assert "fetch or install the atlas again" in caught.value.hint


def test_a_table_that_is_not_text(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"\xff\xfe1\x00")
    with pytest.raises(TableError, match="cannot be read as UTF-8 text"):
        label_names(path, stamp(path))


@pytest.mark.parametrize(("definition", "table", "labels"), [
    ("hcpex", "HCPEx.txt", 426), ("aal3", "AAL3.txt", 170)])  # of AAL3's four have no voxel
def test_tables_of_the_package_are_read_whole(definition: str, table: str, labels: int) -> None:
    image = locate(atlas.find("amygdala", "L", definition).shape.image)
    path = image.with_name(table)
    assert len(label_names(path, stamp(path))) == labels
