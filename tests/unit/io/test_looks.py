"""The cache of looks: what it notices, what it refuses, and where it lies."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from deltaroi.io.looks import FORMAT, Looks, cache_folder, looks_of

LATER = 10**10
Clock = Callable[[], int]


def later() -> int:
    """A clock that has moved on, so that the files of a test are old enough to be trusted."""
    return time.time_ns() + LATER


def again(store: Path, files: list[Path], perhaps: Sequence[Path] = (), clock: Clock = later) -> object:
    """What the next process finds under the key."""
    looks = Looks(store, clock)
    return looks.recall("key", looks.states(files, perhaps), lambda value: value)


def keep(store: Path, files: list[Path], perhaps: Sequence[Path] = (), clock: Clock = later) -> None:
    looks = Looks(store, clock)
    looks.keep("key", looks.states(files, perhaps), ["seen"])
    looks.save()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "looks-runs-0.json"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file behind a link, as git-annex has it."""
    (tmp_path / "content").write_text("one")
    (tmp_path / "other").write_text("two")
    path = tmp_path / "file.tsv"
    path.symlink_to("content")
    return path


def restored(path: Path, text: str) -> None:
    """Write in place, then set the times back, as careless copying does."""
    before = path.stat()
    path.write_text(text)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def retargeted(path: Path) -> None:
    path.unlink()
    path.symlink_to("other")


def moved_over(path: Path) -> None:
    new = path.with_name("new")
    new.write_text("two")
    before = path.stat()
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


CHANGES: dict[str, Callable[[Path], object]] = {
    "same size": lambda path: path.write_text("two"),
    "same size and time": lambda path: restored(path, "two"),
    "another target": retargeted,
    "replaced": moved_over,
    "gone": lambda path: path.unlink(),
    "dangling": lambda path: path.resolve().unlink(),
}


def test_what_has_not_changed_is_recalled(store: Path, file: Path) -> None:
    keep(store, [file])
    assert again(store, [file]) == ["seen"]
    assert again(store, [file]) == ["seen"]


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_noticed(store: Path, file: Path, change: str) -> None:
    keep(store, [file])
    time.sleep(0.02)  # longer than a tick of the file system's clock
    CHANGES[change](file)
    assert again(store, [file]) is None


def test_a_file_that_need_not_be_there_is_noticed_when_it_comes_and_when_it_goes(store: Path, file: Path) -> None:
    sidecar = file.with_suffix(".json")
    keep(store, [file], [sidecar])
    assert again(store, [file], [sidecar]) == ["seen"]
    sidecar.write_text("{}")
    assert again(store, [file], [sidecar]) is None
    keep(store, [file], [sidecar])
    sidecar.unlink()
    assert again(store, [file], [sidecar]) is None


def test_a_file_that_is_too_young_is_not_trusted(store: Path, file: Path) -> None:
    """Another change within the tick of a clock would carry the same time."""
    keep(store, [file], clock=time.time_ns)
    assert not store.exists()
    keep(store, [file], clock=lambda: time.time_ns() - LATER)  # the file server's clock is ahead
    assert not store.exists()


def test_what_cannot_be_found_is_not_kept(store: Path, file: Path) -> None:
    file.resolve().unlink()  # content that is not fetched; or an address that is no file of this machine
    keep(store, [file])
    keep(store, [Path("s3://bucket/file.tsv")])
    assert not store.exists()


def test_only_what_this_study_looked_at_stays(store: Path, file: Path) -> None:
    looks = Looks(store, later)
    for key in ("key", "other"):
        looks.keep(key, looks.states([file]), key)
    looks.save()
    looks = Looks(store, later)
    assert looks.recall("key", looks.states([file]), str) == "key"
    looks.save()
    assert list(json.loads(store.read_bytes().split(b"\n")[1])) == ["key"]


def damaged(data: bytes) -> bytes:
    return data.replace(b"seen", b"sean")


def elsewhere(data: bytes) -> bytes:
    first, _, body = data.partition(b"\n")
    return json.dumps({**json.loads(first), "code": "another version"}).encode() + b"\n" + body


