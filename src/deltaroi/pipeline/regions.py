"""The ROIs of the library on a grid, as masks and a table."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from deltaroi.errors import UsageError
from deltaroi.grid import Grid
from deltaroi.io.tsv import write_table
from deltaroi.layout import Layout
from deltaroi.masks import RegionSet, build_regions, grid_for, grid_of_image, write_roi_images
from deltaroi.specs import Regions
from deltaroi.tables import EXCLUSIONS, REGIONS, exclusion_frame


@dataclass(frozen=True)
class BuildOptions:
    """Which regions, and on which grid: that of an image, or the template's at a resolution (default 2 mm)."""

    regions: tuple[str, ...]
    definition: str = "hcpex"
    hemispheres: tuple[str, ...] = ("L", "R")
    space: str = "MNI152NLin2009cAsym"
    like: Path | None = None
    resolution: float | None = None


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
        raise UsageError(f"unknown hemispheres {sorted(wrong)}", hint="L, R or B")
    spec = Regions(
        include=list(options.regions), definition=options.definition,
        hemispheres=list(options.hemispheres))  # type: ignore[arg-type]
    return build_regions(spec, _grid(options), base=Path.cwd())


def _grid(options: BuildOptions) -> Grid:
    if options.like is not None:
        return grid_of_image(options.like, options.space)
    return grid_for(options.space, options.resolution or 2.0)


def build_and_write(options: BuildOptions, out: Path) -> RegionSet:
    """Build ROIs and write their masks, ``regions.tsv`` and ``exclusions.tsv``."""
    found = build(options)
    layout = Layout(out)
    write_roi_images(found, layout)
    write_table(found.table, REGIONS, out / "regions.tsv")
    write_table(exclusion_frame(found.exclusions), EXCLUSIONS, out / "exclusions.tsv")
    return found
