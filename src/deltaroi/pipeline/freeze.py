"""Locking a study: what was decided before outcomes were read, hashed, in one readable file.

The lock is a local file with the date of this machine's clock. It shows whether a study still is what was frozen. It
cannot show when it was made: registering its digest elsewhere does.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deltaroi.config.read import read_study
from deltaroi.config.study import Study
from deltaroi.errors import StudyError, UsageError
from deltaroi.io.files import write_json
from deltaroi.layout import Layout
from deltaroi.masks import MISSING_FILE
from deltaroi.pipeline.lock import outcomes
from deltaroi.pipeline.lock_differences import differences
from deltaroi.pipeline.lock_file import FORMAT, Lock, lock_of, lock_path, read_lock
from deltaroi.pipeline.lock_items import NOT_LOCKED, digest_of, hash_of, lock_items
from deltaroi.pipeline.record import portable
from deltaroi.pipeline.steps import library_versions


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
        _may_replace(earlier, items, replace)
    history = [] if earlier is None else [*earlier.history, _without_history(earlier.content)]
    content = {
        "deltaroi_lock": FORMAT, "study": spec.name, "frozen": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "deltaroi": library_versions()["deltaroi"], "digest": digest, "results": seen, "not_locked": list(NOT_LOCKED),
        "items": {name: {"sha256": hash_of(one), "content": one} for name, one in items.items()}, "history": history}
    write_json(path, {**content, "checksum": hash_of(content)})
    return lock_of(path, {**content, "checksum": hash_of(content)})


def _without_history(content: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in content.items() if key not in ("history", "checksum")}


def _refuse_missing(items: Mapping[str, Any], file: Path) -> None:
    lacking = [name for name, content in items.items() if MISSING_FILE in json.dumps(content)]
    if lacking:
        raise StudyError(f"a file that the ROI is read from is not there: {', '.join(lacking)}", where=str(file),
                         hint="a lock holds the hash of every mask: put the file where the study file says it is")


def _may_replace(earlier: Lock, items: Mapping[str, Any], replace: bool) -> None:
    """Refuse where there is a lock that must not, or need not, be replaced."""
    found = differences(earlier.items, items)
    if not replace:
        differ = "".join(f"\n  differs: {one.line()}" for one in found)
        state = "is no longer" if found else "still is"
        raise UsageError(f"the study was frozen on {earlier.frozen} and {state} what was frozen{differ}",
                         where=str(earlier.path),
                         hint="a lock is kept. --replace makes a new one and keeps this one in its history, which the "
                         "report shows")
    if not found:
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
