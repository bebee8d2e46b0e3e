"""Commands about ready-made values and maps: compare, measure."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from deltaroi.cli.options import as_option, from_options, words
from deltaroi.cli.progress import say, tell


class Assignment(StrEnum):
    """How people came into their group."""

    randomised = "randomised"
    preexisting = "preexisting"


class Variance(StrEnum):
    """Which standard errors are primary."""

    robust = "robust"
    hc3 = "hc3"
    classical = "classical"


class Arrangements(StrEnum):
    """How subjects are rearranged."""

    auto = "auto"
    permutations = "permutations"
    sign_flips = "sign_flips"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="compare")(compare)
    app.command(name="measure")(measure)


def compare(values: Path = typer.Argument(..., help="Long table: subject session region value (+ group)."),
            out: Path = typer.Option(..., "--out", help="Output folder."),
            sessions: str = typer.Option("", "--sessions", help="Sessions in time order, with commas."),
            groups: str = typer.Option("", "--groups", help="Groups, intervention first, reference last."),
            assignment: Assignment = typer.Option(Assignment.randomised, "--assignment",
                                                  help="How people came into their group."),
            variance: Variance = typer.Option(Variance.robust, "--variance", help="Which errors lead."),
            permutations: int = typer.Option(10000, "--permutations", min=0, help="Max-T arrangements; 0: none."),
            arrangements: Arrangements = typer.Option(Arrangements.auto, "--arrangements",
                                                      help="How subjects are rearranged."),
            seed: int = typer.Option(20260101, "--seed", min=0, help="Seed of the permutations."),
            participants: Path = typer.Option(None, "--participants", help="Table with participant_id and the group."),
            group_column: str = typer.Option("group", "--group-column", help="Column that holds the group."),
            covariates: str = typer.Option("", "--covariates", help="Columns that enter the model, with commas."),
            strata: str = typer.Option(None, "--strata", help="Column of strata, e.g. site."),
            conditions: str = typer.Option("", "--conditions", help="Two contrasts, A,B: their difference is tested."),
            factorial: list[str] = typer.Option([], "--factorial", help="A column that is a factor within subjects, "
                                                "e.g. state or state=compassion,rest (its levels in order); once per "
                                                "factor."),
            associations: str = typer.Option("", "--associations", help="Columns of scores, with commas: is the change "
                                             "associated with them?"),
            bound: float = typer.Option(0.3, "--equivalence-bound-d", min=0.001, max=100,
                                        help="Bound in baseline SDs."),
            multilevel: bool = typer.Option(False, "--multilevel", help="Also a multilevel model (an extra)."),
            ) -> None:
    """Group statistics on any table of ROI values."""
    from deltaroi.cli.show import effects_lines, left_out_lines
    from deltaroi.group import CompareOptions
    from deltaroi.group import compare as compare_values
    from deltaroi.specs import GroupStats
    from deltaroi.tables import exclusion_frame

    options = CompareOptions(
        sessions=tuple(words(sessions)), groups=tuple(words(groups)), assignment=assignment.value,
        participants=participants, group_column=group_column, covariates=tuple(words(covariates)),
        strata=strata, conditions=tuple(words(conditions)), factorial=_factors(factorial),
        associations=tuple(words(associations)),
        stats=GroupStats(variance=variance.value, permutations=permutations, arrangements=arrangements.value, seed=seed,
                         equivalence_bounds_d=bound, multilevel=multilevel))
    with from_options():
        result = compare_values(values, options)
    result.write(out)
    for line in effects_lines(result.effects, result.warnings):
        tell(line)
    for line in left_out_lines(exclusion_frame(result.exclusions)):
        say(line)
    if result.exit_code:
        say("deltaroi: no ROI could be tested; the lines 'left out' say why")
    say(f"written: {out / 'effects.tsv'}; beside it {', '.join(f'{name}.tsv' for name in result.beside)}")
    raise typer.Exit(result.exit_code)


def _factors(given: list[str]) -> dict[str, tuple[str, ...]]:
    """``state=compassion,rest`` as column and levels."""
    parts = [text.partition("=") for text in given]
    return {name.strip(): tuple(words(levels)) for name, _, levels in parts}


def measure(maps: Path = typer.Argument(..., help="Table: subject session contrast path [variance_path]."),
            out: Path = typer.Option(..., "--out", help="Output folder."),
            regions: str = typer.Option("", "--regions", help="Region names, with commas."),
            definition: str = typer.Option("hcpex", "--definition", help="How they are drawn; with commas."),
            threshold: str = typer.Option(None, "--threshold", help="For probabilistic definitions: a probability, or "
                                          "weighted; default: the definition's own."),
            hemispheres: str = typer.Option("L,R", "--hemispheres", help="L, R, B, with commas."),
            space: str = typer.Option("not stated", "--space", help="Template space of the maps."),
            sphere: str = typer.Option(None, "--sphere", help="x,y,z,radius in mm; write --sphere=-51.5,22.5,22.5,6"),
            labels: Path = typer.Option(None, "--labels", help="A label image."),
            names: Path = typer.Option(None, "--names", help="Its table of names: index name [hemisphere]."),
            summary: str = typer.Option("auto", "--summary", help="auto, mean, median, weighted_mean, partial_volume"),
            minimum_coverage: float = typer.Option(0.5, "--minimum-coverage", min=0, max=1,
                                                   help="Least share of an ROI inside the map.")) -> None:
    """ROI values from contrast maps that exist already."""
    from deltaroi.cli.show import left_out_lines, transfer_lines
    from deltaroi.measuring import MeasureOptions
    from deltaroi.measuring import measure as measure_maps

    options = MeasureOptions(
        regions=tuple(words(regions)), definition=tuple(words(definition)), hemispheres=tuple(words(hemispheres)),
        space=space, sphere=sphere, labels=labels, names=names, summary=summary, minimum_coverage=minimum_coverage,
        threshold=threshold)
    with from_options():
        result = measure_maps(maps, options)
    result.write(out)
    for warning in result.warnings:
        say(f"warning: {as_option(warning)}")
    for line in transfer_lines(result.transfers):
        say(line)
    for line in left_out_lines(result.exclusions):
        say(line)
    count = int(result.responses["value"].notna().sum())
    tell(f"{count} values, {len(result.exclusions)} exclusions")
    if not count:
        say("deltaroi: no map gave a value; the lines 'left out' say why")
    say(f"written: {out / 'responses.tsv'}")
    raise typer.Exit(result.exit_code)
