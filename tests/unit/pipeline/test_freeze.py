"""`freeze`: what a lock holds, when it is refused, and what a replaced one leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deltaroi.config.read import read_study
from deltaroi.errors import StudyError, UsageError
from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.pipeline.freeze import freeze
from deltaroi.pipeline.lock_file import find_lock, lock_path
from deltaroi.pipeline.lock_items import hash_of, lock_items

STUDY = """\
schema_version: 1
name: training
dataset: {bids_dir: not_yet, task: faces, sessions: [pre, post]}
groups: {column: group, levels: [training, control], assignment: randomised}
regions:
  include: [amygdala, mine]
  hemispheres: [L]
  custom:
    mine: {combine: {op: union, of: [part, amygdala.hcpex.L]}}
    part: {mask: roi.nii, space: MNI152NLin2009cAsym}
contrasts: {negative_vs_neutral: "negative - neutral"}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "roi.nii").write_text("never read as an image")
    path = tmp_path / "study.yaml"
    path.write_text(STUDY)
    return path


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_a_lock_holds_every_item_readably_with_its_hash(file: Path) -> None:
    lock = freeze(file)
    content = json.loads((file.parent / "study.frozen.json").read_text())
    assert content == lock.content
    assert lock.path == lock_path(file)
    assert lock.items["contrasts.negative_vs_neutral"] == {"negative": 1.0, "neutral": -1.0}
    assert lock.items["group"]["equivalence_bounds_d"] == 0.3
    assert lock.items["first_level"]["confounds"]["scrub_fd_mm"] == 0.5
    roi = lock.items["regions.amygdala-L_hcpex"]
    assert (roi["region"], roi["hemisphere"], roi["definition"], len(roi["source"])) == ("amygdala", "L", "hcpex", 64)
    drawn = lock.items["regions.mine-B_custom"]["drawn"]
    assert drawn["part"]["mask"].startswith("sha256:")
    assert drawn["mine"]["combine"]["op"] == "union"
    assert all(one["sha256"] == hash_of(one["content"]) for one in content["items"].values())
    assert str(file.parent) not in lock.path.read_text()
    assert find_lock(read_study(file), file) == lock


def test_only_the_order_of_what_it_was_given_changes_nothing(file: Path) -> None:
    first = freeze(file)
    (file.parent / "again.yaml").write_text(STUDY)
    assert freeze(file.parent / "again.yaml").digest == first.digest


@pytest.mark.parametrize(("old", "new", "item"), [
    ("op: union", "op: intersect", "regions.mine-B_custom"),
    ("negative - neutral", "negative - 2 * neutral", "contrasts.negative_vs_neutral"),
])
def test_what_a_change_changes(file: Path, old: str, new: str, item: str) -> None:
    before = lock_items(read_study(file), file)
    edit(file, old, new)
    after = lock_items(read_study(file), file)
    assert {name for name in before if before[name] != after[name]} == {item}


def test_a_mask_that_changes_changes_the_rois_that_are_made_of_it(file: Path) -> None:
    before = lock_items(read_study(file), file)
    (file.parent / "roi.nii").write_text("other voxels")
    after = lock_items(read_study(file), file)
    assert {name for name in before if before[name] != after[name]} == {"regions.mine-B_custom"}


def test_a_mask_that_is_missing_is_refused(file: Path) -> None:
    (file.parent / "roi.nii").unlink()
    with pytest.raises(StudyError, match="mine-B_custom"):
        freeze(file)
    assert not lock_path(file).exists()


def test_a_lock_is_not_overwritten(file: Path) -> None:
    first = freeze(file)
    with pytest.raises(UsageError, match="still is what was frozen"):
        freeze(file)
    edit(file, "sessions: [pre, post]}", "sessions: [pre, post], exclude_where: {qc: [1]}}")
    with pytest.raises(UsageError, match=r"differs: dataset\.exclude_where\.qc: not in the lock -> \[1\]"):
        freeze(file)
    assert find_lock(read_study(file), file) == first


