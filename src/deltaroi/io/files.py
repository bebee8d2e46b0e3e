"""Atomic writing, hashing, and what state a file's content is in."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from deltaroi.errors import DataError, UsageError

ContentState = Literal["ok", "missing", "not fetched", "broken link", "empty"]
TEMPORARY = ".tmp-"
"""How the names of temporary files begin."""
_POINTER = b"/annex/objects/"


def atomic_write(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file so that a reader sees the old bytes or the new ones, never a part.

    Parameters
    ----------
    path : Path
        Target; its folder is made.
    data : bytes or callable
        Content, or a function that writes it to the binary file that it is given.

    Raises
    ------
    UsageError
        The file cannot be written.
    """
    try:
        _replace(path, data)
    except OSError as error:
        blocking = _file_among(path.parents)
        if blocking is not None:
            raise UsageError("this is a file, and a folder is to be made there", where=str(blocking),
                             hint="name another output folder") from error
        raise UsageError(f"the file cannot be written: {error.strerror or error}", where=str(path),
                         hint="may the folder be written to, and is there space left on the disk?") from error


def _file_among(folders: Iterable[Path]) -> Path | None:
    """What stands where a folder should be."""
    with contextlib.suppress(OSError):
        return next((path for path in folders if path.exists() and not path.is_dir()), None)
    return None


def _replace(path: Path, data: bytes | Callable[[BinaryIO], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=temporary_prefix())
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            if callable(data):
                data(stream)
            else:
                stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def temporary_prefix() -> str:
    """How the names of this process's temporary files begin: host, boot and process ids of the machine, process."""
    return f"{TEMPORARY}{socket.gethostname()}~{boot()}~{os.getpid()}~"


@cache
def boot() -> str:
    """Which start of a machine, and which numbering of its processes, this process belongs to.

    Process ids of containers, and of machines that share a host name, must not be taken for those of this one.
    """
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        numbering = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # a system without /proc
        return "unknown.unknown"
    return ".".join(hashlib.sha256(text.encode()).hexdigest()[:8] for text in (started, numbering))


def write_json(path: Path, data: Any) -> None:
    """Write JSON atomically with a fixed layout."""
    atomic_write(path, (json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays atomically as an uncompressed npz whose bytes depend on the arrays alone."""
    # numpy stamps every member with 1980-01-01
    atomic_write(path, lambda stream: np.savez(stream, **arrays))  # type: ignore[arg-type]


def gzip_bytes(data: bytes, level: int = 1) -> bytes:
    """Gzip with no name and no time in the header."""
    return gzip.compress(data, compresslevel=level, mtime=0)


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def content_state(path: Path) -> ContentState:
    """Whether a file's content is really there.

    ``not fetched`` is a git-annex pointer (a small text file or a dangling link into ``.git/annex/objects``);
    ``broken link`` any other dangling link.
    """
    if path.is_symlink() and not path.exists():
        return "not fetched" if ".git/annex/objects/" in str(path.readlink()) else "broken link"
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if size == 0:
        return "empty"
    if size < 1024:
        with path.open("rb") as stream:
            if stream.read(1024).lstrip().startswith(_POINTER):
                return "not fetched"
    return "ok"


def read_text(path: Path) -> str:
    """Text of a UTF-8 file, without a BOM.

    Raises
    ------
    DataError
        The content is not there, cannot be read, or is not UTF-8 text.
    """
    try:
        state = content_state(path)
        text = path.read_text(encoding="utf-8-sig") if state == "ok" else ""
    except UnicodeDecodeError as error:
        raise DataError("the file is not UTF-8 text", where=str(path), hint="save it as UTF-8") from error
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    if state != "ok":
        hint = f"fetch its content: `datalad get {path.name}`" if state == "not fetched" else "check the path"
        raise DataError(f"the file cannot be read: {state}", where=str(path), hint=hint)
    return text
