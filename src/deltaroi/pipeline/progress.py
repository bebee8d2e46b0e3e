"""How far the work has come; the command line shows it, libraries and tests need not."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a stage tells about its work."""

    def start(self, stage: str, total: int, reused: int = 0) -> None:
        """A stage begins: ``total`` pieces of work, of which ``reused`` are already there."""

    def advance(self, stage: str) -> None:
        """One piece of work is finished."""

    def end(self, stage: str) -> None:
        """The stage is finished."""


class Quiet:
    """Tells nobody."""

    def start(self, stage: str, total: int, reused: int = 0) -> None:
        """Nothing is shown."""

    def advance(self, stage: str) -> None:
        """Nothing is shown."""

    def end(self, stage: str) -> None:
        """Nothing is shown."""
