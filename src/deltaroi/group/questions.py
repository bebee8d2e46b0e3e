"""Which effects a design asks for, and which of them answers its question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deltaroi.errors import StudyError
from deltaroi.group.phases import Span, primary_span, spans
from deltaroi.specs import GroupStats

_MIXED = ("cr2_welch", "satterthwaite")


@dataclass(frozen=True)
class Question:
    """One effect, asked of every ROI.

    Attributes
    ----------
    model, term, comparison : str
        As in the effects table.
    last : int
        Position of the session whose values are tested.
    first : int or None
        Position of the session they are compared with; None without one.
    groups : tuple of int
        Positions of the groups concerned: two for a difference, one within a group, all for an omnibus test.
    kinds : tuple of str
        Kinds of standard errors, a row each.
    leading : str
        The kind whose row leads: it is permuted, read, and primary when the question is.
    primary : bool
        Whether this question is the study's.
    joint : bool
        Whether it is an omnibus F test.
    adjusted : bool
        Whether covariates enter.
    mixed : str
        For mixed models, what is compared: ``any`` later session with the first, a later one with the ``first``,
        ``adjacent`` ones, a linear ``trend``, or the last with the first given one mean for all groups at the first
        (``constrained``). For associations the ``slope`` on a score, or how groups' ``slopes`` differ.
        For factorial designs ``within``: a mean over groups, or ``simple``: within one group.
    columns : tuple of int
        Positions of the covariate columns that are tested instead of groups.
    per : str
        What the estimate of a trend or slope is per: session, or unit of the times or of the score.
    phase : str
        Name of the phase of training between the two sessions; empty without.
    before : tuple of (int, int, str), or None
        Of a switch between phases, the sessions and the name of the phase before: its change is subtracted.
    """

    model: str
    term: str
    comparison: str
    last: int
    first: int | None
    groups: tuple[int, ...]
    kinds: tuple[str, ...]
    leading: str
    primary: bool = False
    joint: bool = False
    adjusted: bool = False
    mixed: str = ""
    columns: tuple[int, ...] = ()
    per: str = "session"
    phase: str = ""
    before: tuple[int, int, str] | None = None

    @property
    def span(self) -> Span:
        """Its stretch between two sessions."""
        return Span(self.first or 0, self.last, self.phase, self.before)


def questions(sessions: tuple[str, ...], levels: tuple[str, ...] | None, assignment: str | None, spec: GroupStats, *,
              covariates: Mapping[str, tuple[int, ...]]) -> list[Question]:
    """All questions of a design, the primary one marked.

    Parameters
    ----------
    sessions, levels, assignment
        As in :class:`deltaroi.group.design.GroupDesign`.
    spec : GroupStats
        ``primary`` and ``variance`` decide which row leads.
    covariates : mapping of str to tuple of int
        Covariate -> positions of its columns.

    Raises
    ------
    StudyError
        ``primary`` names a model that the design does not have, ``times`` are not one per session, or phases do not
        fit the sessions.
    """
    phase = primary_span(sessions, spec)
    model = primary_model(sessions, levels, assignment, spec.primary) if phase is None else \
        phase_model(phase, levels, assignment, spec.primary)
    if spec.times is not None and len(spec.times) != len(sessions):
        raise StudyError(f"{len(spec.times)} times are given for {len(sessions)} session(s)", where="group.times",
                         hint="one time per session, in their order")
    several, adjusted = levels is not None and len(levels) > 1, bool(covariates)
    found: list[Question] = []
    if len(sessions) < 2:
        found = list(_cross_sectional(levels, spec.variance, covariates=adjusted))
    else:
        for span in spans(sessions, spec.phases):
            when = span.named(sessions)
            if several and levels is not None:
                found += _between(levels, when, span, spec.variance, covariates=adjusted, two=len(sessions) == 2,
                                  models=_models(span, assignment))
            found += _within(levels, when, span)
        if several and levels is not None:
            found += _baseline(levels, sessions[0], spec.variance)
        mixed = _mixed(sessions, levels, spec, constrained=several and assignment == "randomised", covariates=adjusted)
        called = {(span.first, span.last): span.phase for span in spans(sessions, spec.phases) if span.before is None}
        found += [replace(q, phase=called.get((q.first or 0, q.last), "") if q.mixed in ("first", "adjacent") else "")
                  for q in mixed]
    if several and levels is not None:
        found += list(_of_covariates(found, covariates, tuple(range(len(levels)))))
    chosen = _primary(found, model, phase or Span(0, max(q.last for q in found)), len(levels or ("all",)))
    return [replace(q, primary=True) if q is chosen else q for q in found]


def _primary(found: Sequence[Question], model: str, span: Span, levels: int) -> Question:
    """The question that is the study's."""
    kinds = ("first", "adjacent") if span.phase else ("any", "first")
    candidates = [q for q in found if q.model == model and q.last == span.last and q.first in (None, span.first)
                  and q.before is None and q.term != "group_at_baseline" and not q.columns
                  and (q.model != "lmm" or (q.mixed in kinds and len(q.groups) == levels))]
    if not candidates:
        raise StudyError(f"the mixed model has no comparison of the sessions of '{span.phase}'",
                         where="group.primary_phase", hint="set group.primary: change")
    candidates.sort(key=lambda q: q.mixed != "any")
    return next((q for q in candidates if q.joint), candidates[0])


