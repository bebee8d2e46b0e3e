"""A remote file as a stream of bytes that goes on after a dropped connection."""

from __future__ import annotations

import time
from dataclasses import replace
from types import TracebackType

from deltaroi.errors import DataError
from deltaroi.remote.answer import Answer
from deltaroi.remote.files import RemoteFile
from deltaroi.remote.https import open_at as ask_web
from deltaroi.remote.retry import Dropped, Patience, changed
from deltaroi.remote.s3 import open_at as ask_s3
from deltaroi.remote.store import known_head
from deltaroi.remote.traffic import Kind, current

PIECE = 1 << 18
"""Most bytes that are asked of a connection at once; what a drop can lose is less."""
_GOT_ON = 1 << 16
_SLOWEST = 1024  # bytes per second; a connection that gives less counts as stalled


def ask(file: RemoteFile, start: int = 0, stop: int | None = None, unless: str = "") -> Answer:
    """Ask for the bytes ``start`` to ``stop`` of a file.

    Parameters
    ----------
    file : RemoteFile
        The file; with a tag, in no other state than that.
    start, stop : int
        The bytes; ``stop`` None means the end.
    unless : str
        A state that need not be sent again (web servers).

    Raises
    ------
    Dropped
        It may work later.
    DataError
        It will not.
    """
    return ask_s3(file, start, stop) if file.url.startswith("s3://") else ask_web(file, start, stop, unless)


class RemoteStream:
    """The bytes of a remote file, each read once from front to back.

    After a dropped connection the next one begins at the byte that is next, so a decompressor behind it goes on. The
    file must not change meanwhile: the server is asked for the same state (``If-Match``), and state and length of
    every answer are compared with those of the first.

    Parameters
    ----------
    file : RemoteFile
        The file.
    kind : {"streamed", "fetched", "peeked"}
        How its bytes are counted.
    head : bytes
        Its first bytes, where they are known already; they are not asked for again.
    stop : int, optional
        Where to end before the end.
    unless : str
        A state that need not be sent again; then ``unchanged`` is True after the first read.
    """

    def __init__(self, file: RemoteFile, kind: Kind = "streamed", *, head: bytes = b"", stop: int | None = None,
                 unless: str = "") -> None:
        self.name = str(file)
        self.tag, self.size, self.coding = file.tag, file.size, ""
        self.unchanged = False
        self._file, self._kind, self._head, self._stop, self._unless = file, kind, head, stop, unless
        self._at = len(head)  # the next byte to ask for
        self._answer: Answer | None = None
        self._begun = False
        self._opened: float | None = None  # when the connection was asked for
        self._patience = Patience(self.name, file.route)
        self._since, self._waited = 0, 0.0  # bytes since the last connection began; s waited for them

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, as they come; all that is left for a negative size; none at the end."""
        if size == 0:
            return b""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        if not self._begun and not self._complete():
            self._connect()
        self._begun = True
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        while not self._complete():
            try:
                if self._answer is None:
                    self._connect()
                return self._receive(min(size, PIECE))
            except Dropped as dropped:
                self._drop(dropped)
        return b""

    def readinto(self, target: memoryview) -> int:
        """Fill some of ``target``; 0 at the end."""
        data = self.read(len(target))
        target[:len(data)] = data
        return len(data)

    def close(self) -> None:
        """End the connection."""
        if self._answer is not None:
            self._answer.close()
            self._answer = None
        if self._opened is not None:
            current().add(seconds=time.monotonic() - self._opened)
            self._opened = None

    def __enter__(self) -> RemoteStream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _complete(self) -> bool:
        end = self.size if self._stop is None else self._stop if self.size is None else min(self._stop, self.size)
        return self.unchanged or (end is not None and self._at >= end)

    def _connect(self) -> None:
        """Have an answer that begins at the next byte, whatever it takes."""
        while self._answer is None and not self._complete():
            try:
                answer = self._ask()
            except Dropped as dropped:
                self._drop(dropped)
                continue
            self._since, self._waited = 0, 0.0
            if answer.raw is None:
                self.unchanged = True
                return
            try:
                self._hold_against(answer)
            except DataError:
                answer.close()
                raise
            self._answer = answer

    def _ask(self) -> Answer:
        self._opened = began = time.monotonic()
        try:
            return ask(self._file, self._at, self._stop, self._unless)
        finally:
            current().add(requests=1, waited_s=time.monotonic() - began)

    def _hold_against(self, answer: Answer) -> None:
        """Refuse an answer that is about another state of the file, or begins elsewhere."""
        comparable = self.tag and answer.tag and self.tag.partition(":")[0] == answer.tag.partition(":")[0]
        lengths = self.size is not None and answer.total is not None and self.size != answer.total
        if lengths or (comparable and self.tag != answer.tag):
            raise changed(self._file)
        if answer.start != self._at:
            if self._begun or answer.start:
                raise DataError(f"the connection dropped at byte {self._at}, and the server cannot send the rest of a "
                                "file", where=self.name, hint="run again, or download the file")
            self._head, self._at = b"", 0  # a server that knows no ranges sends everything

    def _receive(self, size: int) -> bytes:
        """The next bytes of the connection; none at the end of a file whose length nobody knew."""
        assert self._answer is not None  # noqa: S101  read() connects first
        began = time.monotonic()
        try:
            data = self._answer.receive(size if self._stop is None else min(size, self._stop - self._at))
        finally:
            waited = time.monotonic() - began
            self._waited += waited
            current().add(waited_s=waited)
        if not data:
            self._finish(self._answer)
            return b""
        if not self._since:
            self._believe(self._answer)
        self._at += len(data)
        self._since += len(data)
        current().add(**{self._kind: len(data)})
        if self._since >= _GOT_ON:
            self._patience.got_on()
        if self._waited > self._file.route.timeout_s:
            if self._since < _SLOWEST * self._waited:
                self._drop(Dropped("almost nothing came"))
            self._since, self._waited = 0, 0.0
        return data

    def _believe(self, answer: Answer) -> None:
        """Keep what the head of an answer says; not before its body began, because the head may have broken off."""
        self.tag, self.coding = self.tag or answer.tag, answer.coding
        self.size = answer.total if self.size is None else self.size
        self._file = replace(self._file, size=self.size, tag=self.tag)

    def _finish(self, answer: Answer) -> None:
        """Take an end of the body for that of the file, where it can be.

        A body without a stated length may end anywhere; but one that is empty belongs to a head that broke off.
        """
        if self.size is None and (answer.total == self._at or (answer.total is None and self._since)):
            self._believe(answer)
            self.size = self._at
        elif self.size != self._at:
            raise Dropped("the connection dropped")

    def _drop(self, dropped: Dropped) -> None:
        """Give up a connection and wait, unless that was tried often enough."""
        self.close()
        of = "" if self.size is None else f" of {self.size}"
        self._patience.wait(dropped, f" at byte {self._at}{of}" if self._at else "")


def open_stream(file: RemoteFile) -> RemoteStream:
    """A stream over an image; what :func:`~deltaroi.remote.fetch.peek` has read of it is not read again.

    Parameters
    ----------
    file : RemoteFile
        The image; use the stream in a ``with`` statement.
    """
    current().add(files=1)
    return RemoteStream(file, "streamed", head=known_head(file))
