"""What was seen in files before: kept in the user's cache folder, trusted only while the files are as they were.

A look is a small JSON value that was made by reading some files. It is used again only when each of them still has the
size, the times of modification and of status change (both in ns) and the inode that it had before it was read. Links
are followed, so that another target, or content that git-annex fetched, is a change. A file that was written within
``SETTLED_NS`` before the look is not trusted yet: another change might carry the same time.

The cache never decides a result: without it everything is read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from deltaroi.errors import UsageError
from deltaroi.io.files import atomic_write

VARIABLE = "DELTAROI_CACHE"
OFF = ("off", "0", "no", "none")
FORMAT = "deltaroi looks 1"
SETTLED_NS = 2_000_000_000
"""The coarsest times that file systems in use keep (FAT)."""
_FORGET_S = 90 * 24 * 3600
_MAKERS = ("nilearn", "numpy", "scipy", "nibabel", "pandas")
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class States:
    """How files were: when that was seen (ns since 1970), and for each ``size mtime_ns ctime_ns inode`` or None."""

    taken_ns: int
    files: list[list[int] | None]


class Looks:
    """The looks of one study.

    Parameters
    ----------
    file : Path or None
        Where they are kept; None keeps nothing.
    clock : callable
        Gives the time in ns since 1970.

    Attributes
    ----------
    recalled : int
        How many looks were answered from earlier ones.
    """

    def __init__(self, file: Path | None, clock: Callable[[], int] = time.time_ns) -> None:
        self._file, self._clock = file, clock
        self._before: dict[str, Any] = {} if file is None else _load(file)
        self._now: dict[str, Any] = {}
        self.recalled = 0

    def states(self, files: Iterable[Path], perhaps: Iterable[Path] = ()) -> States | None:
        """How files are; to be asked before they are read.

        Parameters
        ----------
        files : iterable of Path
            What will be read.
        perhaps : iterable of Path
            What will be read where it exists.

        Returns
        -------
        States or None
            None when the look cannot be kept: there is no cache, or one of ``files`` cannot be found.
        """
        if self._file is None:
            return None
        taken = self._clock()
        known = [_state(path) for path in files]
        return None if None in known else States(taken, [*known, *(_state(path) for path in perhaps)])

    def recall(self, key: str, states: States | None, make: Callable[[Any], _Made]) -> _Made | None:
        """What an earlier look gave.

        Parameters
        ----------
        key : str
            What was looked for, and where.
        states : States or None
            How the files are now.
        make : callable
            Makes the result from the JSON value; whatever does not fit counts as not there.
        """
        entry = self._before.get(key)
        if states is None or not isinstance(entry, list) or len(entry) != 2 or entry[0] != states.files:
            return None
        try:
            made = make(entry[1])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError):
            return None
        self._now[key] = entry
        self.recalled += 1
        return made

    def keep(self, key: str, states: States | None, value: Any) -> None:
        """Keep what a look gave, unless a file is too young to be trusted."""
        if states is None:
            return
        youngest = max((max(state[1:3]) for state in states.files if state is not None), default=0)
        if states.taken_ns - youngest > SETTLED_NS:
            self._now[key] = [states.files, value]

    def save(self) -> None:
        """Write the looks of this study, those only; a cache that cannot be written is no harm."""
        if self._file is None or self._now == self._before:
            return
        body = json.dumps(self._now, separators=(",", ":")).encode()
        head = {"format": FORMAT, "code": _code(), "sha256": hashlib.sha256(body).hexdigest()}
        with contextlib.suppress(OSError, UsageError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic_write(self._file, json.dumps(head).encode() + b"\n" + body)
            _forget(self._file.parent)


def looks_of(name: str, study: Path) -> Looks:
    """The looks of a study in the cache of this user.

    Parameters
    ----------
    name : str
        What is looked at, e.g. ``runs``.
    study : Path
        The study file.
    """
    folder = cache_folder()
    digest = hashlib.sha256(str(study.resolve()).encode(errors="surrogateescape")).hexdigest()[:16]
    return Looks(folder / f"looks-{name}-{digest}.json" if folder else None)


def cache_folder() -> Path | None:
    """The folder of the cache, which need not exist; None when ``DELTAROI_CACHE`` is ``off``, or nobody has a home."""
    asked = os.environ.get(VARIABLE, "")
    if asked:
        return None if asked.lower() in OFF else Path(asked).expanduser().absolute()
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if Path(base).is_absolute():
        return Path(base) / "deltaroi"
    try:
        return Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "deltaroi"
    except RuntimeError:
        return None


def digest_of(parts: Sequence[Any]) -> str:
    """A short key for what is looked for, from JSON-able parts."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _state(path: Path) -> list[int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  of whatever names a file; what is no file of this machine has no state
    except (OSError, ValueError, TypeError):
        return None
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _load(file: Path) -> dict[str, Any]:
    """What a file of looks holds; nothing when it is another format, of another version, or damaged."""
    try:
        first, _, body = file.read_bytes().partition(b"\n")
        if json.loads(first) != {"format": FORMAT, "code": _code(), "sha256": hashlib.sha256(body).hexdigest()}:
            return {}
        found = json.loads(body)
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@cache
def _code() -> str:
    """Digest of what turns files into looks: this package as it lies on the disk, and the libraries it uses."""
    home = Path(__file__).resolve().parents[1]
    modules = sorted((path.relative_to(home).as_posix(), _state(path)) for path in home.rglob("*.py"))
    return digest_of([modules, [_version(name) for name in _MAKERS]])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _forget(folder: Path) -> None:
    """Remove the looks of studies that nobody has looked at for long."""
    for path in folder.glob("looks-*.json"):
        if path.stat().st_mtime < time.time() - _FORGET_S:
            path.unlink(missing_ok=True)
