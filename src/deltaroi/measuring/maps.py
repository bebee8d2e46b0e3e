"""From a table of contrast maps to a table of responses."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, Grid
from deltaroi.masks import RegionSet, RoiVoxels, build_regions
from deltaroi.masks.space import check_origin
from deltaroi.measuring.image import MapImage, open_map
from deltaroi.measuring.options import Asked, MeasureOptions, resolve
from deltaroi.measuring.result import MeasureResult
from deltaroi.measuring.table import MapRow, read_maps
from deltaroi.remote import Traffic, counting, forget
from deltaroi.summaries import FILLED_ALIKE, resolve_summary, summarise_voxels, summary_exists
from deltaroi.tables import REGIONS, RESPONSES, conform
from deltaroi.types import NA, NOT_STATED, Exclusion

VARIANCE_NOTE = ("variance is n/a: the variance of an ROI's mean does not follow from the variances of its voxels, "
                 "whose errors are correlated")
MASK_NOTE = "variance_path was used for one thing: voxels without a positive variance are outside the map"


@dataclass(frozen=True, eq=False)
class MeasuredMap:
    """The ROI voxels of one map: ``values`` and ``used`` stand beside the set's positions."""

    row: MapRow
    regions: RegionSet
    values: FloatArray
    used: NDArray[np.bool_]


@dataclass
class Ledger:
    """What is noticed on the way."""

    exclusions: list[Exclusion] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def lost(self, row: MapRow, reason: str, *, failure: bool) -> None:
        self.exclusions.append(Exclusion("inputs", row.subject, row.session, region=row.contrast, reason=reason,
                                         value=row.file.shown, failure=failure))


class Drawn(Protocol):
    """Knows the ROIs on a grid."""

    def on(self, grid: Grid) -> RegionSet:
        """The ROIs on a grid."""


