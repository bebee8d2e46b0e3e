"""What a report is made of: the output folder, read and checked once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.io.tsv import read_table
from deltaroi.layout import Layout
from deltaroi.report.locked import Locked, read_locked
from deltaroi.specs import MAIN, Functional, FunctionalRoi
from deltaroi.tables import (
    BESIDE,
    EFFECTS,
    EXCLUSIONS,
    MULTILEVEL,
    QUALITY,
    REGIONS,
    RESPONSES,
    SELECTIONS,
    SMALL_VOLUME,
    Schema,
    conform,
)
from deltaroi.types import CIRCULAR, FUNCTIONAL, NA, RoiKey

Row = dict[str, Any]
ROI = ["region", "hemisphere", "definition"]
ALPHA = 0.05


@dataclass(frozen=True)
class RunRecord:
    """``group/run.json``: how the run went; every key is optional.

    Attributes
    ----------
    versions : mapping of str to str
        Package -> version.
    inputs : mapping
        What the input datasets say about themselves.
    warnings, notes : tuple of str
        In the order they came.
    simulated : bool
        Whether the data are simulated.
    counts : mapping
        Numbers of things, by name.
    exit_code : int or None
        None when not recorded.
    failures : tuple of dict
        Rows of the exclusions table that a failing input caused.
    """

    versions: Mapping[str, str]
    inputs: Mapping[str, Any]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    simulated: bool
    counts: Mapping[str, Any]
    exit_code: int | None
    failures: tuple[Mapping[str, str], ...]


@dataclass(frozen=True, eq=False)
class Output:
    """One output folder.

    Attributes
    ----------
    layout : Layout
        Its paths.
    study : Study
        The study as run.
    run : RunRecord
        How it went.
    responses, effects, exclusions, regions, quality, selections, multilevel : DataFrame
        The group tables, conformed; empty when the file is absent.
    absent : tuple of str
        Names of the files that are not there; the selections are there only where ROIs are functional.
    beside : mapping of str to DataFrame
        The tables beside the effects, by name; likewise.
    """

    layout: Layout
    study: Study
    run: RunRecord
    responses: pd.DataFrame
    effects: pd.DataFrame
    exclusions: pd.DataFrame
    regions: pd.DataFrame
    quality: pd.DataFrame
    selections: pd.DataFrame
    multilevel: pd.DataFrame
    absent: tuple[str, ...]
    beside: Mapping[str, pd.DataFrame]

    @cached_property
    def small_volume(self) -> pd.DataFrame:
        """The tests of the voxels inside the ROIs; empty where they were not asked for."""
        path = self.layout.table(SMALL_VOLUME.name)
        return read_table(path, SMALL_VOLUME) if path.is_file() else \
            conform(pd.DataFrame(columns=SMALL_VOLUME.names), SMALL_VOLUME)

    @cached_property
    def locked(self) -> Locked | None:
        """The preregistration lock, and what differs from it; None without one."""
        return read_locked(self.layout.frozen)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Group labels, in the study's order; ``("n/a",)`` with one group."""
        levels = self.study.groups.levels if self.study.groups else ()
        return in_order(self.responses["group"], levels) or (NA,)

    @cached_property
    def sessions(self) -> tuple[str, ...]:
        """Session labels in time order; ``("n/a",)`` without sessions."""
        return in_order(self.responses["session"], self.study.dataset.sessions) or (NA,)

    @cached_property
    def contrasts(self) -> tuple[str, ...]:
        """Contrast names, in the study's order."""
        return in_order([*self.effects["contrast"], *self.responses["contrast"]], self.study.contrasts)

    @cached_property
    def rois(self) -> tuple[RoiKey, ...]:
        """All ROIs that any table knows, in the study's order."""
        frames = [frame[ROI] for frame in (self.responses, self.effects, self.regions) if len(frame)]
        seen = {RoiKey(*row) for frame in frames for row in frame.itertuples(index=False, name=None)}
        regions = in_order((r.region for r in seen), region_names(self.study))
        definitions = in_order((r.definition for r in seen), _definitions(self.study))
        return tuple(sorted(seen, key=lambda r: (regions.index(r.region), definitions.index(r.definition),
                                                 "LRB".find(r.hemisphere))))

    @property
    def circular(self) -> tuple[str, ...]:
        """The regions whose voxels were chosen with the data that are tested in them."""
        return tuple(dict.fromkeys(roi.region for roi in self.rois if roi.definition == CIRCULAR))

    @property
    def functional(self) -> dict[str, Functional]:
        """How the voxels of the functional ROIs were chosen, by region."""
        names = dict.fromkeys(roi.region for roi in self.rois if roi.definition in (FUNCTIONAL, CIRCULAR))
        custom = self.study.regions.custom
        return {name: roi.functional for name in names if isinstance(roi := custom.get(name), FunctionalRoi)}

    @cached_property
    def many_definitions(self) -> bool:
        """Whether any region was drawn in more than one way."""
        pairs = {(roi.region, roi.definition) for roi in self.rois}
        return len(pairs) > len({region for region, _ in pairs})

    def roi_label(self, roi: RoiKey) -> str:
        """The ROI as people say it: ``amygdala L``, with the definition where there are several, or it is circular."""
        side = "L + R" if roi.hemisphere == "B" else roi.hemisphere
        named = self.many_definitions or roi.definition == CIRCULAR
        return f"{roi.region} {side}" + (f" ({roi.definition})" if named else "")

    @cached_property
    def primary(self) -> pd.DataFrame:
        """The rows of the effects table that answer the study's question, contrasts and ROIs in the study's order."""
        return self.ordered(self.effects[self.effects["primary"]])

    def ordered(self, effects: pd.DataFrame) -> pd.DataFrame:
        """A table with contrasts and ROIs in the study's order; within them as it was."""
        contrast = {name: i for i, name in enumerate(self.contrasts)}
        roi = {key: i for i, key in enumerate(self.rois)}
        keys = [(contrast[row["contrast"]], roi[roi_of(row)], i) for i, row in enumerate(records(effects))]
        return effects.iloc[[key[-1] for key in sorted(keys)]].reset_index(drop=True)


