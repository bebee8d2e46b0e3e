"""compare, measure and regions build as commands: exit codes and where the words of a message point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from deltaroi.cli.main import entry
from deltaroi.cli.show import number, run_lines
from deltaroi.config.read import read_study
from deltaroi.group import CompareOptions, compare
from deltaroi.pipeline.run import RunResult
from deltaroi.specs import GroupStats
from deltaroi.tables import exclusion_frame


@pytest.fixture
def values(tmp_path: Path) -> Path:
    draw = np.random.default_rng(3)
    rows = [(f"{i:02d}", session, "amygdala", "AB"[i % 2], draw.normal())
            for i in range(8) for session in ("pre", "post")]
    path = tmp_path / "values.tsv"
    pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"]).to_csv(path, sep="\t", index=False)
    return path


def ended(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        entry(words)
    return int(caught.value.code or 0), capsys.readouterr().err


def compare_words(values: Path, out: Path) -> list[str]:
    return ["compare", str(values), "--sessions", "pre,post", "--groups", "A,B", "--assignment", "randomised",
            "--variance", "classical", "--permutations", "100", "--seed", "1", "--out", str(out)]


def test_compare_writes_its_tables(values: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = ended(compare_words(values, tmp_path / "out"), capsys)
    assert code == 0
    assert {path.stem for path in (tmp_path / "out").glob("*.tsv")} == \
        {"effects", "effect_sizes", "bayes", "assumptions", "residuals", "exclusions"}


def made_constant(values: Path, region: str, group: str = "") -> None:
    """Add a region ``VTA`` with the values of the first, and make a region the same for everybody, or in a group."""
    table = pd.read_csv(values, sep="\t", dtype={"subject": str})
    table = pd.concat([table, table.assign(region="VTA")])
    chosen = table["region"].isin(region.split(",")) & (table["group"].str.startswith(group))
    table.loc[chosen, "value"] = 1.5
    table.to_csv(values, sep="\t", index=False)


@pytest.mark.parametrize("assignment", ["randomised", "preexisting"])
def test_values_that_do_not_vary_are_said(values: Path, tmp_path: Path, assignment: str,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    made_constant(values, "VTA")
    words = [assignment if word == "randomised" else word for word in compare_words(values, tmp_path / "out")]
    code, err = ended(words, capsys)
    assert code == 0
    assert "left out: VTA-B value: not tested: the " in err
    assert "amygdala" not in err
    table = pd.read_csv(tmp_path / "out/exclusions.tsv", sep="\t", keep_default_na=False)
    assert table[["stage", "region"]].to_numpy().tolist() == [["effects", "VTA-B value"]]
    assert table["value"].item() == ("ancova" if assignment == "randomised" else "change") + ", summary as given"


def test_nothing_that_varies_ends_with_4(values: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made_constant(values, "amygdala,VTA")
    code, err = ended(compare_words(values, tmp_path / "out"), capsys)
    assert code == 4
    assert "left out: VTA-B value, amygdala-B value: not tested: the model reproduces the values exactly" in err
    assert "deltaroi: no ROI could be tested" in err
    assert (tmp_path / "out/effects.tsv").is_file()


@pytest.mark.parametrize(("region", "lines"), [("VTA", 1), ("none", 0)])
def test_run_says_which_rois_were_not_tested(values: Path, trees: Any, region: str, lines: int) -> None:
    made_constant(values, region)
    found = compare(values, CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0)))
    nothing = pd.DataFrame()
    result = RunResult(study=read_study(trees.study()), out=trees.root, responses=nothing, effects=found.effects,
                       exclusions=exclusion_frame(found.exclusions), regions=nothing, quality=nothing, warnings=(),
                       exit_code=0, report=None)
    said = [line for line in run_lines(result) if line.startswith("left out: VTA-B value: not tested: the model ")]
    assert len(said) == lines


def test_a_group_that_does_not_vary_is_said(values: Path, tmp_path: Path) -> None:
    made_constant(values, "VTA", "A")
    found = compare(values, CompareOptions(("pre", "post"), ("A", "B"), stats=GroupStats(permutations=0)))
    assert found.exit_code == 0
    assert found.warnings[0] == ("VTA-B, value: the values do not vary (all 4 in A at pre are 1.5, all 4 in A at post "
                                 "are 1.5); look where they come from")
    assert not [warning for warning in found.warnings if "amygdala" in warning and "vary" in warning]


def test_a_folder_that_cannot_be_written_is_a_usage_error(values: Path, tmp_path: Path,
                                                          capsys: pytest.CaptureFixture[str]) -> None:
    for words in (compare_words(values, values), ["regions", "build", "--regions", "VTA", "--out", str(values)]):
        code, text = ended(words, capsys)
        assert code == 2
        assert f"{values}: " in text
        assert "is a file" in text


@pytest.mark.parametrize("bound", ["0", "-1", "nan", "inf"])
def test_a_bound_that_is_none(values: Path, tmp_path: Path, bound: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended([*compare_words(values, tmp_path / "out"), f"--equivalence-bound-d={bound}"], capsys)
    assert code == 2
    assert "--equivalence-bound-d" in text


@pytest.mark.parametrize(("words", "says"), [
    (["--regions", "amygdalla"], "--regions: definition 'hcpex' has no region 'amygdalla'"),
    (["--regions", "VTA", "--definition", "hcpx"], "--definition: unknown definition 'hcpx'"),
    (["--regions", "VTA,VTA"], "--regions: the ROI VTA-L_hcpex is listed twice"),
])
def test_a_wrong_option_is_no_study_error(words: list[str], says: str, tmp_path: Path,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended(["regions", "build", *words, "--out", str(tmp_path / "out")], capsys)
    assert code == 2
    assert says in text


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """Two maps of 4 x 4 x 4 voxels: one whole, one that is NaN in three quarters; and one that is not there."""
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = (-8, -8, -8)
    data = np.ones((4, 4, 4), dtype=np.float32)
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "whole.nii")
    data[1:] = np.nan
    nib.save(nib.Nifti1Image(data, affine), tmp_path / "part.nii")
    return tmp_path


def measured(folder: Path, files: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    table = folder / "maps.tsv"
    table.write_text("subject\tcontrast\tpath\n" + "".join(f"{i:02d}\tc\t{file}\n" for i, file in enumerate(files)))
    with pytest.raises(SystemExit) as caught:
        entry(["measure", str(table), "--sphere=2,0,0,6", "--out", str(folder / "out")])
    shown = capsys.readouterr()
    return int(caught.value.code or 0), shown.out, shown.err


def test_measure_counts_values_and_says_why_others_are_not_there(maps: Path,
                                                                 capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = measured(maps, ["whole.nii", "part.nii", "part.nii", "none.nii"], capsys)
    assert code == 5
    assert out == "1 values, 3 exclusions\n"
    assert "left out: sphere-B_custom c, subject 01: coverage of the ROI too low (0, asked for 0.5); so is 1 more" \
        in err
    assert "left out: c, subject 03: map not readable: no such file (none.nii)" in err
    assert "no map gave a value" not in err


def test_a_folder_is_called_a_folder(maps: Path, values: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (maps / "folder.nii").mkdir()
    _, _, err = measured(maps, ["whole.nii", "folder.nii"], capsys)
    assert "left out: c, subject 01: map not readable: this is a folder, not a file (folder.nii)" in err
    code, err = ended(compare_words(maps, maps / "out"), capsys)
    assert code == 4
    assert f"{maps}: the table cannot be read: this is a folder\n" in err


def test_a_series_of_maps_says_how_a_volume_is_named(maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4, 3), np.float32), np.eye(4)), maps / "series.nii")
    _, _, err = measured(maps, ["whole.nii", "series.nii"], capsys)
    assert "the file has 3 volumes, and a map is one: name it behind the path, as in path,1 for the first (" in err


def test_maps_on_several_grids_say_which_lack_an_roi(maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    far = np.diag([4.0, 4, 4, 1])
    far[:3, 3] = 400
    nib.save(nib.Nifti1Image(np.ones((4, 4, 4), np.float32), far), maps / "far.nii")
    code, out, err = measured(maps, ["whole.nii", "far.nii"], capsys)
    assert code == 0
    assert out == "1 values, 1 exclusions\n"
    assert "left out: sphere-B_custom c, subject 01: the ROI has no voxel on the images' grid" in err


@pytest.mark.parametrize(("words", "says"), [
    ([], "but the template space of the images is not stated\n"),
    (["--space", "nonsense"], "hint: is 'nonsense' a slip? Known are Colin27, MNI152, MNI152NLin2009cAsym"),
])
def test_spaces_that_do_not_fit(words: list[str], says: str, maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = (-8, -8, -8)
    image = nib.Nifti1Image(np.ones((4, 4, 4), np.float32), affine)
    nib.save(image, maps / "whole.nii")
    (maps / "m.tsv").write_text("subject\tcontrast\tpath\n1\tc\twhole.nii\n")
    code, err = ended(["measure", str(maps / "m.tsv"), "--regions", "VTA", "--definition", "cit168", *words, "--out",
                       str(maps / "o")], capsys)
    assert code == 4
    assert says in err
    assert "allow_space_mismatch" not in err


def test_hints_do_not_name_keys_of_study_files(maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (maps / "m.tsv").write_text("subject\tcontrast\tpath\n1\tc\twhole.nii\n")
    (maps / "names.tsv").write_text("index\tname\n1\tA\n")
    nib.save(nib.Nifti1Image(np.full((4, 4, 4), 1.5, np.float32), np.eye(4)), maps / "labels.nii")
    code, err = ended(["measure", str(maps / "m.tsv"), "--labels", str(maps / "labels.nii"), "--names",
                       str(maps / "names.tsv"), "--out", str(maps / "o")], capsys)
    assert code == 4
    assert err.endswith("hint: resample label images with nearest neighbours\n")


def test_compare_names_its_options(values: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.read_csv(values, sep="\t", dtype=str)
    table.assign(age=["old" if i < 2 else "30" for i in range(len(table))]).to_csv(values, sep="\t", index=False)
    code, err = ended([*compare_words(values, tmp_path / "out"), "--covariates", "age"], capsys)
    assert code == 4
    assert "deltaroi: --covariates: the covariate 'age' holds 'old' (subject 00) among numbers" in err


def test_measure_without_any_value_says_so(maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = measured(maps, ["part.nii"], capsys)
    assert code == 4
    assert out == "0 values, 1 exclusions\n"
    assert "left out: sphere-B_custom c, subject 00: coverage of the ROI too low" in err
    assert "deltaroi: no map gave a value" in err


@pytest.mark.parametrize(("words", "says"), [
    (["--summary", "eigenvariate"], "--summary: summary 'eigenvariate' needs a time series"),
    (["--summary", "men"], "--summary: unknown summary 'men'"),
    (["--sphere=1,2,3"], "--sphere: cannot read the sphere '1,2,3'"),
    (["--sphere=1,2,3,-4"], "--sphere: cannot draw the sphere '1,2,3,-4'"),
    (["--labels", "l.nii"], "--names: --labels and --names go together"),
])
def test_measure_names_the_option(words: list[str], says: str, maps: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, text = ended(["measure", str(maps / "m.tsv"), "--regions", "VTA", *words, "--out", str(maps / "o")], capsys)
    assert code == 2
    assert says in text
    assert "summary" not in words[0] or "hint: auto, mean, median, weighted_mean, partial_volume\n" in text


def test_what_is_small_is_not_shown_as_zero() -> None:
    shown = [number(value) for value in (0.0, 1.5, -0.0004, 3.2e-12, 8.46e8, float("nan"))]
    assert shown == ["0.000", "1.500", "-0.0004", "3.2e-12", "8.5e+08", "n/a"]
