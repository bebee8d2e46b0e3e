"""What a multiverse asks of the runs: which models, which ROIs, how much work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from deltaroi.config.study import Study
from deltaroi.errors import DeltaroiError, StudyError
from deltaroi.masks import roi_keys
from deltaroi.responses import Asked
from deltaroi.specs import MAIN, FirstLevel, Regions, Specification, axes_of
from deltaroi.types import CIRCULAR, FUNCTIONAL, RoiKey

_NAMED = 4
_MAIN_WIDE = f"{MAIN}_allDefinitions"


@dataclass(frozen=True)
class Model:
    """One artefact of every run beside that of ``main``.

    Attributes
    ----------
    name : str
        Its fit and scaling, as in ``specifications.tsv``; that of ``main`` for other ROIs has a name of its own.
    first_level : FirstLevel
        The model.
    base : str or None
        The model with which it shares arrays on disk, if any; :data:`deltaroi.specs.MAIN` is the artefact of ``main``.
    """

    name: str
    first_level: FirstLevel
    base: str | None


def other_definitions(study: Study) -> list[str]:
    """The definitions that only other specifications than ``main`` have."""
    first = study.specifications[0].definition
    return [name for name in dict.fromkeys(one.definition for one in study.specifications) if name != first]


def models(study: Study) -> tuple[Model, ...]:
    """The artefacts that the specifications other than ``main`` need, in the order of the specifications.

    Each is for the ROIs of all definitions. Models of one smoothing share what is equal with the first of them, which
    with one definition is ``main``.
    """
    others = {model_of(study, one): one.first_level for one in study.specifications[1:]}
    others.pop(MAIN, None)
    first: dict[float, str] = {} if other_definitions(study) else {study.first_level.smoothing_fwhm_mm: MAIN}
    found = []
    for name, spec in others.items():
        found.append(Model(name, spec, first.get(spec.smoothing_fwhm_mm)))
        first.setdefault(spec.smoothing_fwhm_mm, name)
    return tuple(found)


def model_of(study: Study, one: Specification) -> str:
    """The artefact that a specification uses: with the choices of ``main`` its own, or another for ROIs it lacks."""
    if one.model != MAIN:
        return one.model
    named_first = study.regions.definition
    return MAIN if one.definition in (named_first, "", *([] if isinstance(named_first, str) else named_first)) else \
        _MAIN_WIDE


def regions_by(study: Study, definition: str) -> Regions:
    """The regions of a study, drawn by another definition where they have none of their own."""
    return study.regions.model_copy(update={"definition": definition}) if definition else study.regions


def rois_by(study: Study) -> dict[str, tuple[RoiKey, ...]]:
    """Definition -> the ROIs of its specifications; functional ROIs, which only ``main`` has, are not among them.

    Raises
    ------
    StudyError
        A definition does not have a region that the study asks for.
    """
    found = {}
    for definition in dict.fromkeys(one.definition for one in study.specifications):
        try:
            keys = roi_keys(regions_by(study, definition), study.dataset.space)
        except DeltaroiError as error:
            if definition == study.specifications[0].definition:
                raise
            raise type(error)(error.message, where=f"multiverse.definitions: {definition}: {error.where}",
                              hint=error.hint) from error
        found[definition] = tuple(key for key in keys if key.definition not in (FUNCTIONAL, CIRCULAR))
    if len(study.specifications) > 1 and not all(found.values()):
        raise StudyError("every ROI is functional, and functional ROIs are measured in the main specification only",
                         where="multiverse", hint="remove the section, or add an anatomical ROI")
    return found


def other_rois(study: Study, main: Iterable[RoiKey]) -> tuple[RoiKey, ...]:
    """The ROIs that only other specifications have."""
    known = set(main)
    return tuple(dict.fromkeys(key for keys in rois_by(study).values() for key in keys if key not in known))


def asked(study: Study) -> tuple[Asked, ...]:
    """The specifications other than ``main``, as the responses stage takes them."""
    rois = rois_by(study)
    return tuple(Asked(one.name, model_of(study, one), rois[one.definition], one.summary)
                 for one in study.specifications[1:])


def models_by_name(study: Study) -> dict[str, str]:
    """Specification other than ``main`` -> the artefact that it uses."""
    return {one.name: model_of(study, one) for one in study.specifications[1:]}


def named(models_of: Mapping[str, str], names: Sequence[str]) -> str:
    """Some specifications in words: their names, or the models whose specifications these are.

    ``models_of`` is that of :func:`models_by_name`.
    """
    if len(names) <= _NAMED:
        return f"specification{'s' if len(names) > 1 else ''} {', '.join(names)}"
    used = dict.fromkeys(MAIN if models_of[name] == _MAIN_WIDE else models_of[name] for name in names)
    return f"{len(names)} specifications of the models {', '.join(used)}"


def of_models(models_of: Mapping[str, str], wanted: Iterable[str]) -> list[str]:
    """The specifications that use some models."""
    known = set(wanted)
    return [name for name, model in models_of.items() if model in known]


def multiverse_lines(study: Study, plan_rois: Sequence[RoiKey]) -> Iterator[str]:
    """How many specifications, models and reads there are, for ``check`` and ``run --dry-run``."""
    made = study.specifications
    if len(made) == 1:
        return
    fits = len({one.fit for one in made})
    varied = " × ".join(f"{len(values)} {axis}" for axis, values in axes_of(made))
    yield f"  {len(made)} specifications ({varied}): {fits} distinct fit{'s' if fits > 1 else ''} of each run, from " \
          "one read of its image"
    functional = [key.label for key in plan_rois if key.definition in (FUNCTIONAL, CIRCULAR)]
    if functional:
        yield f"  functional ROIs are measured in the main specification only: {', '.join(functional)}"
