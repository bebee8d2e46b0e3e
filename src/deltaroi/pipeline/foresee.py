"""How many steps a run would take."""

from __future__ import annotations

from deltaroi.pipeline.declared import (
    BEHAVIOUR,
    CONNECTIVITY,
    LOCALISERS,
    SMALL_VOLUME,
    SPECIFICATIONS,
    functional_rois,
)
from deltaroi.pipeline.multiverse_plan import models, other_definitions
from deltaroi.pipeline.work import Work


def foresee(work: Work) -> dict[str, tuple[int, int]]:
    """Per stage, how many steps there are; done ones can only be told once their inputs are known."""
    runs = work.plan.runs
    subjects = {p.run.key.subject for p in runs}
    told = any(spec.select_from == "other_subjects" for spec in functional_rois(work.study).values())
    masks_of = len(work.plan.grids) * (2 if other_definitions(work.study) else 1)
    fits = 0 if work.plan.maps else len(runs) * (1 + len(models(work.study))) + len(work.plan.localisers)
    totals = {"masks": masks_of, "first-level": fits,
              **({LOCALISERS: len(subjects) + 1} if told else {}),  # what subjects tell each other, and its sum
              "responses": len(subjects),
              **({SPECIFICATIONS: len(subjects)} if work.study.specifications[1:] else {}), "effects": 1,
              **({SMALL_VOLUME: len(subjects) + 1} if work.study.group.small_volume else {}),  # maps, and their tests
              **({CONNECTIVITY: len(subjects) + 1} if work.study.connectivity else {}),
              **({BEHAVIOUR: 1} if work.study.behaviour else {}), "report": 1}
    marks = {stage: len(list((work.layout.marks / stage).glob("*.json"))) if work.layout.marks.is_dir() else 0
             for stage in totals}
    return {stage: (total, min(total, marks[stage])) for stage, total in totals.items()}
