"""What the commands share about their options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from deltaroi.errors import DataError, StudyError, UsageError

_OPTIONS = {"regions.include": "--regions", "regions.definition": "--definition", "regions.threshold": "--threshold",
            "group.multilevel": "--multilevel"}
_ONE_REGION = re.compile(r"set hemispheres for this region: \{.*?\}")
_TESTS = {"groups.covariates": "--covariates", "groups.levels": "--groups", "groups.assignment": "--assignment"}
_STUDY_KEY = re.compile(r"; [^;]*`[a-z_]+:[^;]*")
_OVERRIDE = re.compile(r"(; )?allow_space_mismatch: true overrides and is shown( in the report)?")


@contextmanager
def from_options(**names: str) -> Iterator[None]:
    """What would be wrong in a study file is wrong in the options here.

    Parameters
    ----------
    **names : str
        What a command calls them, where it does not call them ``--regions`` and so on: ``region="REGION"``,
        ``definition="DEFINITION"``.
    """
    try:
        yield
    except StudyError as error:
        own = {"--regions": names.get("region", "--regions"), "--definition": names.get("definition", "--definition"),
               "regions": "--hemispheres"}
        where = (_OPTIONS | _TESTS).get(error.where, error.where)
        hint = _ONE_REGION.sub("ask for this region alone with its own --hemispheres", error.hint)
        raise UsageError(error.message, where=own.get(where, where), hint=hint) from error
    except UsageError as error:
        if error.where != "REGION" or "region" not in names:
            raise
        raise UsageError(error.message, where=names["region"], hint=error.hint) from error
    except DataError as error:  # what a hint says about keys of study files is of no use here
        hint = _STUDY_KEY.sub("", _OVERRIDE.sub("", error.hint))
        raise type(error)(error.message, where=_TESTS.get(error.where, error.where), hint=hint) from error


def show_version(wanted: bool) -> None:
    """The option ``--version``."""
    if wanted:
        from importlib.metadata import version

        typer.echo(f"deltaroi {version('deltaroi')}")
        raise typer.Exit


def as_option(note: str) -> str:
    """A note about a study file in the words of the options."""
    key = note.split(" ")[0]
    return note.replace(key, _OPTIONS[key], 1) if key in _OPTIONS else note


def words(text: str | None) -> list[str]:
    """The words of an option that takes several, with commas."""
    return [word.strip() for word in text.split(",") if word.strip()] if text else []
