"""Behaviour: one step that analyses the measures of the subjects; the responses do not decide it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.group import GroupDesign, analyse_behaviour, behaviour_values
from deltaroi.io.files import write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.pipeline.behaviour_plan import Measured
from deltaroi.pipeline.declared import BEHAVIOUR as STAGE
from deltaroi.pipeline.declared import declared
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.lock import Judged, marked
from deltaroi.pipeline.retire import retire_behaviour
from deltaroi.pipeline.steps import Step
from deltaroi.pipeline.work import Work
from deltaroi.tables import (
    BEHAVIOUR,
    BEHAVIOUR_EFFECTS,
    BEHAVIOUR_SIZES,
    BEHAVIOUR_TABLES,
    EXCLUSIONS,
    exclusion_frame,
    exclusion_rows,
)


@dataclass(frozen=True)
class BehaviourItem:
    """The study, its subjects, the lock."""

    study: Study
    measured: Measured
    lock: Judged | None = None


def behaviour(work: Work) -> dict[str, pd.DataFrame]:
    """Analyse the measures where the study has some; else take away what an earlier run left. Tables by name."""
    study, measured = work.study, work.plan.measured
    if not study.behaviour:
        retire_behaviour(work.layout)
        return {}
    fields = {**declared(study)[STAGE], "membership": dict(sorted(measured.groups.items())),
              "values": measured.table.to_dict("split"), "covariates": measured.covariates.to_dict("split"),
              **({"lock": work.lock.fields()} if work.lock else {})}
    step = Step(STAGE, "group", 2, fields, (), ())
    (digest,) = work.do(STAGE, [step], [BehaviourItem(study, measured, work.lock)], ask_behaviour)
    if isinstance(digest, Failure):
        raise digest.error or RuntimeError(digest.trace)
    said = json.loads(work.layout.behaviour_notes.read_text())
    work.exclusions += exclusion_rows(read_table(work.layout.behaviour_exclusions, EXCLUSIONS))
    work.warnings += said["warnings"]
    work.notes += said["notes"]
    return {schema.name: read_table(work.layout.table(schema.name), schema) for schema in BEHAVIOUR_TABLES}


def ask_behaviour(layout: Layout, item: BehaviourItem) -> list[Path]:
    """Analyse the measures, and write the tables."""
    study, measured = item.study, item.measured
    design = GroupDesign.from_study(study.groups, study.dataset.sessions,
                                    measured.covariates.rename_axis("participant_id").reset_index())
    values = behaviour_values(study.behaviour, measured.table, measured.groups, design)
    found = analyse_behaviour(values.values, design, study.group)
    paths = [layout.table(schema.name) for schema in BEHAVIOUR_TABLES]
    write_table(values.values, BEHAVIOUR, paths[0])
    write_table(marked(found.effects, BEHAVIOUR_EFFECTS.name, item.lock), BEHAVIOUR_EFFECTS, paths[1])
    write_table(marked(found.effect_sizes, BEHAVIOUR_SIZES.name, item.lock), BEHAVIOUR_SIZES, paths[2])
    paths += [layout.behaviour_exclusions, layout.behaviour_notes]
    write_table(exclusion_frame((*values.exclusions, *found.exclusions)), EXCLUSIONS, paths[3])
    write_json(paths[4], {"warnings": found.warnings, "notes": found.notes})
    return paths
