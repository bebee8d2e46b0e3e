"""From a study, its section ``power`` and a pilot to what is simulated, and that in words."""

from __future__ import annotations

from collections.abc import Iterator

from deltaroi.config.study import Study
from deltaroi.errors import StudyError
from deltaroi.group.pilot import Estimated, Pilot
from deltaroi.group.power import Assumed, primary_question
from deltaroi.masks import roi_keys
from deltaroi.scaling import UNITS
from deltaroi.specs import Power, Spread
from deltaroi.types import CIRCULAR, NA


def assume(study: Study, section: Power, pilot: Pilot | None) -> Assumed:
    """What is simulated.

    Raises
    ------
    StudyError
        Something is neither in the section nor in the pilot, or does not fit the study.
    """
    levels = tuple(study.groups.levels) if study.groups else ("all",)
    sessions = tuple(study.dataset.sessions) or (NA,)
    entering = len(study.groups.entering) if study.groups else 0
    stats = study.group.model_copy(update={"permutations": section.permutations})
    question = primary_question(tuple(study.dataset.sessions), tuple(study.groups.levels) if study.groups else None,
                                study.groups.assignment if study.groups else None, stats, entering)
    rois = section.rois or family_size(study)
    if section.affected > rois:
        raise StudyError(f"found {section.affected}, expected at most {rois}, the ROIs of the study",
                         where="power.affected", hint="lower it, or say in power.rois how many there are")
    if pilot is not None:
        sd = tuple(tuple(one.value for one in row) for row in pilot.sd)
        between = 0.0 if len(sessions) < 2 else pilot.correlation.value
        across = max(pilot.roi_correlation.value, 0.0) if pilot.rois > 1 else section.roi_correlation
    else:
        sd = _sds(section.sd, levels, sessions)
        between = 0.0 if len(sessions) < 2 else _needed(section.correlation, "correlation", "sessions of a subject")
        across = section.roi_correlation
    together = (rois > 1 and set(section.criteria) != {"uncorrected"}) or section.affected > 1
    return Assumed(levels, sessions, question, sd, between,
                   _needed(across, "roi_correlation", "ROIs of a subject") if together else across or 0.0, rois,
                   section.affected, entering, section.alpha, tuple(section.criteria), stats, section.seed)


def subjects_per_group(section: Power, levels: tuple[str, ...]) -> list[tuple[int, ...]]:
    """The entries of ``n`` as numbers per group, in rising order.

    Raises
    ------
    StudyError
        There is none, or one has another number of groups than the study.
    """
    if not section.n:
        raise StudyError("no number of subjects is given", where="power.n", hint="list them there, or with --n")
    found = []
    for entry in section.n:
        sizes = (entry,) * len(levels) if isinstance(entry, int) else tuple(entry)
        if len(sizes) != len(levels):
            raise StudyError(f"found {entry}, expected one number for each of {len(levels)} group(s): "
                             f"{', '.join(levels)}", where="power.n",
                             hint="give one number for all groups, or a list with one for each")
        if sizes not in found:
            found.append(sizes)
    return sorted(found, key=lambda sizes: (sum(sizes), sizes))


def family_size(study: Study) -> int:
    """How many ROIs of the study are corrected together."""
    keys = [key for key in roi_keys(study.regions, study.dataset.space) if key.definition != CIRCULAR]
    ways = [{(key.region, key.hemisphere) for key in keys if key.definition == one}
            for one in dict.fromkeys(key.definition for key in keys)]
    size = len(ways[0]) if ways and all(way == ways[0] for way in ways) else len(keys)
    return max(size, 1) * (len(study.contrasts) if study.regions.family == "all_contrasts" else 1)


def unit_of(study: Study, pilot: Pilot | None) -> str:
    """The unit of the SDs."""
    if pilot is not None:
        return pilot.unit
    return UNITS[study.first_level.scaling] if study.dataset.maps is None else "units of the maps"


def described(study: Study, section: Power, assumed: Assumed, pilot: Pilot | None, draws: int) -> tuple[str, ...]:
    """What was assumed, in sentences."""
    notes = [f"{draws} simulated studies for every n and effect, each analysed as the study would be."
             + (" That is fewer than usual, because mixed models are slow."
                if assumed.question.model == "lmm" and section.draws is None else ""),
             "Values are normal; n counts subjects with complete data, so recruit more for those who drop out."]
    notes.append(_where(assumed))
    if assumed.affected < assumed.rois:
        notes.append(f"The effect is in {assumed.affected} of {assumed.rois} ROIs; the others show none.")
    if assumed.covariates:
        named = ", ".join(study.groups.entering) if study.groups else ""
        notes.append(f"Covariates ({named}) enter the model as one column each that explains nothing; one that does "
                     "explain variance gives more power than is shown.")
    if "max_t" in assumed.criteria:
        notes.append(f"max-T: {section.permutations} arrangements, new ones for every simulated study.")
    notes += [] if pilot is None else list(_pilot_words(pilot, assumed))
    return tuple(notes)


