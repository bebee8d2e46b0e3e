"""Progress on stderr: one bar per stage in a terminal, two lines per stage in a pipe."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any

from deltaroi.cli.progress import say
from deltaroi.cli.stage import Stage


class Bars:
    """Shows the stages of a command on stderr; quiet about single steps when stderr is not a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress

        console = Console(stderr=True, highlight=False)
        self._live = console.is_terminal
        self._bars = Progress(_column(lambda stage: f"{stage.name:<12}"), BarColumn(24), _column(Stage.line),
                              console=console, disable=not self._live)
        self._tasks: dict[str, Any] = {}
        self._stages: dict[str, Stage] = {}

    def __enter__(self) -> Bars:
        self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._bars.stop()

    def start(self, stage: str, total: int, reused: int = 0, subjects: int = 0, subjects_reused: int = 0) -> None:
        """A stage begins."""
        shown = self._stages[stage] = Stage(stage, total, reused, subjects, subjects_reused)
        self._tasks[stage] = self._bars.add_task(stage, total=total, completed=reused, shown=shown)
        if not self._live:
            say(f"{stage}: {shown.size()} ...")

    def advance(self, stage: str) -> None:
        """One piece of work is finished."""
        self._stages[stage].advance()
        self._bars.advance(self._tasks[stage])

    def subject_done(self, stage: str) -> None:
        """The last piece of work of one subject is finished."""
        self._stages[stage].subjects_done += 1

    def end(self, stage: str) -> None:
        """The stage is finished."""
        self._stages[stage].end()
        if not self._live:
            say(f"{stage}: done in {self._stages[stage].seconds():.1f} s")


def _column(text: Callable[[Stage], str]) -> Any:
    """A column of text about a stage."""
    from rich.progress import ProgressColumn, Task
    from rich.text import Text

    class Column(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(text(task.fields["shown"]))

    return Column()
