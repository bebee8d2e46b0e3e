"""Images as a stream of bytes: gzip or plain, from a file or from anything that can be read."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from isal import igzip, isal_zlib

from deltaroi.errors import DataError
from deltaroi.io.files import content_state
from deltaroi.io.images import MOST_SHRUNK
from deltaroi.remote import RemoteFile, open_stream, peek
from deltaroi.signal.header import SIZES, ImageHeader, parse_header, version_of
from deltaroi.types import NOT_STATED

_SCRATCH = 1 << 20


class Readable(Protocol):
    """What bytes come from besides files: an HTTP body, an object in a store."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class _FillsBuffer(Protocol):
    """Uncompressed bytes."""

    def readinto(self, target: memoryview, /) -> int:
        """Fill some of ``target``; 0 at the end."""


Source = Path | RemoteFile | Readable


class ByteStream:
    """Uncompressed bytes of one image, read once from front to back; every failure is a :class:`DataError`.

    Parameters
    ----------
    raw : file-like
        Uncompressed bytes.
    where : str
        The file, for messages.
    limit : int, optional
        Most bytes that can come, as far as that is known beforehand.

    Attributes
    ----------
    position : int
        Bytes read so far.
    """

    def __init__(self, raw: _FillsBuffer, where: str, limit: int | None = None) -> None:
        self._raw = raw
        self.where = where
        self.limit = limit
        self.position = 0

    def fill(self, target: memoryview) -> int:
        """Read into all of ``target``; fewer bytes only at the end of the image. Returns how many."""
        done = 0
        try:
            while done < len(target):
                count = self._raw.readinto(target[done:])
                if not count:
                    break
                done += count
        except EOFError as error:
            raise DataError("the gzip file is truncated", where=self.where, hint="copy or fetch it again") from error
        except (gzip.BadGzipFile, zlib.error, isal_zlib.IsalError) as error:  # type: ignore[misc]  # isal ships no types
            raise DataError(f"the gzip file is corrupt: {error}", where=self.where,
                            hint="copy or fetch it again") from error
        except OSError as error:
            raise DataError(f"the file cannot be read: {error.strerror or error}", where=self.where) from error
        self.position += done
        return done

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer only at the end of the image."""
        target = bytearray(count)
        return bytes(target[:self.fill(memoryview(target))])

    def skip(self, count: int) -> int:
        """Pass over bytes; returns how many there were."""
        scratch, done = memoryview(bytearray(min(_SCRATCH, max(count, 1)))), 0
        while done < count:
            passed = self.fill(scratch[:min(len(scratch), count - done)])
            if not passed:
                break
            done += passed
        return done

    def rest(self) -> int:
        """Read to the end, which checks the checksum of a gzip file; returns how many bytes were left."""
        scratch, done = memoryview(bytearray(_SCRATCH)), 0
        while passed := self.fill(scratch):
            done += passed
        return done


class _Ahead:
    """A readable with its first bytes put back, with ``readinto``."""

    def __init__(self, first: bytes, rest: Readable) -> None:
        self._first = first
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        if not self._first:
            return self._rest.read(size)
        size = len(self._first) if size < 0 else size
        out, self._first = self._first[:size], self._first[size:]
        return out

    def readinto(self, target: memoryview) -> int:
        if not self._first and hasattr(self._rest, "readinto"):
            return int(self._rest.readinto(target) or 0)
        data = self.read(len(target))
        target[:len(data)] = data
        return len(data)


def check_content(path: Path) -> None:
    """Refuse a file whose content is not there.

    Raises
    ------
    DataError
        The file is missing, empty, a broken link, or a git-annex pointer whose content was not fetched.
    """
    try:
        state = content_state(path)
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror or error}", where=str(path)) from error
    if state == "not fetched":
        raise DataError("content not fetched", where=str(path), hint=f"fetch it: `datalad get {path}`")
    if state != "ok":
        raise DataError("the file is empty" if state == "empty" else
                        "a broken link" if state == "broken link" else
                        "this is a folder, not a file" if path.is_dir() else "no such file", where=str(path))


@contextmanager
def open_bytes(source: Source, where: str = "") -> Iterator[ByteStream]:
    """The uncompressed bytes of an image; gzip is recognised by its first bytes, not by the name.

    Parameters
    ----------
    source : Path, RemoteFile or readable
        A file here or behind a URL, or anything with ``read(size)`` (it is not closed).
    where : str
        Name for messages; by default the path.

    Yields
    ------
    ByteStream

    Raises
    ------
    DataError
        The content is not there or cannot be read.
    """
    where = where or (str(source) if isinstance(source, (Path, RemoteFile)) else str(getattr(source, "name", "stream")))
    with ExitStack() as stack:
        try:
            if isinstance(source, Path):
                check_content(source)
                readable: Readable = stack.enter_context(source.open("rb", buffering=0))
            elif isinstance(source, RemoteFile):
                readable = stack.enter_context(open_stream(source))
            else:
                readable = source
            first = readable.read(2)
            first += readable.read(1) if len(first) == 1 else b""
        except OSError as error:
            raise DataError(f"the file cannot be read: {error.strerror or error}", where=where) from error
        whole = _Ahead(first, readable)
        size = source.stat().st_size if isinstance(source, Path) else getattr(readable, "size", None)
        if first == b"\x1f\x8b":
            unpacked = stack.enter_context(igzip.IGzipFile(fileobj=whole, mode="rb"))
            yield ByteStream(unpacked, where, size and size * MOST_SHRUNK)
        else:
            yield ByteStream(whole, where, size)


def next_header(stream: ByteStream, space: str = NOT_STATED) -> ImageHeader:
    """Read the header at the front of a stream; nothing after it is touched."""
    data = stream.take(SIZES[1])
    version = version_of(data)
    if data.startswith(b"\x1f\x8b"):
        raise DataError("the file is compressed twice", where=stream.where, hint="a server that packs what it sends "
                        "has packed the .nii.gz again: switch that off there, or unpack the file")
    if version is None:
        raise DataError("the file is not NIfTI", where=stream.where, hint="expected a single .nii or .nii.gz file")
    data += stream.take(SIZES[version] - len(data))
    if len(data) < SIZES[version]:
        raise DataError("the file ends within its header", where=stream.where, hint="copy or fetch it again")
    return parse_header(data, stream.where, space)


def read_header(source: Source, space: str = NOT_STATED) -> ImageHeader:
    """Read the header of a NIfTI file, and no more of it.

    Parameters
    ----------
    source : Path, RemoteFile or readable
        A ``.nii`` or ``.nii.gz`` file; of a remote one only the first bytes are read.
    space : str
        Template space of the image, as the caller knows it; becomes that of the grid.

    Returns
    -------
    ImageHeader

    Raises
    ------
    DataError
        The file cannot be read, is not NIfTI, or its header cannot be used.
    """
    if isinstance(source, RemoteFile):
        return next_header(ByteStream(io.BytesIO(_unpacked(peek(source), str(source))), str(source)), space)
    with open_bytes(source) as stream:
        return next_header(stream, space)


def _unpacked(head: bytes, where: str) -> bytes:
    """As much of a header as the first bytes of a file hold; a gzip reader would want the rest of the file too."""
    if not head.startswith(b"\x1f\x8b"):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, SIZES[2])
    except zlib.error as error:
        raise DataError(f"the gzip file is corrupt: {error}", where=where,
                        hint="copy it to the server again") from error
