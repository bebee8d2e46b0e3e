"""compare, measure and regions build as commands: exit codes and where the words of a message point."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.cli.main import entry
from deltaroi.cli.show import number


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


def test_what_is_small_is_not_shown_as_zero() -> None:
    shown = [number(value) for value in (0.0, 1.5, -0.0004, 3.2e-12, 8.46e8, float("nan"))]
    assert shown == ["0.000", "1.500", "-0.0004", "3.2e-12", "8.5e+08", "n/a"]
