"""Phases of training: which stretches between sessions a design asks about, how it names them and says it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deltaroi.errors import StudyError
from deltaroi.group.blocks import Array
from deltaroi.specs import GroupStats, phase_misfits


@dataclass(frozen=True)
class Span:
    """A stretch between two sessions, by their positions, and the phase's name (empty without); a switch is two.

    Attributes
    ----------
    first, last : int
        Positions of its sessions.
    phase : str
        Its name.
    before : tuple of (int, int, str), or None
        Of a switch, the phase before: its sessions and name.
    """

    first: int
    last: int
    phase: str = ""
    before: tuple[int, int, str] | None = None

    def named(self, sessions: Sequence[str]) -> str:
        """``post-mid``; of a switch ``(post-mid)-(mid-pre)``."""
        own = f"{sessions[self.last]}-{sessions[self.first]}"
        return own if self.before is None else \
            f"({own})-({sessions[self.before[1]]}-{sessions[self.before[0]]})"


def spans(sessions: tuple[str, ...], phases: Mapping[str, Sequence[str]]) -> tuple[Span, ...]:
    """Every later session against the first, then the phases that begin later, then the switches of adjacent phases.

    Raises
    ------
    StudyError
        A phase does not fit the sessions.
    """
    wrong = phase_misfits(phases, None, sessions)
    if wrong:
        raise StudyError(wrong[0], where="group.phases", hint="a phase is [first session, last session]")
    named = sorted((sessions.index(a), sessions.index(b), name) for name, (a, b) in phases.items())
    called = {(first, last): name for first, last, name in named}
    out = [Span(0, last, called.get((0, last), "")) for last in range(1, len(sessions))]
    out += [Span(first, last, name) for first, last, name in named if first > 0]
    out += [Span(*later, before=earlier) for earlier in named for later in named if earlier[1] == later[0]]
    return tuple(out)


def primary_span(sessions: tuple[str, ...], spec: GroupStats) -> Span | None:
    """The phase that the study calls primary; None without.

    Raises
    ------
    StudyError
        It is not among the phases.
    """
    if spec.primary_phase is None:
        return None
    if spec.primary_phase not in spec.phases:
        raise StudyError(f"there is no phase '{spec.primary_phase}'", where="group.primary_phase",
                         hint=f"the phases are {', '.join(spec.phases) or 'none'}")
    return next(span for span in spans(sessions, spec.phases) if span.phase == spec.primary_phase and not span.before)


def switched(values: Array, span: tuple[int, int]) -> Array:
    """The change over a phase, shape (subjects,), of values of shape (subjects, sessions)."""
    return values[:, span[1]] - values[:, span[0]]


def in_phase(phase: str) -> str:
    """How a sentence names a phase."""
    return f" (phase {phase})" if phase else ""


def course(span: Span, sessions: Sequence[str]) -> str:
    """``from mid to post (phase compassion)``."""
    return f"from {sessions[span.first]} to {sessions[span.last]}{in_phase(span.phase)}"


def changed(span: Span, place: str, sessions: Sequence[str]) -> str:
    """The change of an ROI over a span; of a switch, how much more it changed than in the phase before."""
    if span.before is None:
        return f"the change of {place} {course(span, sessions)}"
    return f"the change of {place} {course(span, sessions)}, less its change {course(Span(*span.before), sessions)},"
