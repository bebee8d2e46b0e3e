"""The command about power."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from deltaroi.cli.log import LOG_JSON, shown
from deltaroi.cli.options import words
from deltaroi.cli.progress import say, tell

if TYPE_CHECKING:
    from deltaroi.pipeline.power import PowerResult


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    app.command(name="power")(power)


def power(study: Path = typer.Argument(..., help="The study file; its data need not exist yet."),
          out: Path = typer.Option(..., "--out", help="Output folder."),
          pilot: Path = typer.Option(None, "--pilot", help="Table of ROI values: SDs and correlations come from it."),
          contrast: str = typer.Option(None, "--contrast", help="Which contrast of the pilot."),
          group_column: str = typer.Option("group", "--group-column", help="Column of the pilot that holds the group."),
          n: str = typer.Option("", "--n", help="Complete subjects per group, with commas; 20/15: by group."),
          effects: str = typer.Option("", "--effects", help="Effects to be found, with commas."),
          criteria: str = typer.Option("", "--criteria", help="uncorrected, holm, max_t (slow), with commas."),
          draws: int = typer.Option(None, "--draws", help="Simulated studies per n and effect."),
          jobs: int = typer.Option(None, "--jobs", min=1, help="Worker processes; never changes a number."),
          log_json: bool = LOG_JSON) -> None:
    """How many subjects the study needs, by simulating its own analysis."""
    from deltaroi.pipeline.power import PowerOptions
    from deltaroi.pipeline.power import power as power_of

    instead: dict[str, Any] = {"n": [_entry(word) for word in words(n)], "criteria": words(criteria),
                               "effects": [_number(word) for word in words(effects)]}
    instead = {key: value for key, value in instead.items() if value}
    if draws is not None:
        instead["draws"] = draws
    with shown(log_json) as progress:
        result = power_of(study, out, PowerOptions(pilot, contrast, group_column, instead), jobs=jobs,
                          progress=progress)
    for line in power_lines(result):
        tell(line)
    say(f"written: {result.page}")


def power_lines(result: PowerResult) -> Iterator[str]:
    """Power by n and effect, what follows, and what was assumed."""
    from deltaroi.cli.show import grid
    from deltaroi.group.power_answers import CRITERIA, share

    table = result.table
    header = ["n", *(f"{effect:.3g} SD" for effect in sorted(set(table["effect_d"])))]
    present = [name for name in CRITERIA if name in set(table["criterion"])]
    for criterion, (said, sentences) in zip(present, result.answers.items(), strict=True):
        yield f"Power, {said}:"
        part = table[table["criterion"] == criterion]
        yield from grid(header, [[str(key[1]), *(share(float(x), 3) for x in rows.sort_values("effect")["power"])]
                                 for key, rows in part.groupby(["n", "n_per_group"], sort=True)])
        yield from sentences
        yield ""
    yield from result.notes


def _entry(word: str) -> int | list[int]:
    parts = [_whole(part) for part in word.split("/")]
    return parts if len(parts) > 1 else parts[0]


def _whole(word: str) -> int:
    from deltaroi.errors import UsageError

    if not word.strip().isdecimal():
        raise UsageError(f"found {word!r}, expected whole numbers", where="--n", hint="--n 10,20,30, or by group: "
                         "--n 20/10,30/15")
    return int(word)


def _number(word: str) -> float:
    from deltaroi.errors import UsageError

    try:
        return float(word)
    except ValueError as error:
        raise UsageError(f"found {word!r}, expected numbers", where="--effects", hint="--effects 0.2,0.5") from error
