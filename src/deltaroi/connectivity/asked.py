"""From the study file's words to seeds, targets and weights."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from deltaroi.errors import StudyError, did_you_mean
from deltaroi.specs import Connectivity, RoiChoice
from deltaroi.types import CIRCULAR, RoiKey


@dataclass(frozen=True)
class Connection:
    """One entry of the section ``connectivity``, every name resolved.

    Attributes
    ----------
    name, method : str
        Its name; ``gppi`` or ``beta_series``.
    seed : RoiKey
        The seed.
    targets : tuple of RoiKey
        The targets, none of which shares voxels with the seed by definition.
    contrasts : mapping of str to (mapping of str to float)
        Contrast -> condition -> weight.
    deconvolve : bool
        Of gppi: whether the product is made before the haemodynamic response.
    minimum_trials : int
        Of beta_series: least trials of a condition in a session.
    """

    name: str
    method: str
    seed: RoiKey
    targets: tuple[RoiKey, ...]
    contrasts: Mapping[str, Mapping[str, float]]
    deconvolve: bool
    minimum_trials: int


def connections(specs: Mapping[str, Connectivity], rois: Sequence[RoiKey], contrasts: Mapping[str, Mapping[str, float]],
                hrf: str, modulated: Collection[str]) -> tuple[Connection, ...]:
    """Resolve the section ``connectivity``.

    Parameters
    ----------
    specs : mapping of str to Connectivity
        The section.
    rois : sequence of RoiKey
        What the study measures.
    contrasts : mapping of str to (mapping of str to float)
        The study's contrasts.
    hrf : str
        The study's haemodynamic response function.
    modulated : collection of str
        Conditions with a modulator.

    Raises
    ------
    StudyError
        An ROI that the study does not measure, or measures in several ways; a seed that is its own target; a circular
        ROI; an unknown contrast; a response function without a shape; a beta series of a modulated condition.
    """
    return tuple(_connection(name, spec, rois, contrasts, hrf, modulated) for name, spec in specs.items())


def _connection(name: str, spec: Connectivity, rois: Sequence[RoiKey], contrasts: Mapping[str, Mapping[str, float]],
                hrf: str, modulated: Collection[str]) -> Connection:
    place = f"connectivity.{name}"
    if hrf == "fir":
        raise StudyError("connectivity needs a response function with a shape, and first_level.hrf is fir",
                         where=f"{place}.method", hint="use first_level.hrf: spm or glover")
    seed = _roi(spec.seed, rois, f"{place}.seed")
    if spec.targets is None:
        targets = tuple(roi for roi in rois if not _shares(seed, roi) and roi.definition != CIRCULAR)
        if not targets:
            raise StudyError(f"the study measures no other ROI than the seed {spec.seed.label}",
                             where=f"{place}.targets", hint="add one under regions.include")
    else:
        targets = tuple(_roi(one, rois, f"{place}.targets.{i}") for i, one in enumerate(spec.targets))
        for i, target in enumerate(targets):
            if _shares(seed, target):
                how = "are the same ROI" if seed == target else "share voxels"
                named = f"the target {spec.targets[i].label} and the seed {spec.seed.label}"
                raise StudyError(f"{named} ({place}.seed) {how}",
                                 where=f"{place}.targets.{i}", hint="name another ROI")
    wanted: dict[str, Mapping[str, float]] = {}
    for i, contrast in enumerate(spec.contrasts if spec.contrasts is not None else list(contrasts)):
        where = f"{place}.contrasts.{i}" if spec.contrasts is not None else f"{place}.contrasts"
        if contrast not in contrasts:
            raise StudyError(f"the study has no contrast '{contrast}'; there are {', '.join(contrasts)}", where=where,
                             hint=did_you_mean(contrast, contrasts) or "name one of these, or add it under contrasts")
        wrong = [condition for condition in contrasts[contrast] if condition in modulated]
        if spec.method == "beta_series" and wrong:
            raise StudyError(f"the contrast '{contrast}' names the modulated condition '{wrong[0]}', of which single "
                             "trials have no response", where=where,
                             hint="name contrasts without modulated conditions, or use method: gppi")
        wanted[contrast] = contrasts[contrast]
    return Connection(name, spec.method, seed, targets, wanted, spec.deconvolve, spec.minimum_trials)


def _roi(asked: RoiChoice, rois: Sequence[RoiKey], where: str) -> RoiKey:
    found = [roi for roi in rois if (roi.region, roi.hemisphere) == (asked.region, asked.hemisphere)
             and asked.definition in (None, roi.definition)]
    if len(found) > 1:
        raise StudyError(f"the study measures {asked.label} in {len(found)} ways: "
                         f"{', '.join(roi.definition for roi in found)}", where=where,
                         hint="add the one that is meant as `definition`")
    if not found:
        regions = list(dict.fromkeys(roi.region for roi in rois))
        close = did_you_mean(asked.region, regions) if asked.region not in regions else ""
        raise StudyError(f"the study does not measure {asked.label}; it measures "
                         f"{', '.join(roi.label for roi in rois)}", where=where,
                         hint=close or "name one of these, or add it under regions.include")
    if found[0].definition == CIRCULAR:
        raise StudyError(f"{asked.label} is circular: its voxels are chosen with the data that are tested", where=where,
                         hint="choose its voxels from other data (select_from)")
    return found[0]


def _shares(one: RoiKey, other: RoiKey) -> bool:
    """Whether two ROIs are one region on one side, however they are drawn."""
    sides = (one.hemisphere, other.hemisphere)
    return one.region == other.region and (sides[0] == sides[1] or "B" in sides)
