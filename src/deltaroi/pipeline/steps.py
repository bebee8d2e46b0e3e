"""Steps with declared inputs and outputs; a finished step is trusted only while its hashes match.

A step's key is the digest of its name and version, the spec fields it declares, the digests of the artefacts it builds
on, the path, size and modification time of each input file, and the versions of the libraries that make the numbers.
Its outputs are written to temporary names, flushed and renamed; then a mark with their hashes is written the same way.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from deltaroi.io.files import TEMPORARY, boot, sha256_file, write_json
from deltaroi.layout import Layout

LIBRARIES = ("deltaroi", "nilearn", "numpy", "scipy", "nibabel", "pandas", "statsmodels")
_DAY_S = 86400


@dataclass(frozen=True)
class Step:
    """One piece of work that can be skipped when nothing it depends on has changed.

    Attributes
    ----------
    name : str
        Kind of step: ``masks``, ``first-level``, ``responses``, ``effects`` or ``report``.
    item : str
        What it is about (a grid, a run, a subject); alphanumeric, with ``-`` and ``_``.
    version : int
        Raised when the step's code changes its results.
    fields : mapping
        The spec fields that decide the result, JSON-able.
    upstream : tuple of str
        Digests of the steps it builds on.
    inputs : tuple of Path
        Files it reads from outside the output folder.
    """

    name: str
    item: str
    version: int
    fields: Mapping[str, Any]
    upstream: tuple[str, ...]
    inputs: tuple[Path, ...]

    @property
    def subject(self) -> str:
        """Whose step it is, ``sub-...``; empty for one that is nobody's."""
        return self.item.partition("_")[0] if self.item.startswith("sub-") else ""

    def key(self) -> str:
        """Digest of everything that decides the outputs."""
        content = {
            "step": [self.name, self.item, self.version],
            "fields": self.fields,
            "upstream": list(self.upstream),
            "inputs": [_state(path) for path in self.inputs],
            "versions": library_versions(),
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def mark(self, layout: Layout) -> Path:
        """Where the mark of this step lies."""
        return layout.marks / self.name / f"{self.item}.json"

    def finished(self, layout: Layout) -> str | None:
        """Digest of the outputs when the step is done and nothing has changed; otherwise None."""
        return self._marked(layout, self.key())

    def seen(self, layout: Layout, digest: str) -> bool:
        """Whether mark and outputs of a worker that answered with this digest can be read here."""
        return self._marked(layout) == digest

    def _marked(self, layout: Layout, key: str | None = None) -> str | None:
        try:
            mark = json.loads(self.mark(layout).read_text())
            if key is not None and mark["key"] != key:
                return None
            for name, digest in mark["outputs"].items():
                if sha256_file(layout.root / name) != digest:
                    return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return _digest(mark["outputs"])

    def done(self, layout: Layout, key: str, written: Iterable[Path]) -> str:
        """Write the mark; returns the digest of the outputs.

        Parameters
        ----------
        layout : Layout
            The output folder.
        key : str
            :meth:`key` as it was before the work began, so that an input that changed meanwhile is noticed.
        written : iterable of Path
            The step's outputs.
        """
        outputs = {path.relative_to(layout.root).as_posix(): sha256_file(path) for path in written}
        write_json(self.mark(layout), {"key": key, "outputs": outputs})
        return _digest(outputs)


def marked_outputs(layout: Layout, name: str) -> set[Path]:
    """The outputs that the marks of one kind of step name, whether they are still valid or not."""
    found: set[Path] = set()
    for path in sorted((layout.marks / name).glob("*.json")):
        try:
            found |= {layout.root / output for output in json.loads(path.read_text())["outputs"]}
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found


def _digest(outputs: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(dict(outputs), sort_keys=True).encode()).hexdigest()


def _state(path: Path) -> list[Any]:
    try:
        stat = path.stat()
    except OSError:
        return [str(path), None, None]
    return [str(path), stat.st_size, stat.st_mtime_ns]


@cache
def library_versions() -> dict[str, str]:
    """Versions of the libraries that make the numbers."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def soon(seen: Callable[[], bool], patience_s: float) -> bool:
    """Whether something comes true within a while; a network file system may take some time to show a file.

    Parameters
    ----------
    seen : callable
        Asked again and again.
    patience_s : float
        How long, in s.
    """
    give_up, pause = time.monotonic() + patience_s, 0.05
    while not seen():
        if time.monotonic() > give_up:
            return False
        time.sleep(pause)
        pause = min(2 * pause, 2.0)
    return True


def sweep_temporaries(root: Path) -> None:
    """Remove the half-written files of killed processes of this machine; those of other machines are left alone.

    Parameters
    ----------
    root : Path
        The output folder.
    """
    for path in sorted(root.rglob(f"{TEMPORARY}*")) if root.is_dir() else []:
        with contextlib.suppress(OSError):  # another process of this machine may sweep as well
            if _abandoned(path):
                path.unlink(missing_ok=True)


def _abandoned(path: Path) -> bool:
    """Whether a temporary file belongs to a process of this machine that is no more."""
    host, *owner = path.name.removeprefix(TEMPORARY).split("~")
    if host != socket.gethostname() or len(owner) < 3 or not owner[1].isdigit():
        return False
    if owner[0] == boot():
        return not _alive(int(owner[1]))
    earlier = owner[0].partition(".")[0] != boot().partition(".")[0]  # before this machine was started, or its namesake
    return earlier and time.time() - path.stat().st_mtime > _DAY_S


def _alive(pid: int) -> bool:
    """Whether a process still runs; one that was killed and waits for its parent (a zombie) does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):  # gone meanwhile, or a system without /proc
        return not Path("/proc/self").exists()
