"""The design of a group analysis, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from deltaroi.errors import DataError, StudyError
from deltaroi.io.tsv import write_table
from deltaroi.specs import Association, Groups, GroupStats
from deltaroi.tables import EFFECTS, EXCLUSIONS, SCHEMAS, exclusion_frame
from deltaroi.types import Exclusion, RoiKey


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
    associations : mapping of str to Association
        Scores that responses are held against, by name.
    scores : DataFrame or None
        One row per subject (the index), one column per score.
    apart : frozenset of (str, RoiKey)
        Tests, a contrast in an ROI, that are corrected apart from the others: those added to a frozen family.
    """

    sessions: tuple[str, ...] = ()
    levels: tuple[str, ...] | None = None
    assignment: Literal["randomised", "preexisting"] | None = None
    covariates: pd.DataFrame | None = None
    strata: pd.Series | None = None
    associations: Mapping[str, Association] = field(default_factory=dict)
    scores: pd.DataFrame | None = None
    apart: frozenset[tuple[str, RoiKey]] = frozenset()

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
        for what, table in (("covariates", self.covariates), ("strata", self.strata), ("scores", self.scores)):
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
        Every subject, value and ROI that is not in the numbers, stage ``effects``.
    warnings : tuple of str
        What a reader must know before trusting the numbers.
    notes : tuple of str
        How the numbers were made: what was permuted and how often, how covariates were coded.
    design : GroupDesign
    spec : GroupStats
        What made it.
    beside : mapping of str to DataFrame
        The tables beside the effects by name, conformed: ``effect_sizes bayes assumptions residuals``, and where they
        were asked for ``associations slopes association_points multilevel``.
    """

    effects: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    design: GroupDesign
    spec: GroupStats
    beside: Mapping[str, pd.DataFrame] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0 done; 4 no primary effect could be tested."""
        primary = self.effects[self.effects["primary"]]
        return 0 if primary["p"].notna().any() else 4

    def write(self, folder: Path) -> None:
        """Write ``effects.tsv``, the tables beside it and ``exclusions.tsv`` with their sidecars into a folder."""
        write_table(self.effects, EFFECTS, Path(folder) / "effects.tsv")
        for name, frame in self.beside.items():
            write_table(frame, SCHEMAS[name], Path(folder) / f"{name}.tsv")
        write_table(exclusion_frame(self.exclusions), EXCLUSIONS, Path(folder) / "exclusions.tsv")
