"""The one family of errors that deltaroi raises for bad input.

Every message says where (file, key path, subject, row), what was found, what was expected and what to do.
Anything that is not a :class:`DeltaroiError` is a bug.
"""

from __future__ import annotations


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


class TableError(DataError):
    """A table does not have the columns, key or values that its schema declares (exit code 4)."""


class SpaceError(DataError):
    """Two images live in template spaces that must not be mixed (exit code 4)."""
