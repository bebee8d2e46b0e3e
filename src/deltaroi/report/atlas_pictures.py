"""The ROIs on the template: an overview, and every region by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deltaroi.errors import DataError
from deltaroi.report import words
from deltaroi.report.data import Output, records, roi_of
from deltaroi.report.figures.slices import (
    BRAIN,
    Axis,
    Layer,
    Volume,
    best_cut,
    centre,
    extent,
    is_small,
    slices,
    zoomed,
)
from deltaroi.report.figures.style import REGIONS, colour
from deltaroi.report.pictures import Picture, picture
from deltaroi.report.template import load_template
from deltaroi.types import CIRCULAR, FUNCTIONAL, RoiKey

_OVERVIEW: tuple[tuple[Axis, int], ...] = (("x", 2), ("y", 2), ("z", 3))


@dataclass(frozen=True)
class Drawn:
    """The pictures of the ROIs.

    Attributes
    ----------
    overview : tuple of Picture
        All ROIs on the slices that show most of them; empty without images.
    regions : tuple of Picture
        One per region and definition.
    legend : tuple of (name, colour)
        The regions' colours.
    notes : tuple of str
        What could not be drawn and why.
    """

    overview: tuple[Picture, ...]
    regions: tuple[Picture, ...]
    legend: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def draw_regions(output: Output) -> Drawn:
    """Draw the ROI images of the output folder, each ROI on the first grid that has its image."""
    images, notes = _images(output)
    names = list(dict.fromkeys(roi.region for roi in images))
    colours = {name: colour(REGIONS, i) for i, name in enumerate(names)}
    if not images:
        return Drawn((), (), (), tuple(notes))
    template = load_template()
    layers = [Layer(volume, colours[roi.region]) for roi, volume in images.items()]
    cuts = _overview_cuts(images)
    overview = []
    for axis in dict.fromkeys(axis for axis, _ in cuts):
        own = [cut for cut in cuts if cut[0] == axis]
        alt = f"{words.plural(len(images), 'ROI')} on slices of the MNI152 template at {_place(own)} mm."
        overview.append(picture(slices(template, layers, own), f"overview-{axis}", alt))
    single = tuple(_region(template, name, definition, images, colours[name], f"region-{i}")
                   for i, (name, definition) in enumerate(dict.fromkeys((r.region, r.definition) for r in images)))
    legend = {f"{name} ({CIRCULAR})" if name in output.circular else name: shade for name, shade in colours.items()}
    return Drawn(tuple(overview), single, tuple(legend.items()), tuple(notes))


def _images(output: Output) -> tuple[dict[RoiKey, Volume], list[str]]:
    images: dict[RoiKey, Volume] = {}
    lacking: set[RoiKey] = set()
    for row in records(output.regions):
        roi = roi_of(row)
        path = output.layout.roi_image(roi, row["space"], row["grid_digest"])
        if roi not in images and path.is_file():
            images[roi] = _load(path)
        lacking.add(roi)
    ordered = {roi: images[roi] for roi in output.rois if roi in images}
    undrawn = [output.roi_label(roi) for roi in output.rois if roi in lacking and roi not in images]
    absent = f"Not drawn, because there is no image of them in the output folder: {words.listed(undrawn)}."
    notes = [absent] if undrawn else []
    if chosen := [roi.region for roi in ordered if roi.definition in (FUNCTIONAL, CIRCULAR)]:
        notes.append(f"{words.listed(dict.fromkeys(chosen))}: drawn, and measured in the table below, is the ROI in "
                     "which the voxels are chosen; the chosen ones differ between subjects.")
    spaces = sorted({space for space in output.regions["space"] if not space.startswith("MNI152")})
    if spaces and ordered:
        notes.append(f"The images' space is {words.listed(spaces)}; the template is drawn for orientation only.")
    return ordered, notes


def _load(path: Path) -> Volume:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image = nibabel.load(path)
        data = np.nan_to_num(np.asarray(image.dataobj, dtype=np.float64))  # type: ignore[attr-defined]
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise DataError(f"the ROI image cannot be read: {error}", where=str(path),
                        hint="run the study again; do not edit the output folder") from error
    return Volume(data.reshape(data.shape[:3]), np.asarray(image.affine, dtype=np.float64))  # type: ignore[attr-defined]


def _overview_cuts(images: Mapping[RoiKey, Volume]) -> list[tuple[Axis, float]]:
    """Greedily the slices, through ROI centres, that show most regions not shown yet on that axis."""
    centres = {roi: point for roi, volume in images.items() if (point := centre(volume)) is not None}
    cuts: list[tuple[Axis, float]] = []
    for a, (axis, number) in enumerate(_OVERVIEW):
        candidates = sorted({float(round(point[a])) for point in centres.values()})
        ends = {roi: extent(images[roi], axis) for roi in centres}
        shows = {at: {roi.region for roi, (low, high) in ends.items() if low <= at <= high} for at in candidates}
        unseen = {roi.region for roi in centres}
        chosen: list[float] = []
        while candidates and len(chosen) < number:
            best = max(candidates, key=lambda at: (len(shows[at] & unseen), -abs(at)))
            if not shows[best] & unseen and chosen:
                break
            chosen.append(best)
            unseen -= shows[best]
        cuts += [(axis, at) for at in sorted(chosen)]
    return cuts or [("x", 0.0), ("y", 0.0), ("z", 0.0)]


def _region(template: Volume, name: str, definition: str, images: Mapping[RoiKey, Volume], shade: str,
            figure_name: str) -> Picture:
    parts = {roi.hemisphere: volume for roi, volume in images.items()
             if (roi.region, roi.definition) == (name, definition)}
    volumes = list(parts.values())
    cuts: list[tuple[Axis, float]] = [("x", best_cut(volumes[:1], "x")), ("y", best_cut(volumes, "y")),
                                      ("z", best_cut(volumes, "z"))]
    sides = words.listed(side for side in ("L", "R", "B") if side in parts)
    small = all(is_small(volume) for volume in volumes)
    figure = slices(template, [Layer(volume, shade) for volume in volumes], cuts, zoomed(volumes) if small else BRAIN)
    return picture(figure, figure_name,
                   f"{name} ({definition}), {sides}, on the MNI152 template at {_place(cuts)} mm.",
                   f"{name} ({definition}{', enlarged' if small else ''})")


def _place(cuts: list[tuple[Axis, float]]) -> str:
    return ", ".join(f"{axis} = {words.number(at, 0)}" for axis, at in cuts)
