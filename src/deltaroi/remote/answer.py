"""What a server answers to a request for a file, and what can go wrong while the answer is read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deltaroi.errors import DataError
from deltaroi.remote.files import RemoteFile
from deltaroi.remote.retry import Dropped

_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")


@dataclass
class Answer:
    """The beginning of an answer; its body is read piece by piece.

    Attributes
    ----------
    raw : object
        With ``read1(size, decode_content=False)`` and ``close()``, as urllib3's responses; None for "not changed".
    start : int
        Which byte of the file comes first.
    total : int or None
        Length of the whole file, where the server says so.
    tag : str
        State of the file; see :class:`~deltaroi.remote.files.RemoteFile`.
    coding : str
        Transport encoding of the body, which is not undone.
    """

    raw: Any
    start: int
    total: int | None
    tag: str
    coding: str = ""

    def receive(self, size: int) -> bytes:
        """The next bytes, as many as there are now but no more than ``size``; none at the end.

        Raises
        ------
        Dropped
            The connection dropped, or nothing came for too long.
        """
        from urllib3.exceptions import HTTPError, ReadTimeoutError

        try:
            return self.raw.read1(size, decode_content=False) or b""
        except (ReadTimeoutError, TimeoutError) as error:
            raise Dropped("the server sent nothing more") from error
        except (HTTPError, OSError) as error:
            raise Dropped("the connection dropped") from error

    def close(self) -> None:
        """End the connection."""
        if self.raw is not None:
            self.raw.close()


def answer_of(file: RemoteFile, status: int, headers: Mapping[str, str], raw: Any, asked: bool) -> Answer:
    """Make sense of the head of a good answer (200 or 206).

    Parameters
    ----------
    file : RemoteFile
        What was asked for.
    status : int
        HTTP status.
    headers : mapping
        Its headers; names without regard to capitals.
    raw : object
        The body.
    asked : bool
        Whether a range was asked for.

    Raises
    ------
    Dropped
        It is a part and does not say which: an answer that broke off within its headers looks like that.
    DataError
        The body is encoded in a way that cannot be read.
    """
    tag = f"etag:{headers['ETag']}" if headers.get("ETag") else \
        f"modified:{headers['Last-Modified']}" if headers.get("Last-Modified") else ""
    coding = (headers.get("Content-Encoding") or "").strip().lower()
    coding = "gzip" if coding == "x-gzip" else "" if coding in ("identity", "aws-chunked") else coding
    if coding not in ("", "gzip"):
        raise DataError(f"the server sends the file in the encoding '{coding[:20]}' although none was asked for",
                        where=str(file), hint="switch that off on the server, or download the file")
    start, total = 0, _number(headers.get("Content-Length"))
    if status == 206:
        part = _RANGE.fullmatch((headers.get("Content-Range") or "").strip())
        if part is None or not asked:
            raise Dropped("the server sent a part of the file and did not say which")
        start, total = int(part[1]), _number(part[3])
    return Answer(raw, start, total, tag, coding)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def conditions(file: RemoteFile) -> dict[str, str]:
    """The headers that make a server refuse another state of the file than the one that is meant."""
    kind, _, value = file.tag.partition(":")
    if kind == "etag" and not value.startswith("W/"):  # a weak one never matches
        return {"If-Match": value}
    return {"If-Unmodified-Since": value} if kind == "modified" else {}


def byte_range(start: int, stop: int | None) -> str:
    """The value of a ``Range`` header; empty for a whole file."""
    return f"bytes={start}-{'' if stop is None else stop - 1}" if start or stop is not None else ""
