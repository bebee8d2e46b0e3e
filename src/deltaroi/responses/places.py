"""Where one subject's runs measure its ROIs: the voxels that its responses rest on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deltaroi.responses.coverage import Common
from deltaroi.responses.functional import Localisers, cover_all
from deltaroi.signal.runfit import RunFit
from deltaroi.types import RoiKey, RunKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet


def places(fits: Sequence[RunFit], regions: Mapping[str, RegionSet], minimum_coverage: float,
           localisers: Localisers) -> dict[RoiKey, dict[RunKey, Common]]:
    """The voxels of every ROI in every run of one subject that covers it; the arguments are those of `summarise`.

    What is left out on the way is what :func:`deltaroi.responses.summarise` lists.
    """
    serving = sorted((fit for fit in fits if fit.vectors.any()), key=lambda fit: fit.key)
    covered = cover_all(serving, localisers, regions, minimum_coverage).covered
    return {key: {fit.key: voxels for fit in roi.fits if (voxels := roi.voxels(fit)).index.size}
            for key, roi in covered.items()}
