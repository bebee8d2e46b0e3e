"""The responses of one subject from its maps, for studies whose contrasts are sums of maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from deltaroi.grid import Grid
from deltaroi.masks import RegionSet
from deltaroi.measuring.maps import Ledger, MeasuredMap, open_row, read_row, summarise_maps
from deltaroi.measuring.options import MeasureOptions
from deltaroi.measuring.table import MapRow
from deltaroi.tables import RESPONSES, conform
from deltaroi.types import Exclusion


@dataclass(frozen=True, eq=False)
class SubjectMaps:
    """What the maps of one subject gave: RESPONSES, what is left out, oddities of files, counts of what was noticed."""

    table: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Known:
    """Regions that are drawn already."""

    regions: Sequence[RegionSet]

    def on(self, grid: Grid) -> RegionSet:
        return next(one for one in self.regions if one.grid.same_as(grid))


def map_grid(row: MapRow, options: MeasureOptions) -> tuple[Grid | None, tuple[Exclusion, ...]]:
    """The grid of a map, or why it cannot be measured.

    Parameters
    ----------
    row : MapRow
        The map.
    options : MeasureOptions
        ``space`` is that of the maps.
    """
    ledger = Ledger()
    opened = open_row(row, options, ledger)
    return None if opened is None else opened[0].grid, tuple(ledger.exclusions)


def measure_subject(rows: Sequence[MapRow], regions: Sequence[RegionSet], contrasts: Mapping[str, Mapping[str, float]],
                    options: MeasureOptions) -> SubjectMaps:
    """Measure the contrasts of one subject.

    Parameters
    ----------
    rows : sequence of MapRow
        Its maps, each named by ``contrast``.
    regions : sequence of RegionSet
        The ROIs on every grid of the maps.
    contrasts : mapping
        Contrast -> map -> weight; a sum of maps is made voxel by voxel, and the ROI's summary is that of the sum.
    options : MeasureOptions
        ``space``, ``summary`` and ``minimum_coverage`` are used.
    """
    ledger = Ledger()
    read = [one for row in rows if (one := read_row(row, _Known(regions), options, ledger)) is not None]
    sessions = list(dict.fromkeys(one.row.session for one in read))
    summed = [made for session in sessions for name, weights in contrasts.items()
              if (made := _sum(name, weights, [one for one in read if one.row.session == session], ledger)) is not None]
    table = pd.DataFrame(summarise_maps(summed, options, ledger), columns=RESPONSES.names)
    return SubjectMaps(conform(table, RESPONSES), tuple(ledger.exclusions), tuple(ledger.warnings), dict(ledger.counts))


def _sum(name: str, weights: Mapping[str, float], read: Sequence[MeasuredMap], ledger: Ledger) -> MeasuredMap | None:
    """The weighted sum of maps of one session; None when one of them is not there, or their units differ."""
    maps = {one.row.contrast: one for one in read}
    if not weights.keys() <= maps.keys():
        return None
    mine = [maps[part] for part in weights]
    first, units = mine[0], sorted({one.row.unit for one in mine})
    if len(units) > 1:
        ledger.exclusions.append(Exclusion(
            "responses", first.row.subject, first.row.session, region=name, reason="the maps of the contrast have "
            "different units", value=", ".join(units), threshold="one unit"))
        return None
    values = np.sum([weight * maps[part].values for part, weight in weights.items()], axis=0)
    return MeasuredMap(replace(first.row, contrast=name), first.regions, values,
                       np.logical_and.reduce([one.used for one in mine]))
