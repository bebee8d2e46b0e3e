"""Which voxels of an ROI a subject's responses rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, IntArray
from deltaroi.signal.runfit import RunFit
from deltaroi.types import NA, Exclusion, RoiKey, RunKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet, RoiVoxels


@dataclass(frozen=True, eq=False)
class Common:
    """The voxels of one ROI that all remaining runs of a subject on one grid have.

    Attributes
    ----------
    index : ndarray of int64, shape (n,)
        Positions in ``RunFit.flat``; empty when too few are left.
    weights : ndarray, shape (n,)
        Their weights.
    n_used : int
        Voxels that all remaining runs have.
    effective : float
        Sum of the weights of those.
    coverage : float
        Their weight over that of all voxels of the ROI.
    """

    index: IntArray
    weights: FloatArray
    n_used: int
    effective: float
    coverage: float


NO_VOXELS = Common(np.zeros(0, np.int64), np.zeros(0), 0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Covered:
    """One ROI of one subject.

    Attributes
    ----------
    rule : str
        How it was resampled.
    n_voxels : int
        Its voxels on the grid.
    fits : tuple of RunFit
        The runs that remain.
    common : mapping of str to Common
        Per grid digest the voxels that they share.
    chosen : mapping of RunKey to Common, or None
        The voxels of each run where a localiser contrast chose them.
    """

    rule: str
    n_voxels: int
    fits: tuple[RunFit, ...]
    common: Mapping[str, Common]
    chosen: Mapping[RunKey, Common] | None = None

    def voxels(self, fit: RunFit) -> Common:
        """The voxels in which a run is measured."""
        return self.common[fit.grid_digest] if self.chosen is None else self.chosen[fit.key]


def roi_keys(regions: Mapping[str, RegionSet]) -> list[RoiKey]:
    """All ROIs, in the order of the region sets."""
    return list(dict.fromkeys(roi.key for grid in sorted(regions) for roi in regions[grid].rois))


def cover(fits: Sequence[RunFit], regions: Mapping[str, RegionSet], key: RoiKey,
          minimum: float) -> tuple[Covered, list[Exclusion]]:
    """Apply the coverage rule to one ROI of one subject.

    Parameters
    ----------
    fits : sequence of RunFit
        The subject's runs.
    regions : mapping of str to RegionSet
        ROIs per grid digest.
    key : RoiKey
        The ROI.
    minimum : float
        Least share of the ROI's weight that must be used.

    Returns
    -------
    Covered
        Runs below the minimum have dropped out; then one set of voxels per grid, the intersection over the remaining
        runs and sessions.
    list of Exclusion

    Raises
    ------
    DataError
        A fit was made on another grid, or without this ROI.
    """
    rois = {digest: roi for digest, found in regions.items() for roi in found.rois if roi.key == key}
    remaining: list[RunFit] = []
    used: dict[str, np.ndarray] = {}
    lost: list[Exclusion] = []
    several = len({fit.key.task for fit in fits}) > 1
    for fit in fits:
        if fit.grid_digest not in regions:
            raise DataError(f"the run was fitted on the grid {fit.grid_digest}, for which there are no ROIs",
                            where=fit.key.label, hint="build the ROIs on this grid, or run the first level again")
        roi = rois.get(fit.grid_digest)
        if roi is None:
            continue
        mine = fit.used[_places(fit, roi)]
        share = _share(roi, mine)
        if share < minimum or share == 0:
            lost.append(Exclusion("responses", fit.key.subject, fit.key.session, fit.key.run, key.label,
                                  "coverage of the ROI in this run "
                                  f"{f'of the task {fit.key.task} ' if several else ''}is below the minimum",
                                  f"{share:.3f}", f"{minimum:g}"))
            continue
        remaining.append(fit)
        used[fit.grid_digest] = used.get(fit.grid_digest, np.ones(mine.size, dtype=bool)) & mine
    first = {fit.grid_digest: fit for fit in reversed(remaining)}
    common = {digest: _common(first[digest], rois[digest], mine, minimum) for digest, mine in used.items()}
    lost += [Exclusion("responses", fits[0].key.subject, NA, NA, key.label,
                       "coverage of the ROI shared by all runs is below the minimum", f"{found.coverage:.3f}",
                       f"{minimum:g}") for found in common.values() if not found.index.size]
    some = next(iter(rois.values()))
    here = rois.get(fits[0].grid_digest, some) if fits else some
    return Covered(some.rule, here.flat.size, tuple(remaining), common), lost


def _places(fit: RunFit, roi: RoiVoxels) -> IntArray:
    """Positions of an ROI's voxels in ``fit.flat``."""
    places = np.searchsorted(fit.flat, roi.flat)
    found = places < fit.flat.size
    if not found.all() or not np.array_equal(fit.flat[places], roi.flat):
        raise DataError(f"the run was fitted without all voxels of {roi.key.label}", where=fit.key.label,
                        hint="run the first level again: the ROIs have changed")
    return places.astype(np.int64)


def _share(roi: RoiVoxels, used: np.ndarray) -> float:
    total = float(roi.weights.sum())
    return float(roi.weights[used].sum()) / total if total > 0 else 0.0


def _common(fit: RunFit, roi: RoiVoxels, used: np.ndarray, minimum: float) -> Common:
    share = _share(roi, used)
    enough = used if share >= minimum and share > 0 else np.zeros_like(used)
    return Common(_places(fit, roi)[enough], roi.weights[enough], int(used.sum()), float(roi.weights[used].sum()),
                  share)
