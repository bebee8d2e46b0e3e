"""What the output folder says about itself: the study as run, versions, warnings, the BIDS description."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Any

from deltaroi.config.study import Study
from deltaroi.errors import UsageError
from deltaroi.io.files import TEMPORARY, atomic_write, write_json
from deltaroi.layout import Layout
from deltaroi.pipeline.steps import library_versions

BIDSIGNORE = ("report.html", "methods.md", "cobidas.json", "group", "logs", "sub-*")
"""What BIDS does not know in the output of a run."""
BIDSIGNORE_OF_REGIONS = ("regions.tsv", "regions.json", "exclusions.tsv", "exclusions.json")
"""What BIDS does not know in a folder of ROIs alone."""


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
    names = {path.name for path in layout.root.iterdir() if not path.name.startswith(TEMPORARY)}
    if "regions.tsv" in names and _made_by_us(layout):
        raise UsageError("the output folder holds ROIs of `deltaroi regions build`", where=str(layout.root),
                         hint="choose another --out")
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
    describe_dataset(layout, study, inputs)
    write_json(layout.study, as_run(study))


def describe_dataset(layout: Layout, study: Study, inputs: Mapping[str, Any]) -> None:
    """Write ``dataset_description.json`` and ``.bidsignore``."""
    sources = {"SourceDatasets": [dict(inputs)] if inputs else []}
    _describe(layout, f"{study.name}: ROI responses and group effects", sources, BIDSIGNORE)


def _describe(layout: Layout, name: str, more: Mapping[str, Any], ignore: Iterable[str]) -> None:
    write_json(layout.description, {
        "Name": name,
        "BIDSVersion": "1.11.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "deltaroi", "Version": library_versions()["deltaroi"]}],
        **more,
    })
    atomic_write(layout.bidsignore, ("\n".join(ignore) + "\n").encode())


def claim_for_regions(layout: Layout) -> None:
    """Refuse a folder whose files would be overwritten: another dataset, the output of a run, or tables of others.

    Raises
    ------
    UsageError
        It is such a folder, or it cannot be looked into.
    """
    try:
        what = _not_of_regions(layout)
    except OSError as error:
        raise UsageError(f"the output folder cannot be looked into: {error.strerror}", where=str(layout.root),
                         hint="choose another --out") from error
    if what:
        raise UsageError(what, where=str(layout.root), hint="choose another --out, or move what is there")


def _not_of_regions(layout: Layout) -> str:
    """What in a folder stands against writing ROIs into it."""
    if layout.root.exists() and not layout.root.is_dir():
        return "the output is a file, not a folder"
    ours = _made_by_us(layout)
    if layout.record.exists() or layout.study.exists() or layout.marks.exists():
        return "the output folder holds the results of a study"
    if not ours and any(path.exists() for path in (layout.description, layout.bidsignore)):
        return "the output folder holds another dataset"
    taken = [path for path in (*(layout.root / name for name in BIDSIGNORE_OF_REGIONS), *layout.atlas_files())
             if path.exists()]
    if taken and not ours:
        name = taken[0].relative_to(layout.root).as_posix()
        return f"the output folder holds {name}, which `deltaroi regions build` did not write"
    return ""


def describe_regions(layout: Layout) -> None:
    """Make a folder of ROIs a BIDS dataset of its own: ``dataset_description.json`` and ``.bidsignore``."""
    _describe(layout, "ROIs", {}, BIDSIGNORE_OF_REGIONS)


def as_run(study: Study) -> dict[str, Any]:
    """The study without what cannot change a result and without absolute paths."""
    data = study.model_dump(mode="json", exclude={"execution"})
    return {key: portable(value) for key, value in data.items()}


def portable(value: Any) -> Any:
    """JSON content with only the last part of absolute paths."""
    if isinstance(value, dict):
        return {key: portable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [portable(inner) for inner in value]
    if isinstance(value, str) and (PurePath(value).is_absolute() or value.startswith("~")):
        return f".../{PurePath(value).name}"
    return value


def condense(warnings: Iterable[str]) -> list[str]:
    """Each warning once, with its count, in text order."""
    counts = Counter(warnings)
    return [text if number == 1 else f"{text} ({number} times)" for text, number in sorted(counts.items())]


def write_record(layout: Layout, record: Mapping[str, Any], more_versions: Mapping[str, str]) -> None:
    """Write ``group/run.json``."""
    write_json(layout.record, {"versions": {**library_versions(), **more_versions}, **record})


def write_log(layout: Layout, name: str, text: str) -> Path:
    """Keep a text, such as a traceback, under ``logs/``."""
    path = layout.logs / "errors" / f"{name}.txt"
    atomic_write(path, text.encode())
    return path
