"""Studies on ready-made contrast maps (``dataset.maps``): what the table of maps holds for them.

A *visit*, one subject in one session, takes the place of a run; a contrast is a weighted sum of its maps.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from deltaroi.config.expression import parse_contrast
from deltaroi.config.read import resolve
from deltaroi.config.study import Study
from deltaroi.errors import StudyError, did_you_mean
from deltaroi.io.inventory import Inventory, Run
from deltaroi.io.participants import ID, read_participants
from deltaroi.io.places import Place
from deltaroi.measuring import MapRow, MeasureOptions, map_grid, read_maps
from deltaroi.pipeline.dataset_query import place_of, route_of
from deltaroi.pipeline.declared import contrast_weights, functional_rois
from deltaroi.pipeline.preflight import Preflight
from deltaroi.summaries import OF_SERIES
from deltaroi.types import NA, Exclusion, RunKey

_NAN = float("nan")


@dataclass(frozen=True, eq=False)
class Visits:
    """What the table of maps holds for a study.

    Attributes
    ----------
    found : Inventory
        Without runs: participants, exclusions of maps and sessions, warnings.
    checked : tuple of Preflight
        One per visit; its ``bold`` is the first of its maps, and it has no timing.
    maps : mapping of RunKey to tuple of MapRow
        The maps of each visit that can be measured.
    places : mapping of str to Place
        The BIDS dataset, where the study names one.
    """

    found: Inventory
    checked: tuple[Preflight, ...]
    maps: Mapping[RunKey, tuple[MapRow, ...]]
    places: Mapping[str, Place] = field(default_factory=dict)

    @property
    def subjects(self) -> set[str]:
        """Who has a map that the study asks for."""
        return {one.run.key.subject for one in self.checked}

    def without(self, out: Collection[str]) -> list[Preflight]:
        """The visits of everybody but these."""
        return [one for one in self.checked if one.run.key.subject not in out]


def refuse(study: Study) -> None:
    """Refuse what cannot be had from maps.

    Raises
    ------
    StudyError
        The study asks for something that needs runs, time series or voxels.
    """
    first = "; a study on ready-made maps has no first level"
    asked = {
        "connectivity": bool(study.connectivity), "group.small_volume": study.group.small_volume,
        "conditions": bool(study.conditions), "first_level": "first_level" in study.model_fields_set,
        "claims": bool(study.claims), "dataset.resolution": study.dataset.resolution is not None,
        "summary": study.summary in OF_SERIES,
        **{f"regions.custom.{name}.functional": True for name in functional_rois(study)}}
    for where, present in asked.items():
        if present:
            raise StudyError(f"this cannot be had from maps{first}", where=where,
                             hint="leave it out, or give dataset.derivatives instead of dataset.maps")


def find_visits(study: Study, study_path: str | Path) -> Visits:
    """Read the table of maps and look at every map's header.

    Parameters
    ----------
    study : Study
        With ``dataset.maps``.
    study_path : path
        Its file.

    Raises
    ------
    StudyError
        The study asks for what maps cannot give, or names a map or a session that the table does not have.
    TableError
        The table cannot be used.
    DataError
        ``participants.tsv`` cannot be read.
    """
    refuse(study)
    dataset = study.dataset
    rows, notes = read_maps(resolve(study_path, str(dataset.maps)), route=route_of(study))
    places = {} if dataset.bids_dir is None else {
        "raw": place_of(study_path, dataset.bids_dir, "dataset.bids_dir", route_of(study))}
    participants, twice, said = _participants(places.get("raw"))
    exclusions = [*twice]
    _check_sessions(study, rows)
    _check_names(study, rows)
    wanted = set(dataset.sessions) or {NA}
    here: dict[RunKey, list[MapRow]] = {}
    barred = {row.subject for row in twice}
    for row in rows:
        reason = _not_asked(study, row, wanted)
        if reason:
            exclusions.append(Exclusion("inputs", row.subject, row.session, region=row.contrast, reason=reason))
        elif row.subject not in barred:
            here.setdefault(RunKey(row.subject, row.session, dataset.task, NA), []).append(row)
    order = {session: number for number, session in enumerate(dataset.sessions)}
    checked, maps = [], {}
    for key in sorted(here, key=lambda one: (one.subject, order.get(one.session, 0))):
        one, maps[key], lost = _visit(key, here[key], contrast_weights(study), measure_options(study))
        checked.append(one)
        exclusions += lost
    seen = {key.subject for key in here} | {row.subject for row in exclusions}
    exclusions += [Exclusion("inputs", subject, reason="is in participants.tsv but has no map")
                   for subject in sorted(set(participants[ID]) - seen - barred)]
    return Visits(Inventory((), participants, tuple(exclusions), (*notes, *said)), tuple(checked), maps, places)


def _participants(place: Place | None) -> tuple[pd.DataFrame, tuple[Exclusion, ...], tuple[str, ...]]:
    return (pd.DataFrame({ID: pd.Series(dtype="str")}), (), ()) if place is None else read_participants(place)


def _not_asked(study: Study, row: MapRow, sessions: set[str]) -> str:
    """Why a map is not what the study is about; empty when it is."""
    if study.dataset.subjects is not None and row.subject not in {
            one.removeprefix("sub-") for one in study.dataset.subjects}:
        return "not listed in dataset.subjects"
    if row.task not in (NA, study.dataset.task):
        return f"a map of another task ({row.task})"
    return "" if row.session in sessions else "session not listed in dataset.sessions"


def _check_sessions(study: Study, rows: Sequence[MapRow]) -> None:
    known = list(dict.fromkeys(row.session for row in rows))
    if not study.dataset.sessions and NA not in known:
        raise StudyError(f"the study lists no sessions, the table of maps has {', '.join(known)}",
                         where="dataset.sessions", hint="list them in time order")
    for session in study.dataset.sessions:
        if session not in known:
            raise StudyError(f"no map has the session '{session}'; the sessions are {', '.join(known)}",
                             where="dataset.sessions", hint=did_you_mean(session, known) or "name one of these")


def _check_names(study: Study, rows: Sequence[MapRow]) -> None:
    known = list(dict.fromkeys(row.contrast for row in rows))
    for contrast, text in study.contrasts.items():
        where = f"contrasts.{contrast}"
        for name in parse_contrast(text, where):
            if name not in known:
                raise StudyError(f"the table of maps has no contrast '{name}'; it has {', '.join(known)}", where=where,
                                 hint=did_you_mean(name, known) or "name maps as the column `contrast` does")


def _visit(key: RunKey, rows: Sequence[MapRow], weights: Mapping[str, Mapping[str, float]],
           options: MeasureOptions) -> tuple[Preflight, tuple[MapRow, ...], list[Exclusion]]:
    """What one visit can serve, its usable maps, and what is lost of it."""
    needed = list(dict.fromkeys(name for parts in weights.values() for name in parts))
    run = Run(key, rows[0].file.path, None, None, None, _NAN, _NAN, options.space)
    lost = [Exclusion("inputs", key.subject, key.session, region=name, reason="there is no map of it in this session")
            for name in needed if name not in {row.contrast for row in rows}]
    usable, grids = [], []
    for row in (one for one in rows if one.contrast in needed):
        grid, gone = map_grid(row, options)
        lost += gone
        if grid is not None:
            usable.append(replace(row.located(), task=key.task))
            grids.append(grid)
    have = {row.contrast for row in usable}
    served = tuple(name for name, parts in weights.items() if parts.keys() <= have)
    if any(not grid.same_as(grids[0]) for grid in grids):
        lost.append(Exclusion("inputs", key.subject, key.session, reason="the maps of this session lie on different "
                              "grids"))
    elif served:
        return Preflight(run, grids[0], 1, served), tuple(usable), lost
    return Preflight(run, exclusions=tuple(lost)), (), []


def measure_options(study: Study) -> MeasureOptions:
    """How the maps of a study are measured; its ROIs are those of the masks stage."""
    return MeasureOptions(regions=tuple(map(str, study.regions.include)), space=study.dataset.space,
                          summary=study.summary, minimum_coverage=study.regions.minimum_coverage)
