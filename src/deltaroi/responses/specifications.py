"""One subject's responses in many specifications: each model is read once, what they share is done once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
from threadpoolctl import threadpool_limits

from deltaroi.responses.coverage import Covered, cover
from deltaroi.responses.series import SeriesFit, SeriesStore, fit_kinds, series_kind
from deltaroi.responses.summarise import places_of, response_row
from deltaroi.signal.runfit import RunFit
from deltaroi.summaries import resolve_summary
from deltaroi.tables import RESPONSES, conform
from deltaroi.types import NA, Exclusion, RoiKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet


@dataclass(frozen=True)
class Asked:
    """One specification: its name, which model of the runs it uses, its ROIs, and how voxels become one value."""

    name: str
    model: str
    rois: tuple[RoiKey, ...]
    summary: str


@dataclass(frozen=True, eq=False)
class SpecificationResponses:
    """The responses of one subject, conformed to ``RESPONSES``, and what is left out in which specifications."""

    table: pd.DataFrame
    exclusions: Mapping[Exclusion, tuple[str, ...]]


def summarise_each(asked: Sequence[Asked], load: Callable[[str], Sequence[RunFit]],
                   regions: Mapping[str, RegionSet], minimum_coverage: float) -> SpecificationResponses:
    """Combine the runs of one subject into responses, once per specification.

    Parameters
    ----------
    asked : sequence of Asked
        The specifications.
    load : callable
        The subject's fits of a model; called once per model, and what it gave is let go before the next.
    regions : mapping of str to RegionSet
        All ROIs per grid digest; none of them functional.
    minimum_coverage : float
        Least share of an ROI that must be used.

    Returns
    -------
    SpecificationResponses
        Values as :func:`deltaroi.responses.summarise` makes them of the same fits and ROIs. A specification whose model
        no run has is not in the table.
    """
    rows: list[dict[str, Any]] = []
    store = SeriesStore()
    lost: dict[Exclusion, dict[str, None]] = {}
    for model in dict.fromkeys(one.model for one in asked):
        fits = sorted(load(model), key=lambda fit: fit.key)
        if not fits:
            continue
        mine = [one for one in asked if one.model == model]
        found = _Model(fits, (regions, minimum_coverage), mine, store)
        for one in mine:
            made, gone = found.responses(one)
            rows += made
            for row in gone:
                lost.setdefault(row, {})[one.name] = None
    table = conform(pd.DataFrame(rows, columns=RESPONSES.names), RESPONSES)
    return SpecificationResponses(table, {row: tuple(names) for row, names in lost.items()})


class _Model:
    """The fits of one model, with the coverage and the series that its specifications share."""

    def __init__(self, fits: Sequence[RunFit], places: tuple[Mapping[str, RegionSet], float], asked: Sequence[Asked],
                 store: SeriesStore) -> None:
        regions, minimum = places
        self._fits, self._store = fits, store
        serving = [fit for fit in fits if fit.vectors.any()]
        self._covered: dict[RoiKey, Covered] = {}
        self._lost: dict[RoiKey, list[Exclusion]] = {}
        there = {roi.key for found in regions.values() for roi in found.rois}
        for key in dict.fromkeys(key for one in asked for key in one.rois if key in there):
            self._covered[key], self._lost[key] = cover(serving, regions, key, minimum)
        self._series = self._fit({one.summary for one in asked})

    def _fit(self, summaries: set[str]) -> dict[int, dict[tuple[RoiKey, str], SeriesFit]]:
        """The model of every series in every run, all series of a run at once."""
        found = {}
        with threadpool_limits(1, user_api="blas"):
            for fit in self._fits:
                voxels = {key: roi.voxels(fit) for key, roi in self._covered.items()
                          if any(other is fit for other in roi.fits)}
                wanted = {(key, series_kind(resolve_summary(how, self._covered[key].rule), common)): common
                          for key, common in voxels.items() for how in sorted(summaries)}
                found[id(fit)] = fit_kinds(fit, wanted, self._store)
        return found

    def responses(self, asked: Asked) -> tuple[list[dict[str, Any]], list[Exclusion]]:
        """The rows of one specification, and what is not in them."""
        keys = [key for key in asked.rois if key in self._covered]
        series: dict[tuple[int, RoiKey], SeriesFit] = {}
        for key in keys:
            roi = self._covered[key]
            how = resolve_summary(asked.summary, roi.rule)
            for fit in roi.fits:
                made = self._series[id(fit)].get((key, series_kind(how, roi.voxels(fit))))
                if made is not None:
                    series[id(fit), key] = made
        rows: list[dict[str, Any]] = []
        lost = [row for key in keys for row in self._lost[key]]
        for place in places_of(self._fits, keys):
            row, empty = response_row(place, self._covered[place.key], self._fits[0], series, asked.summary)
            rows.append({"specification": asked.name, "group": NA, **row})
            lost += empty
        return rows, lost
