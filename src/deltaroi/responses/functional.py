"""Functional ROIs: the voxels of an anatomical ROI that a localiser contrast chooses, from data that are not tested."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from deltaroi.errors import DataError
from deltaroi.fill import dice
from deltaroi.grid import FloatArray, Grid, IntArray
from deltaroi.responses.choosers import CHOOSES, TOO_FEW, Part, Seen, contrast_name, is_localiser, is_named, parts
from deltaroi.responses.coverage import Common, Covered, cover, roi_keys
from deltaroi.responses.others import VoxelEffects, one_sample_t
from deltaroi.signal.runfit import RunFit
from deltaroi.specs import Functional
from deltaroi.types import CIRCULAR, FUNCTIONAL, NA, Exclusion, RoiKey, RunKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet


@dataclass(frozen=True, eq=False)
class Localisers:
    """What chooses the voxels of one subject's functional ROIs, beside the runs that are tested.

    Attributes
    ----------
    specs : mapping of str to Functional
        How they are chosen, by the region's name.
    fits : tuple of RunFit
        The subject's runs of localiser tasks.
    others : tuple of VoxelEffects
        What the other subjects tell; those of the subject itself are never used.
    """

    specs: Mapping[str, Functional]
    fits: tuple[RunFit, ...] = ()
    others: tuple[VoxelEffects, ...] = ()


@dataclass(frozen=True, eq=False)
class Chosen:
    """One functional ROI of one subject: its voxels, rows of the selections table, what is left out."""

    covered: Covered
    rows: tuple[dict[str, Any], ...]
    exclusions: tuple[Exclusion, ...]


@dataclass(frozen=True, eq=False)
class Picked:
    """The outcome of one choice.

    Attributes
    ----------
    places : ndarray of int64
        Ascending positions among the voxels that were offered; empty where the rule could not be followed.
    candidates : int
        Voxels with a t.
    problem, value, threshold : str
        Why nothing was chosen, what was found and what is needed; ``problem`` is empty when something was chosen.
    """

    places: IntArray
    candidates: int
    problem: str = ""
    value: str = NA
    threshold: str = NA


@dataclass(frozen=True, eq=False)
class _Set:
    """One set of voxels: for which runs, from what, and where."""

    part: Part
    grid: Grid
    picked: Picked
    voxels: Common
    flat: IntArray
    t: FloatArray
    choosing: int


@dataclass(frozen=True, eq=False)
class CoveredAll:
    """All ROIs of one subject, rows of the selections table, what is left out."""

    covered: Mapping[RoiKey, Covered]
    rows: tuple[dict[str, Any], ...]
    exclusions: tuple[Exclusion, ...]


def cover_all(fits: Sequence[RunFit], localisers: Localisers, regions: Mapping[str, RegionSet],
              minimum: float) -> CoveredAll:
    """The voxels of every ROI of one subject: by the coverage rule, or chosen; the arguments are those of `choose`."""
    covered: dict[RoiKey, Covered] = {}
    rows: list[dict[str, Any]] = []
    lost: list[Exclusion] = []
    for key in roi_keys(regions):
        if key.definition in (FUNCTIONAL, CIRCULAR):
            found = choose(key, fits, localisers, regions, minimum)
            covered[key] = found.covered
            lost += found.exclusions
            rows += found.rows
        else:
            covered[key], gone = cover(fits, regions, key, minimum)
            lost += gone
    return CoveredAll(covered, tuple(rows), tuple(lost))


def choose(key: RoiKey, fits: Sequence[RunFit], localisers: Localisers, regions: Mapping[str, RegionSet],
           minimum: float) -> Chosen:
    """Choose the voxels of one functional ROI for every tested run of one subject.

    Parameters
    ----------
    key : RoiKey
        The ROI; the region sets hold the whole ROI that is chosen in.
    fits : sequence of RunFit
        The subject's runs of the tested task that serve some contrast, in order.
    localisers : Localisers
        What chooses.
    regions : mapping of str to RegionSet
        ROIs per grid digest.
    minimum : float
        Least share of the containing ROI that must be used.

    Returns
    -------
    Chosen

    Raises
    ------
    DataError
        Nothing says how the voxels are chosen.

    Notes
    -----
    Candidates are the voxels that survive the coverage rule over all runs, choosing and tested. The statistic of a
    voxel is the t of the localiser contrast over the n choosing runs by the unweighted fixed effect: mean of the
    effects over sqrt(sum of the variances / n**2); with ``other_subjects`` the one-sample t over the other subjects.
    Of voxels with the same t the one with the lower position is taken. The chosen voxels keep their weights.
    """
    spec = localisers.specs.get(key.region)
    if spec is None:
        raise DataError(f"nothing says how the voxels of {key.label} are chosen", where="responses",
                        hint="give the localisers of the functional ROIs")
    subject = fits[0].key.subject if fits else NA
    of_task = sorted((fit for fit in localisers.fits if is_localiser(spec, fit.key)), key=lambda fit: fit.key)
    whole, gone = cover([*fits, *of_task], regions, key, minimum)
    runs = {fit.key: fit for fit in whole.fits}
    others = [one for one in localisers.others if one.key == key and one.subject != subject]
    seen = [Seen(fit.key, fit.grid_digest, fit.serves(contrast_name(spec))) for fit in whole.fits]
    lost = gone + [Exclusion("responses", subject, run.key.session, run.key.run, key.label,
                             CHOOSES)
                   for run in seen if is_named(spec, run.key)]
    numbers = {grid: sum(one.grid_digest == grid for one in others) for grid in whole.common}
    chosen: dict[RunKey, Common] = {}
    sets: list[_Set] = []
    for part in sorted(parts(spec, seen, numbers), key=lambda part: (part.session, part.run)):
        common = whole.common[part.grid]
        if not common.index.size:  # the coverage rule has listed why
            chosen.update(dict.fromkeys(part.tested, common))
            continue
        made = None if part.problem else _make(spec, part, common, (runs, others), regions[part.grid].grid)
        sets += [made] if made is not None else []
        problem = part if made is None else made.picked
        if problem.problem:
            lost.append(Exclusion("responses", subject, part.session, part.run, key.label, problem.problem,
                                  problem.value, problem.threshold))
        elif made is not None:
            chosen.update(dict.fromkeys(part.tested, made.voxels))
    tested = tuple(fit for fit in whole.fits if fit.key in chosen)
    return Chosen(replace(whole, fits=tested, chosen=chosen), tuple(_rows(subject, key, spec, sets)), tuple(lost))


def localiser_t(runs: Sequence[RunFit], contrast: str, index: IntArray) -> FloatArray:
    """The t of a contrast over runs, at some voxels; NaN where its variance is not positive.

    Parameters
    ----------
    runs : sequence of RunFit
        Runs that serve the contrast.
    contrast : str
        Its name.
    index : ndarray of int64
        Positions in ``RunFit.flat``.
    """
    effect, variance = np.zeros(index.size), np.zeros(index.size)
    for fit in runs:
        row = fit.contrasts.index(contrast)
        effect += fit.effect[row, index]
        variance += fit.variance[row, index]
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, (effect / len(runs)) / np.sqrt(variance / len(runs) ** 2), np.nan)


def pick(t: FloatArray, spec: Functional) -> Picked:
    """Apply ``strongest`` or ``above_t`` to voxels in the order of their positions.

    Parameters
    ----------
    t : ndarray
        The statistic of each voxel; those without a finite one are no candidates.
    spec : Functional
        The rule.
    """
    places = np.flatnonzero(np.isfinite(t)).astype(np.int64)
    nothing, number = places[:0], int(places.size)
    if spec.strongest is not None:
        if number < spec.strongest:
            return Picked(nothing, number, TOO_FEW, str(number), str(spec.strongest))
        order = np.argsort(-t[places], kind="stable")
        return Picked(np.sort(places[order[:spec.strongest]]), number)
    least = spec.above_t or 0.0
    above = places[t[places] > least]
    if above.size:
        return Picked(above, number)
    largest = f"largest t {t[places].max():.3f}" if number else "no voxel with a t"
    return Picked(nothing, number, "no voxel has a t above the threshold", largest, f"t > {least:g}")


def _make(spec: Functional, part: Part, common: Common, data: tuple[Mapping[RunKey, RunFit], Sequence[VoxelEffects]],
          grid: Grid) -> _Set:
    """Choose one set of voxels."""
    runs, others = data
    flat = runs[part.tested[0]].flat[common.index]
    if spec.select_from == "other_subjects":
        here = [one for one in others if one.grid_digest == part.grid]
        t, choosing = one_sample_t(here, flat), len(here)
    else:
        t = localiser_t([runs[key] for key in part.choosers], contrast_name(spec), common.index)
        choosing = len(part.choosers)
    picked = pick(t, spec)
    weights = common.weights[picked.places]
    voxels = Common(common.index[picked.places], weights, int(weights.size), float(weights.sum()), common.coverage)
    return _Set(part, grid, picked, voxels, flat[picked.places], t[picked.places], choosing)


def _rows(subject: str, key: RoiKey, spec: Functional, sets: Sequence[_Set]) -> list[dict[str, Any]]:
    """The rows of the selections table."""
    rows = []
    first = next((one for one in sets if one.flat.size), None)
    for one in sets:
        n = one.flat.size
        centre = one.voxels.weights @ one.grid.world(one.grid.unravel(one.flat)) / one.voxels.effective if n else \
            np.full(3, np.nan)
        overlap = np.nan if first is None or one is first or one.part.grid != first.part.grid else \
            dice(first.flat, one.flat)
        rows.append({
            "subject": subject, "session": one.part.session, "run": one.part.run, "region": key.region,
            "hemisphere": key.hemisphere, "definition": key.definition, "contrast": contrast_name(spec),
            "select_from": spec.select_from, "n_choosing": one.choosing, "n_candidates": one.picked.candidates,
            "n_chosen": n, "threshold_t": float(one.t.min()) if n else np.nan, "x_mm": centre[0], "y_mm": centre[1],
            "z_mm": centre[2], "overlap": overlap})
    return rows
