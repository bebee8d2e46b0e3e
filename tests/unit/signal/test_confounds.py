"""fMRIPrep's confounds, on real tables of two generations and on broken ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import DataError
from deltaroi.signal.confounds import ConfoundColumns, load_confounds
from deltaroi.specs import Confounds

OFF = {"motion": 0, "scrub_fd_mm": None, "non_steady_state": False}
OLD = "test_desc-confounds_regressors.tsv"
NEW = "test-v21_desc-confounds_timeseries.tsv"


@pytest.fixture
def real(shared: Path) -> Path:
    return shared / "data" / "fmriprep_confounds"


def rows(path: Path) -> int:
    return len(pd.read_csv(path, sep="\t"))


def ask(path: Path | None, n: int | None = None, **options: object) -> ConfoundColumns:
    spec = Confounds(**{**OFF, **options})  # type: ignore[arg-type]
    return load_confounds(path, spec, rows(path) if n is None and path is not None else int(n or 0))


def regular(found: ConfoundColumns) -> list[str]:
    return [str(name) for name in found.frame.columns if not str(name).startswith("censored_")]


@pytest.mark.parametrize("name", [OLD, NEW])
@pytest.mark.parametrize("motion", [0, 6, 12, 24])
def test_motion_columns(real: Path, name: str, motion: int) -> None:
    found = ask(real / name, motion=motion)
    assert len(regular(found)) == motion
    assert not found.has_drift
    values = found.frame[regular(found)].to_numpy()
    np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(values.std(axis=0), 1, atol=1e-12)


@pytest.mark.parametrize("name", [OLD, NEW])
def test_the_undefined_first_row_takes_the_second(real: Path, name: str) -> None:
    found = ask(real / name, motion=12)
    assert found.frame["trans_x_derivative1"].iloc[0] == found.frame["trans_x_derivative1"].iloc[1]


@pytest.mark.parametrize("name", [OLD, NEW])
def test_scaling_leaves_the_shape_of_a_column(real: Path, name: str) -> None:
    raw = pd.read_csv(real / name, sep="\t")["rot_y"]
    found = ask(real / name, motion=6).frame["rot_y"]
    assert np.corrcoef(raw, found)[0, 1] == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("name", [OLD, NEW])
def test_volumes_above_the_threshold_have_a_column_each(real: Path, name: str) -> None:
    table = pd.read_csv(real / name, sep="\t")
    limit = float(table["framewise_displacement"].quantile(0.9))
    expected = np.flatnonzero(table["framewise_displacement"] > limit)
    assert expected.size > 0
    found = ask(real / name, scrub_fd_mm=limit)
    assert found.censored.tolist() == expected.tolist()
    assert [c for c in found.frame.columns if c.startswith("censored")] == [f"censored_{v}" for v in expected]
    ones = found.frame[[f"censored_{v}" for v in expected]].to_numpy()
    assert ones.sum() == expected.size
    assert (ones[expected, np.arange(expected.size)] == 1).all()


def test_dvars_and_displacement_are_separate_criteria(real: Path) -> None:
    table = pd.read_csv(real / NEW, sep="\t")
    limit = float(table["std_dvars"].quantile(0.8))
    found = ask(real / NEW, scrub_dvars=limit)
    assert found.censored.tolist() == np.flatnonzero(table["std_dvars"] > limit).tolist()
    assert ask(real / NEW, motion=6).censored.size == 0


def test_non_steady_state_volumes_are_censored_or_not(real: Path) -> None:
    table = pd.read_csv(real / OLD, sep="\t")
    columns = [c for c in table.columns if c.startswith("non_steady_state")]
    assert columns
    expected = np.flatnonzero(table[columns].sum(axis=1))
    assert ask(real / OLD, non_steady_state=True).censored.tolist() == expected.tolist()
    assert ask(real / OLD, motion=6).censored.size == 0
    assert ask(real / "no_nonsteady_desc-confounds_regressors.tsv", non_steady_state=True).censored.size == 0


@pytest.mark.parametrize("name", [OLD, NEW])
def test_acompcor_brings_the_first_combined_components_and_the_cosines(real: Path, name: str) -> None:
    found = ask(real / name, acompcor=3)
    components = [c for c in regular(found) if c.startswith("a_comp_cor")]
    assert components == ["a_comp_cor_00", "a_comp_cor_01", "a_comp_cor_02"]
    assert found.has_drift
    assert any(c.startswith("cosine") for c in regular(found))


def test_global_signal(real: Path) -> None:
    assert regular(ask(real / NEW, global_signal=True)) == ["global_signal"]


@pytest.mark.parametrize("name", [OLD, NEW])
def test_mean_displacement_leaves_the_first_volume_out(real: Path, name: str) -> None:
    values = pd.read_csv(real / name, sep="\t")["framewise_displacement"]
    assert np.isnan(values[0])
    assert ask(real / name, motion=6).mean_fd_mm == pytest.approx(values[1:].mean(), rel=1e-12)


def test_a_needed_table_that_is_not_there_names_the_file_expected() -> None:
    with pytest.raises(DataError, match="no confounds table") as caught:
        ask(None, 10, motion=6)
    assert "desc-confounds_timeseries.tsv" in caught.value.hint


def test_nothing_asked_needs_no_table() -> None:
    found = ask(None, 10)
    assert found.frame.shape == (10, 0)
    assert np.isnan(found.mean_fd_mm)
    assert found.notes == ("no confounds table",)


def test_another_number_of_rows_gives_both_numbers(real: Path) -> None:
    n = rows(real / NEW)
    with pytest.raises(DataError, match=f"{n} rows, the run {n + 1} volumes"):
        ask(real / NEW, n + 1, motion=6)


def test_a_gap_is_named_with_column_and_row(real: Path, tmp_path: Path) -> None:
    for column in ("rot_y", "framewise_displacement"):
        table = pd.read_csv(real / NEW, sep="\t")
        table.loc[4, column] = np.nan
        path = tmp_path / "gap_desc-confounds_timeseries.tsv"
        table.to_csv(path, sep="\t", index=False, na_rep="n/a")
        with pytest.raises(DataError, match=f"'{column}' has no number in row 6"):
            ask(path, motion=6)


def test_an_absent_column_is_an_error_of_the_data(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "less_desc-confounds_timeseries.tsv"
    pd.read_csv(real / NEW, sep="\t").drop(columns="rot_y").to_csv(path, sep="\t", index=False, na_rep="n/a")
    with pytest.raises(DataError, match="rot_y"):
        ask(path, motion=6)


def test_acompcor_without_its_json(real: Path, tmp_path: Path) -> None:
    path = tmp_path / NEW
    shutil.copyfile(real / NEW, path)
    with pytest.raises(DataError, match="json") as caught:
        ask(path, acompcor=2)
    assert "/tmp/deltaroi-" not in str(caught.value)  # noqa: S108  # our own folder is nobody's business


def test_fewer_components_than_asked_are_noted(real: Path) -> None:
    found = ask(real / NEW, acompcor=1000)
    assert any("1000 asked for" in note for note in found.notes)


def test_constant_columns_are_left_out_and_named(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "still_desc-confounds_timeseries.tsv"
    table = pd.read_csv(real / NEW, sep="\t").assign(trans_x=0.0)
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    found = ask(path, motion=6)
    assert "trans_x" not in found.frame
    assert "constant confounds left out: trans_x" in found.notes


def test_unreadable_tables_are_data_errors(tmp_path: Path) -> None:
    empty = tmp_path / "empty.tsv"
    empty.write_bytes(b"")
    binary = tmp_path / "binary.tsv"
    binary.write_bytes(bytes(range(256)) * 20)
    pointer = tmp_path / "pointer.tsv"
    pointer.write_text("/annex/objects/MD5E-s12--ab.tsv\n")
    for path in (empty, binary, pointer, tmp_path / "none.tsv"):
        with pytest.raises(DataError, match=r"cannot be read|rows"):
            ask(path, 10, motion=6)


def test_tables_before_fmriprep_1_2_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bold_confounds.tsv"
    path.write_text("X\tFramewiseDisplacement\n" + "0.1\t0.2\n" * 5)
    with pytest.raises(DataError):
        ask(path, 5, motion=6)


def test_a_broken_table_nobody_needs_is_only_noted(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "gap.tsv"
    table = pd.read_csv(real / NEW, sep="\t")
    table.loc[4, "framewise_displacement"] = np.nan
    table.to_csv(path, sep="\t", index=False, na_rep="n/a")
    found = ask(path)
    assert np.isnan(found.mean_fd_mm)
    assert "framewise_displacement" in found.notes[0]
    assert np.isfinite(ask(real / NEW).mean_fd_mm)
