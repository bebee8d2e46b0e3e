"""The log for programs, ``--log-json``: one JSON object per line on stderr, and nothing else there.

Whatever else is written to stderr meanwhile, by libraries and worker processes too, becomes an event ``message``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import typer

from deltaroi.cli.stage import Stage
from deltaroi.errors import DeltaroiError

if TYPE_CHECKING:
    import pandas as pd

    from deltaroi.cli.bars import Bars

FLAG = "--log-json"
LOG_JSON = typer.Option(False, FLAG, help="Log to stderr in JSON, one object per line (docs/running.md); no bars.")
_OF_STAGE = ("stage", "done", "total", "subjects_done", "subjects_total", "seconds")
_NAMES = ("stage", "subject", "session", "run", "region")
EVENTS: dict[str, tuple[str, ...]] = {
    "begin": ("version", "arguments"),
    "stage_begin": _OF_STAGE,
    "progress": (*_OF_STAGE, "seconds_left"),
    "stage_end": _OF_STAGE,
    "message": ("message",),
    "warning": ("message",),
    "lost": (*_NAMES, "message"),
    "exclusions": ("count", "stages"),
    "error": ("message", "where", "hint", "exit_code"),
    "end": ("exit_code", "seconds"),
}
"""Event -> its keys, beside ``time level event``."""
_LEVELS = {"warning": "warning", "lost": "warning", "error": "error"}
_EVERY_S = 1.0
_CURRENT: ContextVar[JsonLog | None] = ContextVar("log", default=None)


class JsonLog:
    """Writes events; may be told from several threads.

    Parameters
    ----------
    write : callable
        Takes one line without its end.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write, self._lock = write, threading.Lock()
        self._stages: dict[str, Stage] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> JsonLog:
        return self

    def __exit__(self, *unused: object) -> None:
        pass

    def event(self, event: str, **fields: Any) -> None:
        """One line."""
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": moment, "level": _LEVELS.get(event, "info"), "event": event, **fields}
        text = json.dumps(_valid(line))
        with self._lock:
            self._write(text)

    def start(self, stage: str, total: int, reused: int = 0, subjects: int = 0, subjects_reused: int = 0) -> None:
        """A stage begins."""
        self._stages[stage] = Stage(stage, total, reused, subjects, subjects_reused)
        self._said[stage] = time.monotonic()
        self._about("stage_begin", stage)

    def advance(self, stage: str) -> None:
        """One piece of work is finished; told once a second at most."""
        self._stages[stage].advance()
        if time.monotonic() - self._said[stage] >= _EVERY_S:
            self._said[stage] = time.monotonic()
            left = self._stages[stage].left()
            self._about("progress", stage, seconds_left=None if left is None else round(left, 1))

    def subject_done(self, stage: str) -> None:
        """The last piece of work of one subject is finished."""
        self._stages[stage].subjects_done += 1

    def end(self, stage: str) -> None:
        """The stage is finished."""
        self._stages[stage].end()
        self._about("stage_end", stage)

    def _about(self, event: str, stage: str, **more: Any) -> None:
        one = self._stages[stage]
        self.event(event, stage=stage, done=one.done, total=one.total, subjects_done=one.subjects_done,
                   subjects_total=one.subjects, seconds=round(one.seconds(), 3), **more)


def _valid(value: Any) -> Any:
    """The value with signs that are none, as file names may have them, written out."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, Mapping):
        return {_valid(key): _valid(one) for key, one in value.items()}
    return [_valid(one) for one in value] if isinstance(value, list) else value


def shown(log_json: bool) -> Bars | JsonLog:
    """What shows the progress of a command: bars, or the log that ``--log-json`` asks for."""
    log = _CURRENT.get()
    if log_json and log is not None:
        return log
    from deltaroi.cli.bars import Bars

    return Bars()


def outcome(warnings: Iterable[str], exclusions: pd.DataFrame | None = None,
            lost: Iterable[Mapping[str, str]] = ()) -> None:
    """Log what a command found: warnings, inputs lost to a failure, how many exclusions there are per stage."""
    log = _CURRENT.get()
    if log is None:
        return
    for text in warnings:
        log.event("warning", message=text)
    for row in lost:
        log.event("lost", **{name: row[name] for name in _NAMES}, message=row["reason"])
    if exclusions is not None:
        log.event("exclusions", count=len(exclusions), stages=dict(Counter(exclusions["stage"])))


def failed(error: DeltaroiError, exit_code: int) -> bool:
    """Log an error; returns whether there is a log."""
    log = _CURRENT.get()
    if log is not None:
        log.event("error", message=error.message, where=error.where, hint=error.hint, exit_code=exit_code)
    return log is not None


def logged(arguments: Sequence[str], work: Callable[[Sequence[str]], int]) -> int:
    """Do the work of a command with a log on stderr, from ``begin`` to ``end``.

    Parameters
    ----------
    arguments : sequence of str
        The words after ``deltaroi``.
    work : callable
        Does what they say; returns the exit code.
    """
    from importlib.metadata import version

    try:
        os.fstat(2)
    except OSError:  # there is no stderr
        return work(arguments)
    with _stderr_in_json() as log:
        begun = time.monotonic()
        log.event("begin", version=version("deltaroi"), arguments=list(arguments))
        token = _CURRENT.set(log)
        try:
            code = work(arguments)
        finally:
            _CURRENT.reset(token)
    log.event("end", exit_code=code, seconds=round(time.monotonic() - begun, 3))
    return code


@contextlib.contextmanager
def _stderr_in_json() -> Iterator[JsonLog]:
    """Take the place of stderr, of this process and those that it starts, and make a message of every line."""
    real = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    last = f"end of {reading} {time.time_ns()}"  # worker processes may hold the pipe open for longer than this one

    def write(text: str) -> None:
        with contextlib.suppress(OSError):  # nobody reads any more
            os.write(real, text.encode() + b"\n")

    log = JsonLog(write)

    def pump() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="backslashreplace") as lines:
            for line in lines:
                if line.rstrip("\n") == last:
                    return
                if line.strip():
                    log.event("message", message=line.rstrip())

    thread = threading.Thread(target=pump, daemon=True)
    thread.start()
    try:
        yield log
    finally:
        if sys.stderr is not None:
            sys.stderr.flush()
        os.write(writing, f"\n{last}\n".encode())
        os.close(writing)
        thread.join()
        os.dup2(real, 2)
