"""Which fields of the study file decide which stage.

A stage runs again when one of its own fields changes, or when what it builds on comes out differently. Fields that say
where the data are (``dataset.bids_dir`` …) decide which files a step reads, and those are part of its key. The key
of the masks also has what the region library says of the ROIs (:func:`deltaroi.masks.library_state`).
``execution`` decides nothing.
"""

from __future__ import annotations

from typing import Any, Literal

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.pipeline.record import as_run
from deltaroi.responses import contrast_name
from deltaroi.specs import Functional, FunctionalRoi, RegionChoice, about
from deltaroi.types import is_own

STAGES = ("masks", "first-level", "responses", "effects", "report")
LOCALISERS = "localisers"
"""The fields that decide, beside those of the first level, the fits of localiser tasks."""
SMALL_VOLUME = "small-volume"
"""The stage that tests the voxels inside the ROIs, beside the effects."""
CONNECTIVITY = "connectivity"
"""The stage that measures and compares the connections of ROIs, beside the effects."""
SPECIFICATIONS = "specifications"
"""The models and responses of other specifications than main, beside those of main."""
BEHAVIOUR = "behaviour"
"""The stage that analyses the measures of the subjects, beside the effects."""
_ROIS = {"include", "hemispheres", "definition", "threshold"}


def declared(study: Study) -> dict[str, dict[str, Any]]:
    """Stage -> the fields that decide it, JSON-able.

    Of a functional ROI the masks know only where it is drawn; which voxels are chosen is decided by the responses.

    Parameters
    ----------
    study : Study
        The study.
    """
    custom = {name: _drawn(roi.functional) if isinstance(roi, FunctionalRoi) else roi.model_dump(mode="json")
              for name, roi in study.regions.custom.items()}
    return {
        "masks": {
            "regions": {**study.regions.model_dump(mode="json", include=_ROIS), "custom": custom},
            "allow_space_mismatch": study.dataset.allow_space_mismatch,
        },
        "first-level": {
            "first_level": study.first_level.model_dump(mode="json"),
            "conditions": {name: c.model_dump(mode="json") for name, c in study.conditions.items()},
            "contrasts": contrast_weights(study),
        },
        LOCALISERS: localiser_weights(study),
        "responses": {
            "summary": study.summary,
            "minimum_coverage": study.regions.minimum_coverage,
            "functional": {name: spec.model_dump(mode="json", exclude={"within"})
                           for name, spec in functional_rois(study).items()},
        },
        "effects": {
            "groups": study.groups.model_dump(mode="json") if study.groups else None,
            "group": study.group.model_dump(mode="json", exclude={"small_volume"}),
            "sessions": study.dataset.sessions,
            "associations": _associations(study, "responses"),
            "family": study.regions.family,
        },
        SMALL_VOLUME: _small_volume(study),
        CONNECTIVITY: _connectivity(study),
        BEHAVIOUR: _behaviour(study),
        SPECIFICATIONS: study.multiverse.model_dump(mode="json") if study.multiverse else {},
        "report": {"study": as_run(study)},
    }


def _small_volume(study: Study) -> dict[str, Any]:
    """What decides the tests of the voxels: under ``maps`` whatever decides the maps of a subject."""
    if not study.group.small_volume:
        return {}
    return {
        "maps": {
            "minimum_coverage": study.regions.minimum_coverage,
            "functional": {name: spec.model_dump(mode="json", exclude={"within"})
                           for name, spec in functional_rois(study).items()},
        },
        "tests": {
            "groups": study.groups.model_dump(mode="json") if study.groups else None,
            "group": study.group.model_dump(mode="json", include={"primary", "variance", "permutations",
                                                                  "arrangements", "seed"}),
            "phase": study.group.phases[study.group.primary_phase] if study.group.primary_phase else None,
            "sessions": study.dataset.sessions,
            "family": study.regions.family,
            "minimum_coverage": study.regions.minimum_coverage,
        },
    }


def _connectivity(study: Study) -> dict[str, Any]:
    """What decides connectivity: under ``values`` whatever decides those of a subject."""
    if not study.connectivity:
        return {}
    return {
        "values": {
            "asked": {name: one.model_dump(mode="json") for name, one in study.connectivity.items()},
            "contrasts": contrast_weights(study),
            "minimum_coverage": study.regions.minimum_coverage,
            "functional": {name: spec.model_dump(mode="json", exclude={"within"})
                           for name, spec in functional_rois(study).items()},
        },
        "tests": {
            "groups": study.groups.model_dump(mode="json") if study.groups else None,
            "group": study.group.model_dump(mode="json", exclude={"small_volume", "multilevel", "factorials"}),
            "sessions": study.dataset.sessions,
            "associations": _associations(study, "connectivity"),
            "family": study.regions.family,
        },
    }


def _associations(study: Study, what: Literal["responses", "connectivity"]) -> dict[str, Any]:
    return {name: one.model_dump(mode="json", exclude={"of"}) for name, one in about(study.associations, what).items()}


def _behaviour(study: Study) -> dict[str, Any]:
    """What decides the analysis of the measures."""
    if not study.behaviour:
        return {}
    return {
        "behaviour": {name: one.model_dump(mode="json") for name, one in study.behaviour.items()},
        "groups": study.groups.model_dump(mode="json") if study.groups else None,
        "group": study.group.model_dump(mode="json", exclude={"small_volume", "multilevel", "factorials"}),
        "sessions": study.dataset.sessions,
    }


def contrast_weights(study: Study) -> dict[str, dict[str, float]]:
    """Contrast name -> condition -> weight."""
    return {name: dict(parse_contrast(text, f"contrasts.{name}")) for name, text in study.contrasts.items()}


def functional_rois(study: Study) -> dict[str, Functional]:
    """The functional ROIs that a study measures, by name."""
    found: dict[str, Functional] = {}
    for entry in study.regions.include:
        choice = RegionChoice(region=entry) if isinstance(entry, str) else entry
        named = [choice.definition] if isinstance(choice.definition, str) else choice.definition
        roi = study.regions.custom.get(choice.region)
        if isinstance(roi, FunctionalRoi) and (named is None or any(map(is_own, named))):
            found[choice.region] = roi.functional
    return found


def localiser_weights(study: Study) -> dict[str, dict[str, dict[str, float]]]:
    """Localiser task -> contrast -> trial type -> weight."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for name, spec in functional_rois(study).items():
        if spec.task is not None:
            weights = dict(parse_contrast(spec.contrast, f"regions.custom.{name}.functional.contrast"))
            found.setdefault(spec.task, {})[contrast_name(spec)] = weights
    return found


def _drawn(spec: Functional) -> dict[str, Any]:
    """What decides how a functional ROI is drawn."""
    return {"functional": {"within": spec.within, "circular": spec.allow_circular}}
