"""``deltaroi evidence list``, ``check`` and ``plot`` through the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from deltaroi.evidence import read_evidence
from deltaroi.io.tsv import read_table
from deltaroi.tables import EVIDENCE_SIZES, FINDINGS, POOLED
from helpers import file_hashes


def deltaroi(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", "evidence", *words], cwd=cwd, capture_output=True,
                          text=True, check=False)


def test_list(tmp_path: Path) -> None:
    done = deltaroi("list", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    ids = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert set(read_evidence()["id"]) <= set(ids)
    assert not list(tmp_path.iterdir())


def test_list_of_some(tmp_path: Path) -> None:
    done = deltaroi("list", "--study", "desbordes2012", "--region", "amygdala", "--kind", "activation", cwd=tmp_path)
    lines = done.stdout.splitlines()
    (row,) = [line for line in lines if line.startswith("desbordes2012_mat_amygdala_positive ")]
    for words in ("amygdala R", "decrease", "t(11) = -3.06", "= 0.011", "g_z -0.82 [-1.43, -0.18]"):
        assert words in row
    assert lines[-1] == "7 results of 1 study, 3 with an effect size"


def test_check_writes_all_and_prints_what_does_not_fit(tmp_path: Path) -> None:
    done = deltaroi("check", "--out", "findings.tsv", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.strip() == "written: findings.tsv"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["findings.json", "findings.tsv"]
    findings = read_table(tmp_path / "findings.tsv", FINDINGS)
    for verdict, count in findings["verdict"].value_counts().items():
        assert f"  {verdict:<18} {count:>4}" in done.stdout.splitlines()
    contradictions = findings[findings["verdict"] == "contradiction"]
    printed = " ".join(done.stdout.split())
    assert all(" ".join(text.split()) in printed for text in contradictions["arithmetic"])
    assert "36 + 94 + 33 + 20 + 30 + 21 + 41 = 275" in done.stdout


def test_check_without_a_file_writes_none(tmp_path: Path) -> None:
    done = deltaroi("check", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


def test_plot(tmp_path: Path) -> None:
    """Every region with a result has a picture, the tables are beside them, and a second run gives the same bytes."""
    for folder in ("one", "two"):
        done = deltaroi("plot", "--out", folder, "--format", "svg", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    results = read_evidence()
    results = results[results["kind"] != "roi_list"]
    regions = {*results["region"], *results["partner"]} - {"n/a"}
    names = {f"evidence-{name}.svg" for name in (*regions, "behaviour")}
    assert {path.name for path in (tmp_path / "one").glob("*.svg")} == names
    assert file_hashes(tmp_path / "one") == file_hashes(tmp_path / "two")
    sizes = read_table(tmp_path / "one" / "evidence_sizes.tsv", EVIDENCE_SIZES)
    assert len(sizes) == len(read_evidence())
    pooled = read_table(tmp_path / "one" / "evidence_pooled.tsv", POOLED)
    assert (pooled["rows"] >= 3).all()
    amygdala = (tmp_path / "one" / "evidence-amygdala.svg").read_text()
    for words in ("Mean of 3 results in 2 samples", "Overlapping samples", "Selection:", "no statistic is stated"):
        assert words in amygdala
    assert "Peak:" in (tmp_path / "one" / "evidence-mOFC.svg").read_text()
    assert "Without an effect size" in (tmp_path / "one" / "evidence-putamen.svg").read_text()


def test_plot_of_one_region_as_png(tmp_path: Path) -> None:
    done = deltaroi("plot", "--region", "NAcc", "--out", "forest", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "forest").glob("*.png")] == ["evidence-NAcc.png"]
    assert (tmp_path / "forest" / "evidence-NAcc.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(("words", "said"), [
    (["list", "--region", "amigdala"], "did you mean 'amygdala'"), (["list", "--study", "Kamal2025"], "--study"),
    (["list", "--kind", "everything"], "there are activation"), (["list", "--region", ""], "--region"),
    (["list", "--study", "mascaro2013", "--kind", "connectivity"], "no row fits"),
    (["plot", "--region", "nowhere", "--out", "x"], "--region"), (["plot"], "--out"),
    (["check", "--out", "findings.json"], "expected a .tsv file"), (["check", "--out", "."], "expected a .tsv file"),
    (["plot", "--out", "x", "--format", "gif"], "gif"), (["forget"], "forget")])
def test_wrong_words_end_with_2_and_say_what_is_meant(words: list[str], said: str, tmp_path: Path) -> None:
    done = deltaroi(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for words in (["check", "--out", "taken/findings.tsv"], ["plot", "--region", "VTA", "--out", "taken"]):
        done = deltaroi(*words, cwd=tmp_path)
        assert done.returncode in (2, 4), done.stderr
        assert "Traceback" not in done.stderr
        assert (tmp_path / "taken").read_text() == "a file"
