"""Lines to stderr and results to stdout, whatever these are."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

from deltaroi.errors import UsageError

# For terminals and files whose encoding does not have these signs.
_PLAIN = str.maketrans({"\N{DAGGER}": "*", "\N{DOUBLE DAGGER}": "**", "\N{MULTIPLICATION SIGN}": "x",
                        "\N{SUPERSCRIPT THREE}": "3", "\N{MINUS SIGN}": "-", "\N{EN DASH}": "-",
                        "\N{HORIZONTAL ELLIPSIS}": "..."})


def say(text: str) -> None:
    """One line of the log, to stderr; lost when nobody reads it."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):
            sys.stderr.write(_printable(text, sys.stderr) + "\n")
            sys.stderr.flush()


def tell(text: str) -> None:
    """A result, to stdout; a reader that has left, as ``| head`` does, ends neither the command nor its work.

    Raises
    ------
    UsageError
        It cannot be written, e.g. because the disk is full.
    """
    if sys.stdout is not None:
        with _writing(sys.stdout):
            sys.stdout.write(_printable(text, sys.stdout) + "\n")


def told() -> None:
    """Make sure that all that was told is out.

    Raises
    ------
    UsageError
        As :func:`tell`.
    """
    if sys.stdout is not None:
        with _writing(sys.stdout):
            sys.stdout.flush()


@contextlib.contextmanager
def _writing(stream: TextIO) -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        _discard(stream)
    except OSError as error:
        _discard(stream)
        raise UsageError(f"the output cannot be written: {error.strerror or error}", where="standard output",
                         hint="is there space left where it goes?") from error


def _discard(stream: TextIO) -> None:
    """Let what is still to be written go nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _printable(text: str, stream: TextIO) -> str:
    """The text in signs that the stream's encoding has."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
    return text
