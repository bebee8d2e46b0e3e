"""Looks at the runs of a study, which are used again while the files of the run are as they were."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any, TypeVar

from deltaroi.io.inventory import Run
from deltaroi.io.looks import Looks, States, digest_of
from deltaroi.types import Exclusion

_Made = TypeVar("_Made")


@dataclass(frozen=True)
class RunLooks:
    """Looks of one kind.

    Parameters
    ----------
    looks : Looks
        Where they are kept.
    fields : str
        Kind of look, and the digest of the fields of the study file that decide it.
    """

    looks: Looks
    fields: str

    @classmethod
    def deciding(cls, looks: Looks, *fields: Any) -> RunLooks:
        """Looks that are decided by some JSON-able fields."""
        return cls(looks, digest_of(fields))

    def states(self, run: Run) -> States | None:
        """How the files of a run are; None where one is remote: what is read of those is kept by deltaroi.remote."""
        named = [path for path in (run.bold, run.mask, run.confounds, run.events) if path is not None]
        files = [path for path in named if isinstance(path, Path)]
        if len(files) < len(named):
            return None
        return self.looks.states(files, [path.with_suffix(".json") for path in files if path == run.confounds])

    def recall(self, run: Run, states: States | None, make: Callable[[Any], _Made]) -> _Made | None:
        """What an earlier look at a run gave; see :meth:`deltaroi.io.looks.Looks.recall`."""
        return None if states is None else self.looks.recall(self._key(run), states, make)

    def keep(self, run: Run, states: States | None, value: Any) -> None:
        """Keep what a look at a run gave."""
        if states is not None:
            self.looks.keep(self._key(run), states, value)

    def _key(self, run: Run) -> str:
        return digest_of([self.fields, astuple(run)])


def as_exclusion(cells: Any) -> Exclusion:
    """An exclusion from the list that JSON made of its fields."""
    if [type(cell) for cell in cells] != [str] * 8 + [bool]:
        raise TypeError("these are not the fields of an exclusion")
    return Exclusion(*cells)
