"""The preregistration lock of a study: what was decided before outcomes were read, hashed, in one readable file.

The lock is a local file with the date of this machine's clock. It shows whether a study still is what was frozen. It
cannot show when it was made: registering its digest elsewhere does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError, UsageError
from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.masks import MISSING_FILE
from deltaroi.pipeline.lock_items import NOT_LOCKED, digest_of, hash_of, lock_items
from deltaroi.pipeline.record import portable
from deltaroi.pipeline.steps import library_versions

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


def freeze(study: str | Path, *, out: str | Path | None = None, results: Sequence[str | Path] = (),
           replace: bool = False) -> Lock:
    """Lock a study: write what decides its results, item by item, with hashes and the date.

    Reads the study file, the region library and the files of custom ROIs (for their hashes); no image is computed with
    and no outcome is read, so the data need not exist yet.

    Parameters
    ----------
    study : path
        The study file.
    out : path, optional
        Where the lock is written; default beside the study file, which is where ``check`` and ``run`` look.
    results : sequence of paths
        Output folders to look into: the lock says whether results of this study stand there already.
    replace : bool
        Replace a lock; the earlier one is kept in the file's history.

    Returns
    -------
    Lock

    Raises
    ------
    StudyError
        The study file says something that cannot be, an ROI's file is missing, or the lock to be replaced is damaged or
        of another study.
    UsageError
        There is a lock already, or nothing to replace; a folder of results holds something else.
    """
    file = Path(study)
    spec = read_study(file)
    path = lock_path(file) if out is None else Path(out)
    earlier = read_lock(path, spec.name)
    items = lock_items(spec, file)
    _refuse_missing(items, file)
    digest = digest_of(items)
    seen = [{"folder": portable(str(folder)), "found": _found(Path(folder), spec)} for folder in results]
    if earlier is not None:
        _may_replace(earlier, digest, replace)
    history = [] if earlier is None else [*earlier.history, _without_history(earlier.content)]
    content = {
        "deltaroi_lock": FORMAT, "study": spec.name, "frozen": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deltaroi": library_versions()["deltaroi"], "digest": digest, "results": seen, "not_locked": list(NOT_LOCKED),
        "items": {name: {"sha256": hash_of(one), "content": one} for name, one in items.items()}, "history": history}
    write_json(path, {**content, "checksum": hash_of(content)})
    return _lock(path, {**content, "checksum": hash_of(content)})


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
    lock = _lock(path, content)
    if lock.study != name:
        raise StudyError(f"the lock is that of the study '{lock.study}', and this study is '{name}'", where=str(path),
                         hint="a lock belongs to one study: name the study as it was frozen, or give the study file "
                         "another file name")
    return lock


def _lock(path: Path, content: Mapping[str, Any]) -> Lock:
    return Lock(path, content["study"], content["frozen"], content["deltaroi"], content["digest"],
                {name: item["content"] for name, item in content["items"].items()}, tuple(content["results"]),
                tuple(content["history"]), content)


def _without_history(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in ("history", "checksum")}


def _refuse_missing(items: Mapping[str, Any], file: Path) -> None:
    lacking = [name for name, content in items.items() if MISSING_FILE in json.dumps(content)]
    if lacking:
        raise StudyError(f"a file that the ROI is read from is not there: {', '.join(lacking)}", where=str(file),
                         hint="a lock holds the hash of every mask: put the file where the study file says it is")


def _may_replace(earlier: Lock, digest: str, replace: bool) -> None:
    same = digest == earlier.digest
    if not replace:
        raise UsageError(f"the study was frozen on {earlier.frozen} and {'still is' if same else 'is no longer'} what "
                         "was frozen", where=str(earlier.path),
                         hint="a lock is kept; `deltaroi check` shows what differs. --replace makes a new one, keeps "
                         "the earlier one in its history, and reports say so")
    if same:
        raise UsageError(f"there is nothing to replace: the study is as it was frozen on {earlier.frozen}",
                         where=str(earlier.path), hint="leave out --replace")


def _found(folder: Path, study: Study) -> str:
    """What stands in an output folder of this study: no folder, nothing, responses or effects."""
    layout = Layout(folder)
    if not folder.exists():
        return "no folder"
    if folder.is_dir() and not any(folder.iterdir()):
        return "nothing"
    try:
        name = json.loads(layout.study.read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError("this is not an output folder of `deltaroi run`", where=str(folder),
                         hint="--results takes the folder that was given with --out") from error
    if name != study.name:
        raise UsageError(f"the folder holds results of the study '{name}', and this study is '{study.name}'",
                         where=str(folder), hint="give the output folder of this study")
    return outcomes(layout)


def outcomes(layout: Layout) -> str:
    """The furthest outcomes that stand in an output folder: ``nothing``, ``responses`` or ``effects``."""
    if layout.table("effects").exists() or layout.report.exists() or any((layout.marks / "effects").glob("*.json")):
        return "effects"
    marked = any((layout.marks / "responses").glob("*.json"))
    single = any(layout.root.glob("sub-*/sub-*_desc-responses_stat.tsv"))
    return "responses" if marked or single or layout.table("responses").exists() else "nothing"
