"""The ``deltaroi`` command: a thin wrapper over the Python API.

Exit codes: 0 done · 1 bug · 2 usage · 3 study file · 4 data · 5 finished, but an input was unreadable or failing.
"""

from __future__ import annotations

import sys
import traceback

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
from deltaroi.cli.options import show_version
from deltaroi.cli.progress import say, told
from deltaroi.errors import DeltaroiError, UsageError

app = typer.Typer(
    rich_markup_mode=None, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Did the response of a brain region change with training, and more so than in the control group?",
)
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
    code = _run(sys.argv[1:] if arguments is None else arguments)
    try:
        told()
    except UsageError as error:
        say(f"deltaroi: {error}")
        code = code or error.exit_code
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    try:
        app(args=arguments, prog_name="deltaroi")
        return 0
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    except DeltaroiError as error:
        say(f"deltaroi: {error}")
        return error.exit_code
    except BrokenPipeError:
        return 0
    except Exception:
        say(traceback.format_exc())
        say("deltaroi: this is a bug; please report it with the lines above and the output of `deltaroi info`")
        return 1
