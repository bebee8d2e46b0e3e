"""The command that locks a study."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deltaroi.cli.progress import tell

if TYPE_CHECKING:
    from deltaroi.pipeline.lock_file import Lock


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(name="freeze")(freeze)


def freeze(study: Path = typer.Argument(..., help="The study file; its data need not exist yet."),
           out: Path = typer.Option(None, "--out", help="File to write; default: STUDY.frozen.json beside the study "
                                    "file, where check and run look."),
           results: list[Path] = typer.Option([], "--results", help="An output folder of this study: the lock says "
                                              "whether results stand there. May be given several times."),
           replace: bool = typer.Option(False, "--replace", help="Replace a lock; the earlier one stays in its "
                                        "history.")) -> None:
    """Lock what decides the results, before outcomes are read; later differences are marked exploratory."""
    from deltaroi.pipeline.freeze import freeze as freeze_study

    for line in freeze_lines(freeze_study(study, out=out, results=results, replace=replace)):
        tell(line)


def freeze_lines(lock: Lock) -> Iterator[str]:
    """What was locked, and what to do with it."""
    from deltaroi.pipeline.lock_items import CONTRAST, ROI
    from deltaroi.report.words import plural

    rois, contrasts = (sum(name.startswith(start) for name in lock.items) for start in (ROI, CONTRAST))
    yield f"frozen on {lock.frozen}: study {lock.study}, {plural(rois, 'ROI')}, {plural(contrasts, 'contrast')}"
    others = [name for name in lock.items if name != "name" and not name.startswith((ROI, CONTRAST))]
    yield f"  and {', '.join(others)}"
    yield f"digest: {lock.digest}"
    for one in lock.results:
        stood = one["found"] in ("responses", "effects")
        yield f"{'warning: ' if stood else ''}{one['folder']}: {_SAID[one['found']]}"
    if lock.history:
        yield f"it replaces {plural(len(lock.history), 'earlier lock')}, kept in its history"
    yield f"written: {lock.path}"
    yield "register the digest where you cannot change it later: this file alone does not show when it was made"


_SAID = {"no folder": "there is no such folder", "nothing": "no responses and no effects stand there",
         **dict.fromkeys(("responses", "effects"), "results stand there already, so every row will be exploratory")}