def _where(assumed: Assumed) -> str:
    begins = assumed.question.first or 0
    start = f"the session {assumed.sessions[begins]}" if begins else "the first session"
    if len(assumed.levels) == 1:
        return f"The effect is the change from {start} to every later one." if len(assumed.sessions) > 1 else \
            "The effect is the mean."
    others = "the other group" if len(assumed.levels) == 2 else "the other groups, which are alike"
    first = assumed.levels[0]
    if len(assumed.sessions) < 2:
        return f"The effect is how much higher {first} is than {others}."
    return f"The effect is how much more {first} changes, from {start} to every later one, than {others}."


def _pilot_words(pilot: Pilot, assumed: Assumed) -> Iterator[str]:
    yield (f"From the pilot ({pilot.contrast}, {'/'.join(map(str, pilot.n))} subjects, averaged over {pilot.rois} "
           f"ROI{'s' if pilot.rois != 1 else ''}), with 95 % intervals:")
    for level, row in zip(assumed.levels, pilot.sd, strict=True):
        for session, one in zip(assumed.sessions, row, strict=True):
            of = ", ".join(part for part in (level if len(assumed.levels) > 1 else "", session) if part not in ("", NA))
            yield f"SD{f' of {of}' if of else ''}: {_estimated(one)} {pilot.unit}."
    for name, one in (("sessions of a subject", pilot.correlation), ("ROIs of a subject", pilot.roi_correlation)):
        if one.value == one.value:
            yield f"Correlation of two {name}: {_estimated(one)}."
    if pilot.rois > 1:
        yield (f"Single ROIs have SDs from {pilot.spread[0]:.3g} to {pilot.spread[1]:.3g}: for a raw effect, power is "
               "higher than shown in the first, lower in the last.")
    widest = max(one.high / one.value for row in pilot.sd for one in row)
    yield (f"An SD at the upper end of its interval would be {widest:.2f} times as large, and the same raw effect so "
           "many times smaller in SDs.")
    yield from (f"{note[0].upper()}{note[1:]}." for note in pilot.notes)


def _estimated(one: Estimated) -> str:
    return f"{one.value:.3g} [{one.low:.3g}, {one.high:.3g}]"


def _needed(value: float | None, key: str, what: str) -> float:
    if value is None:
        raise StudyError(f"the correlation of two {what} is not given", where=f"power.{key}",
                         hint="give it there, or a pilot study with --pilot")
    return value


def _sds(sd: Spread | None, levels: tuple[str, ...], sessions: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
    """SDs per group and session."""
    if sd is None:
        raise StudyError("the SD of the values is not given", where="power.sd",
                         hint="give it there, or a pilot study with --pilot")
    if not isinstance(sd, dict):
        return ((sd,) * len(sessions),) * len(levels)
    if set(sd) & set(sessions):
        row = _row(sd, sessions, "power.sd")
        return (row,) * len(levels)
    _same_keys(sd, levels, "power.sd", f"the groups {', '.join(levels)}"
               + (f", or the sessions {', '.join(sessions)}" if len(sessions) > 1 else ""))
    parts = [(level, sd[level]) for level in levels]
    return tuple(_row(part, sessions, f"power.sd.{level}") if isinstance(part, dict) else (part,) * len(sessions)
                 for level, part in parts)


def _row(given: dict[str, float] | dict[str, float | dict[str, float]], sessions: tuple[str, ...], where: str,
         ) -> tuple[float, ...]:
    _same_keys(given, sessions, where, f"the sessions {', '.join(sessions)}")
    found = []
    for session in sessions:
        value = given[session]
        if isinstance(value, dict):
            raise StudyError(f"found {value}, expected a number", where=f"{where}.{session}",
                             hint="groups come first: {group: {session: number}}")
        found.append(value)
    return tuple(found)


def _same_keys(given: object, expected: tuple[str, ...], where: str, said: str) -> None:
    keys = set(given) if isinstance(given, dict) else set()
    if keys != set(expected):
        raise StudyError(f"found the keys {', '.join(sorted(keys))}, expected {said}", where=where,
                         hint="name every one of them, and nothing else")
