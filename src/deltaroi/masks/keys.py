"""Which ROIs a study asks for."""

from __future__ import annotations

from collections.abc import Sequence

from deltaroi.atlas import find, sides_of
from deltaroi.errors import StudyError
from deltaroi.specs import CustomRoi, Hemisphere, LabelsRoi, MaskRoi, RegionChoice, Regions
from deltaroi.types import RoiKey

CUSTOM = "custom"
"""The definition of the ROIs of ``regions.custom``."""


def roi_keys(regions: Regions) -> tuple[RoiKey, ...]:
    """The ROIs of a study, in the order of ``include``, then definitions, then hemispheres.

    Custom ROIs and regions that are not drawn by side come with the hemispheres they have: a mask of both sides, or a
    sphere on the midline, is ``B`` also when L and R are asked for. Everything else must have what is asked for.

    Raises
    ------
    StudyError
        An unknown region, definition or hemisphere, or an ROI that is listed twice.
    """
    return resolve(regions)[0]


def resolve(regions: Regions) -> tuple[tuple[RoiKey, ...], tuple[str, ...]]:
    """The ROIs as in :func:`roi_keys`, and notes on what was not taken literally."""
    keys: list[RoiKey] = []
    notes: list[str] = []
    for entry in regions.include:
        choice = RegionChoice(region=entry) if isinstance(entry, str) else entry
        asked = choice.hemispheres or regions.hemispheres
        for definition in _definitions(choice, regions):
            sides = _sides(choice.region, definition, asked, regions)
            both = definition == CUSTOM and sides == ["B"]
            if set(sides) != set(asked) and not both:
                notes.append(f"{choice.region} ({definition}) is drawn as {', '.join(sides)}; "
                             f"{', '.join(asked)} was asked for")
            for side in sides:
                key = RoiKey(choice.region, side, definition)
                if key in keys:
                    raise StudyError(f"the ROI {key.label} is listed twice", where="regions.include",
                                     hint="list each region, hemisphere and definition once")
                keys.append(key)
    unused = sorted(set(regions.custom) - {key.region for key in keys if key.definition == CUSTOM})
    notes += [f"regions.custom.{name} is not in regions.include and is not measured" for name in unused]
    return tuple(keys), tuple(notes)


def _definitions(choice: RegionChoice, regions: Regions) -> list[str]:
    if choice.definition is None and choice.region in regions.custom:
        return [CUSTOM]
    wanted = choice.definition if choice.definition is not None else regions.definition
    return [wanted] if isinstance(wanted, str) else list(wanted)


def _sides(region: str, definition: str, asked: Sequence[Hemisphere], regions: Regions) -> list[Hemisphere]:
    if definition == CUSTOM:
        return _custom_sides(region, asked, regions)
    has = sides_of(region, definition)
    if has == ("B",):
        return ["B"]
    for side in asked:
        find(region, side, definition)
    return list(asked)


def _custom_sides(region: str, asked: Sequence[Hemisphere], regions: Regions) -> list[Hemisphere]:
    if region not in regions.custom:
        raise StudyError(f"there is no custom ROI '{region}'", where="regions.include",
                         hint=f"regions.custom has {', '.join(regions.custom) or 'none'}")
    has = drawn_sides(regions.custom[region])
    kept = [side for side in asked if side in has]
    if kept:
        return kept
    if "B" in has:
        return ["B"]
    raise StudyError(f"has the hemispheres {', '.join(has)}, not {', '.join(asked)}", where=f"regions.custom.{region}",
                     hint=f"set hemispheres for it in include: {{region: {region}, hemispheres: [{has[0]}]}}")


def drawn_sides(roi: CustomRoi) -> tuple[Hemisphere, ...]:
    """The hemispheres that a custom ROI has; B also where L and R can be united."""
    if isinstance(roi, MaskRoi):
        return (roi.hemisphere,)
    given = set(roi.ids) if isinstance(roi, LabelsRoi) else set(roi.sphere)
    united = {"B"} if {"L", "R"} <= given else set()
    every: tuple[Hemisphere, ...] = ("L", "R", "B")
    return tuple(side for side in every if side in given | united)