def beside(output: Output, schema: Schema) -> pd.DataFrame:
    """A table that is there only where the study has something for it."""
    path = output.layout.table(schema.name)
    return read_table(path, schema) if path.is_file() else pd.DataFrame(columns=schema.names)


def records(frame: pd.DataFrame) -> list[Row]:
    """The rows of a table, each by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def roi_of(row: Row) -> RoiKey:
    """The ROI of a row."""
    return RoiKey(*(str(row[name]) for name in ROI))


def in_order(seen: Iterable[str], known: Iterable[str] = ()) -> tuple[str, ...]:
    """The distinct labels that were seen: first those known, in their order, then the others by name; not ``n/a``."""
    labels = set(seen) - {NA}
    first = [name for name in dict.fromkeys(known) if name in labels]
    return tuple(first + sorted(labels - set(first)))


def region_names(study: Study) -> list[str]:
    """The regions a study asks for, in its order."""
    return [item if isinstance(item, str) else item.region for item in study.regions.include]


def _definitions(study: Study) -> list[str]:
    chosen: list[str] = []
    for item in (study.regions.definition, *(getattr(i, "definition", None) for i in study.regions.include)):
        chosen += [item] if isinstance(item, str) else list(item or ())
    return chosen


def read_output(out: Path) -> Output:
    """Read an output folder.

    Parameters
    ----------
    out : Path
        The folder given with ``--out``.

    Returns
    -------
    Output
        Tables that are not there are empty and named in ``absent``.

    Raises
    ------
    DataError
        The study as run is missing or cannot be read, or ``run.json`` is not JSON.
    TableError
        A table breaks its schema.
    """
    layout = Layout(out)
    absent: list[str] = []

    def table(schema: Schema, *, optional: bool = False) -> pd.DataFrame:
        path = layout.table(schema.name)
        if path.is_file():
            return read_table(path, schema)
        absent.extend([] if optional else [f"group/{path.name}"])
        return conform(pd.DataFrame(columns=schema.names), schema)

    study = _study(layout.study)
    responses, effects = _of_main(table(RESPONSES)), _of_main(table(EFFECTS))
    exclusions, regions, quality = table(EXCLUSIONS), table(REGIONS), table(QUALITY)
    if study.multiverse is not None:
        regions = regions.merge(responses[ROI].drop_duplicates(), on=ROI)
    beside = {schema.name: table(schema) for schema in BESIDE}
    selections, multilevel = table(SELECTIONS, optional=True), table(MULTILEVEL, optional=not study.group.multilevel)
    if not layout.record.is_file():
        absent.append(f"group/{layout.record.name}")
    return Output(layout, study, _record(layout.record), responses, effects, exclusions, regions, quality, selections,
                  multilevel, tuple(absent), beside)


def _of_main(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of the study's own specification; the others stand in the section on the multiverse alone."""
    return table[table["specification"] == MAIN].reset_index(drop=True)


def _study(path: Path) -> Study:
    try:
        return Study.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise DataError("the study as run cannot be read", where=str(path),
                        hint="a report is made from the output folder of `deltaroi run`") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "study"
        raise DataError(f"the study as run is not a study: {place}: {first['msg']}", where=str(path),
                        hint="run the study again; do not edit the output folder") from error


def _record(path: Path) -> RunRecord:
    try:
        data = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    except (OSError, ValueError) as error:
        raise DataError("the record of the run cannot be read", where=str(path),
                        hint="run the study again; do not edit the output folder") from error
    data = data if isinstance(data, dict) else {}
    code = data.get("exit_code")
    failures = tuple({str(k): str(v) for k, v in row.items()} for row in _sequence(data, "failures")
                     if isinstance(row, dict))
    return RunRecord({str(k): str(v) for k, v in _mapping(data, "versions").items()}, _mapping(data, "inputs"),
                     tuple(map(str, _sequence(data, "warnings"))), tuple(map(str, _sequence(data, "notes"))),
                     data.get("simulated") is True, _mapping(data, "counts"),
                     code if isinstance(code, int) else None, failures)


def _mapping(data: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key)
    return value if isinstance(value, dict) else {}


def _sequence(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    value = data.get(key)
    return value if isinstance(value, list) else []