def phase_model(span: Span, levels: tuple[str, ...] | None, assignment: str | None, asked: str) -> str:
    """The model of a primary phase; ``auto`` is ANCOVA only where its baseline came before groups were treated."""
    if levels is None or len(levels) < 2:
        fits = ["paired", "lmm"]
    else:
        fits = [*_models(span, assignment), "lmm"]
        if assignment == "preexisting" or span.first > 0:
            fits.sort(key=lambda name: name != "change")
    if asked not in ("auto", *fits):
        raise StudyError(f"the primary model '{asked}' does not fit the phase '{span.phase}'", where="group.primary",
                         hint=f"use auto or {' or '.join(fits)}")
    return fits[0] if asked == "auto" else asked


def _models(span: Span, assignment: str | None) -> tuple[str, ...]:
    """The models of a comparison of groups over a span: a later phase of groups that were not randomised has no
    ANCOVA, and a switch has none."""
    if span.before is not None or (span.first > 0 and assignment != "randomised"):
        return ("change",)
    return "ancova", "change"


def primary_model(sessions: tuple[str, ...], levels: tuple[str, ...] | None, assignment: str | None, asked: str) -> str:
    """The model of the primary row; see :func:`questions`."""
    several = levels is not None and len(levels) > 1
    if len(sessions) < 2:
        fits = ["two_sample"] if several else ["one_sample"]
    elif several:
        fits = ["ancova", "change", "lmm"] if assignment == "randomised" else ["change", "ancova", "lmm"]
    else:
        fits = ["paired", "lmm"]
    if len(sessions) > 2:
        fits = ["lmm", *(name for name in fits if name != "lmm")]
    if asked == "auto":
        return fits[0]
    if asked not in fits:
        n_groups = len(levels) if levels else 1
        raise StudyError(f"the primary model '{asked}' does not fit {n_groups} group(s) and {len(sessions)} session(s)",
                         where="group.primary", hint=f"use auto or {' or '.join(fits)}")
    return asked


