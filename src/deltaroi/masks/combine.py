"""ROIs of the study file that are made from other ROIs."""

from __future__ import annotations

from collections.abc import Callable

from deltaroi.atlas import ImageShape, combine, draw, one_side
from deltaroi.atlas.definitions import OPERATIONS, Cut
from deltaroi.atlas.source import joined
from deltaroi.masks.records import Drawing
from deltaroi.masks.references import Reference, parts_of
from deltaroi.masks.rules import rule_of_image
from deltaroi.specs import Combine, Regions
from deltaroi.types import RoiKey, united

Draw = Callable[[RoiKey], Drawing]


def draw_combined(key: RoiKey, regions: Regions, draw_roi: Draw) -> Drawing:
    """Draw the result of a set operation.

    Raises
    ------
    StudyError
        A part does not exist.
    DataError, SpaceError
        A part cannot be drawn.
    """
    roi = regions.custom[key.region]
    recipe: Combine = roi.combine  # type: ignore[union-attr]
    parts = [_part(reference, key.hemisphere, draw_roi) for reference in parts_of(key.region, regions)]
    cut = None if recipe.axis is None else Cut(axis=recipe.axis, from_mm=recipe.from_mm, to_mm=recipe.to_mm)
    shape = combine(recipe.op, [image for image, _, _ in parts], cut, [side for _, side, _ in parts])
    return Drawing(key=key, shape=shape, rule=roi.rule or rule_of_image(shape),  # type: ignore[union-attr]
                   volume_mm3=shape.volume_mm3, source=_source(recipe, [d for *_, d in parts]),
                   **_inherited([d for *_, d in parts]))  # type: ignore[arg-type]


def draw_inner(key: RoiKey, regions: Regions, draw_roi: Draw) -> Drawing:
    """Draw the ROI in which a functional ROI's voxels are chosen.

    Raises
    ------
    StudyError
        It does not exist.
    DataError, SpaceError
        It cannot be drawn.
    """
    (reference,) = parts_of(key.region, regions)
    image, side, inner = _part(reference, key.hemisphere, draw_roi)
    halved = one_side(image, side)
    source = f"voxels chosen within {inner.key.label} ({inner.source})"
    return Drawing(key=key, shape=inner.shape if side == "B" else halved, rule=inner.rule,
                   volume_mm3=inner.volume_mm3 if side == "B" else halved.volume_mm3, source=source,
                   **_inherited([inner]))  # type: ignore[arg-type]


def _part(reference: Reference, side: str, draw_roi: Draw) -> tuple[ImageShape, str, Drawing]:
    """One part as an image, and the side to take of it: a part that has no sides is cut at the midplane."""
    wanted = reference.of_side(side)
    drawing = draw_roi(wanted)
    image = drawing.shape if isinstance(drawing.shape, ImageShape) else draw(drawing.shape)
    return image, wanted.hemisphere if drawing.key.hemisphere == "B" else "B", drawing


def _source(recipe: Combine, parts: list[Drawing]) -> str:
    names = ", ".join(part.key.label for part in parts)
    planes = ""
    if recipe.axis is not None:
        ends = [f"{recipe.axis} >= {recipe.from_mm:g} mm" if recipe.from_mm is not None else "",
                f"{recipe.axis} <= {recipe.to_mm:g} mm" if recipe.to_mm is not None else ""]
        planes = f" at {' and '.join(end for end in ends if end)}"
    return f"{OPERATIONS[recipe.op]} {names}{planes} ({joined(part.source for part in parts)})"


def _inherited(parts: list[Drawing]) -> dict[str, object]:
    """What a drawing takes over from its parts."""
    return {"version": joined(part.version for part in parts), "space": joined(part.space for part in parts),
            "licence": united(part.licence for part in parts), "citation": united(part.citation for part in parts),
            "sha256": joined(part.sha256 for part in parts),
            "space_relation": joined(part.space_relation for part in parts),
            "notes": tuple(dict.fromkeys(note for part in parts for note in part.notes))}
