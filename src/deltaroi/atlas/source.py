"""Finding a region in the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from deltaroi.atlas.definitions import (
    OPERATIONS,
    CombinedRegion,
    Cut,
    Definition,
    ImageFile,
    LabelRegion,
    LabelsDefinition,
    ProbabilitiesDefinition,
    ProbabilityRegion,
    SphereRegion,
    SpheresDefinition,
)
from deltaroi.atlas.library import choose, definition_names, variants
from deltaroi.atlas.places import describe
from deltaroi.atlas.spaces import TALAIRACH, canonical_space, space_relation
from deltaroi.atlas.talairach import CONVERSION, talairach_to_mni
from deltaroi.errors import DataError, StudyError
from deltaroi.specs import Hemisphere, Point, Rule, Threshold
from deltaroi.types import NA, RoiKey, united


@dataclass(frozen=True)
class LabelShape:
    """Labels of an image: voxels with one of ``ids``, on one ``side`` of the midplane (B: everywhere).

    Labels may be given by ``names``, which stand in ``table``, instead of ids.
    """

    image: ImageFile
    ids: tuple[int, ...]
    side: Hemisphere
    cut: Cut | None
    names: tuple[str, ...] = ()
    table: ImageFile | None = None


@dataclass(frozen=True)
class ProbabilityShape:
    """Volumes of a four-dimensional image, divided by ``scale`` and added, on one ``side`` of the midplane.

    ``threshold`` is the probability at or above which a voxel belongs to the region; None: probabilities are weights.
    """

    image: ImageFile
    volumes: tuple[int, ...]
    side: Hemisphere
    cut: Cut | None
    scale: float
    threshold: float | None


@dataclass(frozen=True)
class SphereShape:
    """The union of spheres; centres and radius in mm."""

    centres: tuple[Point, ...]
    radius_mm: float


@dataclass(frozen=True)
class CombineShape:
    """A set operation on other regions."""

    op: str
    parts: tuple[RegionSource, ...]
    cut: Cut | None = None


Shape = LabelShape | ProbabilityShape | SphereShape | CombineShape


@dataclass(frozen=True)
class RegionSource:
    """One ROI of the library before it meets a grid.

    Attributes
    ----------
    key : RoiKey
        Region, hemisphere, definition.
    title : str
        What the region is, in words.
    shape : LabelShape, ProbabilityShape, SphereShape or CombineShape
        How it is drawn.
    space : str
        Template space of the drawing.
    rule : {"majority", "fill_weight"} or None
        How it is resampled; None: by its size, because it is not drawn as the definition says.
    source, version, licence, citation, sha256 : str
        Where it comes from, for ``regions.tsv``; ``n/a`` where it does not apply.
    caution : str
        What the definition says must be known before using it; empty when nothing.
    """

    key: RoiKey
    title: str
    shape: Shape
    space: str
    rule: Rule | None
    source: str
    version: str
    licence: str
    citation: str
    sha256: str
    caution: str = ""

    @property
    def drawn_space(self) -> str:
        """The space that the drawing is in: MNI152 after Talairach coordinates of spheres have been converted."""
        converted = isinstance(self.shape, SphereShape) and canonical_space(self.space) == TALAIRACH
        return "MNI152" if converted else self.space


def find(region: str, hemisphere: Hemisphere, definition: str, space: str | None = None,
         threshold: Threshold | None = None) -> RegionSource:
    """The ROI of that name.

    Parameters
    ----------
    region : str
        Region name.
    hemisphere : {"L", "R", "B"}
        Side.
    definition : str
        How it is drawn; ``harvard-oxford`` means ``harvard_oxford``.
    space : str, optional
        Template space of the images it is for; of a definition that exists in several, the one that fits best is taken.
    threshold : float or "weighted", optional
        For probabilistic definitions, instead of the definition's own.

    Raises
    ------
    StudyError
        No such definition, region or hemisphere; the message names what there is. Or a threshold for a definition that
        has no probabilities.
    """
    found = choose(region, definition, space)
    key = RoiKey(region, hemisphere, found.name)
    if hemisphere not in found.sides_of(region):
        raise _no_side(found, key)
    if threshold is not None and not isinstance(found.regions[region], ProbabilityRegion):
        raise StudyError(f"region '{region}' of definition '{found.name}' is not drawn from probabilities",
                         where="regions.threshold",
                         hint="leave the threshold out, or choose a probabilistic definition")
    if isinstance(found, SpheresDefinition):
        return _from_spheres(found, found.regions[region], key)
    entry = found.regions[region]
    if isinstance(entry, CombinedRegion):
        return _from_parts(found, entry, key)
    return _from_image(found, entry, key, threshold)


def sides_of(region: str, definition: str, space: str | None = None) -> tuple[Hemisphere, ...]:
    """The hemispheres that a region has in a definition.

    Raises
    ------
    StudyError
        No such definition or region.
    """
    return choose(region, definition, space).sides_of(region)


def is_probabilistic(region: str, definition: str, space: str | None = None) -> bool:
    """Whether a region is drawn from probabilities, so that a threshold means something."""
    return isinstance(choose(region, definition, space).regions[region], ProbabilityRegion)


def describe_spheres(shape: SphereShape) -> str:
    """The sphere in words, for tables."""
    points = " and ".join("({:g}, {:g}, {:g})".format(*np.round(centre, 2)) for centre in shape.centres)
    return f"sphere of {shape.radius_mm:g} mm at {points}"


def _no_side(found: Definition, key: RoiKey) -> StudyError:
    others = [name for name in definition_names()
              if any(key.hemisphere in dict(d.contents()).get(key.region, ()) for d in variants(name))]
    text = f"set hemispheres for this region: {{region: {key.region}, hemispheres: [...]}}"
    hint = f"{text}, or use a definition that has {key.hemisphere}: {', '.join(others)}" if others else text
    return StudyError(f"region '{key.region}' of definition '{found.name}' has the hemispheres "
                      f"{', '.join(found.sides_of(key.region))}, not {key.hemisphere}", where="regions", hint=hint)


def _listed(lists: dict[Hemisphere, list[int]], side: Hemisphere, pooled: bool) -> tuple[int, ...]:
    return tuple(x for part in lists.values() for x in part) if pooled else tuple(lists.get(side, ()))


def _from_image(found: LabelsDefinition | ProbabilitiesDefinition, region: LabelRegion | ProbabilityRegion,
                key: RoiKey, threshold: Threshold | None) -> RegionSource:
    side: Hemisphere = key.hemisphere  # type: ignore[assignment]
    pooled = found.sides == "midplane" or side not in region.given
    plane: Hemisphere = side if found.sides == "midplane" else "B"
    image = found.image_of(region)
    source, version = describe(image)
    rule: Rule | None = region.rule
    shape: Shape
    if isinstance(found, ProbabilitiesDefinition) and isinstance(region, ProbabilityRegion):
        chosen = found.threshold if threshold is None else threshold
        cutoff = None if chosen == "weighted" else float(chosen)
        shape = ProbabilityShape(image, _listed(region.volumes, side, pooled), plane, region.cut, found.scale, cutoff)
        source += ", probability as weight" if cutoff is None else f", probability >= {cutoff:g}"
        rule = "fill_weight" if cutoff is None else rule if threshold is None else None
    else:
        labels = cast(LabelRegion, region)
        names = tuple(n for s in (labels.names.values() if pooled else [labels.names.get(side, [])]) for n in s)
        shape = LabelShape(image, _listed(labels.ids, side, pooled), plane, region.cut, names,
                           cast(LabelsDefinition, found).names)
    return RegionSource(key, region.title, shape, found.space, rule, source, version, found.licence, found.citation,
                        image.sha256 or NA, found.note or "")


def _from_spheres(found: SpheresDefinition, region: SphereRegion, key: RoiKey) -> RegionSource:
    own = [point for side, point in region.centres.items() if side == key.hemisphere]
    shape, converted = placed(SphereShape(tuple(own) or (region.centres["L"], region.centres["R"]), found.radius_mm),
                              found.space)
    return RegionSource(key, region.title, shape, found.space, region.rule, describe_spheres(shape) + converted, NA,
                        found.licence, region.citation or found.citation, NA, found.note or "")


def placed(shape: SphereShape, space: str) -> tuple[SphereShape, str]:
    """A sphere in MNI coordinates, and the words that say how it came there (empty: it was there already)."""
    if canonical_space(space) != TALAIRACH:
        return shape, ""
    centres = tuple((float(x), float(y), float(z)) for x, y, z in talairach_to_mni(np.array(shape.centres)))
    points = " and ".join("({:g}, {:g}, {:g})".format(*centre) for centre in shape.centres)
    return SphereShape(centres, shape.radius_mm), f", {CONVERSION} from {points}"


def _from_parts(found: LabelsDefinition | ProbabilitiesDefinition, region: CombinedRegion,
                key: RoiKey) -> RegionSource:
    side: Hemisphere = key.hemisphere  # type: ignore[assignment]
    recipe = region.combine
    parts = tuple(find(name, side, definition, found.space)
                  for name, definition in (text.split(".") for text in recipe.of))
    for part in parts:
        if space_relation(part.space, found.space).kind != "same":
            raise DataError(f"is made from {part.key.label}, which is drawn in {part.space}", where=key.label,
                            hint=f"its definition is in {found.space}; combine ROIs of one template space")
    cut = Cut(axis=recipe.axis, from_mm=recipe.from_mm, to_mm=recipe.to_mm) if recipe.axis else None
    return RegionSource(
        key, region.title, CombineShape(recipe.op, parts, cut), found.space, region.rule,
        f"{OPERATIONS[recipe.op]} {', '.join(recipe.of)} ({'; '.join(dict.fromkeys(part.source for part in parts))})",
        joined(part.version for part in parts), united(part.licence for part in parts),
        united(part.citation for part in parts), joined(part.sha256 for part in parts), found.note or "")


def joined(texts: object) -> str:
    """Distinct texts in one cell."""
    return "; ".join(dict.fromkeys(str(text) for text in texts if text != NA)) or NA  # type: ignore[attr-defined]
