"""What a pilot study says about the spread and the correlations of ROI values, and how surely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import stats

from deltaroi.errors import DataError, UsageError
from deltaroi.group.blocks import Array, Block, IntArray, prepare
from deltaroi.group.compare import arranged
from deltaroi.group.options import CompareOptions
from deltaroi.io.tsv import read_tsv
from deltaroi.specs import MAIN
from deltaroi.stats.record import NAN
from deltaroi.types import NA

_LEAST = 3


@dataclass(frozen=True)
class Estimated:
    """An estimate with its 95 % interval; as wide as if the pilot had one ROI, since ROIs of a subject go together."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Pilot:
    """What a pilot says.

    Attributes
    ----------
    contrast, unit : str
        What was measured.
    n : tuple of int
        Subjects per group.
    rois : int
        ROIs over which it is averaged.
    sd : tuple of tuple of Estimated
        Per group and session: root mean square over ROIs.
    correlation, roi_correlation : Estimated
        Mean over ROIs (pairs of ROIs, sessions), within groups; NaN where there is one session, or one ROI.
    spread : tuple of float
        Smallest and largest SD of an ROI, over groups and sessions together.
    notes : tuple of str
        What a reader must know.
    """

    contrast: str
    unit: str
    n: tuple[int, ...]
    rois: int
    sd: tuple[tuple[Estimated, ...], ...]
    correlation: Estimated
    roi_correlation: Estimated
    spread: tuple[float, float]
    notes: tuple[str, ...]


def read_pilot(path: Path, options: CompareOptions, contrast: str | None) -> Pilot:
    """Estimate SDs and correlations from a table of ROI values.

    Parameters
    ----------
    path : Path
        A responses table, or any table that :func:`deltaroi.group.compare` takes.
    options : CompareOptions
        Sessions and groups of the study that is planned, and the column of groups. A pilot without any of these groups
        is one group, which stands for all.
    contrast : str or None
        Which contrast, where the table has several.

    Raises
    ------
    UsageError
        Sessions, groups or contrast do not fit the table.
    DataError
        Fewer than three subjects of a group, or values that do not vary.
    """
    notes: list[str] = []
    levels = len(options.groups) or 1
    if options.groups and not _has_groups(path, options):
        options = replace(options, groups=())
        notes.append("the pilot has no groups: its subjects stand for every group of the study")
    frame, design = arranged(path, options)
    ready = prepare(frame, design)
    block = _chosen(ready.blocks, contrast, str(path))
    if len([one for one in ready.blocks if one.contrast == block.contrast]) > 1:
        notes.append(f"of several analyses of {block.contrast} this one is used: specification {block.specification}, "
                     f"definition {block.definition}, summary {block.summary}")
    if len(set(block.units)) > 1:
        raise DataError(f"the ROIs have the units {', '.join(sorted(set(block.units)))}", where=str(path),
                        hint="give a table of ROIs with one unit")
    found = _estimated(block, ready.sample.group, len(ready.sample.levels), str(path))
    repeated = levels if len(found.sd) == 1 else 1
    if found.roi_correlation.value < 0:
        notes.append(f"the ROIs correlate by {found.roi_correlation.value:.2f}; 0 is simulated")
    return replace(found, sd=found.sd * repeated, notes=tuple(notes))


def _has_groups(path: Path, options: CompareOptions) -> bool:
    """Whether the table names the study's groups; a table of other groups is refused."""
    table = read_tsv(path)
    if options.group_column not in table.columns:
        return False
    found = sorted(set(table[options.group_column]) - {NA})
    if found and not set(found) & set(options.groups):
        raise UsageError(f"column '{options.group_column}' has the groups {', '.join(found[:5])}, the study "
                         f"{', '.join(options.groups)}", where=str(path),
                         hint="use the study's labels, or leave the column out: the pilot is then one group")
    return bool(found)


def _chosen(blocks: Sequence[Block], contrast: str | None, where: str) -> Block:
    names = list(dict.fromkeys(block.contrast for block in blocks))
    if contrast is None and len(names) > 1:
        raise UsageError(f"the pilot has the contrasts {', '.join(names)}", where=where,
                         hint="choose one with --contrast")
    if contrast is not None and contrast not in names:
        raise UsageError(f"no contrast '{contrast}' in the pilot", where=where, hint=f"found: {', '.join(names)}")
    fitting = [block for block in blocks if contrast is None or block.contrast == contrast]
    return next((block for block in fitting if block.specification == MAIN), fitting[0])


def _estimated(block: Block, group: IntArray, levels: int, where: str) -> Pilot:
    members = [group == g for g in range(levels)]
    rois, _, sessions = block.values.shape
    counts = [[[int(np.isfinite(block.values[r, one, s]).sum()) for r in range(rois)] for s in range(sessions)]
              for one in members]
    if min(n for per_group in counts for per_session in per_group for n in per_session) < _LEAST:
        raise DataError("an ROI has fewer than three values in a group and session", where=where,
                        hint="give a larger pilot, or power.sd and power.correlation")
    variances = np.array([[np.nanvar(block.values[:, one, s], axis=1, ddof=1) for s in range(sessions)]
                          for one in members])
    if not (variances > 0).all():
        raise DataError("the values of an ROI do not vary in a group and session", where=where)
    sd = tuple(tuple(_sd(float(variances[g, s].mean()), min(counts[g][s])) for s in range(sessions))
               for g in range(levels))
    each = np.sqrt(variances.mean(axis=(0, 1)))
    return Pilot(block.contrast, block.units[0], tuple(int(one.sum()) for one in members), rois, sd,
                 _correlation([(block.values[r, :, a], block.values[r, :, b]) for r in range(rois)
                               for a, b in combinations(range(sessions), 2)], members),
                 _correlation([(block.values[a, :, s], block.values[b, :, s]) for s in range(sessions)
                               for a, b in combinations(range(rois), 2)], members),
                 (float(each.min()), float(each.max())), ())


def _sd(variance: float, n: int) -> Estimated:
    """An SD with its chi-squared interval."""
    root = math.sqrt(variance)
    low, high = (math.sqrt((n - 1) / float(stats.chi2.ppf(q, n - 1))) for q in (0.975, 0.025))
    return Estimated(root, root * low, root * high)


def _correlation(pairs: Sequence[tuple[Array, Array]], members: Sequence[np.ndarray]) -> Estimated:
    """The mean correlation within groups, with Fisher's interval; each group counts in units of its own SDs."""
    if not pairs:
        return Estimated(NAN, NAN, NAN)
    found, freedom = [], []
    for a, b in pairs:
        both = np.isfinite(a) & np.isfinite(b)
        inside = [both & one for one in members if (both & one).sum() >= _LEAST]
        if not inside:
            raise DataError("fewer than three subjects of a group have both values that are correlated",
                            where="pilot", hint="give a larger pilot, or power.correlation and power.roi_correlation")
        x, y = (np.concatenate([stats.zscore(v[one]) for one in inside]) for v in (a, b))
        found.append(float(x @ y) / x.size)
        freedom.append(sum(int(one.sum()) - 1 for one in inside))
    value = float(np.clip(np.mean(found), -0.99, 0.99))
    half = float(stats.norm.ppf(0.975)) / math.sqrt(max(min(freedom) - 2, 1))
    return Estimated(value, math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half))
