"""How progress is shown: bars in a terminal, two lines per stage in a pipe, JSON lines where they are asked for."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deltaroi.cli.log import EVENTS, JsonLog
from deltaroi.cli.stage import Stage
from deltaroi.pipeline.progress import SubjectCount

SHOW = """
from deltaroi.cli.bars import Bars
from deltaroi.pipeline.progress import SubjectCount
whose = ["sub-01", "sub-01", "sub-02", "sub-02"]
with Bars() as bars:
    count = SubjectCount(bars, "first-level", whose, [True, False, False, False])
    for subject in whose[1:]:
        bars.advance("first-level")
        count.finished(subject)
    bars.end("first-level")
    SubjectCount(bars, "effects", [""])
    bars.advance("effects")
    bars.end("effects")
"""


class Told:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []

    def start(self, *what: Any) -> None:
        self.said.append(what)

    def advance(self, stage: str) -> None:
        self.said.append(("advance", stage))

    def subject_done(self, stage: str) -> None:
        self.said.append(("subject", stage))

    def end(self, stage: str) -> None:
        self.said.append(("end", stage))


def in_a_terminal(code: str) -> str:
    """What a program writes to stderr when that is a terminal."""
    ours, theirs = os.openpty()
    done = subprocess.Popen([sys.executable, "-c", code], stderr=theirs,
                            env={**os.environ, "TERM": "xterm", "COLUMNS": "100"})
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        written += part
    os.close(ours)
    assert done.wait() == 0
    return written.decode()


def test_bars_in_a_terminal() -> None:
    seen = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", in_a_terminal(SHOW))
    assert re.search(r"first-level +━+ 2/2 subjects, 4/4 runs +in 0:00:0\d", seen)
    assert re.search(r"effects +━+ 1/1 steps +in 0:00:0\d", seen)


def test_two_lines_per_stage_in_a_pipe() -> None:
    done = subprocess.run([sys.executable, "-c", SHOW], capture_output=True, text=True, check=True)
    assert re.sub(r"\d\.\d s", "SECONDS", done.stderr) == (
        "first-level: 4 runs of 2 subjects, 1 already there ...\nfirst-level: done in SECONDS\n"
        "effects: 1 steps ...\neffects: done in SECONDS\n")
    assert done.stdout == ""


def test_a_subject_counts_when_its_last_piece_is_done() -> None:
    told = Told()
    count = SubjectCount(told, "first-level", ["a", "a", "b", "c", ""], [True, False, False, True, False])
    assert told.said == [("first-level", 5, 2, 3, 1)]
    for subject in ("a", "", "b"):
        count.finished(subject)
    assert told.said[1:] == [("subject", "first-level")] * 2


def test_the_estimate_is_that_of_the_pace_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    stage = Stage("first-level", 10, 4, 5, 2)
    assert stage.left() is None
    assert stage.line() == "2/5 subjects, 4/10 runs"
    now[0] = 120.0
    for _ in range(2):  # two pieces in 20 s; what was there already says nothing about the pace
        stage.advance()
    assert stage.left() == 40.0
    now[0] = 125.0
    assert stage.left() == 35.0
    assert stage.line() == "2/5 subjects, 6/10 runs  0:00:35 left"
    now[0] = 3785.0
    assert stage.left() == 0.0
    stage.end()
    now[0] = 9999.0
    assert stage.line() == "2/5 subjects, 6/10 runs  in 1:01:25"


def test_progress_is_logged_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now, lines = [100.0], []
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    log = JsonLog(lines.append)
    log.start("first-level", 100, subjects=1)
    for _ in range(100):
        now[0] += 0.1
        log.advance("first-level")
    log.subject_done("first-level")
    log.end("first-level")
    events = [json.loads(line) for line in lines]
    assert [one["event"] for one in events].count("progress") in (9, 10)
    assert events[-1].items() >= {"event": "stage_end", "stage": "first-level", "done": 100, "total": 100,
                                  "subjects_done": 1, "subjects_total": 1, "seconds": 10.0}.items()
    assert {"done", "seconds_left"} <= events[5].keys()


def logged(code: str, *arguments: str, expect: int = 0) -> list[dict[str, Any]]:
    """The events of a command; every line of stderr must be one, with the declared keys."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, check=False)
    assert done.returncode == expect, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines()]
    for one in events:
        assert set(one) == {"time", "level", "event", *EVENTS[one["event"]]}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one["time"])
        assert one["level"] in ("info", "warning", "error")
    assert [events[0]["event"], events[-1]["event"]] == ["begin", "end"]
    assert events[-1]["exit_code"] == expect
    return events


