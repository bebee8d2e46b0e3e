"""The multiverse: which choices of the analysis are varied, and the specifications that come of it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from deltaroi.specs.base import Name, Spec
from deltaroi.specs.group import Summary
from deltaroi.specs.signal import Confounds, FirstLevel
from deltaroi.types import camel

MAIN = "main"
"""The specification that the rest of the study file describes."""
AXES = ("definition", "smoothing_fwhm_mm", "scaling", "confounds", "summary", "noise")
"""The choices that can be varied, in the order of their names in a specification's name."""
OF_FIT = ("smoothing_fwhm_mm", "confounds", "noise")
"""Those that need a model of their own."""
MOST = 1000
"""More specifications than this are refused."""
_SCALINGS = {"percent": "percent", "percent_per_unit": "percentPerUnit", "none": "rawUnits"}

Scaling = Literal["percent", "percent_per_unit", "none"]
NoiseModel = Literal["ar1", "ols"]


class ConfoundChanges(Confounds):
    """A strategy for confounds, given as what differs from that of the main specification."""

    @model_serializer(mode="wrap")
    def _only_what_is_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in handler(self).items() if name in self.model_fields_set}

    def of(self, main: Confounds) -> Confounds:
        """The whole strategy."""
        return main.model_copy(update={name: getattr(self, name) for name in sorted(self.model_fields_set)})


class Combination(Spec):
    """Choices that are not made together; what is not given may be anything."""

    definition: str | None = Field(None, description="Definition of the regions.")
    smoothing_fwhm_mm: float | None = Field(None, description="Width of the smoothing kernel, in mm.")
    scaling: Scaling | None = Field(None, description="Scaling.")
    confounds: str | None = Field(None, description="Name of a strategy, or main.")
    summary: Summary | None = Field(None, description="Summary.")
    noise: NoiseModel | None = Field(None, description="Noise model.")

    @property
    def given(self) -> dict[str, Any]:
        """Axis -> choice."""
        return {axis: getattr(self, axis) for axis in AXES if getattr(self, axis) is not None}


class Multiverse(Spec):
    """Alternatives to the choices of the study; every combination with the study's own is a specification."""

    definitions: list[str] = Field([], description="Definitions instead of regions.definition.")
    smoothing_fwhm_mm: list[float] = Field([], description="Widths instead of first_level.smoothing_fwhm_mm.")
    scaling: list[Scaling] = Field([], description="Scalings instead of first_level.scaling.")
    confounds: dict[Name, ConfoundChanges] = Field({}, description="Strategies instead of first_level.confounds, by "
                                                   "name; each has only what differs.")
    summary: list[Summary] = Field([], description="Summaries instead of summary.")
    noise: list[NoiseModel] = Field([], description="Noise models instead of first_level.noise.")
    without: list[Combination] = Field([], description="Combinations that are left out.")


@dataclass(frozen=True)
class Specification:
    """One way to analyse the study.

    Attributes
    ----------
    name : str
        ``main``, or its choices that are not those of the study.
    definition : str
        Of the regions that have none of their own; empty where the study has several.
    first_level : FirstLevel
        The model of a run.
    confounds : str
        Name of the strategy for confounds; ``main`` is the study's.
    summary : str
        How voxels become one value.
    fit : str
        Which model of the runs it uses: specifications with the same one differ in scaling, definition or summary only.
    model : str
        The fit with its scaling: what one artefact of a run holds.
    """

    name: str
    definition: str
    first_level: FirstLevel
    confounds: str
    summary: Summary
    fit: str
    model: str

    @property
    def choices(self) -> dict[str, Any]:
        """Axis -> choice."""
        spec = self.first_level
        return {"definition": self.definition, "smoothing_fwhm_mm": spec.smoothing_fwhm_mm, "scaling": spec.scaling,
                "confounds": self.confounds, "summary": self.summary, "noise": spec.noise}


