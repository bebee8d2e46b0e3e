"""Progress on stderr: one bar per stage in a terminal, one line per stage in a pipe."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TextIO

from deltaroi.errors import UsageError

# For terminals and files whose encoding does not have these signs.
_PLAIN = str.maketrans({"\N{DAGGER}": "*", "\N{DOUBLE DAGGER}": "**", "\N{MULTIPLICATION SIGN}": "x",
                        "\N{SUPERSCRIPT THREE}": "3", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-",
                        "\N{HORIZONTAL ELLIPSIS}": "..."})


class Bars:
    """Shows the stages of a run on stderr; quiet about single steps when stderr is not a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal
        self._bars = Progress(TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(),
                              TimeRemainingColumn(), console=self._console, disable=not self._live)
        self._tasks: dict[str, Any] = {}
        self._begun: dict[str, float] = {}

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._bars.stop()

    def start(self, stage: str, total: int, reused: int = 0) -> None:
        """A stage begins."""
        self._begun[stage] = time.monotonic()
        self._tasks[stage] = self._bars.add_task(stage, total=total, completed=reused)
        if not self._live:
            known = f" ({reused} already there)" if reused else ""
            say(f"{stage}: {total}{known} ...")

    def advance(self, stage: str) -> None:
        """One piece of work is finished."""
        self._bars.advance(self._tasks[stage])

    def end(self, stage: str) -> None:
        """The stage is finished."""
        if not self._live:
            say(f"{stage}: done in {time.monotonic() - self._begun[stage]:.1f} s")


def say(text: str) -> None:
    """One line of the log, to stderr; lost when nobody reads it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(_printable(text, sys.stderr) + "\n")
            sys.stderr.flush()


def tell(text: str) -> None:
    """A result, to stdout; a reader that has left, as ``| head`` does, ends neither the command nor its work.

    Raises
    ------
    UsageError
        It cannot be written, e.g. because the disk is full.
    """
    if sys.stdout is not None:
        with _writing(sys.stdout):
            sys.stdout.write(_printable(text, sys.stdout) + "\n")


def told() -> None:
    """Make sure that all that was told is out.

    Raises
    ------
    UsageError
        As :func:`tell`.
    """
    if sys.stdout is not None:
        with _writing(sys.stdout):
            sys.stdout.flush()


@contextlib.contextmanager
def _writing(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _discard(stream)
    except OSError as error:
        _discard(stream)
        raise UsageError(f"the output cannot be written: {error.strerror or error}", where="standard output",
                         hint="is there space left where it goes?") from error


def _discard(stream: TextIO) -> None:
    """Let what is still to be written go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _printable(text: str, stream: TextIO) -> str:
    """The text in signs that the stream's encoding has."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text
