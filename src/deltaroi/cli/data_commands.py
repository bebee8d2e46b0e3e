"""Commands about ready-made values, maps and regions: compare, measure, regions build."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

import typer

from deltaroi.cli.progress import say, tell
from deltaroi.errors import StudyError, UsageError

_OPTIONS = {"regions.include": "--regions", "regions.definition": "--definition"}


class Assignment(StrEnum):
    """How people came into their group."""

    randomised = "randomised"
    preexisting = "preexisting"


class Variance(StrEnum):
    """Which standard errors are primary."""

    robust = "robust"
    classical = "classical"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="compare")(compare)
    app.command(name="measure")(measure)
    regions = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="The region library.")
    regions.command(name="build")(regions_build)
    regions.command(name="list")(regions_list)
    app.add_typer(regions, name="regions")


@contextmanager
def _from_options() -> Iterator[None]:
    """What would be wrong in a study file is wrong in the options here."""
    try:
        yield
    except StudyError as error:
        raise UsageError(error.message, where=_OPTIONS.get(error.where, error.where), hint=error.hint) from error


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()] if text else []


def compare(values: Path = typer.Argument(..., help="Long table: subject session region value (+ group)."),
            out: Path = typer.Option(..., "--out", help="Output folder."),
            sessions: str = typer.Option("", "--sessions", help="Sessions in time order, with commas."),
            groups: str = typer.Option("", "--groups", help="Groups, intervention first, reference last."),
            assignment: Assignment = typer.Option(Assignment.randomised, "--assignment",
                                                  help="How people came into their group."),
            variance: Variance = typer.Option(Variance.robust, "--variance", help="HC3 / Welch, or classical errors."),
            permutations: int = typer.Option(10000, "--permutations", min=0, help="Max-T permutations; 0: none."),
            seed: int = typer.Option(20260101, "--seed", min=0, help="Seed of the permutations."),
            participants: Path = typer.Option(None, "--participants", help="Table with participant_id and the group."),
            group_column: str = typer.Option("group", "--group-column", help="Column that holds the group."),
            covariates: str = typer.Option("", "--covariates", help="Columns that enter the model, with commas."),
            bound: float = typer.Option(0.3, "--equivalence-bound-d", min=0.001, max=100,
                                        help="Bound in baseline SDs.")) -> None:
    """Group statistics on any table of ROI values."""
    from deltaroi.cli.show import effects_lines
    from deltaroi.group import CompareOptions
    from deltaroi.group import compare as compare_values
    from deltaroi.specs import GroupStats

    options = CompareOptions(
        sessions=tuple(_words(sessions)), groups=tuple(_words(groups)), assignment=assignment.value,
        participants=participants, group_column=group_column, covariates=tuple(_words(covariates)),
        stats=GroupStats(variance=variance.value, permutations=permutations, seed=seed, equivalence_bounds_d=bound))
    with _from_options():
        result = compare_values(values, options)
    result.write(out)
    for line in effects_lines(result.effects, result.warnings):
        tell(line)
    say(f"written: {out / 'effects.tsv'}")


def measure(maps: Path = typer.Argument(..., help="Table: subject session contrast path [variance_path]."),
            out: Path = typer.Option(..., "--out", help="Output folder."),
            regions: str = typer.Option("", "--regions", help="Region names, with commas."),
            definition: str = typer.Option("hcpex", "--definition", help="How the regions are drawn."),
            hemispheres: str = typer.Option("L,R", "--hemispheres", help="L, R, B, with commas."),
            space: str = typer.Option("not stated", "--space", help="Template space of the maps."),
            sphere: str = typer.Option(None, "--sphere", help="x,y,z,radius in mm; write --sphere=-51.5,22.5,22.5,6"),
            labels: Path = typer.Option(None, "--labels", help="A label image."),
            names: Path = typer.Option(None, "--names", help="Its table of names: index name [hemisphere]."),
            summary: str = typer.Option("auto", "--summary", help="auto, mean, median or weighted_mean."),
            minimum_coverage: float = typer.Option(0.5, "--minimum-coverage", min=0, max=1,
                                                   help="Least share of an ROI inside the map.")) -> None:
    """ROI values from contrast maps that exist already."""
    from deltaroi.measuring import MeasureOptions
    from deltaroi.measuring import measure as measure_maps

    options = MeasureOptions(
        regions=tuple(_words(regions)), definition=definition, hemispheres=tuple(_words(hemispheres)), space=space,
        sphere=sphere, labels=labels, names=names, summary=summary, minimum_coverage=minimum_coverage)
    with _from_options():
        result = measure_maps(maps, options)
    result.write(out)
    for warning in result.warnings:
        say(f"warning: {warning}")
    tell(f"{len(result.responses)} values, {len(result.exclusions)} exclusions")
    say(f"written: {out / 'responses.tsv'}")
    raise typer.Exit(result.exit_code)


def regions_build(regions: str = typer.Option(..., "--regions", help="Region names, with commas."),
                  definition: str = typer.Option("hcpex", "--definition", help="How they are drawn."),
                  space: str = typer.Option("MNI152NLin2009cAsym", "--space", help="Template space of the grid."),
                  hemispheres: str = typer.Option("L,R", "--hemispheres", help="L, R, B, with commas."),
                  like: Path = typer.Option(None, "--like", help="An image whose grid is used."),
                  resolution: float = typer.Option(None, "--resolution", min=0.5, help="Voxel edge in mm."),
                  out: Path = typer.Option(..., "--out", help="Output folder.")) -> None:
    """Masks and their table on a grid."""
    from deltaroi.pipeline.regions import BuildOptions, build_and_write

    options = BuildOptions(tuple(_words(regions)), definition, tuple(_words(hemispheres)), space, like, resolution)
    with _from_options():
        result = build_and_write(options, out)
    for row in result.table.itertuples():
        note = f"  ! {row.warning}" if row.warning != "n/a" else ""
        tell(f"{row.region} {row.hemisphere} {row.definition}: {row.n_voxels} voxels, {row.volume_mm3:.0f} mm3{note}")
    say(f"written: {out / 'regions.tsv'}")


def regions_list() -> None:
    """The definitions and the regions they have."""
    from deltaroi.atlas import library

    for entry in library():
        tell(f"{entry.name}: {entry.title}")
        tell("  " + ", ".join(f"{name} ({'/'.join(sides)})" for name, sides in entry.contents()))
