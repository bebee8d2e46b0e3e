"""The region library as tables: what there is, how large it is, and where it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from deltaroi import atlas
from deltaroi.errors import DataError
from deltaroi.grid import FloatArray
from deltaroi.pipeline.library import (
    centre_mm,
    check_region,
    check_space,
    chosen_definitions,
    definition_order,
    region_names,
    volume_mm3,
    why,
)
from deltaroi.specs import SIDES, Hemisphere


def library_table(region: str | None = None, definition: str | None = None) -> pd.DataFrame:
    """One row per region, definition and template space.

    Parameters
    ----------
    region, definition : str, optional
        Only these.

    Returns
    -------
    DataFrame
        region, definition, space, sides (e.g. ``L R B``), volume_L_mm3, volume_R_mm3, volume_B_mm3 (NaN: not measured
        or not there), title, obstacle (why it cannot be read here; empty when it can).

    Raises
    ------
    UsageError, StudyError
        There is no such region or definition.
    """
    if region is not None:
        check_region(region)
    wanted = None if definition is None else {d.name for d in atlas.variants(definition)}
    if region is not None and definition is not None:
        atlas.sides_of(region, definition)
    rows = []
    reasons = {(d.name, d.space): atlas.obstacle(d) or "" for d in atlas.library()}
    for name in [region] if region is not None else region_names():
        for d in _in_order():
            if name in d.regions and (wanted is None or d.name in wanted):
                volumes = {f"volume_{side}_mm3": volume for side, volume in _declared(d, name).items()}
                rows.append({"region": name, "definition": d.name, "space": d.space,
                             "sides": " ".join(d.sides_of(name)), **volumes, "title": d.regions[name].title,
                             "obstacle": reasons[d.name, d.space]})
    return pd.DataFrame(rows)


def _in_order() -> Iterator[atlas.Definition]:
    order = definition_order()
    return iter(sorted(atlas.library(), key=lambda d: (order.index(d.name), d.space)))


def _declared(definition: atlas.Definition, region: str) -> dict[Hemisphere, float]:
    """Volumes (mm³) that the data file states, or that follow from the spheres' radius."""
    sides = definition.sides_of(region)
    if definition.kind == "spheres":
        ball = 4 / 3 * np.pi * definition.radius_mm**3
        centres = definition.regions[region].centres
        apart = "B" in centres or len(centres) < 2 or float(np.linalg.norm(
            np.subtract(centres["L"], centres["R"]))) >= 2 * definition.radius_mm
        both = ball if "B" in centres else 2 * ball if apart else np.nan
        return {side: np.nan if side not in sides else both if side == "B" else ball for side in SIDES}
    measured = definition.regions[region].volume_mm3 or {}
    return {side: float(measured.get(side, np.nan)) for side in SIDES}


@dataclass(frozen=True, eq=False)
class RegionEntry:
    """One definition of a region.

    Attributes
    ----------
    source : RegionSource
        Title, space, rule, licence, citation and the like, of its first hemisphere.
    sides : tuple of str
        The hemispheres it has.
    volumes : dict of hemisphere to mm³
        Measured here, else as the data file states; NaN where neither is known.
    centres : dict of hemisphere to ndarray, shape (3,)
        mm; only of hemispheres that can be read.
    obstacle : str
        Why it cannot be read here; empty when it can.
    """

    source: atlas.RegionSource
    sides: tuple[Hemisphere, ...]
    volumes: dict[Hemisphere, float]
    centres: dict[Hemisphere, FloatArray]
    obstacle: str


def describe_region(region: str, definition: str | None = None, space: str | None = None) -> tuple[RegionEntry, ...]:
    """Every definition of a region, with what is to be known before using it.

    Parameters
    ----------
    region : str
        Its name.
    definition : str, optional
        Only this one.
    space : str, optional
        Of a definition that exists in several templates, only the one that fits this space best.

    Raises
    ------
    UsageError, StudyError
        There is no such region, definition or space.
    """
    names = chosen_definitions(region, [definition] if definition is not None else [])
    wanted = check_space(space) if space is not None else None
    found = []
    for d in _in_order():
        if d.name in names and region in d.regions:
            best = atlas.find(region, d.sides_of(region)[0], d.name, wanted).space
            if wanted is None or best == d.space:
                found.append(_entry(region, d))
    return tuple(found)


def _entry(region: str, definition: atlas.Definition) -> RegionEntry:
    sides = definition.sides_of(region)
    sources = {side: atlas.find(region, side, definition.name, definition.space) for side in sides}
    volumes, centres = {s: v for s, v in _declared(definition, region).items() if s in sides}, {}
    reason = atlas.obstacle(definition) or ""
    if not reason:
        try:
            natives = {side: atlas.native_weights(source) for side, source in sources.items()}
        except DataError as error:
            reason = why(error)
        else:
            volumes = {side: volume_mm3(native) for side, native in natives.items()}
            centres = {side: centre_mm(native) for side, native in natives.items()}
    return RegionEntry(sources[sides[0]], sides, volumes, centres, reason)
