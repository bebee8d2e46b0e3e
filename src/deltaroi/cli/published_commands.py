"""Commands about the published designs: studies list, show, init, simulate, replicate."""

from __future__ import annotations

from pathlib import Path

import typer

from deltaroi.cli.groups import group
from deltaroi.cli.log import LOG_JSON, shown
from deltaroi.cli.progress import say, tell
from deltaroi.cli.replicate_command import studies_replicate

NAME = typer.Argument(..., metavar="NAME", help="A published design; `deltaroi studies list` names them.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    studies = group("The seven published designs.")
    studies.command(name="list")(studies_list)
    studies.command(name="show")(studies_show)
    studies.command(name="init")(studies_init)
    studies.command(name="simulate")(studies_simulate)
    studies.command(name="replicate")(studies_replicate)
    app.add_typer(studies, name="studies")


def studies_list() -> None:
    """The published designs: people, sessions, regions, claims."""
    from deltaroi.cli.show_studies import list_lines
    from deltaroi.pipeline.published import catalogue

    for line in list_lines(catalogue()):
        tell(line)


def studies_show(name: str = NAME) -> None:
    """One design: people, what is not stated, contrasts, ROIs, and its claims with the reported numbers."""
    from deltaroi.cli.show_studies import page_lines
    from deltaroi.pipeline.reported import reported_results
    from deltaroi.studies import published

    study = published(name)
    for line in page_lines(study, reported_results(study.claims)):
        tell(line)


def studies_init(name: str = NAME,
                 bids_dir: str = typer.Argument(..., help="Folder of your BIDS dataset, or s3://…"),
                 derivatives: str = typer.Option(None, "--derivatives", help="Folder of its fMRIPrep derivatives, or "
                                                 "s3://…"),
                 out: Path = typer.Option(None, "--out", help="File to write; default: standard output.")) -> None:
    """Write the study file of a published design for your own dataset; what does not match by name is marked."""
    from deltaroi.errors import UsageError
    from deltaroi.pipeline.published_init import MARK, init_published

    text = init_published(name, bids_dir, derivatives, base=out.parent if out else Path.cwd())
    if out is None:
        tell(text.rstrip("\n"))
        return
    if out.exists():
        raise UsageError("the file exists and is not overwritten", where=str(out), hint="choose another name for --out")
    from deltaroi.io.files import atomic_write

    atomic_write(out, text.encode())
    left = f"replace every word that begins with {MARK} (they are listed at its top), then " if MARK in text else ""
    say(f"written: {out}; {left}`deltaroi check {out}`")


def studies_simulate(name: str = NAME, out: Path = typer.Argument(..., help="A new or empty folder."),
                     resolution: float = typer.Option(4.0, "--resolution", min=2, max=12, help="Voxel edge in mm."),
                     seed: int = typer.Option(1, "--seed", min=0, help="Seed of every random draw."),
                     null: bool = typer.Option(False, "--null", help="Plant none of the reported effects."),
                     scale: float = typer.Option(1.0, "--scale", min=0.01, help="Factor on the published number of "
                                                 "people of every group."),
                     jobs: int = typer.Option(1, "--jobs", min=1, help="Worker processes."), log_json: bool = LOG_JSON
                     ) -> None:
    """Simulate a published design at its published n, with the reported effects in it: data, truth and study file."""
    from deltaroi.cli.show_studies import planted_lines
    from deltaroi.pipeline.published import SimulateOptions, simulate_published

    say("deltaroi studies simulate: the data are simulated")
    with shown(log_json) as progress:
        result = simulate_published(name, out, SimulateOptions(resolution, seed, null, scale), jobs=jobs,
                                    progress=progress)
    for line in planted_lines(result):
        tell(line)
