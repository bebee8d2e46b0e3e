"""Regions of the library in all their definitions: names, and what can be read here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deltaroi import atlas
from deltaroi.errors import DataError, UsageError, closest, did_you_mean
from deltaroi.grid import FloatArray
from deltaroi.specs import SIDES, Hemisphere

SPACE = "MNI152NLin2009cAsym"
MARKS = {"same": "", "compatible": "†", "refused": "‡"}
FIRST = "hcpex"  # its regions come first, in its order


@dataclass(frozen=True)
class Skipped:
    """A definition that has the region but cannot be read here, and why."""

    definition: str
    space: str
    reason: str


@dataclass(frozen=True, eq=False)
class Readable:
    """A region in all definitions that can be read here.

    Attributes
    ----------
    region : str
        Its name.
    space : str
        Template space that the definitions were chosen for.
    rois : dict of (definition, hemisphere) to NativeRegion
        In the order of the library: images first, then spheres.
    skipped : tuple of Skipped
        What cannot be read.
    """

    region: str
    space: str
    rois: dict[tuple[str, Hemisphere], atlas.NativeRegion]
    skipped: tuple[Skipped, ...]

    @property
    def definitions(self) -> tuple[str, ...]:
        """The definitions that were read, each once."""
        return tuple(dict.fromkeys(definition for definition, _ in self.rois))

    def of(self, definition: str, sides: Sequence[Hemisphere] = SIDES) -> dict[Hemisphere, atlas.NativeRegion]:
        """The hemispheres of one definition."""
        return {side: self.rois[definition, side] for side in sides if (definition, side) in self.rois}

    def space_of(self, definition: str) -> str:
        """Template space of a definition's drawing."""
        return next(native.meta.drawn_space for (name, _), native in self.rois.items() if name == definition)


def definition_order() -> tuple[str, ...]:
    """The definitions' names: images first, then spheres, each alphabetically."""
    kinds = {d.name: d.kind == "spheres" for d in atlas.library()}
    return tuple(sorted(kinds, key=lambda name: (kinds[name], name)))


def region_names() -> tuple[str, ...]:
    """All regions of the library: those of the default definition first, in its order."""
    ordered = sorted(atlas.library(), key=lambda d: d.name != FIRST)
    return tuple(dict.fromkeys(name for d in ordered for name, _ in d.contents()))


def fetch_definition(name: str) -> tuple[Path, ...]:
    """Download the files of a definition, for a user who asks for it.

    Raises
    ------
    StudyError
        There is no such definition.
    UsageError
        It is not one that nilearn downloads.
    DataError
        The download failed.
    """
    return tuple(dict.fromkeys(path for d in atlas.variants(name) for path in atlas.fetch(d)))


def check_region(region: str) -> None:
    """Refuse a region that no definition has.

    Raises
    ------
    UsageError
        With the closest names.
    """
    if not region.strip():
        raise UsageError("no region is named", where="REGION", hint="e.g. amygdala; `deltaroi regions list` names them")
    known = region_names()
    if region in known:
        return
    plain = region.replace("_", " ").lower()
    hits = closest(region, known, most=2) or [name for name, title in _titles().items() if plain in title.lower()]
    hint = f"did you mean {' or '.join(map(repr, hits[:4]))}?" if hits else f"regions: {', '.join(known)}"
    raise UsageError(f"no definition has a region '{region}'", where="REGION", hint=hint)


def _titles() -> dict[str, str]:
    titles: dict[str, str] = {}
    for d in atlas.library():
        for name, region in d.regions.items():
            titles[name] = f"{titles.get(name, '')} {region.title}"
    return titles


def check_space(space: str, *more: str) -> str:
    """The space's usual name; ``more`` are names allowed beside those of the library.

    Raises
    ------
    UsageError
        Nothing is drawn in a space of that name.
    """
    known = sorted({d.space for d in atlas.library()} | {SPACE, "MNI152NLin6Asym", "MNI152", *more})
    found = atlas.canonical_space(space)
    if found not in known:
        raise UsageError(f"unknown template space '{space}'", where="--space",
                         hint=did_you_mean(space, known) or f"known: {', '.join(known)}")
    return found


def chosen_definitions(region: str, definitions: Sequence[str] = ()) -> tuple[str, ...]:
    """The definitions of a region, or those that are asked for.

    Raises
    ------
    UsageError
        No definition has the region.
    StudyError
        A definition that is asked for does not exist or does not have the region.
    """
    check_region(region)
    for name in definitions:
        atlas.sides_of(region, name)
    wanted = {atlas.canonical_definition(name) for name in definitions}
    having = {d.name for d in atlas.library() if region in d.regions}
    return tuple(name for name in definition_order() if name in having and (not wanted or name in wanted))


def read_region(region: str, definitions: Sequence[str] = (), space: str = SPACE,
                sides: Sequence[Hemisphere] = SIDES) -> Readable:
    """A region in every definition that can be read here; see :func:`read_regions`."""
    return read_regions({region: definitions}, space, sides)[0]


