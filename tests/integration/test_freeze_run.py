"""A study that is frozen, run, changed and run again, by the command line: which rows change, what reruns."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

import deltaroi
from deltaroi.io.tsv import read_table
from deltaroi.pipeline.freeze import freeze
from deltaroi.report.data import read_output
from deltaroi.tables import EFFECTS
from helpers import file_hashes

Edit = Callable[[Path, str, str], None]
LOCK = "study.frozen.json"


def command(*words: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "deltaroi", *map(str, words)], capture_output=True, text=True, cwd=cwd,
                          check=False)


@pytest.fixture(scope="module")
def _worked(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the dataset that was frozen and then run, by the command line."""
    root = Path(shutil.copytree(simulated, tmp_path_factory.mktemp("worked") / "tiny"))
    for words in (("freeze", "study.yaml", "--results", "out"), ("run", "study.yaml", "--out", "out")):
        done = command(*words, cwd=root)
        assert done.returncode == 0, done.stderr
        (root / f"{words[0]}.txt").write_text(done.stdout)
    return root


@pytest.fixture
def worked(_worked: Path) -> Iterator[Path]:
    """The same; study, lock and the folder's memory of locks are put back afterwards."""
    kept = {name: (_worked / name).read_bytes() for name in ("study.yaml", LOCK, "out/logs/locks.json")}
    yield _worked
    for name, content in kept.items():
        (_worked / name).unlink(missing_ok=True)
        (_worked / name).write_bytes(content)
    deltaroi.run(_worked / "study.yaml", _worked / "out")


def effects(root: Path) -> pd.DataFrame:
    return read_table(root / "out" / "group" / "effects.tsv", EFFECTS)


def primary(root: Path) -> dict[str, set[str]]:
    """Status -> which primary effects have it: their region and contrast."""
    table = effects(root)
    rows = table[table["primary"]]
    return {str(status): {f"{one['region']} {one['contrast']}" for one in part.to_dict("records")}
            for status, part in rows.groupby("status")}


CONTRASTS = ("negative", "negative_vs_neutral")
EVERY = {f"{region} {contrast}" for region in ("AI", "VTA", "amygdala") for contrast in CONTRASTS}


def test_frozen_and_run_everything_that_leads_is_confirmatory(worked: Path) -> None:
    said = (worked / "freeze.txt").read_text()
    assert "6 ROIs, 2 contrasts" in said
    assert "out: there is no such folder" in said
    assert "12 of 12 primary effects are confirmatory" in (worked / "run.txt").read_text()
    assert primary(worked) == {"confirmatory": EVERY}
    table = effects(worked)
    assert set(table.loc[~table["primary"], "status"]) == {"exploratory"}
    beside = pd.read_csv(worked / "out" / "group" / "effect_sizes.tsv", sep="\t")
    assert (beside["status"].eq("confirmatory") == beside["primary"]).all()
    assert "the study is as frozen" in command("check", "study.yaml", cwd=worked).stdout
    lock = json.loads((worked / LOCK).read_text())
    copy = json.loads((worked / "out" / "group" / "frozen.json").read_text())
    assert copy["lock"] == lock
    assert lock["digest"] in (worked / "out" / "methods.md").read_text()


def test_without_a_lock_the_status_is_missing(tiny: Path, tmp_path: Path) -> None:
    deltaroi.run(tiny / "study.yaml", tiny / "out", until="effects")
    assert primary(tiny) == {"n/a": EVERY}
    assert not (tiny / "out" / "group" / "frozen.json").exists()


@pytest.mark.long
@pytest.mark.parametrize(("old", "new", "explored", "stages", "says"), [
    ("permutations: 200", "permutations: 200, equivalence_bounds_d: 0.5", EVERY, {"effects", "report"},
     "group.equivalence_bounds_d: 0.3 -> 0.5 (the rows of effects.tsv, "),
    ("scrub_fd_mm: 0.9", "scrub_fd_mm: 0.5", EVERY, {"first-level", "effects", "report"},  # censors the same volumes
     "first_level.confounds.scrub_fd_mm: 0.9 -> 0.5 (every row)"),
    ("[amygdala, AI, VTA]", "[amygdala, AI]", EVERY, {"masks", "first-level", "responses", "effects", "report"},
     "regions.VTA-L_hcpex: source "),
    ('negative: "negative"', 'negative: "negative", neutral: "neutral"',
     {f"{region} neutral" for region in ("AI", "VTA", "amygdala")}, {"first-level", "responses", "effects", "report"},
     'contrasts.neutral: not in the lock -> {"neutral": 1.0} (its own rows)'),
    ("task: faces,", "task: faces, exclude_where: {group: [nobody]},", EVERY, {"effects", "report"},
     "dataset.exclude_where.group: not in the lock -> "),
    ("name: tiny", "name: tiny\ndescription: Other words.", set(), {"report"}, ""),
])
def test_what_a_change_makes_exploratory(worked: Path, edit: Edit, old: str, new: str, explored: set[str],
                                         stages: set[str], says: str) -> None:
    edit(worked, old, new)
    assert says in command("check", "study.yaml", cwd=worked).stdout
    result = deltaroi.run(worked / "study.yaml", worked / "out")
    assert {stage for stage, count in result.reran.items() if count} == stages
    found = primary(worked)
    everything = set().union(*found.values())
    assert found.get("exploratory", set()) == explored & everything
    assert found.get("confirmatory", set()) == everything - explored
    page = (worked / "out" / "report.html").read_text()
    assert says.split(":")[0] in page
    assert ("differs: " in "\n".join(result.lock.lines())) == bool(says)


