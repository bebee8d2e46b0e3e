"""How far a stage is, in numbers and words; for bars and for logs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

_PIECES = {"inputs": "runs", "models": "runs", "simulate": "runs", "first-level": "runs", "masks": "grids"}


@dataclass
class Stage:
    """A stage that is shown.

    Attributes
    ----------
    name : str
        Its name.
    total, done : int
        Pieces of work, and how many are finished.
    subjects, subjects_done : int
        Subjects with work in it, and those whose last piece is finished.
    begun, moved : float
        When it began and when a piece was last finished, s of a clock that never goes back.
    fresh : int
        Pieces that were done now, not found done.
    took : float or None
        Seconds that it took; None while it goes on.
    """

    name: str
    total: int
    done: int
    subjects: int
    subjects_done: int
    begun: float = field(default_factory=lambda: time.monotonic())
    moved: float = field(default_factory=lambda: time.monotonic())
    fresh: int = 0
    took: float | None = None

    def advance(self) -> None:
        """One piece is finished."""
        self.done, self.fresh, self.moved = self.done + 1, self.fresh + 1, time.monotonic()

    def end(self) -> None:
        """It is finished."""
        self.took = self.seconds()

    def seconds(self) -> float:
        """How long it took, or has been going on."""
        return time.monotonic() - self.begun if self.took is None else self.took

    def left(self) -> float | None:
        """Seconds that the rest will take at the pace so far; None before the first piece is finished."""
        if not self.fresh:
            return None
        pace = (self.moved - self.begun) / self.fresh
        return max(0.0, pace * (self.total - self.done) - (time.monotonic() - self.moved))

    def size(self) -> str:
        """How much there is to do, e.g. ``80 runs of 20 subjects, 12 already there``."""
        pieces = f"{self.total} {_PIECES.get(self.name, 'steps')}"
        if self.subjects:
            pieces = f"{self.subjects} subjects" if self.total == self.subjects else \
                f"{pieces} of {self.subjects} subjects"
        return f"{pieces}, {self.done} already there" if self.done else pieces

    def words(self) -> str:
        """How many of what, e.g. ``3/20 subjects, 12/80 runs``."""
        pieces = f"{self.done}/{self.total} {_PIECES.get(self.name, 'steps')}"
        if not self.subjects:
            return pieces
        subjects = f"{self.subjects_done}/{self.subjects} subjects"
        return subjects if self.total == self.subjects else f"{subjects}, {pieces}"

    def line(self) -> str:
        """The words, and how long the rest will take; at the end, how long it took."""
        seconds = self.left() if self.took is None else self.took
        if seconds is None:
            return self.words()
        whole = round(seconds)
        time_ = f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"
        return f"{self.words()}  {time_ + ' left' if self.took is None else 'in ' + time_}"