def read_regions(wanted: Mapping[str, Sequence[str]], space: str = SPACE,
                 sides: Sequence[Hemisphere] = SIDES, united: bool = True) -> tuple[Readable, ...]:
    """Regions in every definition that can be read here.

    Parameters
    ----------
    wanted : mapping of region to definitions
        Only these definitions; empty: all that have it.
    space : str
        Of a definition that exists in several templates, the one that fits this space best is taken.
    sides : sequence of {"L", "R", "B"}
        The hemispheres to read.
    united : bool
        Whether B is read also where it is nothing but L and R together.

    Returns
    -------
    tuple of Readable
        One per region, in the order given.

    Raises
    ------
    UsageError, StudyError
        There is no such region or definition.
    """
    chosen = {region: chosen_definitions(region, names) for region, names in wanted.items()}
    rois: dict[str, dict[tuple[str, Hemisphere], atlas.NativeRegion]] = {region: {} for region in wanted}
    skipped: dict[str, list[Skipped]] = {region: [] for region in wanted}
    for name in definition_order():  # definition by definition: each image is read once
        for region in [region for region, names in chosen.items() if name in names]:
            there = [s for s in atlas.sides_of(region, name, space) if s in sides]
            sources = {side: atlas.find(region, side, name, space) for side in there}
            if not united and {"L", "R"} <= sources.keys() and not own_centre(sources.get("B")):
                sources.pop("B", None)
            reason = obstacle_of(region, name, space)
            try:
                natives = {} if reason else {side: atlas.native_weights(source) for side, source in sources.items()}
            except DataError as error:
                reason, natives = why(error), {}
            if reason and sources:
                skipped[region].append(Skipped(name, next(iter(sources.values())).space, reason))
            rois[region].update({(name, side): native for side, native in natives.items()})
    return tuple(Readable(region, space, rois[region], tuple(skipped[region])) for region in wanted)


def own_centre(source: atlas.RegionSource | None) -> bool:
    """Whether an ROI is one sphere, so that as B it is not just left and right together."""
    return source is not None and isinstance(source.shape, atlas.SphereShape) and len(source.shape.centres) == 1


def obstacle_of(region: str, definition: str, space: str | None) -> str | None:
    """Why the drawing of a region that fits a space best cannot be read here, and what to do; None when it can."""
    source = atlas.find(region, atlas.sides_of(region, definition, space)[0], definition, space)
    chosen = next(d for d in atlas.variants(definition) if d.space == source.space and region in d.regions)
    return atlas.obstacle(chosen)


def template_notes(shown: Sequence[Readable]) -> tuple[str, ...]:
    """Which definitions are drawn in another template than the one they are shown in, by their mark."""
    lines: dict[str, dict[str, str]] = {}
    for found in shown:
        for name in found.definitions:
            relation = relation_between(found.space_of(name), found.space)
            if relation.kind != "same":
                about = found.space_of(name) + (f": {relation.offset}" if relation.offset else "")
                lines.setdefault(relation.kind, {})[name] = about
    how = {"compatible": "drawn in another template that an analysis may use here",
           "refused": f"drawn in a template that an analysis does not mix with {shown[0].space if shown else ''}"}
    return tuple(f"{MARKS[kind]} {how[kind]}: {_by_template(lines[kind])}." for kind in how if kind in lines)


def _by_template(names: Mapping[str, str]) -> str:
    """E.g. ``aal3 (Colin27), metasphere, liu2011sphere (MNI152)``."""
    groups: dict[str, list[str]] = {}
    for name, about in names.items():
        groups.setdefault(about, []).append(name)
    return "; ".join(f"{', '.join(group)} ({about})" for about, group in groups.items())


def why(error: DataError) -> str:
    """An error as the reason why something cannot be read, and what to do."""
    return f"{error.message}; {error.hint}" if error.hint else error.message


def volume_mm3(native: atlas.NativeRegion) -> float:
    """Sum of the weights times the volume of a voxel, mm³."""
    return float(native.weights.sum(dtype=np.float64)) * float(abs(np.linalg.det(native.affine[:3, :3])))


def centre_mm(native: atlas.NativeRegion) -> FloatArray:
    """Weighted centre of mass, mm, shape (3,); NaN without any voxel."""
    index = np.argwhere(native.weights > 0)
    if not len(index):
        return np.full(3, np.nan)
    weights = native.weights[tuple(index.T)].astype(np.float64)
    middle = weights @ index / weights.sum()
    return np.asarray(native.affine[:3, :3] @ middle + native.affine[:3, 3], dtype=np.float64)


def relation_between(a: str, b: str) -> atlas.SpaceRelation:
    """How two spaces stand to each other, whichever is brought to the other: the milder of both directions."""
    return min(atlas.space_relation(a, b), atlas.space_relation(b, a), key=lambda r: r.severity)
