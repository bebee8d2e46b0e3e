"""The folder where fetched files are kept, laid out like the addresses that they came from.

``DELTAROI_CACHE`` names another folder. Nothing in it is needed: what is missing, damaged or of another state is
fetched again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, urlsplit

from deltaroi.errors import DataError
from deltaroi.remote.files import RemoteFile, shown

HEAD_BYTES = 4096
"""How much of an image is read to know its header; the header of a .nii.gz fills a few hundred bytes of that."""
_LONGEST_NAME = 200
_OFF = ("off", "0", "no", "none")  # of what else is kept between runs; fetched files have to lie somewhere


@dataclass(frozen=True)
class Kept:
    """What is kept of a file: its state and length as the server told them, and the digest of its content."""

    tag: str
    size: int | None
    sha256: str


def cache_folder() -> Path:
    """The folder of this user on this machine."""
    named = os.environ.get("DELTAROI_CACHE", "")
    if named and named.lower() not in _OFF:
        return Path(named).expanduser().absolute() / "remote"
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "deltaroi" / "remote"


def place_of(file: RemoteFile) -> Path:
    """Where the content of a file is kept.

    Parts of the address become folders with every odd character written as ``%…``; queries, which may hold secrets,
    only as a digest; and the file keeps its name in the dataset, because names say what a file is.
    """
    parts = urlsplit(shown(file.url).replace("?", "%3F").replace("#", "%23"))
    folders = [parts.scheme, parts.netloc, *parts.path.split("/")[:-1]]
    if parts.scheme == "s3":
        folders.insert(1, shown(file.route.endpoint_url).partition("://")[2] if file.route.endpoint_url else "aws")
    query = file.url.partition("?")[2] if parts.scheme != "s3" else ""
    if query or file.name != parts.path.rpartition("/")[2]:
        folders.append(f"q-{hashlib.sha256(f'{file.url} {file.place}'.encode()).hexdigest()[:16]}")
    return cache_folder().joinpath(*(_safe(part) for part in folders if part), _safe(file.name))


def _safe(part: str) -> str:
    text = quote(part, safe="+=,@ ")
    text = text.replace(".", "%2E") if set(text) == {"."} else text
    return text if len(text) <= _LONGEST_NAME else hashlib.sha256(text.encode()).hexdigest()


def kept(file: RemoteFile) -> Kept | None:
    """What is kept of a file, where its content is whole."""
    path = place_of(file)
    try:
        known = Kept(**json.loads(_beside(path, "state").read_text()))
        return known if hashlib.sha256(path.read_bytes()).hexdigest() == known.sha256 else None
    except (OSError, ValueError, TypeError):
        return None


def keep(file: RemoteFile, content: bytes) -> Kept:
    """Keep the content of a file in the state that its tag says; without one its digest is its tag."""
    digest = hashlib.sha256(content).hexdigest()
    known = Kept(file.tag or f"sha256:{digest}", file.size, digest)
    path = place_of(file)
    _write(path, content)
    _write(_beside(path, "state"), json.dumps(vars(known)).encode())
    return known


def put_beside(other: RemoteFile, file: RemoteFile) -> None:
    """Have the kept content of one file in the folder of another, too."""
    path, wanted = place_of(other), place_of(file).with_name(place_of(other).name)
    if path != wanted:
        _write(wanted, path.read_bytes())


def kept_head(file: RemoteFile) -> tuple[RemoteFile, bytes]:
    """An image in the state in which its first bytes were kept, and these; as it is, and none, where they were not."""
    try:
        about, _, head = _beside(place_of(file), "head").read_bytes().partition(b"\n")
        tag, length, size = json.loads(about)
    except (OSError, ValueError, TypeError):
        return file, b""
    return (replace(file, tag=str(tag), size=size), head) if length == len(head) else (file, b"")


def known_head(file: RemoteFile) -> bytes:
    """The first bytes of an image as they were kept in the state that is meant; none where they are not."""
    found, head = kept_head(file)
    return head if file.tag and found.tag == file.tag else b""


def keep_head(file: RemoteFile, head: bytes) -> None:
    """Keep the first bytes of an image whose state is known."""
    about = json.dumps([file.tag, len(head), file.size]).encode()
    _write(_beside(place_of(file), "head"), about + b"\n" + head)


def _beside(path: Path, what: str) -> Path:
    return path.with_name(f".{path.name}.{what}")


def _write(path: Path, content: bytes) -> None:
    """Write so that a reader sees the old bytes or the new ones; for this user's eyes only."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise DataError(f"a fetched file cannot be kept: {error.strerror or error}", where=str(path),
                        hint="is there space left? DELTAROI_CACHE names another folder for fetched files") from error
