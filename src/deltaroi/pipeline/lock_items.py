"""What of a study is locked: item by item, in words that can be read, and hashed.

Every field of the study file is locked unless :data:`NOT_LOCKED` names it, so a new section is locked as soon as it is
there. ROIs are locked one by one as they are resolved, contrasts by their weights.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.masks import roi_contents, roi_keys
from deltaroi.pipeline.declared import contrast_weights
from deltaroi.pipeline.multiverse_plan import other_definitions, other_rois, regions_by
from deltaroi.specs import Condition, FunctionalRoi, Scalar

NOT_LOCKED = ("schema_version", "description", "dataset.bids_dir", "dataset.derivatives", "dataset.maps", "design",
              "claims", "power", "simulation", "execution")
"""The fields that decide no result of given data: words, places, what was published or is assumed, how work is done."""
ROI, CONTRAST = "regions.", "contrasts."
"""How the items of ROIs and contrasts begin."""
_RESOLVED = ("include", "hemispheres", "definition", "threshold", "custom")


def lock_items(study: Study, file: Path) -> dict[str, Any]:
    """What is locked: name of the item -> its content, JSON-able.

    Parameters
    ----------
    study : Study
        The study.
    file : Path
        Its file; custom masks are found, and hashed, relative to it.

    Raises
    ------
    StudyError, DataError
        An ROI cannot be resolved; a contrast cannot be read.
    """
    data = _without(study.model_dump(mode="json"), NOT_LOCKED)
    name = data.pop("name")
    items: dict[str, Any] = {"name": name}
    weights = contrast_weights(study)
    for section, value in data.items():
        if section == "contrasts":
            items |= {CONTRAST + one: weights[one] for one in value}
        elif section == "regions":
            items["regions"] = {key: inner for key, inner in value.items() if key not in _RESOLVED}
        elif section == "group":
            items[section] = {key: inner for key, inner in value.items() if key != "factorials"}
            items |= {f"{section}.factorials.{one}": inner for one, inner in value["factorials"].items()}
        elif section == "multiverse":  # no item without one, as before there was such a section
            items |= {section: {**value, "drawn": _others_drawn(study, file)}} if value is not None else {}
        elif isinstance(getattr(study, section), dict):  # named entries
            items |= {f"{section}.{one}": inner for one, inner in value.items()}
        else:
            items[section] = value
    items["conditions that share events"] = sharing(study)
    contents = roi_contents(study.regions, file.resolve().parent, study.dataset.space)
    return items | {ROI + label: _with_choice(study, content) for label, content in contents.items()}


def _others_drawn(study: Study, file: Path) -> dict[str, Any]:
    """The ROIs of the definitions that only other specifications have."""
    found: dict[str, Any] = {}
    for definition in other_definitions(study):
        found |= roi_contents(regions_by(study, definition), file.resolve().parent, study.dataset.space)
    wanted = {key.label for key in other_rois(study, roi_keys(study.regions, study.dataset.space))}
    return {label: content for label, content in found.items() if label in wanted}


def _without(data: dict[str, Any], places: tuple[str, ...]) -> dict[str, Any]:
    """A nested mapping without some of its places."""
    kept: dict[str, Any] = {}
    for key, value in data.items():
        inner = tuple(place.partition(".")[2] for place in places if place.startswith(f"{key}."))
        if key not in places:
            kept[key] = _without(value, inner) if inner else value
    return kept


def _with_choice(study: Study, content: dict[str, Any]) -> dict[str, Any]:
    """The content of an ROI; of a functional one also the weights of the contrast that chooses its voxels."""
    roi = study.regions.custom.get(content["region"]) if "drawn" in content else None
    if not isinstance(roi, FunctionalRoi):
        return content
    spec = roi.functional
    text = spec.contrast if spec.task is not None else study.contrasts.get(spec.contrast, spec.contrast)
    return {**content, "chosen_by": dict(parse_contrast(text, f"regions.custom.{content['region']}"))}


def sharing(study: Study) -> list[str]:
    """The conditions of contrasts that can change the model of a run by being named.

    A condition of a contrast takes the events that it shares with a declared one which no contrast names. Most
    conditions share none: their ``where`` exclude each other, and then a further contrast changes no other.
    """
    named = sorted({name for weights in contrast_weights(study).values() for name in weights})
    where = {name: one.where for name, one in study.conditions.items()}
    return [name for name in named if _modulated(study.conditions.get(name)) or any(
        _may_share(where.get(name, {"trial_type": name}), other) for label, other in where.items() if label != name)]


def _modulated(condition: Condition | None) -> bool:
    return condition is not None and condition.modulator is not None


def _may_share(one: Mapping[str, Scalar | list[Scalar]], other: Mapping[str, Scalar | list[Scalar]]) -> bool:
    """Whether a row could meet both: no column excludes it."""
    return all(_values(one[column]) & _values(other[column]) for column in one if column in other)


def _values(value: Scalar | list[Scalar]) -> set[str]:
    """Values as they compare with the text of a cell: numbers by what they are, ``true`` also as 1."""
    texts = [str(one).casefold() for one in (value if isinstance(value, list) else [value])]
    return {_number(text) for text in texts} | ({"1"} & {_number(text.replace("true", "1")) for text in texts})


def _number(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return text


def hash_of(content: Any) -> str:
    """SHA-256 of JSON content; the order of keys does not matter."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(items: Mapping[str, Any]) -> str:
    """One digest of all items."""
    return hash_of({name: hash_of(content) for name, content in items.items()})
