"""Reading a study file: errors name file, line, key path, value and what was probably meant."""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from deltaroi.config.study import Study
from deltaroi.config.yaml12 import Lines, Place, load_yaml
from deltaroi.errors import StudyError

_KINDS = {"mask": "MaskRoi", "labels": "LabelsRoi", "sphere": "SphereRoi", "combine": "CombineRoi",
          "functional": "FunctionalRoi"}
_TAGS = (*_KINDS.values(), "RegionChoice")


def read_study(path: str | Path) -> Study:
    """Read and check a study file.

    Parameters
    ----------
    path : str or Path
        The YAML file.

    Returns
    -------
    Study
        Frozen; paths in it stay as written (relative to the file; see :func:`resolve`).

    Raises
    ------
    StudyError
        The file is missing, is not YAML, or says something that cannot be; all mistakes are listed at once.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise StudyError(f"cannot read the study file: {reason}", where=str(path),
                         hint="give the path of a YAML study file; `deltaroi init BIDS_DIR` writes one") from error
    return parse_study(text, str(path))


def parse_study(text: str, where: str = "study file") -> Study:
    """Check the text of a study file; see :func:`read_study`."""
    data, lines = load_yaml(text, where)
    for place in _later(data):
        what = "section" if len(place) == 1 else "key"
        at = f"{where}:{lines[place]}" + ("" if len(place) == 1 else f": {'.'.join(map(str, place))}")
        raise StudyError(f"the {what} '{place[-1]}' is not available in this version", where=at, hint="remove it")
    try:
        return Study.model_validate_json(json.dumps(data))
    except ValidationError as error:
        problems = [_describe(item, lines, where) for item in _relevant(error.errors(include_url=False), data)]
        first = problems[0]
        others = "".join(f"\n{problem}" for problem in problems[1:])
        raise StudyError(first.message, where=first.where, hint=first.hint + others) from error


def resolve(study_path: str | Path, entry: str) -> Path:
    """A path written in a study file, relative to that file unless absolute."""
    return (Path(study_path).resolve().parent / Path(entry).expanduser()).resolve()


def _later(data: dict[str, Any]) -> Iterator[Place]:
    """Places of what later versions will read."""
    dataset = data.get("dataset")
    if isinstance(dataset, dict) and "index" in dataset:
        yield "dataset", "index"


def _relevant(errors: list[ErrorDetails], data: dict[str, Any]) -> list[ErrorDetails]:
    """Of a union's errors keep those of the alternative that fits the given keys best."""
    kept: list[ErrorDetails] = []
    for item in errors:
        place, tag = _untagged(item["loc"])
        if tag is None:
            kept.append(item)
            continue
        if tag not in _TAGS:  # names of plain types
            continue
        entry = _at(data, place[: _tag_index(item["loc"])])
        if _closest(set(entry) if isinstance(entry, dict) else set()) == tag:
            kept.append(item)
    return kept or errors[:1]


def _tag_index(loc: tuple[int | str, ...]) -> int:
    return next(i for i, part in enumerate(loc) if _bare(part) in _TAGS)


def _bare(part: int | str) -> int | str:
    """A part of a pydantic location; a model behind a validator, ``function-after[_check(), Model]``, as ``Model``."""
    if isinstance(part, str) and part.startswith("function-") and part.endswith("]"):
        return part[:-1].rpartition(" ")[2]
    return part


def _closest(keys: set[str]) -> str:
    """Which kind of entry a set of keys means."""
    for key, tag in _KINDS.items():
        if key in keys:
            return tag
    return "RegionChoice" if "region" in keys else "MaskRoi"


def _untagged(loc: tuple[int | str, ...]) -> tuple[Place, str | None]:
    """A pydantic location without the names of union alternatives, and the first of those names."""
    noise = {"str", "bool", "int", "float", "constrained-str", "constrained-float"}
    tags = [part for part in loc if isinstance(part, str) and (part in _TAGS or part in noise or "[" in part)]
    place = tuple(part for part in loc if part not in tags and part != "[key]")
    return place, (str(_bare(tags[0])) if tags else None)


def _at(data: Any, place: Place) -> Any:
    for part in place:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _describe(item: ErrorDetails, lines: Lines, where: str) -> StudyError:
    """One mistake in words."""
    place, _ = _untagged(item["loc"])
    if item["type"] == "extra_forbidden":  # whatever signs are in an unknown key, it is no tag
        place = (*_untagged(item["loc"][:-1])[0], item["loc"][-1])
    path = ".".join(str(part) for part in place) or "study"
    line = next((lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in lines), 1)
    at = f"{where}:{line}: {path}"
    kind, value = item["type"], item.get("input")
    if kind == "extra_forbidden":
        known = fields_at(place[:-1])
        close = difflib.get_close_matches(str(place[-1]), known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"known here: {', '.join(known)}"
        return StudyError(f"unknown key '{place[-1]}' (its value: {_short(value)})", where=at, hint=hint)
    if kind == "missing":
        return StudyError("this key is required and missing", where=at,
                          hint=_description(place) or "add it; `deltaroi schema` lists all keys")
    if kind == "string_type" and isinstance(value, (int, float, bool)):
        return StudyError(f"found {_short(value)}, expected text", where=at, hint=f'write it in quotes: "{value}"')
    hint = _description(place)
    if kind == "literal_error" and isinstance(value, str):
        options = str(item.get("ctx", {}).get("expected", "")).replace(" or ", ", ").replace("'", "").split(", ")
        close = difflib.get_close_matches(value, options, n=1)
        hint = f"did you mean '{close[0]}'?" if close else hint
    message = item["msg"].removeprefix("Value error, ")
    shown = "" if kind == "value_error" else f"found {_short(value)}: "
    return StudyError(f"{shown}{message}", where=at, hint=hint or "`deltaroi schema` describes every key")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _models(annotation: Any) -> list[type[BaseModel]]:
    """All models inside an annotation."""
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for inner in typing.get_args(annotation) for model in _models(inner)]


def _reached(place: Place) -> list[type[BaseModel]]:
    """The models that may stand at a place of the study file."""
    models: list[type[BaseModel]] = [Study]
    for part in place:
        fields = [m.model_fields[str(part)].annotation for m in models if str(part) in m.model_fields]
        models = [m for annotation in fields for m in _models(annotation)] or models
    return models


def fields_at(place: Place) -> list[str]:
    """Names of the keys that a place of the study file may hold, in order."""
    return list(dict.fromkeys(name for model in _reached(place) for name in model.model_fields))


def _description(place: Place) -> str:
    if not place:
        return ""
    for model in _reached(place[:-1]):
        field = model.model_fields.get(str(place[-1]))
        if field is not None:
            return field.description or ""
    return ""
