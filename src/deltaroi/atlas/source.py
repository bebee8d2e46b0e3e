"""Finding a region in the library."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from deltaroi.atlas.definitions import (
    Cut,
    Definition,
    ImageFile,
    LabelRegion,
    LabelsDefinition,
    Rule,
    SphereRegion,
    SpheresDefinition,
    library,
)
from deltaroi.errors import StudyError
from deltaroi.specs import Hemisphere, Point
from deltaroi.types import NA, RoiKey


@dataclass(frozen=True)
class LabelShape:
    """Labels of an image: voxels with one of ``ids``, on one ``side`` of the midplane (B: everywhere)."""

    image: ImageFile
    ids: tuple[int, ...]
    side: Hemisphere
    cut: Cut | None


@dataclass(frozen=True)
class SphereShape:
    """The union of spheres; centres and radius in mm."""

    centres: tuple[Point, ...]
    radius_mm: float


@dataclass(frozen=True)
class RegionSource:
    """One ROI of the library before it meets a grid.

    Attributes
    ----------
    key : RoiKey
        Region, hemisphere, definition.
    title : str
        What the region is, in words.
    shape : LabelShape or SphereShape
        How it is drawn.
    space : str
        Template space of the drawing.
    rule : {"majority", "fill_weight"}
        How it is resampled.
    source, version, licence, citation, sha256 : str
        Where it comes from, for ``regions.tsv``; ``n/a`` where it does not apply.
    """

    key: RoiKey
    title: str
    shape: LabelShape | SphereShape
    space: str
    rule: Rule
    source: str
    version: str
    licence: str
    citation: str
    sha256: str


def find(region: str, hemisphere: Hemisphere, definition: str) -> RegionSource:
    """The ROI of that name.

    Raises
    ------
    StudyError
        No such definition, region or hemisphere; the message names what there is.
    """
    found, entry = _entry(region, definition)
    key = RoiKey(region, hemisphere, definition)
    if hemisphere not in entry.sides:
        others = [d.name for d in library() if hemisphere in dict(d.contents()).get(region, ())]
        raise StudyError(f"region '{region}' of definition '{definition}' has the hemispheres "
                         f"{', '.join(entry.sides)}, not {hemisphere}", where="regions",
                         hint=_hint_other(region, hemisphere, others))
    if isinstance(found, LabelsDefinition):
        return _from_labels(found, found.regions[region], key)
    return _from_spheres(found, found.regions[region], key)


def sides_of(region: str, definition: str) -> tuple[Hemisphere, ...]:
    """The hemispheres that a region has in a definition.

    Raises
    ------
    StudyError
        No such definition or region.
    """
    return _entry(region, definition)[1].sides


def _entry(region: str, definition: str) -> tuple[Definition, LabelRegion | SphereRegion]:
    known = {d.name: d for d in library()}
    if definition not in known:
        raise StudyError(f"unknown definition '{definition}'", where="regions.definition",
                         hint=_did_you_mean(definition, list(known)) or f"known: {', '.join(known)}")
    found = known[definition]
    entry = found.regions.get(region)
    if entry is None:
        others = [d.name for d in known.values() if region in d.regions]
        if others:
            hint = f"definitions that have it: {', '.join(others)}"
        else:
            hint = _did_you_mean(region, list(found.regions)) or f"'{definition}' has {', '.join(found.regions)}"
        raise StudyError(f"definition '{definition}' has no region '{region}'", where="regions.include", hint=hint)
    return found, entry


def _from_labels(definition: LabelsDefinition, region: LabelRegion, key: RoiKey) -> RegionSource:
    side: Hemisphere = key.hemisphere  # type: ignore[assignment]
    pooled = definition.sides == "midplane" or side == "B"
    ids = (*region.ids["L"], *region.ids["R"]) if pooled else tuple(region.ids[side])  # type: ignore[index]
    plane: Hemisphere = side if definition.sides == "midplane" else "B"
    image = definition.image
    return RegionSource(key, region.title, LabelShape(image, ids, plane, region.cut), definition.space, region.rule,
                        f"{image.package}: {image.file}", image.version, definition.licence, definition.citation,
                        image.sha256)


def _from_spheres(definition: SpheresDefinition, region: SphereRegion, key: RoiKey) -> RegionSource:
    own = [point for side, point in region.centres.items() if side == key.hemisphere]
    centres = tuple(own) or (region.centres["L"], region.centres["R"])
    shape = SphereShape(centres, definition.radius_mm)
    return RegionSource(key, region.title, shape, definition.space, region.rule, describe_spheres(shape), NA,
                        definition.licence, region.citation or definition.citation, NA)


def describe_spheres(shape: SphereShape) -> str:
    """The sphere in words, for tables."""
    points = " and ".join("({:g}, {:g}, {:g})".format(*centre) for centre in shape.centres)
    return f"sphere of {shape.radius_mm:g} mm at {points}"


def _hint_other(region: str, hemisphere: str, others: list[str]) -> str:
    text = f"set hemispheres for this region: {{region: {region}, hemispheres: [...]}}"
    return f"{text}, or use a definition that has {hemisphere}: {', '.join(others)}" if others else text


def _did_you_mean(word: str, known: list[str]) -> str:
    lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), list(lower), n=1)
    return f"did you mean '{lower[close[0]]}'?" if close else ""
