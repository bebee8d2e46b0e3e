"""Associations and reliability from the command line: `run` on a simulated study, `compare` on a table."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

Edit = Callable[[Path, str, str], None]
ASKED = "associations: {practice: {column: hours}, dose: {column: hours, groups: [training]}}\n"


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)


def give_hours(root: Path, lacking: int | None = None, word: str | None = None) -> pd.DataFrame:
    path = root / "bids" / "participants.tsv"
    people = pd.read_csv(path, sep="\t", dtype=str)
    people["hours"] = [str(3 + 5 * i % 17) for i in range(len(people))]
    if lacking is not None:
        people.loc[lacking, "hours"] = word or "n/a"
    people.to_csv(path, sep="\t", index=False)
    return people


@pytest.mark.long
def test_a_study_with_scores(tiny: Path, edit: Edit) -> None:
    people = give_hours(tiny, lacking=0)
    edit(tiny, "simulation:", f"{ASKED}simulation:")
    subject = people.loc[0, "participant_id"].removeprefix("sub-")
    lines = [f"the score 'hours' is missing: left out of the association '{name}'" for name in ("dose", "practice")]
    checked = command("check", tiny / "study.yaml")
    assert checked.returncode == 0
    assert all(line in checked.stdout for line in lines)
    done = command("run", tiny / "study.yaml", "--out", tiny / "out")
    assert done.returncode == 0, done.stderr
    group = tiny / "out" / "group"
    gone = pd.read_csv(group / "exclusions.tsv", sep="\t", dtype=str, keep_default_na=False)
    assert sorted(gone.loc[gone["subject"] == subject, "reason"]) == lines
    effects = pd.read_csv(group / "effects.tsv", sep="\t")
    assert {"association:practice", "association:practice_x_group", "association:dose"} <= set(effects["term"])
    assert not effects.loc[effects["model"] == "association", "primary"].any()
    reliability = pd.read_csv(group / "reliability.tsv", sep="\t", keep_default_na=False)
    halves = reliability["measure"] != "icc_3_1"
    assert reliability.loc[halves, "note"].str.startswith("n/a: needs at least two runs per session").all()
    page = (tiny / "out" / "report.html").read_text()
    assert 'id="associations"' in page
    assert 'id="reliability"' in page
    assert "regressed on 'hours'" in (tiny / "out" / "methods.md").read_text()
    edit(tiny, ASKED, "")
    assert command("run", tiny / "study.yaml", "--out", tiny / "out").returncode == 0
    assert not list(group.glob("association*")) + list(group.glob("slopes*"))
    assert 'id="associations"' not in (tiny / "out" / "report.html").read_text()


@pytest.mark.parametrize(("asked", "word", "code", "says"), [
    (ASKED, "many", 4, "the score 'hours' holds 'many'"),
    (ASKED.replace("hours", "horus"), None, 3, "participants.tsv has no column 'horus'"),
    (ASKED.replace("[training]", "[trianing]"), None, 3, "associations.dose.groups: found trianing"),
    (ASKED.replace("[training]", "training"), None, 3, "associations.dose.groups"),
])
def test_what_cannot_be_is_refused_before_anything_is_computed(tiny: Path, edit: Edit, asked: str, word: str | None,
                                                               code: int, says: str) -> None:
    give_hours(tiny, lacking=1, word=word)
    edit(tiny, "simulation:", f"{asked}simulation:")
    for words in (["check", tiny / "study.yaml"], ["run", tiny / "study.yaml", "--out", tiny / "out"]):
        done = command(*words)
        assert done.returncode == code
        assert says in done.stderr
    assert not (tiny / "out" / "group").exists()


def test_compare_with_a_planted_slope(tmp_path: Path) -> None:
    random = np.random.default_rng(2)
    hours = random.uniform(0, 40, 40).round(1)
    rows = []
    for i in range(40):
        for s, r in (("pre", "AI"), ("post", "AI"), ("pre", "VTA"), ("post", "VTA")):
            gain = 0.15 * hours[i] if (s, r, i % 2) == ("post", "AI", 0) else 0.0
            rows.append((f"{i:02d}", s, r, "AB"[i % 2], random.normal() + gain))
    pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"]).to_csv(
        tmp_path / "values.tsv", sep="\t", index=False)
    people = pd.DataFrame({"participant_id": [f"sub-{i:02d}" for i in range(40)], "hours": hours,
                           "group": ["AB"[i % 2] for i in range(40)]})
    people.to_csv(tmp_path / "people.tsv", sep="\t", index=False)
    done = command("compare", tmp_path / "values.tsv", "--sessions", "pre,post", "--groups", "A,B", "--participants",
                   tmp_path / "people.tsv", "--associations", "hours", "--permutations", "500", "--out",
                   tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert {"associations.tsv", "slopes.tsv", "association_points.tsv", "associations.json"} <= {
        path.name for path in (tmp_path / "out").iterdir()}
    slopes = pd.read_csv(tmp_path / "out" / "slopes.tsv", sep="\t")
    trained = slopes.query("what == 'slope' and leading and region == 'AI' and groups == 'A'").iloc[0]
    assert trained["ci_low"] < 0.15 < trained["ci_high"]
    assert re.search(r"Within A alone, the change of AI from pre to post was [\d.]+ higher per unit of hours",
                     trained["reading"])
