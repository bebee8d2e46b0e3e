"""Progress on stderr: one bar per stage in a terminal, one line per stage in a pipe."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


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
    """One line of the log, to stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def tell(text: str) -> None:
    """A result, to stdout."""
    sys.stdout.write(text + "\n")
