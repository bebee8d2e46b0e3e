"""What a group of commands is."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperGroup


class _Group(TyperGroup):
    """A group whose own ``--help`` is off when it is not given: ``deltaroi run --help`` asks nothing of it.

    Without that value typer imports pydantic to convert None.
    """

    def get_help_option(self, ctx: Any) -> Any:
        option = super().get_help_option(ctx)
        if option is not None:
            option.default = False
        return option


def group(text: str) -> typer.Typer:
    """A group of commands without rich markup, which lists them when it is called alone.

    Parameters
    ----------
    text : str
        What it is, for its help.
    """
    return typer.Typer(cls=_Group, rich_markup_mode=None, no_args_is_help=True, add_completion=False,
                       pretty_exceptions_enable=False, help=text,
                       context_settings={"help_option_names": ["-h", "--help"]})
