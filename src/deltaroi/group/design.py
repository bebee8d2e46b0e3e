"""The design of a group analysis, and its result."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from deltaroi.errors import DataError, StudyError
from deltaroi.io.tsv import write_table
from deltaroi.specs import Groups, GroupStats
from deltaroi.tables import EFFECTS, EXCLUSIONS, MULTILEVEL, exclusion_frame
from deltaroi.types import Exclusion


@dataclass(frozen=True, eq=False)
class GroupDesign:
    """Who is compared with whom, and when.

    Attributes
    ----------
    sessions : tuple of str
        Sessions in time order; none or one makes the study cross-sectional.
    levels : tuple of str or None
        Group labels, intervention first, reference last; None means one group of everybody.
    assignment : str or None
        ``randomised`` or ``preexisting``; None only where there are not two groups.
    covariates : DataFrame or None
        One row per subject (the index), one column per covariate; text columns are dummy coded.
    strata : Series or None
        The stratum (site, ...) of each subject (the index). Subjects change places within strata only, and strata enter
        the models as dummies.
    """

    sessions: tuple[str, ...] = ()
    levels: tuple[str, ...] | None = None
    assignment: Literal["randomised", "preexisting"] | None = None
    covariates: pd.DataFrame | None = None
    strata: pd.Series | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "sessions", tuple(self.sessions))
        object.__setattr__(self, "levels", tuple(self.levels) if self.levels else None)
        if self.levels is not None and len(self.levels) > 1 and self.assignment not in ("randomised", "preexisting"):
            said = "it is not said" if self.assignment is None else f"{self.assignment!r} does not say"
            raise StudyError(f"{said} how people came into their group", where="groups.assignment",
                             hint="randomised or preexisting: it decides the primary estimator")
        for name, listed in (("sessions", self.sessions), ("levels", self.levels or ())):
            if len(set(listed)) != len(listed):
                raise StudyError(f"{name} lists a label twice: {', '.join(listed)}", where=f"group design: {name}")
        for what, table in (("covariates", self.covariates), ("strata", self.strata)):
            if table is not None and table.index.has_duplicates:
                twice = sorted(set(table.index[table.index.duplicated()].astype(str)))
                raise DataError(f"the subjects {', '.join(twice[:5])} stand twice in the {what}",
                                where=f"group design: {what}")

    @classmethod
    def from_study(cls, groups: Groups | None, sessions: list[str], participants: pd.DataFrame) -> GroupDesign:
        """The design that a study file and its participants make.

        Parameters
        ----------
        groups : specs.Groups or None
            The section ``groups``.
        sessions : list of str
            ``dataset.sessions``.
        participants : DataFrame
            Text cells; column ``participant_id`` without ``sub-``.

        Raises
        ------
        StudyError
            A covariate, or the stratum, is not a column of the participants.
        """
        if groups is None:
            return cls(tuple(sessions))
        strata = [groups.strata] if groups.strata is not None else []
        for key, names in (("covariates", groups.covariates), ("strata", strata)):
            lacking = [name for name in names if name not in participants.columns]
            if lacking:
                raise StudyError(f"no column {lacking[0]!r} among the participants", where=f"groups.{key}",
                                 hint=f"its columns are {', '.join(map(str, participants.columns))}")
        people = participants.set_index("participant_id")
        return cls(tuple(sessions), tuple(groups.levels), groups.assignment,
                   people[list(groups.covariates)] if groups.covariates else None,
                   people[groups.strata] if groups.strata is not None else None)


@dataclass(frozen=True, eq=False)
class GroupResult:
    """What the group stage found.

    Attributes
    ----------
    effects : DataFrame
        Conformed to ``tables.EFFECTS``.
    exclusions : tuple of Exclusion
        Every subject and value that is not in the numbers, stage ``effects``.
    warnings : tuple of str
        What a reader must know before trusting the numbers.
    notes : tuple of str
        How the numbers were made: what was permuted and how often, how covariates were coded.
    design : GroupDesign
    spec : GroupStats
        What made it.
    multilevel : DataFrame or None
        Conformed to ``tables.MULTILEVEL``; None where it was not asked for.
    """

    effects: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    design: GroupDesign
    spec: GroupStats
    multilevel: pd.DataFrame | None = None

    def write(self, folder: Path) -> None:
        """Write ``effects.tsv``, ``exclusions.tsv`` and, if it was asked for, ``multilevel.tsv`` into a folder."""
        write_table(self.effects, EFFECTS, Path(folder) / "effects.tsv")
        write_table(exclusion_frame(self.exclusions), EXCLUSIONS, Path(folder) / "exclusions.tsv")
        if self.multilevel is not None:
            write_table(self.multilevel, MULTILEVEL, Path(folder) / "multilevel.tsv")