@pytest.mark.long
def test_an_added_roi_leaves_every_number_of_the_frozen_ones(worked: Path, edit: Edit) -> None:
    path = worked / "out" / "group" / "effects.tsv"
    before = path.read_text().splitlines()
    edit(worked, "[amygdala, AI, VTA]", "[amygdala, AI, VTA, mOFC]")
    done = command("run", "study.yaml", "--out", "out", cwd=worked)
    assert done.returncode == 0, done.stderr
    assert [line for line in path.read_text().splitlines() if "\tmOFC\t" not in line] == before
    assert "12 of 16 primary effects are confirmatory; exploratory: mOFC-L (hcpex) negative" in done.stdout
    added = effects(worked).query("primary and region == 'mOFC'")
    assert set(added["family_size"]) == {2}
    assert "4 tests are not in the lock and corrected apart" in (worked / "out" / "report.html").read_text()


def test_the_same_again_does_nothing(worked: Path) -> None:
    before = file_hashes(worked / "out")
    assert set(deltaroi.run(worked / "study.yaml", worked / "out").reran.values()) == {0}
    assert file_hashes(worked / "out") == before


@pytest.mark.long
def test_a_lock_that_goes_and_comes_back(worked: Path) -> None:
    """Effects and report are made anew, nothing else; then everything is as it was, but for the lock's date."""
    lock = worked / LOCK
    content = lock.read_bytes()
    before = file_hashes(worked / "out")
    lock.unlink()
    gone = deltaroi.run(worked / "study.yaml", worked / "out")
    assert {stage for stage, count in gone.reran.items() if count} == {"effects", "report"}
    assert primary(worked) == {"n/a": EVERY}
    assert "FROZEN" not in (worked / "out" / "report.html").read_text()
    lock.write_bytes(content)
    back = deltaroi.run(worked / "study.yaml", worked / "out")
    assert {stage for stage, count in back.reran.items() if count} == {"effects", "report"}
    assert file_hashes(worked / "out") == before
    lock.unlink()
    new = freeze(worked / "study.yaml", results=[worked / "absent"])  # the same content, written at another time
    again = deltaroi.run(worked / "study.yaml", worked / "out")
    assert {stage for stage, count in again.reran.items() if count} == {"report"}
    assert new.frozen in (worked / "out" / "report.html").read_text()
    assert primary(worked) == {"confirmatory": EVERY}


@pytest.mark.long
def test_a_replaced_lock_came_after_results(worked: Path, edit: Edit) -> None:
    edit(worked, "permutations: 200", "permutations: 201")
    refused = command("freeze", "study.yaml", cwd=worked)
    assert refused.returncode == 2
    assert "differs: group.permutations: 200 -> 201 (every row)" in refused.stderr
    done = command("freeze", "study.yaml", "--replace", cwd=worked)
    assert done.returncode == 0, done.stderr
    result = deltaroi.run(worked / "study.yaml", worked / "out")
    assert {stage for stage, count in result.reran.items() if count} == {"effects", "report"}
    assert primary(worked) == {"exploratory": EVERY}
    locked = read_output(worked / "out").locked
    assert locked is not None
    assert "under another lock" in locked.late
    assert len(locked.replaced) == 1
    assert locked.differences == ()
    assert "FROZEN AFTER RESULTS EXISTED" in (worked / "out" / "report.html").read_text()
    fresh = deltaroi.run(worked / "study.yaml", worked / "out2", until="effects")
    shutil.rmtree(worked / "out2")
    assert fresh.lock.late == ""  # another folder cannot know; the history still shows


def test_a_lock_made_with_results_at_hand_says_so(worked: Path) -> None:
    (worked / LOCK).unlink()
    done = command("freeze", "study.yaml", "--results", "out", cwd=worked)
    assert done.returncode == 0, done.stderr
    assert "warning: out: results stand there already" in done.stdout
    deltaroi.run(worked / "study.yaml", worked / "out")
    assert primary(worked) == {"exploratory": EVERY}
    assert "when it was made, effects stood in out" in (worked / "out" / "report.html").read_text()


