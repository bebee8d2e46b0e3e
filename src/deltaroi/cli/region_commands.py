"""Commands about the region library: regions list, show, find, picture, compare, build, fetch."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from enum import StrEnum
from pathlib import Path

import typer

from deltaroi.cli.groups import group
from deltaroi.cli.options import as_option, from_options, words
from deltaroi.cli.progress import say, tell

_SPACE = "MNI152NLin2009cAsym"


class Format(StrEnum):
    """File format of a picture."""

    png = "png"
    svg = "svg"
    pdf = "pdf"


REGION = typer.Argument(..., help="Region name, e.g. amygdala.")
SPACE = typer.Option(_SPACE, "--space", help="Template space.")
DEFINITIONS = typer.Option("", "--definition", help="Only these definitions, with commas.")
FORMAT = typer.Option(Format.png, "--format", help="File format of the picture.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    regions = group("The region library.")
    regions.command(name="list")(regions_list)
    regions.command(name="show")(regions_show)
    regions.command(name="find", context_settings={"ignore_unknown_options": True})(regions_find)
    regions.command(name="picture")(regions_picture)
    regions.command(name="compare")(regions_compare)
    regions.command(name="build")(regions_build)
    regions.command(name="fetch")(regions_fetch)
    app.add_typer(regions, name="regions")


def regions_list(region: str = typer.Option(None, "--region", help="Only this region."),
                 definition: str = typer.Option(None, "--definition", help="Only this definition.")) -> None:
    """The regions, the definitions that have them, their volumes, and what cannot be read here."""
    from deltaroi.cli.show_regions import list_lines
    from deltaroi.pipeline.library_catalogue import library_table

    with from_options(region="--region"):
        table = library_table(region, definition)
    for line in list_lines(table):
        tell(line)


def regions_show(region: str = REGION,
                 definition: str = typer.Option(None, "--definition", help="Only this definition."),
                 space: str = typer.Option(None, "--space", help="Of a definition in several templates only the one "
                                           "that fits this space.")) -> None:
    """Where each definition of a region comes from: labels, template, size, licence, citation."""
    from deltaroi.cli.show_regions import show_lines
    from deltaroi.pipeline.library_catalogue import describe_region

    with from_options(region="REGION"):
        entries = describe_region(region, definition, space)
    for line in show_lines(region, entries):
        tell(line)


def regions_find(point: list[str] = typer.Argument(..., metavar="X Y Z", help="Coordinate in mm, e.g. 24 -2 -16."),
                 space: str = typer.Option(_SPACE, "--space", help="Template space of the coordinate; Talairach is "
                                           "converted."),
                 radius: float = typer.Option(0.0, "--radius", min=0, max=50, help="ROIs up to this many mm away.")
                 ) -> None:
    """Which ROIs of which definitions hold a coordinate, or which are nearest to it."""
    from deltaroi.cli.show_regions import lookup_lines
    from deltaroi.pipeline.library_find import find_regions

    with from_options():
        result = find_regions(_coordinate(point), space, radius)
    for line in lookup_lines(result, radius):
        tell(line)


def _coordinate(texts: list[str]) -> list[float]:
    """Three numbers, apart or with commas; what looks like an option is one that does not exist."""
    from deltaroi.errors import UsageError

    parts = [part for text in texts for part in text.replace(",", " ").split()]
    numbers = []
    for part in parts:
        try:
            numbers.append(float(part))
        except ValueError:
            what = "there is no such option" if part.startswith("-") else f"'{part}' is not a number"
            raise UsageError(what, where=part if part.startswith("-") else "X Y Z",
                             hint="e.g. `deltaroi regions find 24 -2 -16 --radius 5`") from None
    if len(numbers) != 3:
        raise UsageError(f"a coordinate has three numbers, found {len(numbers)}", where="X Y Z",
                         hint="e.g. `deltaroi regions find 24 -2 -16`")
    return numbers


def regions_picture(names: list[str] = typer.Argument(None, metavar="[REGION ...]", help="Regions; none: all, and the "
                                                      "contact sheet of the library."),
                    regions: str = typer.Option("", "--regions", help="The same, with commas."),
                    definition: str = DEFINITIONS, space: str = SPACE,
                    out: Path = typer.Option(None, "--out", help="Output folder; default, for regions that are named: "
                                             "the current one."),
                    kind: Format = FORMAT) -> None:
    """Draw regions on the template: three slices, a mosaic, every definition in its colour."""
    from deltaroi.errors import UsageError
    from deltaroi.pipeline.library_pictures import PictureChoice, draw_library

    choice = PictureChoice((*(names or ()), *words(regions)), tuple(words(definition)), space, kind.value)
    if out is None and not choice.regions:
        raise UsageError("without a region the whole library is drawn, one file per region", where="--out",
                         hint="name a region, or a folder with --out")
    with from_options():
        result = draw_library(choice, out or Path(), say=lambda path: say(f"written: {path}"))
    for note in result.notes:
        say(f"note: {note}")


def regions_compare(region: str = REGION,
                    hemispheres: str = typer.Option("L,R", "--hemispheres", help="L, R, B, with commas."),
                    definition: str = DEFINITIONS, space: str = SPACE,
                    resolution: float = typer.Option(1.0, "--resolution", min=0.5, help="Voxel edge in mm."),
                    out: Path = typer.Option(None, "--out", help="Folder for comparison.tsv and the picture."),
                    kind: Format = FORMAT) -> None:
    """Dice, volumes and distance of centres between all definitions of a region."""
    from deltaroi.cli.show_regions import comparison_lines
    from deltaroi.pipeline.library_compare import compare_definitions

    with from_options(region="REGION"):
        result = compare_definitions(region, words(hemispheres), words(definition), space, resolution)
    for line in comparison_lines(result):
        tell(line)
    if out is not None:
        from deltaroi.pipeline.library_pictures import write_comparison

        for path in write_comparison(result, out, kind.value):
            say(f"written: {path}")


def regions_build(regions: str = typer.Option(..., "--regions", help="Region names, with commas."),
                  definition: str = typer.Option("hcpex", "--definition", help="How they are drawn; with commas."),
                  space: str = typer.Option(_SPACE, "--space", help="Template space of the grid."),
                  hemispheres: str = typer.Option("L,R", "--hemispheres", help="L, R, B, with commas."),
                  threshold: str = typer.Option(None, "--threshold", help="For probabilistic definitions: a "
                                                "probability, or weighted; default: the definition's own."),
                  like: Path = typer.Option(None, "--like", help="An image whose grid is used."),
                  resolution: float = typer.Option(None, "--resolution", min=0.5, help="Voxel edge in mm."),
                  out: Path = typer.Option(..., "--out", help="Output folder.")) -> None:
    """Masks and their table on a grid."""
    from deltaroi.pipeline.regions import BuildOptions, build_and_write

    options = BuildOptions(tuple(words(regions)), tuple(words(definition)), tuple(words(hemispheres)), space, like,
                           resolution, threshold)
    with from_options():
        result = build_and_write(options, out)
    for row in result.table.itertuples():
        note = f"  ! {row.warning}" if row.warning != "n/a" else ""
        tell(f"{row.region} {row.hemisphere} {row.definition}: {row.n_voxels} voxels, {row.volume_mm3:.0f} mm3{note}")
    for lost in result.exclusions:
        say(f"left out: {lost.region}: {lost.reason}")
    for text in result.notes:
        say(f"note: {as_option(text)}")
    say(f"written: {out / 'regions.tsv'}")


def regions_fetch(definition: str = typer.Argument(..., help="A definition whose files nilearn downloads.")) -> None:
    """Download the files of a definition with nilearn's fetchers."""
    from deltaroi.pipeline.library import fetch_definition

    with from_options(definition="DEFINITION"), redirect_stdout(sys.stderr):  # nilearn prints its progress
        paths = fetch_definition(definition)
    for path in paths:
        tell(str(path))
