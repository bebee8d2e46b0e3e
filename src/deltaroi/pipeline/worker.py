"""What a Dask worker does, on whatever machine it runs: says who it is, refuses work that it cannot do as asked, works.

The same bytes need the same software and the same files. So every piece of work carries the terms of the run, and a
worker, also one that comes late, first holds itself against them.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import platform
import socket
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from deltaroi.io.files import atomic_write, temporary_prefix
from deltaroi.pipeline.executor import attempt
from deltaroi.pipeline.steps import library_versions, soon, sweep_temporaries
from deltaroi.resources import resource

PATIENCE_S = 60
"""How long a network file system may take until a file is seen on another machine, in s."""
_ONE = threading.Lock()  # warnings, BLAS limits and figures belong to the process: one piece of work at a time


@dataclass(frozen=True)
class Terms:
    """What a worker must share with the process that gives it work.

    Attributes
    ----------
    software : mapping of str to str
        Versions, as :func:`software` tells them.
    token : str
        Content of the file ``seen``.
    seen : str
        A file that the giving process wrote into the output folder.
    inputs : sequence of (str, int)
        Some files of the data, and their sizes.
    """

    software: Mapping[str, str]
    token: str
    seen: str
    inputs: Sequence[tuple[str, int]]

    def text(self) -> str:
        """As text, which is sent with every piece of work."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Refusal:
    """Why a worker cannot do the work of this run."""

    problem: str
    hint: str


@cache
def software() -> dict[str, str]:
    """Name -> version of what makes the numbers; of deltaroi also a digest of its code, for work in progress."""
    versions = library_versions()
    return {"python": platform.python_version(), **versions, "deltaroi's code": _code()[:12]}


def _code() -> str:
    """Digest of the code and of the descriptions of the regions."""
    package, digest = Path(__file__).resolve().parents[1], hashlib.sha256()
    for folder, kind in ((package, "*.py"), (resource("atlases"), "*.yaml")):
        for path in sorted(folder.rglob(kind)):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@cache
def obstacle(terms: str) -> Refusal | None:
    """Why this process cannot work under some terms; None when it can. Asked once per process."""
    asked = json.loads(terms)
    mine = software()
    other = {name: number for name, number in asked["software"].items() if mine.get(name) != number}
    host = socket.gethostname()
    if other:
        apart = ", ".join(f"{name} {number} here and {mine.get(name, 'none')} there" for name, number in other.items())
        return Refusal(f"the worker on {host} has other software: {apart}", "the same bytes need the same software: "
                       "install the same versions for the workers, e.g. from requirements.lock")
    if not soon(partial(holds, asked["seen"], asked["token"]), PATIENCE_S):
        return Refusal(f"the worker on {host} does not see the output folder {Path(asked['seen']).parents[1]}",
                       "the output folder must lie on a file system that all machines share, under one path")
    for path, size in asked["inputs"]:
        found = _size(path)
        if found != size:
            there = "cannot be read" if found is None else f"has {found} bytes"
            return Refusal(f"the worker on {host} does not see the data as they are here: {path} {there} there, and "
                           f"has {size} bytes here", "the data must lie on a file system that all machines share, "
                           "under one path")
    return None


def holds(path: str, token: str) -> bool:
    """Whether a file holds a token."""
    try:
        return Path(path).read_text() == token
    except (OSError, UnicodeDecodeError):
        return False


def _size(path: str) -> int | None:
    try:
        return Path(path).stat().st_size
    except OSError:
        return None


def greet(terms: str) -> Refusal | str:
    """Hold a worker against the terms; where it can work it leaves a file with the token, whose path it returns."""
    problem = obstacle(terms)
    if problem is not None:
        return problem
    asked = json.loads(terms)
    answer = Path(asked["seen"]).with_name(f"{temporary_prefix()}{uuid.uuid4().hex}")
    atomic_write(answer, asked["token"].encode())
    return str(answer)


def work(terms: str, piece: bytes) -> Any:
    """Do a pickled piece of work, ``(function, item)``; returns what :func:`attempt` does, or a :class:`Refusal`."""
    problem = obstacle(terms)
    if problem is not None:
        return problem
    with _ONE:
        function, item = pickle.loads(piece)  # noqa: S301  from the run itself; Dask sends nothing else
        return attempt(function, item)


def sweep(root: str) -> None:
    """Remove the half-written files of killed processes of the worker's machine."""
    sweep_temporaries(Path(root))
