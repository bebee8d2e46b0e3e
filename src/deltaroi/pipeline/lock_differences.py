"""What differs between a lock and a study, place by place, and which rows of results that touches."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from deltaroi.pipeline.lock_items import CONTRAST, ROI
from deltaroi.report.locked import ABSENT, Difference

NAMED = {"associations.": "association", "connectivity.": "connection", "behaviour.": "measure",
         "group.factorials.": "factorial"}
"""How the items begin that touch only rows of their own -> what such an item is."""
TABLES = {"group.equivalence_bounds_d": ("effects", "connectivity_effects", "behaviour_effects", "factorial"),
          "group.small_volume": ("small_volume",), "group.multilevel": ("multilevel",),
          "multiverse": ("specification_curve",)}
"""The fields that decide some tables of results and no other."""
EVERY_ROW = "every row"
_FIELDS_OF_REGIONS = ("regions.minimum_coverage", "regions.family")


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Difference, ...]:
    """What differs between the items of a lock and those of a study, place by place, in the order of the lock."""
    found: list[Difference] = []
    for name in (*then, *(name for name in now if name not in then)):
        if name in then and name in now:
            found += _leaves(name, then[name], now[name])
        else:
            whole = now.get(name, then.get(name))
            text = f"source {whole['source'][:12]}" if name.startswith(ROI) else _text(whole)
            found.append(Difference(name, text if name in then else ABSENT, text if name in now else ABSENT, ""))
    return tuple(replace(one, touches=_touches(one)) for one in found)


def _leaves(place: str, then: Any, now: Any) -> Iterator[Difference]:
    if then == now:
        return
    if isinstance(then, dict) and isinstance(now, dict):
        for key in (*then, *(key for key in now if key not in then)):
            yield from _leaves(f"{place}.{key}", then.get(key, ABSENT), now.get(key, ABSENT))
        return
    yield Difference(place, _text(then), _text(now), "")


def _text(value: Any) -> str:
    return ABSENT if value == ABSENT else json.dumps(value, ensure_ascii=False)


def tables_of(place: str) -> tuple[str, ...]:
    """The tables that a place, or what it is part of, decides, where it decides no other."""
    return next((tables for name, tables in TABLES.items() if place == name or place.startswith(f"{name}.")), ())


def _touches(one: Difference) -> str:
    """Which rows a difference makes exploratory, in words."""
    for start, what in NAMED.items():
        if one.place.startswith(start):
            return f"the rows of this {what}"
    decided = tables_of(one.place)
    if decided:
        return f"the rows of {', '.join(f'{name}.tsv' for name in decided)}"
    if not one.place.startswith((ROI, CONTRAST)) or one.place in _FIELDS_OF_REGIONS:
        return EVERY_ROW
    own = "its own rows"
    return own if one.frozen == ABSENT else f"{own} and every row that was corrected together with them"
