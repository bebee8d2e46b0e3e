"""The file of a preregistration lock: where it lies, what is in it, and whether it can be used."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.pipeline.lock_items import hash_of

FORMAT = 1
_KEYS = {"deltaroi_lock", "study", "frozen", "deltaroi", "digest", "results", "not_locked", "items", "history",
         "checksum"}
_RESTORE = "put back the file as it was written; a lock is not edited by hand"


@dataclass(frozen=True)
class Lock:
    """A lock as it stands in its file.

    Attributes
    ----------
    path : Path
        The file.
    study, frozen, deltaroi, digest : str
        Name of the study, date (UTC), version of deltaroi, digest of all items.
    items : mapping
        What is locked: name of the item -> its content.
    results : tuple of mapping
        Output folders that were looked into (``folder``), and what stood in them (``found``: no folder, nothing,
        responses or effects).
    history : tuple of mapping
        Earlier locks that this one replaced, whole, the first one first.
    content : mapping
        The whole file.
    """

    path: Path
    study: str
    frozen: str
    deltaroi: str
    digest: str
    items: Mapping[str, Any]
    results: tuple[Mapping[str, str], ...]
    history: tuple[Mapping[str, Any], ...]
    content: Mapping[str, Any]


def lock_path(study_file: Path) -> Path:
    """Where the lock of a study file lies: ``study.yaml`` -> ``study.frozen.json``."""
    return study_file.with_name(f"{study_file.stem}.frozen.json")


def find_lock(study: Study, file: Path) -> Lock | None:
    """The lock beside a study file, checked; None where there is none.

    Raises
    ------
    StudyError
        It is damaged, of a format that this version does not know, or of another study.
    """
    return read_lock(lock_path(file), study.name)


def read_lock(path: Path, name: str) -> Lock | None:
    """Read and check the lock of the study ``name``; see :func:`find_lock`."""
    if not os.path.lexists(path):
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StudyError(f"the lock cannot be read: {error}", where=str(path), hint=_RESTORE) from error
    if not isinstance(content, dict) or "deltaroi_lock" not in content:
        raise StudyError("the file is not a lock of `deltaroi freeze`", where=str(path), hint=_RESTORE)
    if content["deltaroi_lock"] != FORMAT:
        raise StudyError(f"the lock has format {content['deltaroi_lock']!r}, expected {FORMAT}", where=str(path),
                         hint=f"it was written by deltaroi {content.get('deltaroi', '(not stated)')}: use that version")
    body = {key: value for key, value in content.items() if key != "checksum"}
    if set(content) != _KEYS or content["checksum"] != hash_of(body):
        raise StudyError("the lock is damaged: its content does not match its checksum", where=str(path), hint=_RESTORE)
    lock = lock_of(path, content)
    if lock.study != name:
        raise StudyError(f"the lock is that of the study '{lock.study}', and this study is '{name}'", where=str(path),
                         hint="a lock belongs to one study: name the study as it was frozen, or give the study file "
                         "another file name")
    return lock


def lock_of(path: Path, content: Mapping[str, Any]) -> Lock:
    """The lock that the content of a file is."""
    return Lock(path, content["study"], content["frozen"], content["deltaroi"], content["digest"],
                {name: item["content"] for name, item in content["items"].items()}, tuple(content["results"]),
                tuple(content["history"]), content)
