"""One subject's responses: runs combined within their session, sessions never pooled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from deltaroi.errors import DataError
from deltaroi.responses.coverage import NO_VOXELS, Common, Covered
from deltaroi.responses.functional import Localisers, cover_all
from deltaroi.responses.series import SeriesFit, fit_roi_series
from deltaroi.signal.runfit import RunFit
from deltaroi.summaries import FILLED_ALIKE, OF_SERIES, resolve_summary, summarise_voxels, summary_exists
from deltaroi.tables import RESPONSES, RUN_VALUES, SELECTIONS, conform
from deltaroi.types import NA, Exclusion, RoiKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet

SeriesFits = Mapping[tuple[int, RoiKey], SeriesFit]


@dataclass(frozen=True)
class Place:
    """One ROI, contrast and session."""

    key: RoiKey
    contrast: str
    session: str
    task: str


@dataclass(frozen=True, eq=False)
class SubjectResponses:
    """What came of one subject.

    Attributes
    ----------
    table : DataFrame
        One row per session, ROI and contrast, conformed to ``RESPONSES``; ``value`` is NaN where there is none.
    selections : DataFrame
        One row per set of voxels that a localiser contrast chose, conformed to ``SELECTIONS``.
    exclusions : tuple of Exclusion
        Runs, ROIs and contrasts that are not in the values.
    runs : DataFrame
        The value of every run alone, in the voxels of the session's, conformed to ``RUN_VALUES``.
    """

    table: pd.DataFrame
    selections: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    runs: pd.DataFrame


def summarise(fits: Sequence[RunFit], regions: Mapping[str, RegionSet], summary: str, minimum_coverage: float,
              localisers: Localisers | None = None, specification: str = "main") -> SubjectResponses:
    """Combine the runs of one subject into responses.

    Parameters
    ----------
    fits : sequence of RunFit
        All fitted runs of the subject in the tested task, of one unit.
    regions : mapping of str to RegionSet
        ROIs per grid digest.
    summary : str
        How voxels become one value; ``auto`` follows each ROI's resampling rule.
    minimum_coverage : float
        Least share of an ROI that must be used.
    localisers : Localisers, optional
        What chooses the voxels of functional ROIs.
    specification : str
        Written into the rows.

    Returns
    -------
    SubjectResponses

    Raises
    ------
    DataError
        The fits are of several subjects or units, or do not belong to the ROIs.

    Notes
    -----
    Within a session, over the n runs that serve a contrast: effect = mean of the effects, variance = sum of the
    variances / n**2 (``nilearn.glm.contrasts.compute_fixed_effect_contrast``). The ROI summary is taken of that
    effect. The variance is that of the ROI's mean series over the same voxels in the same model, because voxel errors
    are correlated; for ``eigenvariate`` and ``mean_timeseries`` value and variance come from that series;
    ``partial_volume`` has no value, and an exclusion, where all voxels are filled too much alike. Where the
    runs of a session are measured in different voxels (functional ROIs chosen by the other runs), the summary is taken
    per run, and then the mean over runs.
    """
    ordered = sorted(fits, key=lambda fit: fit.key)
    _check(ordered)
    serving = [fit for fit in ordered if fit.vectors.any()]
    found = cover_all(serving, localisers or Localisers({}), regions, minimum_coverage)
    covered, lost = found.covered, list(found.exclusions)
    with threadpool_limits(1, user_api="blas"):
        series = _series_fits(covered, summary)
    rows: list[dict[str, Any]] = []
    single: list[dict[str, Any]] = []
    for place in places_of(ordered, covered):
        row, empty = response_row(place, covered[place.key], ordered[0], series, summary)
        single += _runs_alone(place, covered[place.key], row, series) if np.isfinite(row["value"]) else []
        rows.append({"specification": specification, "group": NA, **row})
        lost += empty
    selections = [{"specification": specification, **row} for row in found.rows]
    return SubjectResponses(conform(pd.DataFrame(rows, columns=RESPONSES.names), RESPONSES),
                            conform(pd.DataFrame(selections, columns=SELECTIONS.names), SELECTIONS),
                            tuple(dict.fromkeys(lost)),
                            conform(pd.DataFrame([{"specification": specification, **row} for row in single],
                                                 columns=RUN_VALUES.names), RUN_VALUES))


def places_of(fits: Sequence[RunFit], keys: Iterable[RoiKey]) -> list[Place]:
    """Every ROI, session and contrast of one subject's fits."""
    sessions = dict.fromkeys((fit.key.session, fit.key.task) for fit in fits)
    contrasts = dict.fromkeys(name for fit in fits for name in fit.contrasts)
    return [Place(key, contrast, session, task) for key in keys for session, task in sessions for contrast in contrasts]


def _check(fits: Sequence[RunFit]) -> None:
    if not fits:
        raise DataError("there is no fitted run to summarise", where="responses")
    for what, values in (("subjects", {fit.key.subject for fit in fits}), ("units", {fit.unit for fit in fits})):
        if len(values) > 1:
            raise DataError(f"the runs are of several {what}: {', '.join(sorted(values))}", where="responses")
    repeated = [a.key.label for a, b in pairwise(fits) if a.key == b.key]
    if repeated:
        raise DataError(f"the run {repeated[0]} is given twice", where="responses")


