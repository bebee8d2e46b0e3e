"""The ``deltaroi`` command: a thin wrapper over the Python API.

Exit codes: 0 done · 1 bug · 2 usage · 3 study file · 4 data · 5 finished, but an input was unreadable or failing.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence

import typer

from deltaroi.cli import (
    app_command,
    data_commands,
    evidence_commands,
    freeze_commands,
    power_commands,
    published_commands,
    region_commands,
    study_commands,
)
from deltaroi.cli.groups import group
from deltaroi.cli.log import FLAG, failed, logged
from deltaroi.cli.options import show_version
from deltaroi.cli.progress import say, told
from deltaroi.errors import DeltaroiError, UsageError

app = group("Did the response of a brain region change with training, and more so than in the control group?")
study_commands.register(app)
data_commands.register(app)
region_commands.register(app)
power_commands.register(app)
freeze_commands.register(app)
published_commands.register(app)
evidence_commands.register(app)
app_command.register(app)


@app.callback()
def _top(version: bool = typer.Option(False, "--version", callback=show_version, is_eager=True,
                                      help="Show the version and exit.")) -> None:
    pass


def entry(arguments: list[str] | None = None) -> None:
    """Run a command line; the one place where errors become exit codes.

    Parameters
    ----------
    arguments : list of str, optional
        The words after ``deltaroi``; by default those of this process.
    """
    words = sys.argv[1:] if arguments is None else arguments
    sys.exit(logged(words, _answer) if FLAG in words else _answer(words))


def _answer(arguments: Sequence[str]) -> int:
    """Do what a command line says, and see that its results are out."""
    code = _run(arguments)
    try:
        told()
    except UsageError as error:
        code = _report(error, code or error.exit_code)
    return code


def _report(error: DeltaroiError, exit_code: int) -> int:
    """Say what is wrong, or log it; returns the exit code."""
    if not failed(error, exit_code):
        say(f"deltaroi: {error}")
    return exit_code


def _run(arguments: Sequence[str]) -> int:
    try:
        app(args=list(arguments), prog_name="deltaroi")
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except DeltaroiError as error:
        return _report(error, error.exit_code)
    except BrokenPipeError:
        return 0
    except Exception:
        say(traceback.format_exc())
        return _report(DeltaroiError("this is a bug; please report it with the lines above and the output of "
                                     "`deltaroi info`"), 1)
