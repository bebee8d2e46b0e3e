"""A list of files gives the tree that a folder gives; tables of files are read row by row."""

from __future__ import annotations

from pathlib import Path

import pytest

from deltaroi.errors import DataError, TableError
from deltaroi.io.bids import scan
from deltaroi.io.file_index import read_index
from deltaroi.io.places import top_file, tree_of
from deltaroi.remote import RemoteDataset, RemoteFile, Route

_NAMES = """
participants.tsv dataset_description.json task-x_bold.json README .bidsignore sub-01_odd.json CHANGES
sub-01/sub-01_scans.tsv sub-01/ses-pre/sub-01_ses-pre_task-x_events.tsv sub-01/ses-pre/anat/sub-01_ses-pre_T1w.nii.gz
sub-01/ses-pre/func/sub-01_ses-pre_task-x_bold.nii.gz sub-01/ses-pre/func/sub-01_ses-pre_task-x_bold.json
sub-01/ses-pre/func/sub-02_ses-pre_task-x_bold.nii.gz sub-01/ses-post/func/sub-01_ses-post_task-x_events.tsv
sub-02/func/sub-02_task-x_run-1_bold.nii sub-02/func/deeper/sub-02_task-x_run-2_bold.nii sub-02/figures/x.svg
sub-a_b/func/sub-ab_task-x_bold.nii sub-03/ses-pre/ses-post/func/sub-03_ses-pre_task-x_bold.nii.gz
derivatives/fmriprep/sub-01/func/sub-01_task-x_bold.nii.gz sourcedata/sub-09/func/sub-09_task-x_bold.nii.gz
func/sub-01_task-x_bold.nii.gz ses-pre/func/sub-01_ses-pre_task-x_bold.nii.gz sub-04/sub-04_task-x_bold.json
"""
NAMES = _NAMES.split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_a_list_gives_the_tree_of_the_folder(folder: Path) -> None:
    listed = tree_of(RemoteDataset("list", {name: folder / name for name in reversed(NAMES)}), "w", ())
    real = scan(folder)
    assert listed.functional == {key: files for key, files in real.functional.items() if files}
    assert {k: v for k, v in listed.above.items() if v} == {k: v for k, v in real.above.items() if v}
    assert (listed.odd, listed.closed, listed.subjects) == (real.odd, real.closed, real.subjects)
    assert listed.subjects == ("01", "02", "03", "04")  # 03 holds nothing that is read


def test_files_at_the_top(folder: Path) -> None:
    listed = RemoteDataset("list", {name: folder / name for name in NAMES})
    for place in (folder, listed):
        assert top_file(place, "participants.tsv") == folder / "participants.tsv"
        assert top_file(place, "none.tsv") is None


def test_a_list_without_subjects_names_the_folder_that_has_some(folder: Path) -> None:
    listed = RemoteDataset("s3://b/ds", {f"derivatives/fmriprep/{name}": folder / name for name in NAMES})
    with pytest.raises(DataError, match="holds no sub- folder") as caught:
        tree_of(listed, "dataset.derivatives", ("fmriprep", "derivatives/fmriprep"))
    assert caught.value.hint == "did you mean s3://b/ds/derivatives/fmriprep?"


def table(folder: Path, *rows: str) -> Path:
    (folder / "files.tsv").write_text("\n".join(["dataset path url", *rows]).replace(" ", "\t") + "\n")
    return folder / "files.tsv"


def test_a_table_of_files(tmp_path: Path) -> None:
    path = table(tmp_path, "raw participants.tsv p.tsv", "derivatives sub-01/x.nii.gz https://host/get?id=7&token=secret",
                 "raw sub-01/x.tsv s3://b/k")
    found = read_index(path, Route(attempts=2))
    assert found["raw"].files["participants.tsv"] == (tmp_path / "p.tsv").resolve()
    image = found["derivatives"].files["sub-01/x.nii.gz"]
    assert isinstance(image, RemoteFile)
    assert (image.name, image.url, image.route.attempts) == ("x.nii.gz", "https://host/get?id=7&token=secret", 2)
    assert found["raw"].root == "files.tsv (raw)"


@pytest.mark.parametrize(("row", "words"), [
    ("derivs sub-01/x.tsv a.tsv", "did you mean 'derivatives'"), ("raw ../x.tsv a.tsv", "'../x.tsv' is not a path"),
    ("raw /x.tsv a.tsv", "'/x.tsv' is not a path"), ("raw x.tsv http://host.example/?token=secret", "not encrypted"),
    ("raw x.tsv ftp://me:secret@host/x", "cannot be read"), ("raw x.tsv n/a", "url")])
def test_rows_that_cannot_be_used(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(TableError, match=words) as caught:
        read_index(table(tmp_path, row), Route())
    assert "secret" not in str(caught.value)
