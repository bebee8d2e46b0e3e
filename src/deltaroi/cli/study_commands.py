"""Commands about a whole study: demo, init, check, run, schema, info."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

import typer

from deltaroi.cli.log import LOG_JSON, outcome, shown
from deltaroi.cli.progress import say, tell


class Backend(StrEnum):
    """Where the work is done."""

    local = "local"
    dask = "dask"


class Until(StrEnum):
    """The last stage that is run."""

    masks = "masks"
    first_level = "first-level"
    responses = "responses"
    effects = "effects"
    report = "report"


OUT = typer.Option(..., "--out", help="Output folder; made if absent, and resumed if it holds this study.")
JOBS = typer.Option(None, "--jobs", min=1, help="Worker processes; default: execution.jobs of the study file.")
BACKEND = typer.Option(None, "--backend", help="Processes of this machine, or Dask; default: execution.backend.")
SCHEDULER = typer.Option(None, "--scheduler", metavar="tcp://HOST:PORT", help="Do the work on the workers of this Dask "
                         "scheduler.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    for function in (demo, init, check, run, schema, info):
        app.command(name=function.__name__)(function)


def demo(out: Path = typer.Argument(..., help="A new or empty folder."),
         jobs: int = typer.Option(2, "--jobs", min=1, help="Worker processes."), log_json: bool = LOG_JSON) -> None:
    """Simulate a small study with a known effect, run everything, and show what was found."""
    from deltaroi.cli.show import demo_lines
    from deltaroi.pipeline.demo import run_demo

    say("deltaroi demo: the data of this demo are simulated")
    with shown(log_json) as progress:
        result = run_demo(out, jobs=jobs, progress=progress)
    outcome(result.run.warnings, result.run.exclusions, result.run.failures)
    for line in demo_lines(result):
        tell(line)
    raise typer.Exit(result.run.exit_code)


def init(bids_dir: Path = typer.Argument(..., help="Folder of the BIDS dataset."),
         derivatives: Path = typer.Option(None, "--derivatives", help="Folder of the fMRIPrep derivatives."),
         out: Path = typer.Option(None, "--out", help="File to write; default: standard output.")) -> None:
    """Write a commented study file prefilled from what a dataset holds."""
    from deltaroi.errors import UsageError
    from deltaroi.pipeline.init_study import init_study

    text = init_study(bids_dir, derivatives, base=out.parent if out else Path.cwd())
    if out is None:
        tell(text.rstrip("\n"))
        return
    if out.exists():
        raise UsageError("the file exists and is not overwritten", where=str(out), hint="choose another name for --out")
    from deltaroi.io.files import atomic_write

    atomic_write(out, text.encode())
    say(f"written: {out}; read it, then `deltaroi check {out}`")


def check(study: Path = typer.Argument(..., help="The study file."), log_json: bool = LOG_JSON) -> None:
    """Show which subjects, runs, events and ROIs will be used or not, and why; computes and writes nothing."""
    from deltaroi.cli.show import check_lines
    from deltaroi.pipeline.check import check as check_study
    from deltaroi.tables import failures

    with shown(log_json) as progress:
        result = check_study(study, progress, jobs=None)
    outcome(result.warnings, result.exclusions, failures(result.plan.exclusions))
    for line in check_lines(result):
        tell(line)
    raise typer.Exit(result.exit_code)


def run(study: Path = typer.Argument(..., help="The study file."), out: Path = OUT, jobs: int = JOBS,
        until: Until = typer.Option(Until.report, "--until", help="Stop after this stage."),
        backend: Backend = BACKEND, scheduler: str = SCHEDULER,
        dry_run: bool = typer.Option(False, "--dry-run", help="Say what would be done; write nothing."),
        log_json: bool = LOG_JSON) -> None:
    """Masks, first level, responses, effects, report; resumes where it was interrupted."""
    from deltaroi.cli.show import dry_run_lines, run_lines
    from deltaroi.pipeline.run import preview
    from deltaroi.pipeline.run import run as run_study

    if dry_run:
        for line in dry_run_lines(preview(study, out)):
            tell(line)
        return
    with shown(log_json) as progress:
        result = run_study(study, out, jobs=jobs, until=until.value, progress=progress,
                           backend=backend.value if backend else None, scheduler=scheduler)
    outcome(result.warnings, result.exclusions, result.failures)
    for line in run_lines(result):
        tell(line)
    raise typer.Exit(result.exit_code)


def schema() -> None:
    """Print the JSON Schema of the study file."""
    import json

    from deltaroi.config.study import Study

    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Study.model_json_schema()}
    tell(json.dumps(document, indent=2, ensure_ascii=False))


def info() -> None:
    """Print the versions that a bug report needs."""
    import platform

    from deltaroi.pipeline.steps import library_versions

    tell(f"python {platform.python_version()} on {platform.system()} {platform.machine()}")
    for name, number in library_versions().items():
        tell(f"{name} {number}")
