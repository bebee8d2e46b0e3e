"""What the output folder says about itself: the study as run, versions, warnings, the BIDS description."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from deltaroi.config.study import Study
from deltaroi.errors import UsageError
from deltaroi.io.files import atomic_write, write_json
from deltaroi.layout import Layout
from deltaroi.pipeline.steps import library_versions

BIDSIGNORE = ("report.html", "methods.md", "cobidas.json", "atlases", "group", "logs", "sub-*")


def claim(layout: Layout) -> None:
    """Refuse a folder that holds something else.

    Raises
    ------
    UsageError
        The folder exists, is not empty and was not made by deltaroi; or it cannot be listed.
    """
    try:
        _claim(layout)
    except OSError as error:
        raise UsageError(f"the output folder cannot be listed: {error.strerror}", where=str(layout.root),
                         hint="choose another --out") from error


def _claim(layout: Layout) -> None:
    if not layout.root.exists():
        return
    if not layout.root.is_dir():
        raise UsageError("the output is a file, not a folder", where=str(layout.root), hint="choose another --out")
    ours = {".bidsignore", "dataset_description.json", "logs"}
    names = {path.name for path in layout.root.iterdir() if not path.name.startswith(".tmp-")}
    if names and not (names & ours and _made_by_us(layout)):
        raise UsageError("the output folder holds files that deltaroi did not write", where=str(layout.root),
                         hint="choose a new or empty folder for --out")


def _made_by_us(layout: Layout) -> bool:
    try:
        text = json.loads(layout.description.read_text())
        return any(entry.get("Name") == "deltaroi" for entry in text.get("GeneratedBy", []))
    except (OSError, ValueError, AttributeError, TypeError):
        return False


def describe(layout: Layout, study: Study, inputs: Mapping[str, Any]) -> None:
    """Write ``dataset_description.json``, ``.bidsignore`` and the study as run."""
    versions = library_versions()
    write_json(layout.description, {
        "Name": f"{study.name}: ROI responses and group effects",
        "BIDSVersion": "1.11.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "deltaroi", "Version": versions["deltaroi"]}],
        "SourceDatasets": [dict(inputs)] if inputs else [],
    })
    atomic_write(layout.bidsignore, ("\n".join(BIDSIGNORE) + "\n").encode())
    write_json(layout.study, as_run(study))


def as_run(study: Study) -> dict[str, Any]:
    """The study without what cannot change a result and without absolute paths."""
    data = study.model_dump(mode="json", exclude={"execution"})
    return {key: _portable(value) for key, value in data.items()}


def _portable(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _portable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_portable(inner) for inner in value]
    if isinstance(value, str) and (PurePath(value).is_absolute() or value.startswith("~")):
        return f".../{PurePath(value).name}"
    return value


def condense(warnings: Iterable[str]) -> list[str]:
    """Each warning once, with its count, in text order."""
    counts = Counter(warnings)
    return [text if number == 1 else f"{text} ({number} times)" for text, number in sorted(counts.items())]


def write_record(layout: Layout, record: Mapping[str, Any]) -> None:
    """Write ``group/run.json``."""
    write_json(layout.record, {"versions": library_versions(), **record})


def write_log(layout: Layout, name: str, text: str) -> Path:
    """Keep a text, such as a traceback, under ``logs/``."""
    path = layout.logs / "errors" / f"{name}.txt"
    atomic_write(path, text.encode())
    return path
