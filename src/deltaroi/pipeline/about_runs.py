"""What to know about the runs of a plan as a set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from deltaroi.config.study import Study
from deltaroi.grid import Grid
from deltaroi.types import NA

if TYPE_CHECKING:
    from deltaroi.pipeline.plan import PlannedRun


def about_runs(runs: Sequence[PlannedRun], grids: Sequence[Grid]) -> list[str]:
    """Warnings about the runs as a set."""
    out = []
    if len(grids) > 1:
        per_subject: dict[str, set[str]] = {}
        for one in runs:
            per_subject.setdefault(one.run.key.subject, set()).add(one.grid.digest)
        mixed = sorted(s for s, digests in per_subject.items() if len(digests) > 1)
        if mixed:
            out.append(f"the runs of {len(mixed)} subject(s) are on different grids: {', '.join(mixed[:5])}")
    times = Counter(f"{one.run.tr_s:g} s" for one in runs)
    if len(times) > 1:
        out.append("runs differ in TR: " + ", ".join(f"{tr} ({number} runs)" for tr, number in sorted(times.items())))
    usual = Counter(one.n_volumes for one in runs).most_common(1)
    short = [one for one in runs if one.n_volumes < 0.9 * usual[0][0]] if usual else []
    if short:
        named = ", ".join(f"{one.run.key.label} ({one.n_volumes})" for one in short[:5])
        out.append(f"{len(short)} run(s) are shorter than 90 % of the usual {usual[0][0]} volumes: {named}"
                   f"{', …' if len(short) > 5 else ''}")
    return out


def empty_groups(study: Study, groups: Mapping[str, str], runs: Sequence[PlannedRun]) -> list[str]:
    """Groups in which nobody is complete."""
    sessions = set(study.dataset.sessions) or {NA}
    have: dict[str, set[str]] = {}
    for one in runs:
        have.setdefault(one.run.key.subject, set()).add(one.run.key.session)
    complete = Counter(label for subject, label in groups.items() if have[subject] >= sessions)
    return [f"group '{level}': nobody has a usable run in every session" for level in
            (study.groups.levels if study.groups else []) if runs and not complete[level]]
