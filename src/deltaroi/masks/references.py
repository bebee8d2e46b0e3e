"""ROIs that the study file makes from other ROIs: what they refer to, and the hemispheres they have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from deltaroi.atlas import canonical_definition, sides_of
from deltaroi.errors import StudyError
from deltaroi.specs import SIDES, CombineRoi, CustomRoi, FunctionalRoi, Hemisphere, LabelsRoi, MaskRoi, Regions
from deltaroi.types import CUSTOM, RoiKey


@dataclass(frozen=True)
class Reference:
    """One ROI that another is made from; ``side`` is None where it is that of the ROI it belongs to."""

    region: str
    definition: str
    side: Hemisphere | None

    def of_side(self, side: str) -> RoiKey:
        """The ROI that is meant where the ROI made from it has the hemisphere ``side``."""
        return RoiKey(self.region, self.side or side, self.definition)


def read_reference(text: str, regions: Regions, where: str) -> Reference:
    """Read ``region.definition``, a key of ``custom``, either with a hemisphere behind it.

    Parameters
    ----------
    text : str
        E.g. ``amygdala.hcpex``, ``my_mask``, ``amygdala.hcpex.L``, ``my_mask.R``.
    regions : Regions
        The section that it stands in.
    where : str
        Its key path, for messages.

    Raises
    ------
    StudyError
        It names nothing.
    """
    parts, side = _words(text)
    region = parts[0]
    if region in regions.custom and parts[1:] in ([], [CUSTOM]):
        return Reference(region, CUSTOM, side)
    if len(parts) == 1 and isinstance(regions.definition, str) and region:
        parts.append(regions.definition)
    if len(parts) != 2 or not all(parts):
        raise StudyError(f"'{text}' names no ROI", where=where,
                         hint="write region.definition (amygdala.hcpex), a key of regions.custom, or either with a "
                         "hemisphere behind it (amygdala.hcpex.L)")
    try:
        sides_of(region, parts[1])
    except StudyError as error:
        custom = f"; regions.custom has {', '.join(regions.custom)}" if regions.custom else ""
        raise StudyError(f"'{text}': {error.message}", where=where, hint=f"{error.hint}{custom}") from error
    return Reference(region, canonical_definition(parts[1]), side)


def _words(text: str) -> tuple[list[str], Hemisphere | None]:
    """The words of a reference, and the hemisphere behind them."""
    words = text.split(".")
    side = cast(Hemisphere, words.pop()) if len(words) > 1 and words[-1] in SIDES else None
    return words, side


def drawn_sides(name: str, regions: Regions, inside: tuple[str, ...] = ()) -> tuple[Hemisphere, ...]:
    """The hemispheres that an ROI of the study file has; B also where L and R can be united.

    Raises
    ------
    StudyError
        It is made from something that does not exist, from itself, or from parts that share no hemisphere.
    """
    where = f"regions.custom.{name}"
    if name in inside:
        raise StudyError(f"is made from itself ({' -> '.join((*inside, name))})", where=where,
                         hint="make it from other ROIs")
    roi = regions.custom[name]
    if isinstance(roi, MaskRoi):
        return (roi.hemisphere,)
    if isinstance(roi, (CombineRoi, FunctionalRoi)):
        return _of_parts(name, regions, (*inside, name))
    given = set(roi.sides) if isinstance(roi, LabelsRoi) else set(roi.sphere)
    united = {"B"} if {"L", "R"} <= given else set()
    return tuple(side for side in SIDES if side in given | united)


def parts_of(name: str, regions: Regions) -> tuple[Reference, ...]:
    """What a combined or functional ROI refers to.

    Raises
    ------
    StudyError
        It names nothing, or a functional ROI.
    """
    where = f"regions.custom.{name}"
    texts, key = _texts(regions.custom[name])
    found = tuple(read_reference(text, regions, f"{where}.{key}") for text in texts)
    for part, text in zip(found, texts, strict=True):
        if part.definition == CUSTOM and isinstance(regions.custom[part.region], FunctionalRoi):
            raise StudyError(f"'{text}' is a functional ROI, whose voxels are known only after the first level",
                             where=f"{where}.{key}", hint="name an anatomical ROI")
    return found


def own_parts(name: str, regions: Regions) -> tuple[str, ...]:
    """The ROIs of the study file among what a combined or functional ROI refers to, by name; it need not be right."""
    texts, _ = _texts(regions.custom[name])
    words = [_words(text)[0] for text in texts]
    return tuple(region for region, *more in words if region in regions.custom and more in ([], [CUSTOM]))


def _texts(roi: CustomRoi) -> tuple[list[str], str]:
    """The references of an ROI, and the key that they stand under."""
    if isinstance(roi, FunctionalRoi):
        return [roi.functional.within], "functional.within"
    return roi.combine.of if isinstance(roi, CombineRoi) else [], "combine.of"


def _of_parts(name: str, regions: Regions, inside: tuple[str, ...]) -> tuple[Hemisphere, ...]:
    possible = set(SIDES)
    parts = parts_of(name, regions)
    for part in parts:
        has = _has(part, regions, inside)
        if part.side is not None and part.side not in has:
            raise StudyError(f"{part.region} ({part.definition}) has the hemispheres {', '.join(has)}, not {part.side}",
                             where=f"regions.custom.{name}", hint="name a hemisphere that it has, or none")
        if part.side is None and has != ("B",):
            possible &= set(has)
    if all(part.side is not None for part in parts):
        sides = {part.side for part in parts}
        return (cast(Hemisphere, sides.pop()),) if len(sides) == 1 else ("B",)
    if all(part.side is not None or _has(part, regions, inside) == ("B",) for part in parts):
        return ("B",)
    if not possible:
        raise StudyError("its parts have no hemisphere in common", where=f"regions.custom.{name}",
                         hint="give the hemisphere behind the names, as in amygdala.hcpex.L")
    return tuple(side for side in SIDES if side in possible)


def _has(part: Reference, regions: Regions, inside: tuple[str, ...]) -> tuple[Hemisphere, ...]:
    if part.definition == CUSTOM:
        return drawn_sides(part.region, regions, inside)
    return sides_of(part.region, part.definition)
