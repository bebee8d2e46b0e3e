"""What the commands share about their options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from deltaroi.errors import StudyError, UsageError

_OPTIONS = {"regions.include": "--regions", "regions.definition": "--definition"}


@contextmanager
def from_options(**names: str) -> Iterator[None]:
    """What would be wrong in a study file is wrong in the options here.

    Parameters
    ----------
    **names : str
        What a command calls them, where it does not call them ``--regions`` and so on: ``region="REGION"``.
    """
    try:
        yield
    except StudyError as error:
        own = {"--regions": names.get("region", "--regions")}
        where = _OPTIONS.get(error.where, error.where)
        raise UsageError(error.message, where=own.get(where, where), hint=error.hint) from error


def words(text: str | None) -> list[str]:
    """The words of an option that takes several, with commas."""
    return [word.strip() for word in text.split(",") if word.strip()] if text else []