def older(data: bytes) -> bytes:
    return data.replace(FORMAT.encode(), b"deltaroi looks 0")


@pytest.mark.parametrize("spoil", [
    damaged, elsewhere, older, lambda data: data[:-5], lambda data: b"", lambda data: b"\xff\xfe" + data,
    lambda data: pickle.dumps({"key": [[], ["seen"]]}), lambda data: b"[]\n[]", lambda data: b"[" * 100_000])
def test_damaged_and_foreign_files_are_ignored_and_replaced(store: Path, file: Path,
                                                            spoil: Callable[[bytes], bytes]) -> None:
    keep(store, [file])
    store.write_bytes(spoil(store.read_bytes()))
    assert again(store, [file]) is None
    keep(store, [file])
    assert again(store, [file]) == ["seen"]


def test_a_value_that_does_not_fit_is_ignored(store: Path, file: Path) -> None:
    keep(store, [file])
    looks = Looks(store, later)
    assert looks.recall("key", looks.states([file]), lambda value: value["name"]) is None
    assert looks.recalled == 0


def test_a_cache_that_cannot_be_written_is_no_harm(tmp_path: Path, file: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    keep(blocked / "cache" / "looks-runs-0.json", [file])
    assert blocked.read_text() == ""


def test_processes_do_not_disturb_each_other(store: Path, file: Path) -> None:
    """While several write, every reader finds one of their files, whole."""
    code = ("import sys, time\nfrom pathlib import Path\nfrom deltaroi.io.looks import Looks\n"
            "store, file, mine = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]\n"
            "for turn in range(40):\n"
            "    looks = Looks(store, lambda: time.time_ns() + 10**10)\n"
            "    looks.keep('key', looks.states([file]), [mine, turn, 'x' * 50_000])\n    looks.save()\n")
    writers = [subprocess.Popen([sys.executable, "-c", code, str(store), str(file), name]) for name in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        found = again(store, [file])
        assert found is not None or not seen
        if isinstance(found, list):
            assert len(found[2]) == 50_000
            seen.add(found[0])
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {"a", "b"}
    assert seen
    assert [path.name for path in store.parent.iterdir()] == [store.name]


def test_looks_of_long_ago_are_forgotten(store: Path, file: Path) -> None:
    keep(store, [file])
    old, strange = store.with_name("looks-runs-1.json"), store.with_name("notes.txt")
    for path in (old, strange):
        path.write_text("")
        os.utime(path, (0, 0))
    keep(store, [file])  # nothing new: nothing is written
    assert old.exists()
    time.sleep(0.02)
    file.write_text("two")
    keep(store, [file])
    assert not old.exists()
    assert strange.exists()


def test_where_the_cache_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DELTAROI_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "deltaroi"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")  # to be ignored, says the XDG specification
    assert cache_folder() == tmp_path / ".cache" / "deltaroi"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / ".cache" / "deltaroi"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache_folder() == tmp_path / "Library" / "Caches" / "deltaroi"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "local"))
    assert cache_folder() == tmp_path / "local" / "deltaroi"
    monkeypatch.setenv("DELTAROI_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"
    for word in ("off", "OFF", "0"):
        monkeypatch.setenv("DELTAROI_CACHE", word)
        assert cache_folder() is None


def test_switched_off_nothing_is_looked_up(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTAROI_CACHE", "off")
    looks = looks_of("runs", tmp_path / "study.yaml")
    assert looks.states([file]) is None
    looks.keep("key", looks.states([file]), 1)
    looks.save()
    assert looks.recall("key", looks.states([file]), int) is None


def test_studies_are_kept_apart(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DELTAROI_CACHE", str(tmp_path / "cache"))
    os.utime(file, (0, 0))
    for name in ("a", "b"):
        looks = Looks(looks_of("runs", tmp_path / name)._file, later)
        looks.keep("key", looks.states([file]), name)
        looks.save()
    assert len(list((tmp_path / "cache").iterdir())) == 2
    assert (tmp_path / "cache").stat().st_mode & 0o777 == 0o700
