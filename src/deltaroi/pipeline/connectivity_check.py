"""What connectivity will use and leave out, as far as files show it."""

from __future__ import annotations

from collections.abc import Iterator

from deltaroi.config.study import Study
from deltaroi.connectivity import LEAST_DOF, Connection
from deltaroi.connectivity.connect import NO_RUN, TOO_FEW_TRIALS
from deltaroi.connectivity.gppi import TOO_FEW_DOF
from deltaroi.pipeline.connectivity_asked import asked_of
from deltaroi.pipeline.declared import CONNECTIVITY as STAGE
from deltaroi.pipeline.plan import Plan, PlannedRun
from deltaroi.types import NA, Exclusion


def foresee_connectivity(study: Study, plan: Plan) -> tuple[Exclusion, ...]:
    """Runs, conditions and sessions that connectivity will list; ``plan`` as :func:`check_models` leaves it."""
    visits: dict[tuple[str, str], list[PlannedRun]] = {}
    for one in plan.runs:
        visits.setdefault((one.run.key.subject, one.run.key.session), []).append(one)
    rows: list[Exclusion] = []
    for asked in asked_of(study, plan.rois):
        for (subject, session), runs in visits.items():
            if len({one.grid.digest for one in runs}) == 1:
                rows += _session(asked, subject, session, runs)
        rows += _absent(asked, study, {subject for subject, _ in visits}, set(visits))
    return tuple(dict.fromkeys(rows))


def _session(asked: Connection, subject: str, session: str, runs: list[PlannedRun]) -> Iterator[Exclusion]:
    """What one session of one subject will lack."""
    usable = []
    for one in runs:
        dof = one.dof - 1 - len(one.trials)
        if asked.method == "gppi" and dof < LEAST_DOF and set(one.contrasts) & set(asked.contrasts):
            yield Exclusion(STAGE, subject, session, one.run.key.run, asked.name, TOO_FEW_DOF, str(dof), str(LEAST_DOF))
        else:
            usable.append(one)
    for contrast, weights in asked.contrasts.items():
        serving = [one for one in runs if contrast in one.contrasts]
        if not serving:
            for target in asked.targets:
                yield Exclusion(STAGE, subject, session, NA, f"{asked.name}: {target.label} {contrast}", NO_RUN)
        elif asked.method == "beta_series":
            yield from _few(asked, subject, session, {name: sum(dict(one.trials).get(name, 0) for one in serving)
                                                      for name in weights})


def _few(asked: Connection, subject: str, session: str, counts: dict[str, int]) -> Iterator[Exclusion]:
    """The first condition of a contrast, as the run looks at them, that has too few trials."""
    for condition, number in counts.items():
        if number < asked.minimum_trials:
            for target in asked.targets:
                what = f"{asked.name}: {target.label} {condition}"
                yield Exclusion(STAGE, subject, session, NA, what, TOO_FEW_TRIALS, str(number),
                                str(asked.minimum_trials))
            return


def _absent(asked: Connection, study: Study, subjects: set[str], visits: set[tuple[str, str]]) -> Iterator[Exclusion]:
    """Sessions in which a subject has no usable run, in the words of the group stage."""
    wanted = tuple(study.dataset.sessions) or (NA,)
    reason = "no connectivity" if len(wanted) == 1 else \
        "no connectivity in this session: left out of every comparison that needs it"
    for subject in sorted(subjects):
        for session in wanted:
            if (subject, session) not in visits:
                yield Exclusion(STAGE, subject, session, region=asked.name, reason=reason)


def connection_lines(study: Study, plan: Plan) -> Iterator[str]:
    """What will be asked, a line per connection."""
    for one in asked_of(study, plan.rois):
        how = "" if one.method != "gppi" else ", deconvolved" if one.deconvolve else ", measured series"
        targets = ", ".join(target.label for target in one.targets)
        yield (f"  connectivity {one.name} ({one.method}{how}): {one.seed.label} with {targets}; "
               f"{', '.join(one.contrasts)}")
