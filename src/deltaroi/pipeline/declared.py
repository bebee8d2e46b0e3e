"""Which fields of the study file decide which stage.

A stage runs again when one of its own fields changes, or when what it builds on comes out differently. Fields that say
where the data are (``dataset.bids_dir`` …) decide which files a step reads, and those are part of its key.
``execution`` decides nothing.
"""

from __future__ import annotations

from typing import Any

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.pipeline.record import as_run

STAGES = ("masks", "first-level", "responses", "effects", "report")
_ROIS = {"include", "hemispheres", "definition", "custom"}


def declared(study: Study) -> dict[str, dict[str, Any]]:
    """Stage -> the fields that decide it, JSON-able.

    Parameters
    ----------
    study : Study
        The study.
    """
    return {
        "masks": {
            "regions": study.regions.model_dump(mode="json", include=_ROIS),
            "allow_space_mismatch": study.dataset.allow_space_mismatch,
        },
        "first-level": {
            "first_level": study.first_level.model_dump(mode="json"),
            "conditions": {name: c.model_dump(mode="json") for name, c in study.conditions.items()},
            "contrasts": contrast_weights(study),
        },
        "responses": {
            "summary": study.summary,
            "minimum_coverage": study.regions.minimum_coverage,
        },
        "effects": {
            "groups": study.groups.model_dump(mode="json") if study.groups else None,
            "group": study.group.model_dump(mode="json"),
            "sessions": study.dataset.sessions,
            "family": study.regions.family,
        },
        "report": {"study": as_run(study)},
    }


def contrast_weights(study: Study) -> dict[str, dict[str, float]]:
    """Contrast name -> condition -> weight."""
    return {name: dict(parse_contrast(text, f"contrasts.{name}")) for name, text in study.contrasts.items()}
