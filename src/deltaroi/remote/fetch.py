"""Small files fetched whole, and the beginnings of large ones."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from deltaroi.errors import DataError
from deltaroi.remote.files import File, RemoteFile
from deltaroi.remote.retry import changed, given_up
from deltaroi.remote.store import HEAD_BYTES, keep, keep_head, kept, kept_head, known_head, place_of, put_beside
from deltaroi.remote.stream import RemoteStream
from deltaroi.remote.traffic import current

_AT_ONCE = 8
_GZIP = b"\x1f\x8b"
_seen: dict[RemoteFile, RemoteFile | DataError] = {}
"""What this process has found out about files, so that nobody asks twice: the file with its state, or what is wrong."""


def local(file: File) -> Path:
    """A file on this machine: itself, or its copy in the cache, fetched whole where it is not there yet.

    Parameters
    ----------
    file : Path or RemoteFile
        A small file.

    Returns
    -------
    Path
        Its content; what belongs to it (``beside``) lies in the same folder.

    Raises
    ------
    DataError
        It cannot be fetched, or is no longer in the state that is meant.
    """
    if isinstance(file, Path):
        return file
    _once(file, _fetch)
    for other in file.beside:
        _once(other, _fetch)
        put_beside(other, file)
    return place_of(file)


def peek(file: RemoteFile) -> bytes:
    """The first bytes of an image, from the cache where they are there.

    Raises
    ------
    DataError
        The file cannot be read, or is empty.
    """
    found = _once(file, _look)
    return known_head(found) or _heads.get(file, b"")


def located(file: File) -> File:
    """A file with its state, once it was fetched or its beginning was read; otherwise as it is."""
    if isinstance(file, Path):
        return file
    found = _seen.get(file, file)
    return file if isinstance(found, DataError) else replace(found, beside=tuple(
        found for found in map(located, file.beside) if isinstance(found, RemoteFile)))


def forget() -> None:
    """Ask about every file anew: a later run in this process finds what is there then."""
    _seen.clear()
    _heads.clear()
    given_up.clear()


def prefetch(files: Iterable[File], images: Iterable[File]) -> None:
    """Fetch small files whole and the beginnings of images, several at once; what fails is told by whoever needs it."""
    todo = dict.fromkeys((file, _fetch) for file in files if isinstance(file, RemoteFile))
    todo |= dict.fromkeys((file, _look) for file in images if isinstance(file, RemoteFile))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(_quietly, todo))


def _quietly(job: tuple[RemoteFile, Callable[[RemoteFile], RemoteFile]]) -> None:
    with contextlib.suppress(DataError):
        _once(*job)


_heads: dict[RemoteFile, bytes] = {}
"""Beginnings of images whose state the server does not tell, which are not kept on disk."""


def _once(file: RemoteFile, function: Callable[[RemoteFile], RemoteFile]) -> RemoteFile:
    """Find out about a file, once per process."""
    if file not in _seen:
        try:
            _seen[file] = function(file)
        except DataError as error:
            _seen[file] = error
    found = _seen[file]
    if isinstance(found, DataError):
        raise DataError(found.message, where=found.where, hint=found.hint)
    _seen[found] = found
    return found


def _fetch(file: RemoteFile) -> RemoteFile:
    known = kept(file)
    if known is not None and file.tag in (known.tag, f"sha256:{known.sha256}"):
        return file
    hashed = file.tag.startswith("sha256:")
    with RemoteStream(replace(file, tag="") if hashed else file, "fetched",
                      unless=known.tag if known is not None and not file.tag else "") as stream:
        content = stream.read()
        if stream.unchanged and known is not None:
            return replace(file, size=known.size, tag=known.tag)
    current().add(files=1)
    content = _without_transport(content, stream.coding, file)
    found = keep(replace(file, size=stream.size, tag="" if hashed else stream.tag), content)
    if hashed and found.tag != file.tag:
        raise changed(file)
    return replace(file, size=stream.size, tag=found.tag)


def _without_transport(content: bytes, coding: str, file: RemoteFile) -> bytes:
    """Undo a gzip encoding that the server put on for the way; not that of a file that is itself a gzip file."""
    if coding != "gzip" or not content.startswith(_GZIP):
        return content
    try:
        inner = zlib.decompress(content, 31)
    except zlib.error as error:
        raise DataError("the file came in a damaged gzip encoding", where=str(file)) from error
    return content if file.name.endswith(".gz") and not inner.startswith(_GZIP) else inner


def _look(file: RemoteFile) -> RemoteFile:
    if file.size == 0:
        raise DataError("the file is empty", where=str(file))
    if known_head(file):
        return file
    earlier = file if file.tag else kept_head(file)[0]
    with RemoteStream(file, "peeked", stop=HEAD_BYTES, unless="" if file.tag else earlier.tag) as stream:
        head = stream.read()
        if stream.unchanged:
            return earlier
    found = replace(file, size=stream.size, tag=stream.tag)
    if found.tag:
        keep_head(found, head)
    else:
        _heads[file] = _heads[found] = head
    return found
