"""Which template space may be used on which."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field, ValidationError

from deltaroi.atlas.files import SPACES_FILE, Closed, read_yaml
from deltaroi.errors import DataError
from deltaroi.resources import resource

NOT_STATED = "not stated"


@dataclass(frozen=True)
class SpaceRelation:
    """How a source space stands to the space of a grid.

    ``offset`` is the stated distance between the two and ``note`` the reason, both empty for ``same``.
    """

    kind: Literal["same", "compatible", "refused"]
    note: str = ""
    offset: str = ""


class _Pair(Closed):
    source: str = Field(alias="from")
    to: list[str]
    kind: Literal["compatible", "refused"]
    offset: str = ""
    note: str


class _Spaces(Closed):
    aliases: dict[str, str]
    pairs: list[_Pair]


@cache
def _table() -> _Spaces:
    path = resource("atlases", SPACES_FILE)
    try:
        return _Spaces.model_validate(read_yaml(path))
    except ValidationError as error:
        raise DataError(f"not a table of spaces: {error}", where=str(path), hint="reinstall deltaroi") from error


def canonical_space(space: str) -> str:
    """The name used here for a space that has several."""
    return _table().aliases.get(space, space)


def space_relation(source: str, grid: str) -> SpaceRelation:
    """How a source space stands to a grid's space, by ``atlases/spaces.yaml``; pairs not listed are refused."""
    a, b = canonical_space(source), canonical_space(grid)
    if NOT_STATED in (a, b):
        return SpaceRelation("refused", "the template space is not stated")
    if a == b:
        return SpaceRelation("same")
    for pair in _table().pairs:
        if pair.source == a and b in pair.to:
            return SpaceRelation(pair.kind, pair.note, pair.offset)
    return SpaceRelation("refused", f"nothing is known of how '{source}' fits '{grid}'")
