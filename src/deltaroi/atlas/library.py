"""The library: every definition, from the data files under ``atlases/``."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import ValidationError

from deltaroi.atlas.definitions import DATA_FILE, Addition, Definition, SpheresDefinition
from deltaroi.atlas.files import definition_files, read_yaml
from deltaroi.atlas.spaces import TALAIRACH, SpaceRelation, canonical_space, space_relation
from deltaroi.errors import DataError, StudyError, did_you_mean

_SHORTEST = 3  # letters: of shorter words nearly every short name (AI, MI) is close


@cache
def library() -> tuple[Definition, ...]:
    """All definitions, by name and template space; one name may stand for several templates.

    Raises
    ------
    DataError
        A data file is broken, two have one name and space, or an addition adds to nothing.
    """
    return read_library(tuple(definition_files()))


def read_library(paths: tuple[Path, ...]) -> tuple[Definition, ...]:
    """The definitions of some data files; see :func:`library`."""
    found: dict[tuple[str, str], Definition] = {}
    additions: list[tuple[Path, Addition]] = []
    for path in paths:
        entry = _read(path)
        if isinstance(entry, Addition):
            additions.append((path, entry))
            continue
        stems = (entry.name, f"{entry.name}.{entry.space}")
        if path.stem not in stems or (entry.name, entry.space) in found:
            raise DataError(f"a definition called '{entry.name}' in {entry.space} is not unique, or the file's name is "
                            f"not {stems[0]}.yaml or {stems[1]}.yaml", where=str(path), hint="rename it")
        found[entry.name, entry.space] = entry
    for path, addition in additions:
        key = _target(path, addition, found)
        found[key] = _with(path, addition, found[key])
    return tuple(found[key] for key in sorted(found))


def _read(path: Path) -> Definition | Addition:
    try:
        return DATA_FILE.validate_python(read_yaml(path))
    except ValidationError as error:
        raise DataError(f"not a definition: {error}", where=str(path),
                        hint="docs/adding-a-region.md shows the form") from error


def _target(path: Path, addition: Addition, found: dict[tuple[str, str], Definition]) -> tuple[str, str]:
    keys = [key for key in found if key[0] == addition.to and addition.space in (None, key[1])]
    if len(keys) != 1:
        raise DataError(f"adds to '{addition.to}', of which there are {len(keys)}", where=str(path),
                        hint="name a definition, and its space where it has several")
    return keys[0]


def _with(path: Path, addition: Addition, definition: Definition) -> Definition:
    twice = sorted(set(addition.regions) & set(definition.regions))
    if twice:
        raise DataError(f"'{definition.name}' has the regions {', '.join(twice)} already", where=str(path),
                        hint="choose other names")
    data = definition.model_dump(exclude_unset=True)
    data["regions"] = {**data["regions"], **{n: r.model_dump(exclude_unset=True) for n, r in addition.regions.items()}}
    try:
        return type(definition).model_validate(data)
    except ValidationError as error:
        raise DataError(f"does not fit '{definition.name}': {error}", where=str(path),
                        hint="docs/adding-a-region.md shows the form") from error


def definition_names() -> tuple[str, ...]:
    """The names of the definitions, each once."""
    return tuple(dict.fromkeys(d.name for d in library()))


def variants(name: str) -> tuple[Definition, ...]:
    """The definitions of one name; ``harvard-oxford`` means ``harvard_oxford``.

    Raises
    ------
    StudyError
        There is none; the message names what there is.
    """
    wanted = canonical_definition(name)
    found = tuple(d for d in library() if d.name == wanted)
    if not found:
        known = definition_names()
        raise StudyError(f"unknown definition '{name}'", where="regions.definition",
                         hint=did_you_mean(name, known, _SHORTEST) or f"known: {', '.join(known)}")
    return found


def canonical_definition(name: str) -> str:
    """The name as the tables write it: ``harvard-oxford`` becomes ``harvard_oxford``."""
    known = definition_names()
    plain = name.replace("-", "_")
    return name if name in known or plain not in known else plain


def choose(region: str, name: str, space: str | None) -> Definition:
    """The definition of that name that has the region and fits a template space best.

    Raises
    ------
    StudyError
        No such definition, or it has no such region; the message names what there is.
    """
    found = [d for d in variants(name) if region in d.regions]
    if not found:
        raise _no_region(region, name)
    if space is None:
        return found[0]
    return min(found, key=lambda d: fit_of(d, space).severity)


def fit_of(definition: Definition, space: str) -> SpaceRelation:
    """How a definition's drawings stand to a template space; spheres at Talairach coordinates are converted."""
    converted = isinstance(definition, SpheresDefinition) and canonical_space(definition.space) == TALAIRACH
    return space_relation("MNI152" if converted else definition.space, space)


def _no_region(region: str, name: str) -> StudyError:
    others = [d for d in definition_names() if any(region in v.regions for v in variants(d))]
    regions = list(dict.fromkeys(r for d in variants(name) for r in d.regions))
    if others:
        hint = f"definitions that have it: {', '.join(others)}"
    else:
        close = did_you_mean(region, regions, _SHORTEST)
        hint = close or _by_title(region, name) or f"'{name}' has {', '.join(regions)}"
    return StudyError(f"definition '{name}' has no region '{region}'", where="regions.include", hint=hint)


def _by_title(word: str, name: str) -> str:
    """Regions whose title has the word."""
    plain = word.replace("_", " ").lower()
    hits = [r for d in variants(name) for r, region in d.regions.items() if plain in region.title.lower()]
    return f"did you mean {' or '.join(f'{hit!r}' for hit in dict.fromkeys(hits))}?" if hits and len(hits) < 4 else ""
