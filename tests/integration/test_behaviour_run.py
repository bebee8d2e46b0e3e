"""Behaviour from the command line: what `check` foretells and `run` writes, and what decides that it is done again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import deltaroi

Edit = Callable[[Path, str, str], None]
ASKED = """\
behaviour:
  rmet: {columns: {pre: rmet_pre, post: rmet_post}, unit: points}
  redistribution: {columns: {post: gifts}}
associations: {empathy: {column: rmet_post, minus: rmet_pre}}
"""


def command(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True,
                          check=False)


def table(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)


def give_measures(root: Path, cell: str = "n/a") -> str:
    """Write the measures; returns the subject whose last one is ``cell``."""
    path = root / "bids" / "participants.tsv"
    people = pd.read_csv(path, sep="\t", dtype=str)
    people["rmet_pre"] = [str(20 + i % 5) for i in range(len(people))]
    people["rmet_post"] = [str(22 + 3 * i % 7) for i in range(len(people))]
    people["gifts"] = [str(4 + 5 * i % 3) for i in range(len(people))]
    people.loc[0, "rmet_post"] = cell
    people.loc[len(people)] = {"participant_id": "sub-absent", "group": "control", "rmet_pre": "21",
                               "rmet_post": "27", "gifts": "5"}
    people.to_csv(path, sep="\t", index=False, na_rep="n/a")
    return str(people.loc[0, "participant_id"]).removeprefix("sub-")


@pytest.mark.long
def test_a_study_with_behaviour(tiny: Path, edit: Edit) -> None:
    lacking = give_measures(tiny)
    edit(tiny, "simulation:", f"{ASKED}simulation:")
    checked = command("check", tiny / "study.yaml")
    assert checked.returncode == 0, checked.stderr
    line = "the measure is missing (column 'rmet_post'): left out of every comparison that needs it"
    assert line in checked.stdout
    assert "behaviour rmet: rmet_pre, rmet_post of 9 participants, with or without a usable run" in checked.stdout
    done = command("run", tiny / "study.yaml", "--out", tiny / "out")
    assert done.returncode == 0, done.stderr
    group = tiny / "out" / "group"
    values, effects = table(group / "behaviour.tsv"), table(group / "behaviour_effects.tsv")
    assert len(values) == 9 * 3
    assert "absent" in set(values["subject"])  # nobody scanned them; their behaviour counts
    primary = effects[effects["primary"] == "true"]
    assert primary[["measure", "model", "n"]].to_numpy().tolist() == [
        ["redistribution", "two_sample", "9"], ["rmet", "ancova", "8"]]
    assert {"measure", "kind", "value"} <= set(table(group / "behaviour_effect_sizes.tsv").columns)
    gone = table(group / "exclusions.tsv")
    assert gone[(gone["stage"] == "behaviour")][["subject", "session", "region", "reason"]].to_numpy().tolist() == [
        [lacking, "post", "rmet", line]]
    slopes = table(group / "slopes.tsv")
    assert "on rmet_post - rmet_pre was" in slopes["reading"].iloc[0]
    page, methods = ((tiny / "out" / name).read_text() for name in ("report.html", "methods.md"))
    assert 'id="behaviour"' in page
    assert "## Behaviour" in methods
    edit(tiny, ASKED, "")
    assert command("run", tiny / "study.yaml", "--out", tiny / "out").returncode == 0
    assert not list(group.glob("behaviour*"))
    assert 'id="behaviour"' not in (tiny / "out" / "report.html").read_text()


@pytest.mark.long
def test_exactly_which_steps_run_again(tiny: Path, edit: Edit) -> None:
    give_measures(tiny)
    edit(tiny, "simulation:", f"{ASKED}simulation:")
    file, out = tiny / "study.yaml", tiny / "out"
    assert deltaroi.run(file, out).reran["behaviour"] == 1

    def again() -> dict[str, int]:
        return {stage: n for stage, n in deltaroi.run(file, out).reran.items() if n}

    assert again() == {}
    edit(tiny, "unit: points", "unit: items")
    assert again() == {"behaviour": 1, "report": 1}
    edit(tiny, "minus: rmet_pre", "minus: gifts")
    assert again() == {"effects": 1, "report": 1}
    edit(tiny, "permutations: 200", "permutations: 100")
    assert again() == {"effects": 1, "behaviour": 1, "report": 1}
    edit(tiny, "noise: ols", "noise: ar1")
    assert "behaviour" not in again()
    give_measures(tiny, cell="25")
    assert again() == {"effects": 1, "behaviour": 1, "report": 1}  # a score of the association is among them
    deltaroi.run(file, out, until="responses")
    assert not list((out / "group").glob("behaviour*"))


@pytest.mark.parametrize(("asked", "cell", "code", "says"), [
    (ASKED, "many", 4, "behaviour.rmet.columns.post: the measure 'rmet_post' holds 'many'"),
    (ASKED.replace("rmet_post}", "rmet_pots}"), "n/a", 3, "participants.tsv has no column 'rmet_pots'"),
    (ASKED.replace("post: gifts", "late: gifts"), "n/a", 3,
     "behaviour.redistribution.columns: found the session late, expected some of dataset.sessions: pre, post"),
    (ASKED.replace("{post: gifts}", "gifts"), "n/a", 3,
     "behaviour.redistribution.columns: found the column 'gifts', but the study has sessions"),
    (ASKED.replace("post: rmet_post", "post: rmet_pre"), "n/a", 3, "the column 'rmet_pre' stands for two sessions"),
    (ASKED.replace("{post: gifts}", "{}"), "n/a", 3, "behaviour.redistribution.columns: found no column"),
    (ASKED.replace("minus: rmet_pre", "minus: rmet_rep"), "n/a", 3, "associations.empathy.minus"),
    (ASKED.replace("minus: rmet_pre", "minus: rmet_post"), "n/a", 3, "less itself is zero"),
])
def test_what_cannot_be_is_refused_before_anything_is_computed(tiny: Path, edit: Edit, asked: str, cell: str, code: int,
                                                               says: str) -> None:
    give_measures(tiny, cell)
    edit(tiny, "simulation:", f"{asked}simulation:")
    for words in (["check", tiny / "study.yaml"], ["run", tiny / "study.yaml", "--out", tiny / "out"]):
        done = command(*words)
        assert done.returncode == code, done.stderr
        assert says in done.stderr
    assert not (tiny / "out" / "group").exists()