ENTRY = "import sys\nfrom deltaroi.cli.main import entry\nentry(sys.argv[1:])"


def test_an_error_is_one_event() -> None:
    events = logged(ENTRY, "check", b'no "\xff\n such.yaml'.decode(errors="surrogateescape"), "--log-json", expect=3)
    (error,) = (one for one in events if one["event"] == "error")
    assert error["exit_code"] == 3
    assert error["level"] == "error"
    assert 'no "\\udcff\n such.yaml' in error["where"]
    assert error["message"]
    assert error["hint"]


def test_wrong_words_are_in_json_too() -> None:
    events = logged(ENTRY, "run", "study.yaml", "--log-json", "--no-such-option", expect=2)
    assert any("--no-such-option" in one["message"] for one in events if one["event"] == "message")


def test_whatever_others_write_becomes_a_message() -> None:
    """The interpreter's warnings, a library that writes to the descriptor, a worker process, a line without an end."""
    code = ("import os, subprocess, sys, warnings\nfrom deltaroi.cli.log import logged\n"
            "def work(arguments):\n"
            "    warnings.warn('from a library')\n"
            "    os.write(2, b'raw \\xff\\n\\n')\n"
            "    subprocess.run([sys.executable, '-c', 'import sys; sys.stderr.write(\"from a worker\")'])\n"
            "    return 0\n"
            "sys.exit(logged(['a'], work))")
    messages = [one["message"] for one in logged(code) if one["event"] == "message"]
    assert any(text.endswith("UserWarning: from a library") for text in messages)
    assert "raw \\xff" in messages
    assert "from a worker" in messages
    assert "" not in messages


def test_a_bug_is_an_error_event_after_its_traceback() -> None:
    code = ("import sys\nfrom deltaroi.cli import main\nfrom deltaroi.cli.log import LOG_JSON\n"
            "def broken(log_json: bool = LOG_JSON):\n    1 / 0\n"
            "main.app.command(name='broken')(broken)\nmain.entry(['broken', *sys.argv[1:]])")
    events = logged(code, "--log-json", expect=1)
    assert any("ZeroDivisionError" in one["message"] for one in events if one["event"] == "message")
    assert "please report" in next(one for one in events if one["event"] == "error")["message"]


def test_what_check_finds(trees: Any) -> None:
    trees.run("01")
    broken = trees.run("02") + "_space-MNI152NLin2009cAsym_desc-preproc_bold.nii.gz"
    path: Path = trees.derivatives / broken
    path.write_bytes(path.read_bytes()[:-30])
    events = logged(ENTRY, "check", str(trees.study()), "--log-json", expect=5)
    named = {one["event"]: one for one in events}
    assert [(one["stage"], one["done"], one["subjects_done"]) for one in events if one["event"] == "stage_end"] == [
        ("inputs", 2, 2), ("models", 1, 1)]
    assert named["lost"].items() >= {"stage": "inputs", "subject": "02", "session": "n/a", "level": "warning"}.items()
    assert "truncated" in named["lost"]["message"]
    assert named["exclusions"].items() >= {"count": 1, "stages": {"inputs": 1}}.items()
    assert any("participants.tsv" in one["message"] for one in events if one["event"] == "warning")
