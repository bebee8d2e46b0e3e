"""Which template space may be used on which."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from pydantic import Field, ValidationError

from deltaroi.atlas.files import SPACES_FILE, Closed, read_yaml
from deltaroi.errors import DataError
from deltaroi.resources import resource
from deltaroi.types import NOT_STATED

TALAIRACH = "Talairach"
_RESOLUTION = re.compile(r"[:_]res-[A-Za-z0-9]+")


@dataclass(frozen=True)
class SpaceRelation:
    """How a source space stands to the space of a grid.

    ``offset`` is the stated distance between the two and ``note`` the reason, both empty for ``same``.
    """

    kind: Literal["same", "compatible", "refused"]
    note: str = ""
    offset: str = ""

    @property
    def severity(self) -> int:
        """0 for ``same``, 1 for ``compatible``, 2 for ``refused``; the less, the better two spaces fit."""
        return ("same", "compatible", "refused").index(self.kind)


class _Pair(Closed):
    source: str = Field(alias="from")
    to: list[str]
    kind: Literal["compatible", "refused"]
    offset: str = ""
    note: str


class _Spaces(Closed):
    aliases: dict[str, str]
    individual: list[str]
    pairs: list[_Pair]


@cache
def _table() -> _Spaces:
    path = resource("atlases", SPACES_FILE)
    try:
        return _Spaces.model_validate(read_yaml(path))
    except ValidationError as error:
        raise DataError(f"not a table of spaces: {error}", where=str(path), hint="reinstall deltaroi") from error


def canonical_space(space: str) -> str:
    """The name used here for a space that has several; a resolution is no part of it (``:res-2``)."""
    plain = _RESOLUTION.sub("", space.strip())
    return _table().aliases.get(plain, plain)


def space_relation(source: str, grid: str) -> SpaceRelation:
    """How a source space stands to a grid's space, by ``atlases/spaces.yaml``; pairs not listed are refused."""
    a, b = canonical_space(source), canonical_space(grid)
    if NOT_STATED in (a, b):
        return SpaceRelation("refused", "the template space is not stated")
    own = sorted({a, b} & set(_table().individual))
    if a == b:
        return SpaceRelation("compatible", f"{a} is each person's own space", "only for the person it was drawn on") \
            if own else SpaceRelation("same")
    if own:
        return SpaceRelation("refused", f"{own[0]} is each person's own space, which no template fits")
    for pair in _table().pairs:
        if pair.source == a and b in pair.to:
            return SpaceRelation(pair.kind, pair.note, pair.offset)
    return SpaceRelation("refused", f"nothing is known of how '{source}' fits '{grid}'")