def _series_fits(covered: Mapping[RoiKey, Covered], summary: str) -> dict[tuple[int, RoiKey], SeriesFit]:
    """The model of every ROI's series in every run."""
    fits = {id(fit): fit for roi in covered.values() for fit in roi.fits}
    found: dict[tuple[int, RoiKey], SeriesFit] = {}
    for number, fit in fits.items():
        common = {key: roi.voxels(fit) for key, roi in covered.items()
                  if any(other is fit for other in roi.fits)}
        how = {key: resolve_summary(summary, covered[key].rule) for key in common}
        for key, result in fit_roi_series(fit, common, how).items():
            found[number, key] = result
    return found


def response_row(place: Place, roi: Covered, any_fit: RunFit, series: SeriesFits,
                 summary: str) -> tuple[dict[str, Any], list[Exclusion]]:
    """One row of responses, and why it is empty if it is."""
    subject = any_fit.key.subject
    runs = [fit for fit in roi.fits if (fit.key.session, fit.key.task) == (place.session, place.task)
            and fit.serves(place.contrast)]
    grids = list(dict.fromkeys(fit.grid_digest for fit in runs))
    sets = [roi.voxels(fit) for fit in runs if fit.grid_digest == grids[0]] or [NO_VOXELS]
    how = resolve_summary(summary, roi.rule)
    row: dict[str, Any] = {
        "subject": subject, "session": place.session, "task": place.task, "region": place.key.region,
        "hemisphere": place.key.hemisphere, "definition": place.key.definition, "contrast": place.contrast,
        "summary": how, "unit": any_fit.unit, "value": np.nan, "variance": np.nan, "dof": np.nan, "n_runs": len(runs),
        "n_voxels": roi.n_voxels, "n_voxels_used": round(_mean([one.n_used for one in sets])),
        "n_voxels_effective": _mean([one.effective for one in sets]), "coverage": sets[0].coverage, "tsnr": np.nan,
        "mean_fd_mm": np.nan, "censored_fraction": np.nan}
    if not runs:
        return row, [Exclusion("responses", subject, place.session, NA, f"{place.key.label} {place.contrast}",
                               "no run of this session is left for the ROI and contrast")]
    row.update(_quality(runs, roi))
    if len(grids) > 1:
        return row, [Exclusion("responses", subject, place.session, NA, place.key.label,
                               "the runs of this session lie on different grids", str(len(grids)), "1")]
    if not all(summary_exists(one.weights, how) for one in sets if one.index.size):
        return row, [Exclusion("responses", subject, place.session, NA, place.key.label, FILLED_ALIKE)]
    if all(one.index.size for one in sets):
        results = [series[id(fit), place.key] for fit in runs]
        row.update(_value(runs, results, sets, place.contrast, how))
    return row, []


def _value(runs: Sequence[RunFit], results: Sequence[SeriesFit], sets: Sequence[Common], contrast: str,
           how: str) -> dict[str, float]:
    """Value and variance of the fixed effect over runs; ``sets`` are the voxels of each run."""
    at = [fit.contrasts.index(contrast) for fit in runs]
    variance = sum(float(result.variance[i]) for i, result in zip(at, results, strict=True)) / len(runs) ** 2
    effects = [fit.effect[i, one.index] for i, fit, one in zip(at, runs, sets, strict=True)]
    if how in OF_SERIES:
        value = sum(float(result.effect[i]) for i, result in zip(at, results, strict=True)) / len(runs)
    elif all(np.array_equal(one.index, sets[0].index) for one in sets):
        total = np.zeros(sets[0].index.size)
        for effect in effects:
            total += effect
        value = summarise_voxels(total / len(runs), sets[0].weights, how)  # type: ignore[arg-type]  # not of series
    else:
        each = [summarise_voxels(effect, one.weights, how)  # type: ignore[arg-type]
                for effect, one in zip(effects, sets, strict=True)]
        value = sum(each) / len(runs)
    return {"value": value, "variance": variance}


def _runs_alone(place: Place, roi: Covered, row: Mapping[str, Any], series: SeriesFits) -> list[dict[str, Any]]:
    """The value of each run behind one row of responses."""
    shared = {name: row[name] for name in RUN_VALUES.names if name in row}
    out = []
    for fit in roi.fits:
        if (fit.key.session, fit.key.task) == (place.session, place.task) and fit.serves(place.contrast):
            found = _value([fit], [series[id(fit), place.key]], [roi.voxels(fit)], place.contrast, row["summary"])
            out.append({**shared, "run": fit.key.run, "value": found["value"]})
    return out


def _mean(values: Sequence[float]) -> float:
    """Their mean; exactly their value where all are the same."""
    return float(values[0]) if len(set(values)) == 1 else float(np.mean(values))


def _quality(runs: Sequence[RunFit], roi: Covered) -> dict[str, float]:
    tsnr = [float(np.median(values)) for fit in runs
            if (values := fit.tsnr[roi.voxels(fit).index]).size]
    return {"dof": float(sum(fit.dof for fit in runs)),
            "tsnr": float(np.mean(tsnr)) if tsnr else float("nan"),
            "mean_fd_mm": float(np.mean([fit.mean_fd_mm for fit in runs])),
            "censored_fraction": sum(fit.censored.size for fit in runs) / sum(fit.n_volumes for fit in runs)}
