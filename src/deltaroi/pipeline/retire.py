"""Taking away results that no longer belong to the study, so that a folder never shows two runs at once."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from deltaroi.layout import Layout
from deltaroi.tables import BEHAVIOUR_TABLES, BESIDE, CONNECTIVITY, OF_CONNECTIVITY, WHERE_ASKED


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
        "responses": (layout.table("responses"), layout.table("selections"), layout.table("run_values"),
                      layout.table("specifications")),
        "effects": (layout.table("effects"), layout.table("quality"), layout.group_exclusions,
                    *(layout.table(schema.name) for schema in (*BESIDE, *WHERE_ASKED))),
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
        if stage == "effects":
            retire_small_volume(layout)
            retire_connectivity(layout)
            retire_behaviour(layout)
        if stage in ("effects", "report"):
            shutil.rmtree(layout.marks / stage, ignore_errors=True)


def retire_behaviour(layout: Layout) -> None:
    """Remove the analysis of the measures of the subjects: tables, notes and marks."""
    for table in (*(layout.table(schema.name) for schema in BEHAVIOUR_TABLES), layout.behaviour_exclusions):
        table.unlink(missing_ok=True)
        table.with_suffix(".json").unlink(missing_ok=True)
    layout.behaviour_notes.unlink(missing_ok=True)
    shutil.rmtree(layout.marks / "behaviour", ignore_errors=True)


def retire_small_volume(layout: Layout) -> None:
    """Remove the tests of the voxels inside the ROIs: table, maps, notes and marks; the maps of subjects stay."""
    for table in (layout.table("small_volume"), layout.small_volume_exclusions):
        table.unlink(missing_ok=True)
        table.with_suffix(".json").unlink(missing_ok=True)
    layout.small_volume_notes.unlink(missing_ok=True)
    shutil.rmtree(layout.voxel_maps, ignore_errors=True)
    (layout.marks / "small-volume" / "group.json").unlink(missing_ok=True)


def retire_connectivity(layout: Layout, *, values: bool = True) -> None:
    """Remove the connectivity of the group: tables, notes and marks; the values of single subjects stay.

    Without ``values`` the table of all subjects' values stays too.
    """
    tables = [layout.table(schema.name) for schema in OF_CONNECTIVITY if values or schema is not CONNECTIVITY]
    for table in (*tables, layout.connectivity_exclusions):
        table.unlink(missing_ok=True)
        table.with_suffix(".json").unlink(missing_ok=True)
    layout.connectivity_notes.unlink(missing_ok=True)
    (layout.marks / "connectivity" / "group.json").unlink(missing_ok=True)
