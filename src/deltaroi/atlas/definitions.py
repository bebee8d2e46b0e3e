"""The data files of the library as closed models."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, model_validator

from deltaroi.atlas.files import Closed
from deltaroi.specs import SIDES, Combine, Hemisphere, Name, Point, Rule, Threshold

Volumes = dict[Hemisphere, float]
OPERATIONS = {"union": "union of", "intersect": "intersection of", "minus": "the first without the others of",
              "within": "the first within the others of", "cut": "part of"}
"""Set operations in words."""


class PackageFile(Closed):
    """A file inside an installed package."""

    package: str = Field(description="Distribution to install.")
    module: str = Field(description="Import name, by which its folder is found.")
    version: str = Field(description="Version the volumes were measured with.")
    file: str = Field(description="Path inside the package.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    extra: str | None = Field(None, description="Extra of deltaroi that installs the package; null: always there.")


class Fetch(Closed):
    """The function of ``nilearn.datasets`` that downloads a file."""

    function: str = Field(pattern=r"^fetch_atlas_[a-z0-9_]+$")
    arguments: dict[str, str | int | float | bool] = {}


class NilearnFile(Closed):
    """A file below nilearn's data folder, where its fetchers put it; nothing is downloaded unasked."""

    nilearn: str = Field(description="Path below nilearn's data folder.")
    fetch: Fetch
    sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$", description="null: not recorded, as the file was not "
                               "at hand when the definition was written.")


ImageFile = PackageFile | NilearnFile


class Cut(Closed):
    """The part of a region between two planes: voxel centres at or above ``from_mm``, at or below ``to_mm``."""

    axis: Literal["x", "y", "z"]
    from_mm: float | None = None
    to_mm: float | None = None

    @model_validator(mode="after")
    def _is_a_cut(self) -> Cut:
        if self.from_mm is None and self.to_mm is None:
            raise ValueError("a cut needs from_mm or to_mm")
        return self


class _Region(Closed):
    title: str
    volume_mm3: Volumes | None = Field(None, description="Measured volume of each hemisphere; null: not measured, as "
                                       "the image was not at hand.")
    rule: Rule


class _ImageRegion(_Region):
    image: str | None = Field(None, description="Which of the definition's images; null: its only one.")
    cut: Cut | None = None


class LabelRegion(_ImageRegion):
    """A region made of labels, by id or by name."""

    ids: dict[Hemisphere, list[int]] = {}
    names: dict[Hemisphere, list[str]] = {}

    @property
    def given(self) -> tuple[Hemisphere, ...]:
        """The hemispheres that are listed."""
        return tuple(self.ids or self.names)

    @model_validator(mode="after")
    def _labels_once(self) -> LabelRegion:
        if bool(self.ids) == bool(self.names):
            raise ValueError("a region has either ids or names")
        labels: list[Any] = [label for side in (self.ids or self.names).values() for label in side]
        if len(set(labels)) != len(labels):
            raise ValueError("a label is listed twice")
        return self


class ProbabilityRegion(_ImageRegion):
    """A region made of probability maps: volumes of a four-dimensional image, added up to at most 1."""

    volumes: dict[Hemisphere, list[int]] = Field(min_length=1, description="Volumes, counted from 0.")

    @property
    def given(self) -> tuple[Hemisphere, ...]:
        """The hemispheres that are listed."""
        return tuple(self.volumes)


class CombinedRegion(_Region):
    """A region made of other regions of the library, in the same template space."""

    combine: Combine
    given: tuple[Hemisphere, ...] = SIDES


class SphereRegion(Closed):
    """A region made of spheres; B is its own centre where one is given, else the union of L and R."""

    title: str
    centres: dict[Hemisphere, Point] = Field(min_length=1)
    rule: Rule
    citation: str | None = None

    @property
    def given(self) -> tuple[Hemisphere, ...]:
        """The hemispheres that are listed."""
        return tuple(self.centres)


class _Common(Closed):
    name: Name
    title: str
    space: str = Field(description="Template space of the image or the coordinates.")
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=10)
    note: str | None = Field(None, description="What to know before using it.")

    def sides_of(self, region: str) -> tuple[Hemisphere, ...]:
        """The hemispheres that a region has; B also where L and R can be united."""
        given = self.regions[region].given  # type: ignore[attr-defined]
        if getattr(self, "sides", None) == "midplane":
            return SIDES
        both = {"L", "R"} <= set(given)
        return tuple(side for side in SIDES if side in given or (side == "B" and both))

    def contents(self) -> tuple[tuple[str, tuple[Hemisphere, ...]], ...]:
        """Region names and the hemispheres each has."""
        return tuple((name, self.sides_of(name)) for name in self.regions)  # type: ignore[attr-defined]


class _ImageDefinition(_Common):
    images: dict[str, ImageFile] = Field(min_length=1, description="Images by name; `image:` where there is one.")
    sides: Literal["midplane", "labels"] = Field(
        description="midplane: everything listed, cut at x = 0, whose voxels belong to B alone; labels: L and R are "
        "what is listed for them.")

    @model_validator(mode="before")
    @classmethod
    def _one_image(cls, data: Any) -> Any:
        if isinstance(data, dict) and "image" in data:
            if "images" in data:
                raise ValueError("give image or images, not both")
            data = {**data, "images": {"image": data["image"]}}
            del data["image"]
        return data

    @model_validator(mode="after")
    def _images_are_named(self) -> _ImageDefinition:
        for name, region in self.regions.items():  # type: ignore[attr-defined]
            chosen = getattr(region, "image", None)
            if isinstance(region, _ImageRegion) and chosen not in self.images and (chosen or len(self.images) > 1):
                raise ValueError(f"region '{name}' must say which image it reads: {', '.join(self.images)}")
        return self

    def image_of(self, region: _ImageRegion) -> ImageFile:
        """The image that a region reads."""
        return self.images[region.image] if region.image else next(iter(self.images.values()))


class LabelsDefinition(_ImageDefinition):
    """Regions from a label image."""

    kind: Literal["labels"]
    names: ImageFile | None = Field(None, description="Table of label names (first column the id, second the name).")
    regions: dict[Name, LabelRegion | CombinedRegion] = Field(min_length=1)


class ProbabilitiesDefinition(_ImageDefinition):
    """Regions from probability maps."""

    kind: Literal["probabilities"]
    scale: float = Field(gt=0, description="The value that means probability 1.")
    threshold: Threshold = Field(description="The definition's own: a probability at or above which a voxel belongs to "
                                 "the region, or weighted.")
    regions: dict[Name, ProbabilityRegion | CombinedRegion] = Field(min_length=1)


class SpheresDefinition(_Common):
    """Regions from spheres at given centres."""

    kind: Literal["spheres"]
    radius_mm: float = Field(gt=0)
    regions: dict[Name, SphereRegion] = Field(min_length=1)


class Addition(Closed):
    """Regions added to a definition that stands in another file."""

    kind: Literal["addition"]
    to: Name = Field(description="Name of the definition.")
    space: str | None = Field(None, description="Its template space, where the name has several.")
    regions: dict[Name, LabelRegion | ProbabilityRegion | CombinedRegion | SphereRegion] = Field(min_length=1)


Definition = LabelsDefinition | ProbabilitiesDefinition | SpheresDefinition
DATA_FILE: TypeAdapter[Definition | Addition] = TypeAdapter(
    Annotated[Definition | Addition, Field(discriminator="kind")])
