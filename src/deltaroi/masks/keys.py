"""Which ROIs a study asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deltaroi.atlas import canonical_definition, find, is_probabilistic, sides_of, variants
from deltaroi.errors import StudyError
from deltaroi.masks.references import drawn_sides, own_parts
from deltaroi.specs import FunctionalRoi, Hemisphere, RegionChoice, Regions, Threshold
from deltaroi.types import CIRCULAR, CUSTOM, FUNCTIONAL, RoiKey, is_own


@dataclass(frozen=True)
class Request:
    """One ROI that is asked for, and the threshold of its probabilities (None: the definition's own)."""

    key: RoiKey
    threshold: Threshold | None = None


def roi_keys(regions: Regions, space: str | None = None) -> tuple[RoiKey, ...]:
    """The ROIs of a study, in the order of ``include``, then definitions, then hemispheres.

    Of a definition that exists in several template spaces that counts which fits ``space``, the images', best. Custom
    ROIs and regions that are not drawn by side come with the hemispheres they have: a mask of both sides, or a sphere
    on the midline, is ``B`` also when L and R are asked for. Everything else must have what is asked for.

    Raises
    ------
    StudyError
        An unknown region, definition or hemisphere, or an ROI that is listed twice.
    """
    return tuple(request.key for request in resolve(regions, space)[0])


def roi_notes(regions: Regions, space: str | None = None) -> tuple[str, ...]:
    """What of the study's ROIs was not taken literally."""
    return resolve(regions, space)[1]


def resolve(regions: Regions, space: str | None = None) -> tuple[tuple[Request, ...], tuple[str, ...]]:
    """The ROIs as in :func:`roi_keys`, and notes on what was not taken literally."""
    found: dict[RoiKey, Request] = {}
    notes: list[str] = []
    for entry in regions.include:
        choice = RegionChoice(region=entry) if isinstance(entry, str) else entry
        asked = choice.hemispheres or regions.hemispheres
        definitions = _definitions(choice, regions)
        thresholds = _thresholds(choice, definitions, regions, space)
        notes += _shadowing(choice, definitions, regions)
        for definition in definitions:
            sides = _sides(choice.region, definition, asked, regions, space)
            if set(sides) != set(asked) and not (is_own(definition) and sides == ["B"]):
                notes.append(f"{choice.region} ({definition}) is drawn as {', '.join(sides)}; "
                             f"{', '.join(asked)} was asked for")
            for side in sides:
                key = RoiKey(choice.region, side, definition)
                if key in found:
                    raise StudyError(f"the ROI {key.label} is listed twice", where="regions.include",
                                     hint="list each region, hemisphere and definition once")
                found[key] = Request(key, thresholds[definition])
    unused = sorted(set(regions.custom) - {key.region for key in found})
    notes += [f"regions.custom.{name} is not in regions.include and is not measured" for name in unused
              if not any(name in own_parts(other, regions) for other in regions.custom)]
    if regions.threshold is not None and not any(r.threshold is not None for r in found.values()):
        notes.append("regions.threshold has no effect: no ROI is drawn from probabilities")
    return tuple(found.values()), tuple(notes)


def part_request(wanted: RoiKey, regions: Regions, space: str | None) -> Request:
    """An ROI that another is made from: with the hemisphere that is wanted, or B where it does not have that one.

    The threshold of the study holds for it where it is drawn from probabilities.
    """
    region, definition = wanted.region, wanted.definition
    own = is_own(definition)
    has = drawn_sides(region, regions) if own else sides_of(region, definition, space)
    key = wanted if wanted.hemisphere in has else RoiKey(region, "B", definition)
    return Request(key, regions.threshold if not own and is_probabilistic(region, definition, space) else None)


def _shadowing(choice: RegionChoice, definitions: Sequence[str], regions: Regions) -> list[str]:
    """A custom ROI that is called like a region of the definitions that the study names."""
    if choice.definition is not None or choice.region not in regions.custom:
        return []
    named = [regions.definition] if isinstance(regions.definition, str) else regions.definition
    hidden = [name for name in named if not is_own(name) and any(choice.region in d.regions for d in variants(name))]
    return [f"{choice.region} is the ROI of that name in regions.custom, not the region of {', '.join(hidden)}"
            ] if hidden else []


def own_definition(name: str, regions: Regions) -> str:
    """The word that stands as the definition of an ROI of the study file."""
    roi = regions.custom[name]
    if not isinstance(roi, FunctionalRoi):
        return CUSTOM
    return CIRCULAR if roi.functional.allow_circular else FUNCTIONAL


def _definitions(choice: RegionChoice, regions: Regions) -> list[str]:
    if choice.definition is None and choice.region in regions.custom:
        return [own_definition(choice.region, regions)]
    wanted = choice.definition if choice.definition is not None else regions.definition
    names = [wanted] if isinstance(wanted, str) else list(wanted)
    if not names:
        raise StudyError(f"no definition is named for {choice.region}", where="regions.definition", hint="e.g. hcpex")
    return [own_definition(choice.region, regions) if is_own(name) and choice.region in regions.custom
            else canonical_definition(name) for name in names]


def _sides(region: str, definition: str, asked: Sequence[Hemisphere], regions: Regions,
           space: str | None) -> list[Hemisphere]:
    if is_own(definition):
        return _custom_sides(region, asked, regions)
    has = sides_of(region, definition, space)
    if has == ("B",):
        return ["B"]
    for side in asked:
        find(region, side, definition, space)
    return list(asked)


def _thresholds(choice: RegionChoice, definitions: Sequence[str], regions: Regions,
                space: str | None) -> dict[str, Threshold | None]:
    """The threshold of one region in each of its definitions; those without probabilities have none."""
    fitting = [name for name in definitions if not is_own(name) and is_probabilistic(choice.region, name, space)]
    if choice.threshold is not None and not fitting:
        raise StudyError(f"{choice.region} ({', '.join(definitions)}) is not drawn from probabilities, so it has no "
                         "threshold", where="regions.include",
                         hint="leave the threshold out; a mask of your own has a `threshold:` in regions.custom")
    wanted = choice.threshold if choice.threshold is not None else regions.threshold
    return {name: wanted if name in fitting else None for name in definitions}


def _custom_sides(region: str, asked: Sequence[Hemisphere], regions: Regions) -> list[Hemisphere]:
    if region not in regions.custom:
        raise StudyError(f"there is no custom ROI '{region}'", where="regions.include",
                         hint=f"regions.custom has {', '.join(regions.custom) or 'none'}")
    has = drawn_sides(region, regions)
    kept = [side for side in asked if side in has]
    if kept:
        return kept
    if "B" in has:
        return ["B"]
    raise StudyError(f"has the hemispheres {', '.join(has)}, not {', '.join(asked)}", where=f"regions.custom.{region}",
                     hint=f"set hemispheres for it in include: {{region: {region}, hemispheres: [{has[0]}]}}")
