"""Phases of training: named stretches between two sessions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def phase_misfits(phases: Mapping[str, Sequence[str]], primary: str | None, sessions: Sequence[str]) -> list[str]:
    """What in these phases does not fit the sessions; each a sentence with its key."""
    out = []
    seen: dict[tuple[str, ...], str] = {}
    for name, span in phases.items():
        where, shown = f"group.phases.{name}", f"[{', '.join(span)}]"
        unknown = [session for session in span if session not in sessions]
        if unknown:
            out.append(f"{where}: found the session {', '.join(unknown)}, expected two of dataset.sessions: "
                       f"{', '.join(sessions) or 'the study has no sessions'}")
        elif sessions.index(span[0]) >= sessions.index(span[1]):
            out.append(f"{where}: found {shown}, which is not in time order; dataset.sessions are "
                       f"{', '.join(sessions)}")
        elif tuple(span) in seen:
            out.append(f"{where}: {shown} is the phase '{seen[tuple(span)]}' already")
        seen.setdefault(tuple(span), name)
    if primary is not None and primary not in phases:
        out.append(f"group.primary_phase: found '{primary}', expected one of group.phases: "
                   f"{', '.join(phases) or 'there are none'}")
    return out
