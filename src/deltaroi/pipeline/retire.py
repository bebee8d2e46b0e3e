"""Taking away results that no longer belong to the study, so that a folder never shows two runs at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from deltaroi.layout import Layout


def retire(layout: Layout, stages: Iterable[str]) -> None:
    """Remove the results and marks of stages that this run did not reach.

    The artefacts of single runs and subjects stay: they are used again while their marks are valid, and no table is
    made of anything else.

    Parameters
    ----------
    layout : Layout
        The output folder.
    stages : iterable of str
        Among ``responses``, ``effects`` and ``report``; others have no results of their own.
    """
    tables: dict[str, tuple[Path, ...]] = {
        "responses": (layout.table("responses"), layout.table("selections")),
        "effects": (layout.table("effects"), layout.table("quality"), layout.table("multilevel"),
                    layout.group_exclusions),
    }
    texts: dict[str, tuple[Path, ...]] = {
        "effects": (layout.group_notes,),
        "report": (layout.report, layout.methods, layout.cobidas),
    }
    for stage in stages:
        for table in tables.get(stage, ()):
            table.unlink(missing_ok=True)
            table.with_suffix(".json").unlink(missing_ok=True)
        for text in texts.get(stage, ()):
            text.unlink(missing_ok=True)
        if stage in ("effects", "report"):
            shutil.rmtree(layout.marks / stage, ignore_errors=True)
