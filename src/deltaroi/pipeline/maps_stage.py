"""The responses stage of a study on ready-made maps: subject by subject, through the room that ``measure`` uses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from deltaroi.io.files import write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.masks import load_regions
from deltaroi.measuring import MapRow, MeasureOptions, about_maps, measure_subject
from deltaroi.pipeline.declared import contrast_weights, declared
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.maps import measure_options
from deltaroi.pipeline.responses import lost_subject
from deltaroi.pipeline.steps import Step
from deltaroi.pipeline.transfers import noted
from deltaroi.pipeline.work import Work
from deltaroi.remote import File
from deltaroi.tables import EXCLUSIONS, RESPONSES, RUN_VALUES, exclusion_frame, exclusion_rows
from deltaroi.types import NA


@dataclass(frozen=True)
class MapsItem:
    """One subject to be measured: its maps, the grids of its ROIs, and what is asked."""

    subject: str
    maps: tuple[MapRow, ...]
    grids: tuple[str, ...]
    contrasts: Mapping[str, Mapping[str, float]]
    options: MeasureOptions


def measure(layout: Layout, item: MapsItem) -> list[Path]:
    """Measure the maps of one subject."""
    with noted(layout, f"sub-{item.subject}"):
        found = measure_subject(item.maps, [load_regions(layout.regions(digest)) for digest in item.grids],
                                item.contrasts, item.options)
    paths = [layout.subject_responses(item.subject), layout.subject_exclusions(item.subject),
             layout.subject_notes(item.subject)]
    write_table(found.table, RESPONSES, paths[0])
    write_table(exclusion_frame(found.exclusions), EXCLUSIONS, paths[1])
    failing = sorted({row.reason for row in found.exclusions if row.failure})
    write_json(paths[2], {"notes": list(found.notes), "counts": dict(found.counts), "failing": failing})
    return paths


def responses(work: Work) -> pd.DataFrame:
    """Measure the maps of every subject and write ``responses.tsv``."""
    study, plan = work.study, work.plan
    mine: dict[str, list[MapRow]] = {}
    for planned in plan.runs:
        mine.setdefault(planned.run.key.subject, []).extend(plan.maps[planned.run.key])
    fields = {**declared(study)["responses"], "contrasts": contrast_weights(study), "space": study.dataset.space}
    grids = tuple(grid.digest for grid in plan.grids)
    steps, items = [], []
    for subject, rows in mine.items():
        named = {"maps": [[row.session, row.contrast, row.unit, row.file.volume] for row in rows]}
        files = tuple(path for row in rows for path in _files(row))
        steps.append(Step("responses", f"sub-{subject}", 1, {**fields, **named}, tuple(work.region_digests.values()),
                          files))
        items.append(MapsItem(subject, tuple(rows), grids, contrast_weights(study), measure_options(study)))
    digests = work.do("responses", steps, items, measure)
    tables, counts = [pd.DataFrame(columns=RESPONSES.names)], Counter[str]()
    for subject, digest in zip(mine, digests, strict=True):
        if isinstance(digest, Failure):
            work.exclusions.append(lost_subject(work, subject, digest))
            continue
        work.response_digests[subject] = digest
        table = read_table(work.layout.subject_responses(subject), RESPONSES)
        tables.append(table.assign(group=plan.groups.get(subject, NA)))
        said = json.loads(work.layout.subject_notes(subject).read_text())
        work.exclusions += [replace(row, failure=row.reason in said["failing"]) for row in exclusion_rows(
            read_table(work.layout.subject_exclusions(subject), EXCLUSIONS))]
        work.warnings += said["notes"]
        counts.update(said["counts"])
    work.warnings += about_maps([row for rows in mine.values() for row in rows], counts)
    write_table(pd.DataFrame(columns=RUN_VALUES.names), RUN_VALUES, work.layout.table(RUN_VALUES.name))
    return write_table(pd.concat([table for table in tables if len(table)] or tables, ignore_index=True), RESPONSES,
                       work.layout.table("responses"))


def _files(row: MapRow) -> Iterator[File]:
    """The files of a map: of a pair both."""
    for file in (row.file, row.variance):
        path = file.path if file is not None else None
        if path is not None:
            yield path
        if isinstance(path, Path) and path.suffix in (".hdr", ".img"):
            yield from (pair for end in (".hdr", ".img") if (pair := path.with_suffix(end)) != path)
