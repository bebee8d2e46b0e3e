"""What one subject tells the others: its mean localiser effect at the voxels of an ROI, small enough to pass around."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.errors import DataError
from deltaroi.grid import FloatArray, IntArray
from deltaroi.io.files import write_npz
from deltaroi.responses.choosers import contrast_name
from deltaroi.responses.coverage import cover, roi_keys
from deltaroi.signal.runfit import RunFit
from deltaroi.specs import Functional
from deltaroi.types import RoiKey

if TYPE_CHECKING:
    from deltaroi.masks import RegionSet

_VERSION = 1


@dataclass(frozen=True, eq=False)
class VoxelEffects:
    """The mean effect of the localiser contrast over the runs of one subject on one grid.

    Attributes
    ----------
    subject : str
        The subject.
    key : RoiKey
        The functional ROI.
    grid_digest : str
        Hash of the grid.
    flat : ndarray of int64, shape (n,)
        Sorted positions on the grid of the voxels that survive the coverage rule.
    effect : ndarray, shape (n,)
        In the unit of the fits.
    """

    subject: str
    key: RoiKey
    grid_digest: str
    flat: IntArray
    effect: FloatArray


def subject_effects(fits: Sequence[RunFit], regions: Mapping[str, RegionSet], specs: Mapping[str, Functional],
                    minimum_coverage: float) -> tuple[VoxelEffects, ...]:
    """The effects of one subject for the ROIs that other subjects choose.

    Parameters
    ----------
    fits : sequence of RunFit
        All fitted runs of the subject; all sessions count alike.
    regions : mapping of str to RegionSet
        ROIs per grid digest.
    specs : mapping of str to Functional
        By the region's name; those with ``select_from: other_subjects`` are done.
    minimum_coverage : float
        Least share of an ROI that must be used.
    """
    ordered = sorted((fit for fit in fits if fit.vectors.any()), key=lambda fit: fit.key)
    found: list[VoxelEffects] = []
    for key in roi_keys(regions):
        spec = specs.get(key.region)
        if spec is None or spec.select_from != "other_subjects" or not ordered:
            continue
        covered, _ = cover(ordered, regions, key, minimum_coverage)
        for grid, common in covered.common.items():
            runs = [fit for fit in covered.fits if fit.grid_digest == grid and fit.serves(contrast_name(spec))]
            if runs and common.index.size:
                total = np.zeros(common.index.size)
                for fit in runs:
                    total += fit.effect[fit.contrasts.index(contrast_name(spec)), common.index]
                found.append(VoxelEffects(ordered[0].key.subject, key, grid, runs[0].flat[common.index],
                                          total / len(runs)))
    return tuple(found)


def one_sample_t(effects: Sequence[VoxelEffects], flat: IntArray) -> FloatArray:
    """The one-sample t over subjects at some voxels.

    Parameters
    ----------
    effects : sequence of VoxelEffects
        One per subject, of one ROI on one grid.
    flat : ndarray of int64
        Positions on the grid.

    Returns
    -------
    ndarray
        NaN where a subject lacks the voxel, or where all subjects have one value.
    """
    table = np.full((len(effects), flat.size), np.nan)
    for row, one in enumerate(effects):
        at = np.searchsorted(one.flat, flat)
        at[at == one.flat.size] = 0
        has = one.flat[at] == flat
        table[row, has] = one.effect[at[has]]
    spread = table.std(axis=0, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(spread > 0, table.mean(axis=0) / (spread / np.sqrt(len(effects))), np.nan)


def save_effects(path: Path, effects: Iterable[VoxelEffects]) -> None:
    """Write effects of one or more subjects as an ``.npz`` whose bytes depend on them alone."""
    kept = sorted(effects, key=lambda one: (one.subject, one.key, one.grid_digest))
    text = json.dumps({"version": _VERSION, "rows": [[one.subject, asdict(one.key), one.grid_digest, int(one.flat.size)]
                                                     for one in kept]}, ensure_ascii=False)
    flat = np.concatenate([np.zeros(0, np.int64), *(one.flat for one in kept)])
    effect = np.concatenate([np.zeros(0), *(one.effect for one in kept)])
    write_npz(path, {"text": np.frombuffer(text.encode(), dtype=np.uint8), "flat": flat, "effect": effect})


def load_effects(path: Path) -> tuple[VoxelEffects, ...]:
    """Read what :func:`save_effects` wrote.

    Raises
    ------
    DataError
        The file is missing, damaged, or of another version.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            text = json.loads(bytes(stored["text"]).decode())
            flat, effect = stored["flat"], stored["effect"]
        if text["version"] != _VERSION:
            raise ValueError(f"it is of version {text['version']}, this is version {_VERSION}")
        ends = np.cumsum([size for *_, size in text["rows"]], dtype=np.int64)[:-1]
        pieces = zip(text["rows"], np.split(flat, ends), np.split(effect, ends), strict=True) if text["rows"] else ()
        return tuple(VoxelEffects(subject, RoiKey(**key), grid, where, values)
                     for (subject, key, grid, _), where, values in pieces)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"the localiser effects cannot be read: {error}", where=str(path),
                        hint="delete the file and run again") from error
