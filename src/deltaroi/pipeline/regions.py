"""The ROIs of the library on a grid, as masks and a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltaroi.errors import DataError, UsageError
from deltaroi.grid import Grid
from deltaroi.io.tsv import write_table
from deltaroi.layout import Layout
from deltaroi.masks import RegionSet, as_threshold, build_regions, grid_for, grid_of_image, write_roi_images
from deltaroi.masks.bids import files_of, write_descriptions
from deltaroi.pipeline import record
from deltaroi.specs import Regions
from deltaroi.tables import EXCLUSIONS, REGIONS, exclusion_frame


@dataclass(frozen=True)
class BuildOptions:
    """Which regions, and on which grid: that of an image, or the template's at a resolution (default 2 mm).

    ``threshold`` is for probabilistic definitions: a probability, ``weighted``, or None for the definition's own.
    """

    regions: tuple[str, ...]
    definition: str | tuple[str, ...] = "hcpex"
    hemispheres: tuple[str, ...] = ("L", "R")
    space: str = "MNI152NLin2009cAsym"
    like: Path | None = None
    resolution: float | None = None
    threshold: float | str | None = None


def build(options: BuildOptions) -> RegionSet:
    """Build ROIs.

    Raises
    ------
    UsageError
        An option does not fit.
    SpaceError
        The definition lives in another template than the grid.
    """
    if not options.regions:
        raise UsageError("no region is named", hint="e.g. --regions amygdala,VTA")
    if options.like is not None and options.resolution is not None:
        raise UsageError("--like and --resolution exclude each other", hint="give one")
    wrong = set(options.hemispheres) - {"L", "R", "B"}
    if wrong or not options.hemispheres:
        raise UsageError(f"unknown hemispheres: {', '.join(sorted(wrong)) or 'none is named'}", where="--hemispheres",
                         hint="L, R or B, with commas")
    names = options.definition if isinstance(options.definition, str) else list(options.definition)
    if not names:
        raise UsageError("no definition is named", where="--definition", hint="e.g. --definition hcpex")
    spec = Regions(
        include=list(options.regions), definition=names, threshold=as_threshold(options.threshold),
        hemispheres=list(options.hemispheres))  # type: ignore[arg-type]
    return build_regions(spec, _grid(options), base=Path.cwd())


def _grid(options: BuildOptions) -> Grid:
    if options.like is not None:
        return grid_of_image(options.like, options.space)
    return grid_for(options.space, options.resolution or 2.0, "give an image with --like")


def build_and_write(options: BuildOptions, out: Path) -> RegionSet:
    """Build ROIs and write their images, ``regions.tsv`` and ``exclusions.tsv``: a BIDS dataset of its own.

    Raises
    ------
    UsageError
        An option does not fit, or the folder holds another dataset or the results of a study.
    SpaceError
        The definition lives in another template than the grid.
    DataError
        No ROI has a voxel on the grid; ``exclusions.tsv`` is written before it is raised.
    """
    layout = Layout(out)
    record.claim_for_regions(layout)
    found = build(options)
    earlier = files_of(out / "regions.tsv", layout)
    record.describe_regions(layout)  # first, so that the folder is known again when the writing is interrupted
    write_roi_images(found, layout)
    write_descriptions(found.table, layout, earlier)
    write_table(found.table, REGIONS, out / "regions.tsv")
    write_table(exclusion_frame(found.exclusions), EXCLUSIONS, out / "exclusions.tsv")
    if found.table.empty:
        reasons = "; ".join(dict.fromkeys(lost.reason for lost in found.exclusions))
        raise DataError(f"no ROI is left: {reasons}", where=str(options.like or "--regions"),
                        hint=f"read {out / 'exclusions.tsv'}; does the grid hold the brain?")
    return found
