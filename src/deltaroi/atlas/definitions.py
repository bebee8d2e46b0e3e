"""The definitions: one data file each under ``atlases/``, read into closed models."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from deltaroi.atlas.files import Closed, definition_files, read_yaml
from deltaroi.errors import DataError
from deltaroi.specs import Hemisphere, Name, Point

Rule = Literal["majority", "fill_weight"]
SIDES: tuple[Hemisphere, ...] = ("L", "R", "B")


class ImageFile(Closed):
    """The image that a definition reads, inside an installed package."""

    package: str = Field(description="Distribution to install.")
    module: str = Field(description="Import name, by which its folder is found.")
    version: str = Field(description="Version the volumes were measured with.")
    file: str = Field(description="Path inside the package.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Cut(Closed):
    """The part of a label on one side of a plane: voxel centres at or above ``from_mm``."""

    axis: Literal["x", "y", "z"]
    from_mm: float


class LabelRegion(Closed):
    """A region made of labels; B is both sides and the midplane."""

    title: str
    ids: dict[Literal["L", "R"], list[int]] = Field(min_length=2)
    volume_mm3: dict[Hemisphere, float] = Field(min_length=3, description="Measured volume of each hemisphere.")
    rule: Rule
    cut: Cut | None = None

    @property
    def sides(self) -> tuple[Hemisphere, ...]:
        """The hemispheres it has."""
        return SIDES


class SphereRegion(Closed):
    """A region made of spheres; B is its own centre where one is given, else the union of L and R."""

    title: str
    centres: dict[Hemisphere, Point] = Field(min_length=1)
    rule: Rule
    citation: str | None = None

    @property
    def sides(self) -> tuple[Hemisphere, ...]:
        """The hemispheres it has."""
        both = {"L", "R"} <= set(self.centres)
        return tuple(side for side in SIDES if side in self.centres or (side == "B" and both))


class _Common(Closed):
    name: Name
    title: str
    space: str = Field(description="Template space of the image or the coordinates.")
    licence: str = Field(min_length=1)
    citation: str = Field(min_length=10)


class LabelsDefinition(_Common):
    """Regions from a label image."""

    kind: Literal["labels"]
    image: ImageFile
    sides: Literal["midplane", "labels"] = Field(
        description="midplane: the pooled ids of both sides, cut at x = 0, whose voxels belong to B alone; "
        "labels: L and R are the ids listed for them.")
    regions: dict[Name, LabelRegion] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_once(self) -> LabelsDefinition:
        for name, region in self.regions.items():
            ids = [i for side in region.ids.values() for i in side]
            if len(set(ids)) != len(ids):
                raise ValueError(f"region '{name}' lists a label twice")
        return self

    def contents(self) -> tuple[tuple[str, tuple[Hemisphere, ...]], ...]:
        """Region names and the hemispheres each has."""
        return tuple((name, region.sides) for name, region in self.regions.items())


class SpheresDefinition(_Common):
    """Regions from spheres at given centres."""

    kind: Literal["spheres"]
    radius_mm: float = Field(gt=0)
    regions: dict[Name, SphereRegion] = Field(min_length=1)

    def contents(self) -> tuple[tuple[str, tuple[Hemisphere, ...]], ...]:
        """Region names and the hemispheres each has."""
        return tuple((name, region.sides) for name, region in self.regions.items())


Definition = LabelsDefinition | SpheresDefinition
_MODEL: TypeAdapter[Definition] = TypeAdapter(Annotated[Definition, Field(discriminator="kind")])


@cache
def library() -> tuple[Definition, ...]:
    """All definitions, by name.

    Raises
    ------
    DataError
        A data file is broken, or two have one name.
    """
    found: dict[str, Definition] = {}
    for path in definition_files():
        try:
            definition = _MODEL.validate_python(read_yaml(path))
        except ValidationError as error:
            raise DataError(f"not a definition: {error}", where=str(path), hint="reinstall deltaroi") from error
        if definition.name != path.stem or definition.name in found:
            raise DataError(f"the name '{definition.name}' is not the file's or not unique", where=str(path),
                            hint="reinstall deltaroi")
        found[definition.name] = definition
    return tuple(found[name] for name in sorted(found))
