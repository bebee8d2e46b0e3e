"""What a comparison of a table of values is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from deltaroi.specs import Association, GroupStats


@dataclass(frozen=True)
class CompareOptions:
    """What :func:`compare` is asked.

    Attributes
    ----------
    sessions : tuple of str
        In time order; empty for a table of one session.
    groups : tuple of str
        Intervention first, reference last; empty for one group.
    assignment : str
        ``randomised`` or ``preexisting``.
    participants : Path, DataFrame or None
        Table with ``participant_id`` and the group and covariate columns; None reads them from the values.
    group_column : str
        Its column of group labels.
    covariates : tuple of str
        Columns that enter the model.
    strata : str or None
        Column of strata: subjects change places within them only, and they enter the model as categories.
    conditions : tuple of str
        Two values of ``contrast``; their difference, first minus second, is tested instead: group × condition.
    factorial : mapping of str to tuple of str
        Columns that are crossed factors within subjects -> their levels in order (none: all, as the table has them): a
        mixed analysis of variance beside the effects.
    associations : mapping of str to Association, or tuple of str
        Scores that the values are held against, by name; a tuple names columns.
    stats : GroupStats
        Primary estimator, errors, permutations, seed, equivalence bound.
    family : str
        ``contrast`` or ``all_contrasts``.
    """

    sessions: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    assignment: Literal["randomised", "preexisting"] = "randomised"
    participants: Path | pd.DataFrame | None = None
    group_column: str = "group"
    covariates: tuple[str, ...] = ()
    strata: str | None = None
    conditions: tuple[str, ...] = ()
    factorial: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    associations: Mapping[str, Association] | tuple[str, ...] = ()
    stats: GroupStats = field(default_factory=GroupStats)
    family: str = "contrast"
