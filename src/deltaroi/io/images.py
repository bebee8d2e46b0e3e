"""Whether an image file can hold the data that its header promises, without reading them."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from deltaroi.errors import DataError
from deltaroi.remote import File, RemoteFile, located, peek

_CHUNK = 1 << 22
MOST_SHRUNK = 1100
"""A gzip file holds at most this many times its size; deflate shrinks at most 1032 : 1."""


def check_length(path: File, needed: int) -> None:
    """Refuse an image with fewer bytes than its header promises.

    Parameters
    ----------
    path : Path or RemoteFile
        A ``.nii`` or ``.nii.gz`` file.
    needed : int
        Bytes of header and voxels, uncompressed.

    Raises
    ------
    DataError
        The file is truncated.

    Notes
    -----
    A gzip file ends with its uncompressed length (modulo 2³²); that is compared first. Only when it does not fit is
    the file decompressed, which tells a truncated file from one that was written in several pieces or padded. Of a
    remote file only the length is known; where that does not tell, whoever reads it will.
    """
    if isinstance(path, RemoteFile):
        _check_remote_length(path, needed)
        return
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
        size = stream.seek(0, 2)
        if packed and size >= 18:
            stream.seek(-4, 2)
            if struct.unpack("<I", stream.read(4))[0] == needed % (1 << 32):
                return
    found = _unpacked_length(path, needed) if packed else size
    if found < needed:
        raise DataError("the image is truncated", where=str(path), hint="copy or fetch it again")


def _check_remote_length(file: RemoteFile, needed: int) -> None:
    packed = peek(file).startswith(b"\x1f\x8b")
    known = located(file)
    size = known.size if isinstance(known, RemoteFile) else None
    if size is not None and size * (MOST_SHRUNK if packed else 1) < needed:
        raise DataError("the image is truncated", where=str(file), hint="copy it to the server again")


def _unpacked_length(path: Path, enough: int) -> int:
    """Bytes that a gzip file really gives, up to what is enough."""
    from isal import igzip, isal_zlib

    total = 0
    try:
        with igzip.open(path, "rb") as stream:
            while total < enough and (block := stream.read(_CHUNK)):
                total += len(block)
    except (EOFError, OSError, zlib.error, isal_zlib.IsalError):  # type: ignore[misc]  # a class; its stub is not
        return min(total, enough - 1)
    return total