class RegionSets:
    """The ROIs on every grid that comes along, each drawn once."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self.by_grid: dict[str, RegionSet] = {}

    def on(self, grid: Grid) -> RegionSet:
        """The ROIs on a grid."""
        if grid.digest not in self.by_grid:
            self.by_grid[grid.digest] = build_regions(self._asked.regions, grid, base=self._asked.base)
        return self.by_grid[grid.digest]


def measure(maps: Path | pd.DataFrame, options: MeasureOptions, base: Path | None = None) -> MeasureResult:
    """Measure ROIs in contrast maps.

    Parameters
    ----------
    maps : Path or DataFrame
        Table with the columns ``subject session contrast path [variance_path task group unit]``; paths relative to it.
    options : MeasureOptions
        Which ROIs, and how.
    base : Path, optional
        Folder that relative paths start from, instead of the table's.

    Returns
    -------
    MeasureResult

    Raises
    ------
    UsageError
        The options do not fit.
    TableError
        The table of maps or of names cannot be used.
    SpaceError
        The ROIs live in another template than the maps.

    Notes
    -----
    A voxel is *used* when its value is a number and not exactly 0: SPM writes NaN outside the brain, FSL and nilearn
    write 0. With a ``variance_path``, a voxel is used when value and variance are numbers and the variance is above 0.
    Per subject, map and ROI: maps below ``minimum_coverage`` drop out first, then one set of voxels is used for all of
    the subject's maps on one grid, their intersection. Below ``minimum_coverage`` after that, the value is missing.
    """
    forget()
    with counting() as traffic:
        return _measure(maps, options, base, traffic)


def _measure(maps: Path | pd.DataFrame, options: MeasureOptions, base: Path | None, traffic: Traffic) -> MeasureResult:
    asked = resolve(options)
    rows, notes = read_maps(maps, base)
    ledger = Ledger([*asked.exclusions], [*asked.notes, *notes])
    sets = RegionSets(asked)
    by_subject: dict[str, list[MapRow]] = defaultdict(list)
    for row in rows:
        by_subject[row.subject].append(row)
    records: list[dict[str, object]] = []
    drawn: list[tuple[MapRow, RegionSet]] = []
    for subject in sorted(by_subject):
        measured = [one for row in by_subject[subject] if (one := read_row(row, sets, options, ledger)) is not None]
        records += summarise_maps(measured, options, ledger)
        drawn += [(one.row, one.regions) for one in measured]
    tables = [found.table for found in sets.by_grid.values() if len(found.table)]
    ledger.exclusions += _undrawn(drawn)
    return MeasureResult(
        conform(pd.DataFrame(records, columns=RESPONSES.names), RESPONSES), tuple(ledger.exclusions),
        conform(pd.concat(tables) if tables else pd.DataFrame(columns=REGIONS.names), REGIONS),
        _warnings(rows, sets.by_grid.values(), ledger), options, traffic.as_record() if traffic.requests else {})


def open_row(row: MapRow, options: MeasureOptions, ledger: Ledger) -> tuple[MapImage, MapImage | None] | None:
    """A map and its variance, whose voxels are not read yet; None, with an exclusion, when it cannot be used."""
    try:
        image = open_map(row.file, options.space)
        variance = None if row.variance is None else open_map(row.variance, options.space)
    except DataError as error:
        ledger.lost(row, f"map not readable: {error.message}", failure=True)
        return None
    if variance is not None and not variance.grid.same_as(image.grid):
        ledger.lost(row, "the variance map has another grid than the map", failure=True)
        return None
    if image.orientation == "not stated" and not options.only_labels:
        ledger.lost(row, "the file does not state where it lies in space (orientation codes 0, or Analyze without "
                    "origin), so ROIs in mm cannot be placed", failure=False)
        return None
    if not options.only_labels and options.space != NOT_STATED:
        try:
            check_origin(image.grid.affine, options.space, row.file.shown, "the map")
        except DataError as error:
            ledger.lost(row, error.message, failure=False)
            return None
    return image, variance


def read_row(row: MapRow, sets: Drawn, options: MeasureOptions, ledger: Ledger) -> MeasuredMap | None:
    """The ROI voxels of one map; None, with an exclusion, when it cannot be used."""
    opened = open_row(row, options, ledger)
    if opened is None:
        return None
    image, variance = opened
    regions = sets.on(image.grid)
    flat = _union(regions.rois)
    try:
        values = image.take(flat)
        spread = None if variance is None else variance.take(flat)
    except DataError as error:
        ledger.lost(row, f"map not readable: {error.message}", failure=True)
        return None
    _notice(image, values, spread, ledger)
    return MeasuredMap(row, regions, values, _used(values, spread))


def _undrawn(drawn: Sequence[tuple[MapRow, RegionSet]]) -> list[Exclusion]:
    """The ROIs that could not be drawn; by map where maps have several grids, on which not the same ones are lost."""
    sets = {found.grid.digest: found for _, found in drawn}
    if len(sets) < 2:
        return [lost for found in sets.values() for lost in found.exclusions]
    return [replace(lost, subject=row.subject, session=row.session, region=f"{lost.region} {row.contrast}")
            for row, found in drawn for lost in found.exclusions]


def _union(rois: Iterable[RoiVoxels]) -> NDArray[np.int64]:
    """Flat positions of all ROIs, sorted, each once."""
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *[roi.flat for roi in rois]]))


def _used(values: FloatArray, variance: FloatArray | None) -> NDArray[np.bool_]:
    """Which voxels are inside the map."""
    if variance is None:
        return np.isfinite(values) & (values != 0)
    return np.isfinite(values) & np.isfinite(variance) & (variance > 0)


def _notice(image: MapImage, values: FloatArray, variance: FloatArray | None, ledger: Ledger) -> None:
    ledger.counts["by convention"] += image.orientation == "by convention"
    zeros = 0 if variance is not None else int(np.count_nonzero(values == 0))
    ledger.counts["maps with zeros"] += zeros > 0
    ledger.counts["zeros"] += zeros
    ledger.warnings += [f"{image.file.shown}: {note}" for note in image.notes]


def summarise_maps(measured: Sequence[MeasuredMap], options: MeasureOptions, ledger: Ledger) -> list[dict[str, object]]:
    """The responses of one subject."""
    by_grid: dict[str, list[MeasuredMap]] = defaultdict(list)
    for one in measured:
        by_grid[one.regions.grid.digest].append(one)
    if len(by_grid) > 1:
        ledger.warnings.append(f"subject {measured[0].row.subject}: the maps have {len(by_grid)} grids; maps on "
                               "different grids do not share one set of voxels")
    records = []
    for maps in by_grid.values():
        union = _union(maps[0].regions.rois)
        for roi in maps[0].regions.rois:
            records += _one_roi(maps, roi, np.searchsorted(union, roi.flat), options, ledger)
    return records


def _one_roi(maps: Sequence[MeasuredMap], roi: RoiVoxels, where: NDArray[np.intp], options: MeasureOptions,
             ledger: Ledger) -> list[dict[str, object]]:
    """One ROI in the maps of one subject that have one grid."""
    total = float(roi.weights.sum())
    covered = {id(one): float(roi.weights[one.used[where]].sum()) / total for one in maps}
    kept = [one for one in maps if covered[id(one)] >= options.minimum_coverage]
    common = np.logical_and.reduce([one.used[where] for one in kept]) if kept else np.zeros(len(roi.flat), dtype=bool)
    share = float(roi.weights[common].sum()) / total
    records = []
    for one in maps:
        alone = one not in kept
        used = one.used[where] if alone else common
        reached = covered[id(one)] if alone else share
        enough = not alone and share >= options.minimum_coverage and bool(used.any())
        if not enough:
            reason = "coverage of the ROI too low" if alone or len(kept) == 1 else (
                "coverage of the ROI too low in the voxels that all maps of the subject share")
            ledger.exclusions.append(Exclusion(
                "responses", one.row.subject, one.row.session, region=f"{roi.key.label} {one.row.contrast}",
                reason=reason, value=f"{reached:.4g}", threshold=f"{options.minimum_coverage:g}"))
        elif not summary_exists(roi.weights[used], resolve_summary(options.summary, roi.rule)):
            ledger.exclusions.append(Exclusion(
                "responses", one.row.subject, one.row.session, region=f"{roi.key.label} {one.row.contrast}",
                reason=FILLED_ALIKE))
        records.append(_record(one, roi, where, used, enough, options))
    return records


def _record(one: MeasuredMap, roi: RoiVoxels, where: NDArray[np.intp], used: NDArray[np.bool_], enough: bool,
            options: MeasureOptions) -> dict[str, object]:
    """One row of the responses; without ``enough`` coverage its value is missing."""
    how = resolve_summary(options.summary, roi.rule)
    weights = roi.weights[used]
    value = summarise_voxels(one.values[where][used], weights, how) if enough else np.nan  # type: ignore[arg-type]
    return {
        "specification": "main", "subject": one.row.subject, "session": one.row.session, "task": one.row.task,
        "region": roi.key.region, "hemisphere": roi.key.hemisphere, "definition": roi.key.definition,
        "contrast": one.row.contrast, "summary": how, "group": one.row.group, "value": value, "unit": one.row.unit,
        "variance": np.nan, "dof": np.nan, "n_runs": np.nan, "n_voxels": len(roi.flat),
        "n_voxels_used": int(used.sum()), "n_voxels_effective": float(weights.sum()),
        "coverage": float(weights.sum() / roi.weights.sum()), "tsnr": np.nan, "mean_fd_mm": np.nan,
        "censored_fraction": np.nan}


def _warnings(rows: Sequence[MapRow], sets: Iterable[RegionSet], ledger: Ledger) -> tuple[str, ...]:
    """What was noticed, each thing once."""
    counts = ledger.counts
    out = about_maps(rows, counts)
    found = list(sets)
    if len(found) > 1:
        out.append(f"the maps have {len(found)} grids; the ROIs were drawn on each")
    small = [f"{row.region}-{row.hemisphere}_{row.definition}: {row.warning}" for one in found
             for row in one.table.itertuples() if row.warning != NA]
    return tuple(dict.fromkeys([*out, *ledger.warnings, *[note for one in found for note in one.notes], *small]))


def about_maps(rows: Sequence[MapRow], counts: Mapping[str, int]) -> list[str]:
    """What to know about maps, from the counts of a :class:`Ledger`."""
    out = [VARIANCE_NOTE]
    if any(row.variance is not None for row in rows):
        out.append(MASK_NOTE)
    if counts.get("by convention"):
        out.append("left and right are taken from SPM's convention, which cannot be verified: "
                   f"{counts['by convention']} maps are Analyze files, whose headers cannot say it")
    if counts.get("zeros"):
        out.append(f"{counts['zeros']} ROI voxels in {counts['maps with zeros']} maps are exactly 0 and were taken as "
                   "outside the map")
    return out
