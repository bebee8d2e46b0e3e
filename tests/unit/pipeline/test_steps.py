"""Steps: what makes them run again, and what they leave when they are killed."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from deltaroi.io.files import atomic_write, boot
from deltaroi.layout import Layout
from deltaroi.pipeline.steps import Step, sweep_temporaries


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "out")


@pytest.fixture
def step(tmp_path: Path) -> Step:
    source = tmp_path / "input.txt"
    source.write_text("a")
    return Step("fit", "sub-1", 1, {"noise": "ar1"}, ("up",), (source,))


def finish(step: Step, layout: Layout, content: bytes = b"x") -> str:
    output = layout.root / "group" / "t.tsv"
    atomic_write(output, content)
    return step.done(layout, step.key(), [output])


def test_done_is_done(step: Step, layout: Layout) -> None:
    assert step.finished(layout) is None
    digest = finish(step, layout)
    assert step.finished(layout) == digest


def test_what_makes_it_run_again(step: Step, layout: Layout) -> None:
    finish(step, layout)
    assert replace(step, version=2).finished(layout) is None
    assert replace(step, fields={"noise": "ols"}).finished(layout) is None
    assert replace(step, upstream=("other",)).finished(layout) is None
    source = step.inputs[0]
    state = source.stat()
    os.utime(source, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert step.finished(layout) is None


def test_outputs_are_trusted_only_while_their_hash_matches(step: Step, layout: Layout) -> None:
    finish(step, layout)
    output = layout.root / "group" / "t.tsv"
    output.write_bytes(b"y")
    assert step.finished(layout) is None
    output.unlink()
    assert step.finished(layout) is None


def test_what_a_worker_wrote_is_seen_once_it_is_whole(step: Step, layout: Layout) -> None:
    digest = finish(step, layout)
    step.inputs[0].unlink()  # that is another question
    assert step.seen(layout, digest)
    assert not step.seen(layout, "other")
    (layout.root / "group" / "t.tsv").write_bytes(b"")
    assert not step.seen(layout, digest)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": 1, "outputs": 3}'])
def test_a_damaged_mark_is_no_mark(step: Step, layout: Layout, text: str) -> None:
    finish(step, layout)
    step.mark(layout).write_text(text)
    assert step.finished(layout) is None


def test_an_input_that_vanishes_is_a_change(step: Step, layout: Layout) -> None:
    finish(step, layout)
    step.inputs[0].unlink()
    assert step.finished(layout) is None


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    atomic_write(path, b"old")
    with pytest.raises(TypeError):
        atomic_write(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["f"]


def test_only_temporaries_of_dead_processes_of_this_machine_are_swept(tmp_path: Path) -> None:
    host, gone, day = socket.gethostname(), 4194304, 2 * 86400  # gone: above the largest process id of Linux
    machine, numbering = boot().split(".")
    dead = [tmp_path / "a" / f".tmp-{host}~{boot()}~{gone}~x", tmp_path / f".tmp-{host}~before.{numbering}~{gone}~old"]
    others = [tmp_path / f".tmp-{host}~{boot()}~{os.getpid()}~x",
              tmp_path / f".tmp-otherhost~{boot()}~{gone}~old",
              tmp_path / f".tmp-{host}~before.{numbering}~{gone}~new",  # maybe of another machine of this name
              tmp_path / f".tmp-{host}~{machine}.container~{gone}~old"]  # which has process ids of its own
    dead[0].parent.mkdir()
    for path in (*dead, *others):
        path.touch()
        if path.name.endswith("old"):
            os.utime(path, (time.time() - day, time.time() - day))
    sweep_temporaries(tmp_path)
    assert [path.name for path in dead if path.exists()] == []
    assert [path.name for path in others if not path.exists()] == []


def test_a_process_is_known_by_the_names_of_its_temporaries(tmp_path: Path) -> None:
    code = "import sys, os\nfrom deltaroi.io.files import temporary_prefix\nopen(temporary_prefix() + 'x', 'w')\n"
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert len(list(tmp_path.iterdir())) == 1
    sweep_temporaries(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_that_nobody_has_waited_for_is_dead(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    left = tmp_path / f".tmp-{socket.gethostname()}~{boot()}~{process.pid}~x"
    left.touch()
    sweep_temporaries(tmp_path)
    assert left.exists()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now
    sweep_temporaries(tmp_path)
    process.wait()
    assert not left.exists()
