"""How many bytes came over the network, and how long that took."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from typing import Literal

Kind = Literal["streamed", "fetched", "peeked"]


@dataclass(eq=False)
class Traffic:
    """What was transferred.

    Attributes
    ----------
    streamed, fetched, peeked : int
        Bytes of images read once from front to back; of files fetched whole; of the beginnings of images.
    files : int
        Files that were streamed or fetched.
    requests : int
        Requests for files and listings.
    drops : int
        Connections that dropped, stalled or were turned away, and were tried again.
    seconds : float
        Time for which connections were open, several at once counted apart.
    waited_s : float
        Of these, the time in which nothing could be done but wait for data.
    """

    streamed: int = 0
    fetched: int = 0
    peeked: int = 0
    files: int = 0
    requests: int = 0
    drops: int = 0
    seconds: float = 0.0
    waited_s: float = 0.0

    @property
    def bytes(self) -> int:
        """All bytes of files."""
        return self.streamed + self.fetched + self.peeked

    def add(self, **amounts: float) -> None:
        """Count something."""
        with _LOCK:
            for name, amount in amounts.items():
                setattr(self, name, getattr(self, name) + amount)

    def as_record(self) -> dict[str, float]:
        """As JSON; with the bandwidth in MB (10⁶ bytes) per second."""
        speed = self.bytes / 1e6 / self.seconds if self.seconds > 0 else 0.0
        return {**asdict(self), "seconds": round(self.seconds, 3), "waited_s": round(self.waited_s, 3),
                "mb_per_s": round(speed, 3)}


_LOCK = threading.Lock()
_counters = [Traffic()]


def current() -> Traffic:
    """The counter of the work that this process does now."""
    return _counters[-1]


@contextmanager
def counting() -> Iterator[Traffic]:
    """Count what a piece of work transfers; a process does one piece at a time."""
    mine = Traffic()
    _counters.append(mine)
    try:
        yield mine
    finally:
        _counters.remove(mine)
        current().add(**{f.name: getattr(mine, f.name) for f in fields(mine)})
