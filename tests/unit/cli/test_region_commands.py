"""The commands about the region library, through the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from deltaroi.cli.main import entry


def ended(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        entry(["regions", *words])
    shown = capsys.readouterr()
    return int(caught.value.code or 0), shown.out, shown.err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(["list"], capsys)
    assert code == 0
    assert "amygdala" in out
    row = next(line for line in out.splitlines() if line.split()[:2] == ["amygdala", "hcpex"])
    assert row.split() == ["amygdala", "hcpex", "MNI152NLin2009cAsym", "yes", "1555", "1614", "3169"]
    lone = next(line for line in out.splitlines() if line.split()[:2] == ["mOFC", "liu2011sphere"])
    assert lone.split()[-3:] == ["-", "-", "905"]


def test_list_of_one_region_and_one_definition(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ended(["list", "--region", "VTA", "--definition", "hcpex"], capsys)
    assert [line.split()[:2] for line in out.splitlines()[:2]] == [["region", "definition"], ["VTA", "hcpex"]]


def test_what_cannot_be_read_is_named_with_what_to_do(capsys: pytest.CaptureFixture[str],
                                                      monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NILEARN_DATA", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    _, out, _ = ended(["list", "--definition", "pauli2017"], capsys)
    assert "cannot be read here: pauli2017" in out
    assert "deltaroi regions fetch pauli2017" in " ".join(out.split())
    code, _, err = ended(["picture", "VTA", "--definition", "pauli2017", "--out", str(tmp_path)], capsys)
    assert code == 4
    assert "cannot be read here" in err


def test_show(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(["show", "amygdala", "--definition", "hcpex"], capsys)
    assert code == 0
    for text in ("L 1555 mm3 at (-23.8, -4.9, -19.9)", "MNI152NLin2009cAsym", "GPL-3.0", "majority", "a6c68e27638df4ba",
                 "Huang CC", "1.2.0", "can be read"):
        assert text in " ".join(out.split())


@pytest.mark.parametrize("words", [["-24", "-2", "-16"], ["--", "-24", "-2", "-16"], ["-24,-2,-16"]])
def test_find_takes_negative_numbers(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(["find", *words], capsys)
    assert code == 0
    assert "ROIs that hold (-24, -2, -16)" in out
    found = [line.split()[:3] for line in out.splitlines()]
    assert ["amygdala", "L", "hcpex"] in found
    assert not [row for row in found if row[1:2] == ["R"]]


def test_find_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ended(["find", "24", "-30", "30"], capsys)
    assert "The nearest of each definition" in out


@pytest.mark.parametrize(("words", "says"), [
    (["find", "24", "-2"], "a coordinate has three numbers, found 2"),
    (["find", "24", "-2", "sixteen"], "'sixteen' is not a number"),
    (["find", "24", "-2", "-16", "--radus", "4"], "--radus: there is no such option"),
    (["find", "240", "-2", "-16"], "outside the brain"),
    (["find", "24", "-2", "-16", "--space", "mni"], "--space: unknown template space"),
    (["show", "amygdalla"], "REGION: no definition has a region 'amygdalla'"),
    (["show", "amygdala", "--definition", "hcpx"], "--definition: unknown definition 'hcpx'"),
    (["list", "--region", "amygdalla"], "--region: no definition has a region 'amygdalla'"),
    (["list", "--region", "VTA", "--definition", "liu2011sphere"], "--region: definition 'liu2011sphere' has no"),
    (["list", "--region", ""], "--region: no region is named\n  hint: e.g. amygdala; `deltaroi regions list` names"),
    (["show", ""], "REGION: no region is named"),
    (["compare", "amygdalla"], "REGION: no definition has a region"),
    (["compare", "VTA", "--hemispheres", "left"], "--hemispheres: unknown hemispheres"),
    (["compare", "VTA", "--space", "Colin27"], "hint: known: MNI152NLin2009cAsym, MNI152NLin6Asym\n"),
    (["build", "--regions", "VTA", "--space", "Colin27", "--out", "x"], "NLin6Asym; or give an image with --like\n"),
    (["build", "--regions", "AI", "--definition", "lutz2008sphere", "--out", "x"],
     "--hemispheres: region 'AI' of definition 'lutz2008sphere' has the hemispheres R, not L\n  hint: ask for this "
     "region alone with its own --hemispheres, or use a definition that has L: aal3"),
    (["picture", "amygdalla"], "did you mean 'amygdala'"),
    (["picture", "--definition", "hcpx", "--out", "x"], "--definition: unknown definition"),
    (["picture"], "--out: without a region the whole library is drawn"),
    (["build", "--regions", "VTA", "--threshold", "2", "--out", "x"], "--threshold: '2' is no threshold"),
    (["build", "--regions", "VTA", "--hemispheres", "left", "--out", "x"], "--hemispheres: unknown hemispheres: left"),
    (["build", "--regions", "VTA", "--space", "mni152nlin2009casym", "--out", "x"],
     "did you mean 'MNI152NLin2009cAsym'?"),
    (["fetch", "hcpx"], "DEFINITION: unknown definition 'hcpx'"),
    (["fetch", "hcpex"], "DEFINITION: the files of 'hcpex' are none that nilearn downloads"),
])
def test_wrong_words(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(words, capsys)
    assert code == 2
    assert says in err


def test_an_image_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    like = tmp_path / "none.nii"
    code, _, err = ended(["build", "--regions", "VTA", "--like", str(like), "--out", str(tmp_path / "x")], capsys)
    assert code == 4
    assert f"{like}: there is no such file\n  hint: check the path; it was looked for in {tmp_path}\n" in err


def test_compare_prints_and_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["compare", "VTA", "--hemispheres", "B", "--definition", "aal3,hcpex", "--out", str(tmp_path)]
    code, out, err = ended(words, capsys)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["aal3†", "1.00", "0.37"] in lines
    assert ["hcpex", "0.37", "1.00"] in lines
    assert ["aal3†", "0.0", "1.2"] in lines
    assert "drawn in another template" in out
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["comparison-VTA.png", "comparison.json", "comparison.tsv"]
    assert "comparison.tsv" in err


@pytest.mark.parametrize("words", [["find", "52", "-40", "10"], ["compare", "amygdala", "--hemispheres", "L"]])
def test_lines_fit_a_terminal(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(words, capsys)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 100
    assert "a rough stand-in for" in " ".join(out.split()) or "8 metasphere†" in out  # nothing is cut off
    assert "(aal3: Colin27" in " ".join(out.split()) or "aal3 (Colin27" in " ".join(out.split())


def test_converted_coordinates_are_shown_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = ended(["show", "AI", "--definition", "lutz2008sphere"], capsys)
    assert "Talairach, brought to MNI152" in out
    assert "R 905 mm3 at (40.6, 17.4, -4.9)" in out
    assert "Lancaster et al. (2007) from (37, 15, 1)" in " ".join(out.split())


def test_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = ended(["picture", "midbrain", "--regions", "MI", "--definition", "", "--format", "svg",
                            "--out", str(tmp_path)], capsys)
    assert code == 0
    assert not out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["region-MI.svg", "region-midbrain.svg"]
    assert err.count("written: ") == 2


def test_build_takes_several_definitions_and_a_threshold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(["build", "--regions", "VTA", "--definition", "hcpex,aal3", "--out", str(tmp_path)], capsys)
    assert code == 0
    assert {line.split()[2] for line in out.splitlines()} == {"hcpex:", "aal3:"}
    code, out, _ = ended(["build", "--regions", "amygdala", "--definition", "harvard_oxford", "--threshold", "weighted",
                          "--space", "MNI152NLin6Asym", "--out", str(tmp_path / "w")], capsys)
    assert code == 0


def test_build_says_when_nothing_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    affine = np.diag([3.0, 3, 3, 1])
    affine[:3, 3] = 500
    far = tmp_path / "far.nii.gz"
    nib.save(nib.Nifti1Image(np.zeros((9, 9, 9), np.float32), affine), far)
    code, out, err = ended(["build", "--regions", "VTA", "--like", str(far), "--out", str(tmp_path / "o")], capsys)
    assert code == 4
    assert not out
    assert f"{far}: no ROI is left: the ROI has no voxel on the images' grid" in err
    assert (tmp_path / "o/exclusions.tsv").read_text().count("VTA-") == 2


def test_options_are_called_what_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(["build", "--regions", "amygdala", "--definition", "harvard-oxford", "--out", str(tmp_path)],
                         capsys)
    assert code == 4
    assert "definitions that would fit: aal3" in err
    assert "allow_space_mismatch" not in err
    _, _, err = ended(["build", "--regions", "VTA", "--threshold", "0.5", "--out", str(tmp_path)], capsys)
    assert "note: --threshold has no effect" in err


def test_files_that_stand_in_the_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "file"
    file.touch()
    for words in (["build", "--regions", "VTA"], ["picture", "VTA", "--definition", "hcpex"]):
        for out in (file, file / "deeper"):
            code, _, err = ended([*words, "--out", str(out)], capsys)
            assert code == 2
            assert f"deltaroi: {file}: " in err.replace("/deeper", "")
            assert "is a file" in err
    mine = tmp_path / "thesis"
    mine.mkdir()
    (mine / "regions.tsv").write_text("mine\n")
    code, _, err = ended(["build", "--regions", "VTA", "--out", str(mine)], capsys)
    assert code == 2
    assert "holds regions.tsv, which `deltaroi regions build` did not write" in err
    assert (mine / "regions.tsv").read_text() == "mine\n"


def test_a_folder_that_may_not_be_entered(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0)
    run = "import sys; from deltaroi.cli.main import entry; entry(sys.argv[1:])"
    words = [sys.executable, "-c", run, "regions", "build", "--regions", "VTA", "--out", str(tmp_path / "closed/x")]
    if os.geteuid() == 0:  # root may enter every folder, unless it gives this up
        words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *words]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "cannot be looked into: Permission denied" in done.stderr
