"""The command that replicates a published study: studies replicate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from deltaroi.cli.log import LOG_JSON, outcome, shown
from deltaroi.cli.progress import say, tell

if TYPE_CHECKING:
    from deltaroi.pipeline.replicate import Replication

NAME = typer.Argument(..., metavar="NAME", help="A published design; `deltaroi studies list` names them.")
STUDY = typer.Argument(None, metavar="[STUDY.yaml]", help="Your study file, e.g. by `deltaroi studies init`; without "
                       "it the published design is simulated.")
OUT = typer.Option(..., "--out", help="Output folder; a run in it is resumed.")


def studies_replicate(name: str = NAME, study: Path = STUDY, out: Path = OUT,
                      jobs: int = typer.Option(None, "--jobs", min=1, help="Worker processes; never changes a number."),
                      resolution: float = typer.Option(None, "--resolution", min=2, max=12, help="Simulation: voxel "
                                                       "edge in mm; 4 by default."),
                      seed: int = typer.Option(None, "--seed", min=0, help="Simulation: its seed; 1 by default."),
                      null: bool = typer.Option(False, "--null", help="Simulation: plant no reported effect."),
                      scale: float = typer.Option(None, "--scale", min=0.01, help="Simulation: factor on the published "
                                                  "number of people; 1 by default."),
                      log_json: bool = LOG_JSON) -> None:
    """Run a published study's analysis on simulated or your own data; a card says, claim by claim, what replicates."""
    from deltaroi.pipeline.published import SimulateOptions
    from deltaroi.pipeline.replicate import replicate

    asked = {"resolution_mm": resolution, "seed": seed, "scale": scale}
    given = {key: value for key, value in asked.items() if value is not None}
    simulate = SimulateOptions(null=null, **given) if given or null else None  # type: ignore[arg-type]
    if study is None:
        say("deltaroi studies replicate: no study file is given, so the data are simulated")
    with shown(log_json) as progress:
        result = replicate(name, out, study, simulate=simulate, jobs=jobs, progress=progress)
    outcome(result.run.warnings, result.run.exclusions, result.run.failures)
    for line in card_lines(result):
        tell(line)
    say(f"written: {result.page}")
    raise typer.Exit(result.exit_code)


def card_lines(result: Replication) -> Iterator[str]:
    """The claims with their verdicts, and how often each was given."""
    from deltaroi.cli.show import grid, number, p_value

    if result.simulated:
        yield "SIMULATED DATA: nothing below is evidence about people."
    rows = result.table.to_dict("records")
    header = ["claim", "reported", "new", "95 % CI", "p", "n", "verdict"]
    yield from grid(header, [[r["claim"], _size(r["reported"], r["reported_kind"]), _size(r["new"], r["new_kind"]),
                              f"[{number(r['new_low'], 2)}, {number(r['new_high'], 2)}]" if r["new_low"] == r["new_low"]
                              else "", p_value(r["new_p"]),
                              " + ".join(f"{n:.0f}" for n in (r["new_n_first"], r["new_n_second"]) if n == n),
                              r["verdict"]] for r in rows])
    yield ""
    for word, count in result.table["verdict"].value_counts(sort=False).items():
        yield f"{word}: {count}"
    for row in rows:
        if row["verdict"] == "not testable":
            yield f"not testable: {row['claim']}: {row['problem']}"
    if result.run.exit_code == 5:
        yield "at least one subject or run was lost to an unreadable or failing input; see results/group/exclusions.tsv"


def _size(value: float, kind: str) -> str:
    return f"{kind.replace('_', ' ') if kind != 'g_z' else kind} {value:.2f}" if value == value else "n/a"