def _pairs(levels: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Each group against the reference, which is listed last."""
    reference = len(levels) - 1
    yield from ((k, reference) for k in range(reference))


def _linear_kinds(variance: str, *, adjusted: bool) -> tuple[tuple[str, ...], str]:
    """Kinds of errors, and the one that leads; where nothing is adjusted for, hc2_welch is Welch's test."""
    robust = ("hc2_welch", "hc3") if adjusted else ("welch",)
    return (*robust, "classical"), {"robust": robust[0], "hc3": robust[-1], "classical": "classical"}[variance]


def _between(levels: tuple[str, ...], when: str, span: Span, variance: str, *, covariates: bool, two: bool,
             models: tuple[str, ...]) -> Iterator[Question]:
    everyone = tuple(range(len(levels)))
    for model in models:
        kinds, leading = _linear_kinds(variance, adjusted=covariates or model == "ancova")
        base = Question(model, "group_difference", "", span.last, span.first, everyone, kinds, leading,
                        adjusted=covariates, phase=span.phase, before=span.before)
        if len(levels) > 2:
            yield replace(base, comparison=f"{','.join(levels)}|{when}", joint=True)
        for pair in _pairs(levels):
            yield replace(base, comparison=f"{levels[pair[0]]}-{levels[pair[1]]}|{when}", groups=pair)
    if two and not covariates:
        joint = len(levels) > 2
        name = ",".join(levels) if joint else f"{levels[0]}-{levels[1]}"
        yield Question("mixed_anova", "group_x_session", f"{name}|{when}", span.last, 0, everyone, ("classical",),
                       "classical", joint=joint)


def _of_covariates(asked: Sequence[Question], covariates: Mapping[str, tuple[int, ...]],
                   everyone: tuple[int, ...]) -> Iterator[Question]:
    """Every covariate in every model that adjusts for it, once per stretch between sessions."""
    models = {(q.model, q.first, q.last, q.before): q for q in asked
              if q.adjusted and q.term == "group_difference" and not q.mixed}
    for base in models.values():
        when = base.comparison.partition("|")[2]
        for name, columns in covariates.items():
            yield replace(base, term=f"covariate:{name}", comparison=when or "slope", columns=columns,
                          groups=everyone, joint=len(columns) > 1)


def _within(levels: tuple[str, ...] | None, when: str, span: Span) -> Iterator[Question]:
    for k, level in enumerate(levels or ("all",)):
        comparison = when if levels is None else f"{level}|{when}"
        yield Question("paired", f"session_within:{level}", comparison, span.last, span.first, (k,), ("classical",),
                       "classical", phase=span.phase, before=span.before)


def _mixed(sessions: tuple[str, ...], levels: tuple[str, ...] | None, spec: GroupStats, *, constrained: bool,
           covariates: bool) -> Iterator[Question]:
    """What mixed models answer: group × session, and every group's own course."""
    kinds = _MIXED, _MIXED[spec.variance == "classical"]
    per = "session" if spec.times is None else "unit of time"
    names = levels or ("all",)
    everyone = tuple(range(len(names)))
    sets = [everyone] if len(names) > 2 else []
    sets += list(_pairs(names))
    sets += [(k,) for k in everyone] if len(sessions) > 2 or len(names) == 1 else []
    for groups in sets:
        who = ",".join(names[k] for k in groups) if len(groups) > 2 else "-".join(names[k] for k in groups)
        before = "" if levels is None else f"{who}|"
        term = "group_x_session" if len(groups) > 1 else f"session_within:{names[groups[0]]}"
        base = Question("lmm", term, "", len(sessions) - 1, 0, groups, *kinds,
                        joint=len(groups) > 2, adjusted=covariates)
        if len(sessions) > 2:
            yield replace(base, comparison=f"{before}{','.join(sessions)}", mixed="any", joint=True)
        for last in range(1, len(sessions)):
            yield replace(base, comparison=f"{before}{sessions[last]}-{sessions[0]}", last=last, mixed="first")
        for last in range(2, len(sessions)):
            yield replace(base, comparison=f"{before}{sessions[last]}-{sessions[last - 1]}", last=last, first=last - 1,
                          mixed="adjacent")
        if len(sessions) > 2:
            yield replace(base, comparison=f"{before}linear trend", mixed="trend", per=per)
    if constrained and len(sessions) == 2:
        for pair in _pairs(names):
            comparison = f"{names[pair[0]]}-{names[pair[1]]}|{sessions[1]}-{sessions[0]}"
            yield Question("lmm", "group_difference", comparison, 1, 0, pair, *kinds, adjusted=covariates,
                           mixed="constrained")


def _baseline(levels: tuple[str, ...], session: str, variance: str) -> Iterator[Question]:
    kinds, leading = _linear_kinds(variance, adjusted=False)
    for pair in _pairs(levels):
        yield Question("two_sample", "group_at_baseline", f"{levels[pair[0]]}-{levels[pair[1]]}|{session}", 0, None,
                       pair, kinds, leading)


def _cross_sectional(levels: tuple[str, ...] | None, variance: str, *, covariates: bool) -> Iterator[Question]:
    if levels is None or len(levels) == 1:
        name = levels[0] if levels else "all"
        yield Question("one_sample", "mean", f"{name}-0", 0, None, (0,), ("classical",), "classical")
        return
    kinds, leading = _linear_kinds(variance, adjusted=covariates)
    base = Question("two_sample", "group_difference", "", 0, None, tuple(range(len(levels))), kinds, leading,
                    adjusted=covariates)
    if len(levels) > 2:
        yield replace(base, comparison=",".join(levels), joint=True)
    for pair in _pairs(levels):
        yield replace(base, comparison=f"{levels[pair[0]]}-{levels[pair[1]]}", groups=pair)