def test_a_lock_on_results_that_had_none(tiny: Path) -> None:
    deltaroi.run(tiny / "study.yaml", tiny / "out", until="responses")
    freeze(tiny / "study.yaml")
    result = deltaroi.run(tiny / "study.yaml", tiny / "out")
    assert {stage for stage, count in result.reran.items() if count} == {"effects", "report"}
    assert primary(tiny) == {"exploratory": EVERY}
    assert result.lock.late == "responses in this output folder were first computed without a lock"


def test_what_was_made_before_responses_is_no_outcome(tiny: Path) -> None:
    deltaroi.run(tiny / "study.yaml", tiny / "out", until="first-level")
    freeze(tiny / "study.yaml")
    deltaroi.run(tiny / "study.yaml", tiny / "out")
    assert primary(tiny) == {"confirmatory": EVERY}


@pytest.mark.parametrize("broken", ["damaged", "version", "other study"])
def test_a_lock_that_cannot_be_used_is_refused_before_anything_is_written(worked: Path, edit: Edit,
                                                                          broken: str) -> None:
    lock = worked / LOCK
    if broken == "other study":
        edit(worked, "name: tiny", "name: huge")
    else:
        old, new = ('"scrub_fd_mm": 0.9', '"scrub_fd_mm": 0.7') if broken == "damaged" else \
            ('"deltaroi_lock": 1', '"deltaroi_lock": 7')
        assert old in lock.read_text()
        lock.write_text(lock.read_text().replace(old, new))
    before = file_hashes(worked / "out")
    for words in (("check", "study.yaml"), ("run", "study.yaml", "--out", "out")):
        done = command(*words, cwd=worked)
        assert done.returncode == 3, done.stderr
        assert LOCK in done.stderr
        assert {"damaged": "damaged", "version": "format 7", "other study": "'huge'"}[broken] in done.stderr
    assert file_hashes(worked / "out") == before


@pytest.mark.long
def test_the_place_of_a_study_changes_no_byte(worked: Path, tmp_path: Path) -> None:
    """The lock is an input: the same one gives the same bytes elsewhere, with its date and without any path."""
    copy = Path(shutil.copytree(worked, tmp_path / "copy", ignore=shutil.ignore_patterns("out")))
    os.utime(copy / LOCK, (1, 1))
    deltaroi.run(copy / "study.yaml", copy / "out", jobs=2)
    assert file_hashes(copy / "out") == file_hashes(worked / "out")
    text = (copy / "out" / "group" / "frozen.json").read_text()
    assert str(worked) not in text
    assert str(copy) not in text


@pytest.mark.long
def test_connections_and_behaviour(tiny: Path, edit: Edit) -> None:
    """An added ROI is a further target, corrected apart; a changed measure touches its own rows only."""
    table = tiny / "bids" / "participants.tsv"
    header, *people = table.read_text().splitlines()
    scores = [f"{line}\t{i % 5}\t{(3 * i) % 7}" for i, line in enumerate(people)]
    table.write_text("\n".join([f"{header}\tscale_pre\tscale_post", *scores]) + "\n")
    edit(tiny, "group: {permutations: 200}", "group: {permutations: 200}\n"
         "connectivity: {net: {method: gppi, seed: {region: AI, hemisphere: L}, contrasts: [negative_vs_neutral]}}\n"
         "behaviour: {scale: {columns: {pre: scale_pre, post: scale_post}}}")
    freeze(tiny / "study.yaml")
    deltaroi.run(tiny / "study.yaml", tiny / "out", until="effects")
    path = tiny / "out" / "group" / "connectivity_effects.tsv"
    before = path.read_text().splitlines()
    connected = pd.read_csv(path, sep="\t")
    assert (connected["status"].eq("confirmatory") == connected["primary"]).all()
    edit(tiny, "[amygdala, AI, VTA]", "[amygdala, AI, VTA, mOFC]")
    edit(tiny, "behaviour: {scale: {", "behaviour: {scale: {unit: points, ")
    again = deltaroi.run(tiny / "study.yaml", tiny / "out", until="effects")
    assert [line for line in path.read_text().splitlines() if "\tmOFC\t" not in line] == before
    added = again.connectivity_effects.query("target_region == 'mOFC'")
    assert set(added["status"]) == {"exploratory"}
    assert set(added["family_size"]) == {2}
    measured = pd.read_csv(tiny / "out" / "group" / "behaviour_effects.tsv", sep="\t")
    assert set(measured["status"]) == {"exploratory"}
    assert primary(tiny)["confirmatory"] == EVERY
