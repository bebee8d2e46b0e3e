"""Behaviour: measures of the subjects that are analysed as the responses are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import Field

from deltaroi.specs.base import Spec


class Measure(Spec):
    """One measure of the subjects: a scale, a test score, a number of choices."""

    columns: str | dict[str, str] = Field(
        description="Columns of participants.tsv that hold it, a number per subject: one per session it was taken in "
        "({pre: rmet_pre, post: rmet_post}); in a study without sessions the column's name.")
    unit: str = Field("as given", min_length=1, description="Its unit, e.g. points.")

    def of_sessions(self, sessions: Sequence[str]) -> dict[str, str]:
        """Session -> column, in time order; the study's sessions as given, ``{"n/a": column}`` without sessions."""
        if isinstance(self.columns, str):
            return {"n/a": self.columns}
        return {session: self.columns[session] for session in sessions if session in self.columns}


def measure_misfits(measures: Mapping[str, Measure], sessions: Sequence[str]) -> list[str]:
    """What in these measures does not fit the sessions of the study; each a sentence with its key."""
    out = []
    for name, one in measures.items():
        where = f"behaviour.{name}.columns"
        if isinstance(one.columns, str):
            if sessions:
                out.append(f"{where}: found the column '{one.columns}', but the study has sessions; name a column per "
                           f"session, e.g. {{{sessions[0]}: {one.columns}}}")
            continue
        unknown = [session for session in one.columns if session not in sessions]
        twice = sorted({column for column in one.columns.values() if list(one.columns.values()).count(column) > 1})
        if unknown and not sessions:
            out.append(f"{where}: found the session {unknown[0]}, but the study has no sessions; give the column's "
                       f"name alone: columns: {one.columns[unknown[0]]}")
        elif unknown:
            out.append(f"{where}: found the session {', '.join(unknown)}, expected some of dataset.sessions: "
                       f"{', '.join(sessions)}")
        elif not one.columns:
            out.append(f"{where}: found no column; name one for at least one session")
        elif twice:
            out.append(f"{where}: the column '{twice[0]}' stands for two sessions; name each session's own column")
    return out
