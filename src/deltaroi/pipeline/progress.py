"""How far the work has come; the command line shows it, libraries and tests need not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Protocol


class Progress(Protocol):
    """What a stage tells about its work."""

    def start(self, stage: str, total: int, reused: int = 0, subjects: int = 0, subjects_reused: int = 0) -> None:
        """A stage begins: ``total`` pieces of work, of so many subjects (or nobody's), and what is there already."""

    def advance(self, stage: str) -> None:
        """One piece of work is finished."""

    def subject_done(self, stage: str) -> None:
        """The last piece of work of one subject is finished."""

    def end(self, stage: str) -> None:
        """The stage is finished."""


class Quiet:
    """Tells nobody."""

    def start(self, stage: str, total: int, reused: int = 0, subjects: int = 0, subjects_reused: int = 0) -> None:
        """Nothing is shown."""

    def advance(self, stage: str) -> None:
        """Nothing is shown."""

    def subject_done(self, stage: str) -> None:
        """Nothing is shown."""

    def end(self, stage: str) -> None:
        """Nothing is shown."""


class SubjectCount:
    """Begins a stage, and says when the last piece of work of a subject is finished.

    Parameters
    ----------
    progress : Progress
        Is told.
    stage : str
        The stage.
    subjects : sequence of str
        Whose each piece of work is; empty for one that is nobody's.
    there : sequence of bool
        Which of them need not be done; without it none.
    """

    def __init__(self, progress: Progress, stage: str, subjects: Sequence[str], there: Sequence[bool] = ()) -> None:
        self._progress, self._stage = progress, stage
        done = there or [False] * len(subjects)
        self._open = Counter(name for name, ready in zip(subjects, done, strict=True) if name and not ready)
        known = {name for name in subjects if name}
        progress.start(stage, len(subjects), sum(done), len(known), len(known - self._open.keys()))

    def finished(self, subject: str) -> None:
        """One piece of work of a subject is finished."""
        if subject:
            self._open[subject] -= 1
            if not self._open[subject]:
                self._progress.subject_done(self._stage)
