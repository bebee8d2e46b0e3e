"""The one family of errors that deltaroi raises for bad input, and the hint that names a word that was meant.

Every message says where (file, key path, subject, row), what was found, what was expected and what to do.
Anything that is not a :class:`DeltaroiError` is a bug.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class DeltaroiError(Exception):
    """Base of all errors caused by the user's input.

    Parameters
    ----------
    message : str
        What was found, and what was expected.
    where : str
        The place: a file, a key path, a subject, a row.
    hint : str
        What to do about it.
    """

    exit_code = 4

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.where}: {self.message}" if self.where else self.message
        return f"{head}\n  hint: {self.hint}" if self.hint else head

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.message, self.where, self.hint))


def _rebuild(kind: type[DeltaroiError], message: str, where: str, hint: str) -> DeltaroiError:
    """Make the error again on the other side of a process boundary."""
    return kind(message, where=where, hint=hint)


class UsageError(DeltaroiError):
    """A command was called with words that do not fit (exit code 2)."""

    exit_code = 2


class StudyError(DeltaroiError):
    """The study file says something that cannot be (exit code 3)."""

    exit_code = 3


class DataError(DeltaroiError):
    """The data cannot be used as they are (exit code 4)."""

    exit_code = 4


class ExecutionError(DeltaroiError):
    """The work cannot be done where it was asked for: no scheduler, no worker, or one that is not fit (exit code 4)."""

    exit_code = 4


class TableError(DataError):
    """A table does not have the columns, key or values that its schema declares (exit code 4)."""


class SpaceError(DataError):
    """Two images live in template spaces that must not be mixed (exit code 4)."""


def closest(word: str, known: Iterable[str], most: int = 1) -> list[str]:
    """The known words that a word comes close to, at most ``most``, the closest first; capitals do not count."""
    lower = {name.lower(): name for name in reversed(list(known))}
    return [lower[found] for found in difflib.get_close_matches(word.lower(), lower, n=most)]


def did_you_mean(word: str, known: Iterable[str], shortest: int = 1) -> str:
    """A hint that names the closest known word; empty when none is close, or the word has fewer letters than that."""
    return "".join(f"did you mean '{close}'?" for close in closest(word, known) if len(word) >= shortest)