def test_a_replaced_lock_stays_in_the_history(file: Path) -> None:
    first = freeze(file)
    with pytest.raises(UsageError, match="nothing to replace"):
        freeze(file, replace=True)
    for new in ("pre, mid, post", "pre, late"):
        edit(file, "pre, post" if new == "pre, mid, post" else "pre, mid, post", new)
        freeze(file, replace=True)
    lock = find_lock(read_study(file), file)
    assert lock is not None
    assert len(lock.history) == 2
    assert lock.history[0]["digest"] == first.digest
    assert lock.history[0]["frozen"] == first.frozen
    assert lock.history[0]["items"] == first.content["items"]
    assert lock.history[1]["items"]["dataset"]["content"]["sessions"] == ["pre", "mid", "post"]


def test_elsewhere(file: Path, tmp_path: Path) -> None:
    lock = freeze(file, out=tmp_path / "kept" / "lock.json")
    assert lock.path.is_file()
    assert find_lock(read_study(file), file) is None


def spoil(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def act(path: Path) -> None:
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))
    return act


def resealed(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], None]:
    def act(content: dict[str, Any]) -> None:
        change(content)
        content["checksum"] = hash_of({key: value for key, value in content.items() if key != "checksum"})
    return act


@pytest.mark.parametrize(("act", "says"), [
    (lambda path: path.write_text(path.read_text()[:-40]), "cannot be read"),
    (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read"),
    (lambda path: (path.unlink(), path.symlink_to("nowhere")), "cannot be read"),
    (lambda path: path.write_text("[]"), "not a lock"),
    (lambda path: path.write_text("{}"), "not a lock"),
    (spoil(lambda c: c.update(frozen="2020-01-01T00:00:00Z")), "damaged"),
    (spoil(lambda c: c["history"].clear() or c.update(history=[{}])), "damaged"),
    (spoil(lambda c: c["items"]["group"]["content"].update(seed=1)), "damaged"),
    (spoil(lambda c: c.pop("results")), "damaged"),
    (spoil(resealed(lambda c: c.pop("results"))), "damaged"),
    (spoil(lambda c: c.update(deltaroi_lock=2)), "has format 2, expected 1"),
    (spoil(resealed(lambda c: c.update(study="other"))), "that of the study 'other'"),
])
def test_a_lock_that_cannot_be_used_is_refused(file: Path, act: Callable[[Path], object], says: str) -> None:
    freeze(file)
    act(lock_path(file))
    for attempt in (lambda: find_lock(read_study(file), file), lambda: freeze(file, replace=True)):
        with pytest.raises(StudyError, match=says) as error:
            attempt()
        assert error.value.exit_code == 3
        assert error.value.where.endswith("study.frozen.json")


def results(folder: Path, name: str = "training") -> Layout:
    layout = Layout(folder)
    write_json(layout.study, {"name": name})
    return layout


@pytest.mark.parametrize(("file_name", "found"), [
    ("group/effects.tsv", "effects"), ("report.html", "effects"), ("logs/steps/effects/group.json", "effects"),
    ("group/responses.tsv", "responses"), ("logs/steps/responses/sub-1.json", "responses"),
    ("sub-1/sub-1_desc-responses_stat.tsv", "responses"),
    ("sub-1/func/sub-1_task-t_desc-firstlevel_stat.npz", "nothing"), ("group/regions.tsv", "nothing"),
])
def test_what_stands_in_a_folder_of_results(file: Path, file_name: str, found: str) -> None:
    layout = results(file.parent / "out")
    path = layout.root / file_name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    assert freeze(file, results=[layout.root]).results == ({"folder": ".../out", "found": found},)


def test_folders_without_results_and_of_others(file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    lock = freeze(file, results=[tmp_path / "absent", tmp_path / "empty"])
    assert [one["found"] for one in lock.results] == ["no folder", "nothing"]
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "text").write_text("years of work")
    with pytest.raises(UsageError, match="not an output folder"):
        freeze(file, out=tmp_path / "l.json", results=[tmp_path / "thesis"])
    with pytest.raises(UsageError, match="of the study 'other'"):
        freeze(file, out=tmp_path / "l.json", results=[results(tmp_path / "theirs", "other").root])
    assert not (tmp_path / "l.json").exists()