def specifications(asked: Multiverse, definition: str, first_level: FirstLevel,
                   summary: Summary) -> tuple[Specification, ...]:
    """All specifications, the study's own first.

    Parameters
    ----------
    asked : Multiverse
        The alternatives.
    definition : str
        Of the study's regions; empty where it has several.
    first_level, summary
        Of the study.

    Raises
    ------
    ValueError
        A sentence with its key: alternatives that repeat, that cannot be, or that are too many.
    """
    first = {"definition": definition, "smoothing_fwhm_mm": first_level.smoothing_fwhm_mm,
             "scaling": first_level.scaling, "confounds": MAIN, "summary": summary, "noise": first_level.noise}
    others: dict[str, list[Any]] = {"definition": asked.definitions, "confounds": list(asked.confounds),
                                    **{axis: getattr(asked, axis) for axis in ("smoothing_fwhm_mm", "scaling",
                                                                               "summary", "noise")}}
    _refuse(asked, first, others, first_level)
    axes = {axis: [first[axis], *(one for one in others[axis] if one != first[axis])] for axis in AXES}
    left_out = [combination.given for combination in asked.without]
    every = (dict(zip(AXES, values, strict=True)) for values in itertools.product(*axes.values()))
    found = [choices for choices in every if not any(_meets(choices, given) for given in left_out)]
    if first not in found:
        raise ValueError("without: the study's own choices are left out, and they are the main specification")
    if len(found) > MOST:
        raise ValueError(f"found {len(found)} specifications, expected at most {MOST}; leave some out with `without`")
    made = tuple(_specification(choices, first, asked, first_level) for choices in found)
    labels: dict[str, str] = {}
    for one in made:
        label = camel(one.name).casefold()
        if label in labels:
            same = f"'{labels[label]}' and '{one.name}' have one file label" if labels[label] != one.name else \
                f"two specifications are called '{one.name}'"
            raise ValueError(f"confounds: {same}; rename a strategy")
        labels[label] = one.name
    return made


def _meets(choices: dict[str, Any], given: dict[str, Any]) -> bool:
    return all(choices[axis] == value for axis, value in given.items())


def _refuse(asked: Multiverse, first: dict[str, Any], others: dict[str, list[Any]], model: FirstLevel) -> None:
    """Alternatives that repeat or cannot be."""
    if asked.definitions and not first["definition"]:
        raise ValueError("definitions: regions.definition lists several, expected one, which the others replace")
    for axis, values in others.items():
        key = "definitions" if axis == "definition" else axis
        twice = [one for one in values if values.count(one) > 1]
        if twice:
            raise ValueError(f"{key}: {twice[0]} is listed twice")
    if MAIN in asked.confounds:
        raise ValueError(f"confounds: the name '{MAIN}' is that of first_level.confounds; rename the strategy")
    known = {MAIN: model.confounds}
    for name, changes in asked.confounds.items():
        if "_" in name or name in {*_SCALINGS.values(), "ar1", "ols"}:
            raise ValueError(f"confounds: the name '{name}' is part of the names of specifications: use letters and "
                             "digits, and no word for another choice")
        same = [other for other, one in known.items() if one == changes.of(model.confounds)]
        if same:
            raise ValueError(f"confounds.{name} is the same as {same[0]}")
        known[name] = changes.of(model.confounds)
    if model.hrf == "fir" and "percent" in asked.scaling:
        raise ValueError("scaling: 'percent' has no meaning with hrf 'fir' (no peak height)")
    for wrong in (width for width in asked.smoothing_fwhm_mm if width < 0):
        raise ValueError(f"smoothing_fwhm_mm: found {wrong:g}, expected 0 or more")
    known_choices = {axis: [first[axis], *listed] for axis, listed in others.items()}
    for i, combination in enumerate(asked.without):
        unknown = [f"{axis} {value}" for axis, value in combination.given.items()
                   if value not in known_choices[axis]]
        if unknown or not combination.given:
            raise ValueError(f"without.{i}: found {', '.join(unknown) or 'nothing'}, expected choices of the study or "
                             "of multiverse")


def _specification(choices: dict[str, Any], first: dict[str, Any], asked: Multiverse,
                   model: FirstLevel) -> Specification:
    strategy = choices["confounds"]
    confounds = model.confounds if strategy == MAIN else asked.confounds[strategy].of(model.confounds)
    own = model.model_copy(update={"smoothing_fwhm_mm": choices["smoothing_fwhm_mm"], "scaling": choices["scaling"],
                                   "noise": choices["noise"], "confounds": confounds})
    parts = {axis: _part(axis, value) for axis, value in choices.items() if value != first[axis]}
    name = "_".join(parts.values()) or MAIN
    fit = "_".join(part for axis, part in parts.items() if axis in OF_FIT) or MAIN
    made = "_".join(part for axis, part in parts.items() if axis in (*OF_FIT, "scaling")) or MAIN
    return Specification(name, choices["definition"], own, strategy, choices["summary"], fit, made)


def _part(axis: str, value: Any) -> str:
    """What a choice adds to the name of a specification."""
    if axis == "smoothing_fwhm_mm":
        return f"fwhm{value:g}".replace(".", "p")
    return _SCALINGS[value] if axis == "scaling" else camel(value)


def axes_of(found: tuple[Specification, ...]) -> Iterator[tuple[str, list[Any]]]:
    """The choices that vary, each with its values in order."""
    for axis in AXES:
        values = list(dict.fromkeys(one.choices[axis] for one in found))
        if len(values) > 1:
            yield axis, values
