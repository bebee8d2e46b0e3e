"""A factorial design from the command line: `run` on a simulated study, `compare` on a table."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import deltaroi

Edit = Callable[[Path, str, str], None]
CONTRASTS = '{negative_vs_neutral: "negative - neutral", negative: "negative"}'
ASKED = """group:
  permutations: 200
  factorials:
    emotion: {factors: {valence: [bad, plain]}, cells: {negative: [bad], neutral: [plain]}}
"""


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)


def test_a_study_with_a_factorial(tiny: Path, edit: Edit) -> None:
    file, out = tiny / "study.yaml", tiny / "out"
    edit(tiny, CONTRASTS, '{negative: "negative", neutral: "neutral"}')
    edit(tiny, "group: {permutations: 200}\n", ASKED)
    result = deltaroi.run(file, out)
    frame = pd.read_csv(out / "group" / "factorial.tsv", sep="\t", keep_default_na=False, na_values=[])
    pd.testing.assert_frame_equal(frame[["term", "comparison"]], result.beside["factorial"][["term", "comparison"]])
    assert set(frame["term"]) == {"group", "valence", "group:valence", "session", "group:session", "valence:session",
                                  "group:valence:session"}
    there = result.beside["factorial"].query("term == 'group:valence:session' and leading and region == 'AI'")
    assert (there["estimate"] > 0.7).all()  # planted: 1.5 % in AI, training, post, negative
    assert set(there["comparison"]) == {"training-control|bad-plain:post-pre"}
    page, methods = ((out / name).read_text() for name in ("report.html", "methods.md"))
    assert 'id="factorials"' in page
    assert "Within subjects: valence (bad, plain) and session (pre, post)." in methods
    assert {stage for stage, n in deltaroi.run(file, out).reran.items() if n} == set()
    edit(tiny, "[bad, plain]", "[plain, bad]")
    assert {stage for stage, n in deltaroi.run(file, out).reran.items() if n} == {"effects", "report"}
    edit(tiny, "negative: [bad], neutral: [plain]", "negative: [bad], netural: [plain]")
    done = command("check", file)
    assert done.returncode == 3
    assert "group.factorials.emotion.cells: 'netural' is no contrast; the contrasts are negative, " in done.stderr
    edit(tiny, "negative: [bad], netural: [plain]", "negative: [bad]")
    done = command("check", file)
    assert "group.factorials.emotion" in done.stderr
    assert "cells: no contrast is [plain]" in done.stderr
    edit(tiny, "    emotion: {factors: {valence: [plain, bad]}, cells: {negative: [bad]}}\n", "    {}\n")
    deltaroi.run(file, out)
    assert not (out / "group" / "factorial.tsv").exists()


@pytest.mark.parametrize("levels", ["", "=med,rest"])
def test_compare_with_columns_of_factors(tmp_path: Path, levels: str) -> None:
    random = np.random.default_rng(2)
    cells = itertools.product(range(20), ("AI", "VTA"), ("med", "rest"), ("neg", "neu"))
    rows = [(f"{i:02d}", region, "EN"[i % 2], state, valence, random.normal() * 0.3 + (i % 2 == 0) * (state == "med"))
            for i, region, state, valence in cells]
    pd.DataFrame(rows, columns=["subject", "region", "group", "state", "valence", "value"]).to_csv(
        tmp_path / "values.tsv", sep="\t", index=False)
    done = command("compare", tmp_path / "values.tsv", "--groups", "E,N", "--assignment", "preexisting", "--factorial",
                   f"state{levels}", "--factorial", "valence", "--permutations", "200", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "factorial.tsv" in done.stderr
    frame = pd.read_csv(tmp_path / "out" / "factorial.tsv", sep="\t", keep_default_na=False)
    there = frame.query("term == 'group:state' and se_kind == 'welch' and region == 'AI'").iloc[0]
    assert float(there["ci_low"]) < 1 < float(there["ci_high"])
    assert there["comparison"] == "E-N|med-rest"
    effects = pd.read_csv(tmp_path / "out" / "effects.tsv", sep="\t")
    assert set(effects["contrast"]) == {"med_neg", "med_neu", "rest_neg", "rest_neu"}
