"""The BIDS-App form of the command line: app."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand

from deltaroi.cli.log import LOG_JSON, outcome, shown
from deltaroi.cli.options import show_version
from deltaroi.cli.progress import say, tell


class Level(StrEnum):
    """The level of analysis of a BIDS-App."""

    participant = "participant"
    group = "group"


_SEVERAL = ("--participant-label", "--participant_label", "--session-label", "--session_label")


class SeveralWords(TyperCommand):
    """A command whose options of labels take several words, as those of BIDS-Apps do: ``--participant-label 01 02``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give every word its option."""
        return super().parse_args(ctx, spread(args))


def spread(words: list[str]) -> list[str]:
    """``--participant-label 01 02`` as ``--participant-label 01 --participant-label 02``.

    Words up to the next option are labels, but for the three positional words where they come last.
    """
    options, rest, place = [], [], 0
    while place < len(words):
        word = words[place]
        place += 1
        if word not in _SEVERAL:
            rest.append(word)
            continue
        labels = []
        while place < len(words) and not words[place].startswith("-"):
            labels.append(words[place])
            place += 1
        if len(labels) > 3 and labels[-1] in list(Level):
            rest, labels = [*rest, *labels[-3:]], labels[:-3]
        options += [part for label in labels for part in (word, label)] or [word]
    return [*options, *rest]


BIDS_DIR = typer.Argument(..., metavar="BIDS_DIR", help="The BIDS dataset; takes the place of that of the study file.")
OUT = typer.Argument(..., metavar="OUT", help="Output folder, which all participants and the group share.")
LEVEL = typer.Argument(..., metavar="{participant|group}", help="participant: ROIs, first level and responses, safe "
                       "beside others who write into OUT; group: everything else.")
STUDY = typer.Option(None, "--study", help="The study file: what is analysed, and how; default: the only "
                     "BIDS_DIR/code/deltaroi*.yaml.")
DERIVATIVES = typer.Option(None, "-d", "--derivatives", help="Folder of the fMRIPrep derivatives; default: that of the "
                           "study file.")
PARTICIPANTS = typer.Option(None, "--participant-label", "--participant_label", metavar="LABEL...", help="Only these "
                            "participants, with or without sub-; default: all. For the participant level.")
SESSIONS = typer.Option(None, "--session-label", "--session_label", metavar="LABEL...", help="Only the runs of these "
                        "sessions, with or without ses-: fits them, and leaves responses for later.")
TASK = typer.Option(None, "--task-id", "-t", help="The task, which must be that of the study file.")
CPUS = typer.Option(None, "--n-cpus", "--n_cpus", "--nprocs", "--nthreads", min=1, help="Worker processes; default: "
                    "execution.jobs of the study file.")
SKIP = typer.Option(False, "--skip-bids-validation", "--skip_bids_validator", help="Accepted because BIDS-Apps have "
                    "it: no validator is run; what a dataset lacks is named.")
VERSION = typer.Option(False, "-v", "--version", callback=show_version, is_eager=True,
                       help="Show the version and exit.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(name="app", cls=SeveralWords)(bids_app)


def bids_app(bids_dir: str = BIDS_DIR, out: Path = OUT, level: Level = LEVEL, study: Path = STUDY,
             derivatives: str = DERIVATIVES, participant_label: list[str] = PARTICIPANTS,
             session_label: list[str] = SESSIONS, task_id: str = TASK, n_cpus: int = CPUS,
             skip_bids_validation: bool = SKIP, log_json: bool = LOG_JSON, version: bool = VERSION) -> None:
    """The BIDS-App form, for containers and for array jobs of a cluster."""
    from deltaroi.cli.show import computed_lines, participant_lines, run_lines
    from deltaroi.pipeline import app as levels

    options = levels.AppOptions(study, derivatives, tuple(participant_label or ()), tuple(session_label or ()),
                                task_id, n_cpus)
    if level is Level.participant:
        with shown(log_json) as progress:
            done = levels.participant(bids_dir, out, options, progress)
        outcome(done.warnings, done.exclusions, done.failures)
        for line in participant_lines(done):
            tell(line)
        raise typer.Exit(done.exit_code)
    with shown(log_json) as progress:
        result = levels.group(bids_dir, out, options, progress)
    outcome(result.warnings, result.exclusions, result.failures)
    for line in computed_lines(result):
        say(line)
    for line in run_lines(result):
        tell(line)
    raise typer.Exit(result.exit_code)
