"""The voxels behind the responses: per session the map that the ROI's summary is taken of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.responses.coverage import Covered
from deltaroi.responses.functional import Localisers, cover_all
from deltaroi.signal.runfit import RunFit
from deltaroi.signal.session_map import SessionMap
from deltaroi.types import RoiKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet


def session_maps(fits: Sequence[RunFit], regions: Mapping[str, RegionSet], minimum_coverage: float,
                 localisers: Localisers | None = None) -> tuple[SessionMap, ...]:
    """The maps of one subject, at the voxels that its responses rest on.

    Parameters
    ----------
    fits : sequence of RunFit
        All fitted runs of the subject in the tested task, of one unit.
    regions : mapping of str to RegionSet
        ROIs per grid digest.
    minimum_coverage : float
        Least share of an ROI that must be used.
    localisers : Localisers, optional
        What chooses the voxels of functional ROIs.

    Returns
    -------
    tuple of SessionMap
        None where a session has no response: no run, too little coverage, or runs on different grids.

    Notes
    -----
    The (weighted) mean of a map is the response with ``summary: mean`` (``weighted_mean``). Where the runs of a session
    are measured in different voxels (functional ROIs chosen by the other runs) the map has those that all runs share.
    """
    serving = sorted((fit for fit in fits if fit.vectors.any()), key=lambda fit: fit.key)
    covered = cover_all(serving, localisers or Localisers({}), regions, minimum_coverage).covered
    weight = {(digest, roi.key): float(roi.weights.sum()) for digest, found in regions.items() for roi in found.rois}
    out = []
    for key, roi in covered.items():
        for session in dict.fromkeys(fit.key.session for fit in roi.fits):
            mine = [fit for fit in roi.fits if fit.key.session == session]
            for contrast in dict.fromkeys(name for fit in mine for name in fit.contrasts):
                found = _map(key, contrast, roi, [fit for fit in mine if fit.serves(contrast)], weight)
                out += [found] if found is not None else []
    return tuple(out)


def _map(key: RoiKey, contrast: str, roi: Covered, runs: Sequence[RunFit],
         weight: Mapping[tuple[str, RoiKey], float]) -> SessionMap | None:
    if not runs or len({fit.grid_digest for fit in runs}) > 1:
        return None
    sets = [roi.voxels(fit) for fit in runs]
    index = reduce(np.intersect1d, [one.index for one in sets])
    if not index.size:
        return None
    total = np.zeros(index.size)
    for fit in runs:
        total += fit.effect[fit.contrasts.index(contrast), index]
    first, grid = runs[0], runs[0].grid_digest
    whole = weight[grid, key] if roi.chosen is None else float(np.mean([one.effective for one in sets]))
    return SessionMap(first.key.subject, contrast, first.key.session, key, grid, first.unit, roi.n_voxels, whole,
                      first.flat[index], sets[0].weights[np.isin(sets[0].index, index)], total / len(runs))
