"""What is asked of the maps, and the ROIs that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deltaroi.errors import UsageError
from deltaroi.masks import as_threshold
from deltaroi.measuring.labels import read_labels
from deltaroi.specs import LARGEST_RADIUS_MM, Hemisphere, LabelsRoi, RegionChoice, Regions, SphereRoi
from deltaroi.summaries import OF_SERIES, OF_VOXELS
from deltaroi.types import NOT_STATED, Exclusion


@dataclass(frozen=True)
class MeasureOptions:
    """How maps are measured.

    Attributes
    ----------
    regions : tuple of str
        Regions of the library.
    definition : str or tuple of str
        How those are drawn; several definitions make several ROIs of a region.
    hemispheres : tuple of str
        ``L``, ``R``, ``B`` of those.
    threshold : float, "weighted" or None
        For probabilistic definitions; None: the definition's own.
    space : str
        Template space of the maps; ``not stated`` when nobody says.
    sphere : str or None
        ``x,y,z,radius`` in mm, in the world coordinates of the maps.
    labels, names : Path or None
        A label image, and its table with the columns ``index name [hemisphere]``; every label becomes an ROI.
    summary : str
        ``auto``, ``mean``, ``median``, ``weighted_mean`` or ``partial_volume``.
    minimum_coverage : float
        Least share of an ROI inside the map, 0 to 1.
    """

    regions: tuple[str, ...] = ()
    definition: str | tuple[str, ...] = "hcpex"
    hemispheres: tuple[str, ...] = ("L", "R")
    space: str = NOT_STATED
    sphere: str | None = None
    labels: Path | None = None
    names: Path | None = None
    summary: str = "auto"
    minimum_coverage: float = 0.5
    threshold: float | str | None = None

    @property
    def only_labels(self) -> bool:
        """Whether no ROI is placed by world coordinates."""
        return not self.regions and self.sphere is None


@dataclass(frozen=True)
class Asked:
    """The ROIs as a section of a study file, the folder its paths start from, what is left out, and what to know."""

    regions: Regions
    base: Path
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()


def resolve(options: MeasureOptions) -> Asked:
    """Turn the options into ROIs.

    Raises
    ------
    UsageError
        The options name no ROI, contradict each other or hold an impossible value.
    DataError
        The label image or its table of names cannot be used.
    """
    if options.summary not in ("auto", *OF_VOXELS):
        series = f"summary '{options.summary}' needs a time series, and a contrast map has one value per voxel"
        raise UsageError(series if options.summary in OF_SERIES else f"unknown summary '{options.summary}'",
                         where="--summary", hint=f"auto, {', '.join(OF_VOXELS)}")
    if not 0 <= options.minimum_coverage <= 1:
        raise UsageError(f"the minimum coverage is {options.minimum_coverage}", where="--minimum-coverage",
                         hint="a share from 0 to 1")
    wrong = [side for side in options.hemispheres if side not in ("L", "R", "B")]
    if wrong or not options.hemispheres:
        raise UsageError(f"unknown hemispheres: {', '.join(wrong) or 'none is named'}", where="--hemispheres",
                         hint="L, R or B, with commas")
    if (options.labels is None) != (options.names is None):
        raise UsageError("--labels and --names go together", where="--names" if options.names is None else "--labels",
                         hint="give the label image and its table of names")
    include: list[str | RegionChoice] = list(options.regions)
    custom: dict[str, SphereRoi | LabelsRoi] = {}
    exclusions: tuple[Exclusion, ...] = ()
    notes: tuple[str, ...] = ()
    if options.sphere is not None:
        custom["sphere"] = _sphere(options.sphere, options.space)
    if options.labels is not None and options.names is not None:
        found, exclusions, notes = read_labels(options.labels, options.names, options.space)
        custom |= found
    taken = sorted(set(custom) & set(options.regions))
    if taken:
        raise UsageError(f"the regions {taken} are named twice", hint="rename them in the table of names")
    include += [RegionChoice(region=name, hemispheres=_sides(roi)) for name, roi in custom.items()]
    if not include:
        raise UsageError("no region is named", hint="--regions amygdala,VTA, --sphere=x,y,z,radius, or --labels with "
                         "--names")
    regions = Regions(include=include, hemispheres=list(options.hemispheres),  # type: ignore[arg-type]
                      definition=_names(options.definition), custom=custom,  # type: ignore[arg-type]
                      threshold=as_threshold(options.threshold), minimum_coverage=options.minimum_coverage)
    return Asked(regions, options.labels.parent if options.labels is not None else Path(), exclusions, notes)


def _names(definition: str | tuple[str, ...]) -> str | list[str]:
    names = definition if isinstance(definition, str) else list(definition)
    if not names:
        raise UsageError("no definition is named", where="--definition", hint="e.g. --definition hcpex")
    return names


def _sides(roi: SphereRoi | LabelsRoi) -> list[Hemisphere]:
    return list(roi.sphere if isinstance(roi, SphereRoi) else roi.ids)


def _sphere(text: str, space: str) -> SphereRoi:
    """The ROI of ``x,y,z,radius``; its hemisphere is B when it reaches over the midplane."""
    try:
        x, y, z, radius = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"cannot read the sphere {text!r}", where="--sphere",
                         hint="x,y,z,radius in mm, e.g. --sphere=-51.5,22.5,22.5,6"
                         ) from error
    if not np.isfinite([x, y, z, radius]).all() or not 0 < radius <= LARGEST_RADIUS_MM:
        raise UsageError(f"cannot draw the sphere {text!r}", where="--sphere",
                         hint=f"numbers in mm, and a radius above 0 up to {LARGEST_RADIUS_MM}")
    side: Hemisphere = "B" if abs(x) < radius else "L" if x < 0 else "R"
    return SphereRoi(sphere={side: (x, y, z)}, radius_mm=radius, space=space)
