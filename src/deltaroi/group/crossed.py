"""A table whose columns are crossed factors within subjects, as contrasts and the factorial that they make."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pandas as pd
from pydantic import ValidationError

from deltaroi.errors import TableError, UsageError, did_you_mean
from deltaroi.specs import Factorial
from deltaroi.tables import columns_hint
from deltaroi.types import NA

NAME = "factorial"
"""What the factorial of a table is called."""


def crossed(table: pd.DataFrame, factors: Mapping[str, tuple[str, ...]], where: str) -> tuple[list[str], Factorial]:
    """The contrast of every row, and the factorial.

    Parameters
    ----------
    table : DataFrame
        Text cells; a column per factor.
    factors : mapping of str to tuple of str
        Column -> its levels in order; none: all, in the order in which the table has them.
    where : str
        The table, for errors.

    Returns
    -------
    contrasts : list of str
        The levels of each row joined by ``_``.
    factorial : Factorial

    Raises
    ------
    UsageError
        A column or a level is not there, or the factors make no design.
    TableError
        A level is missing, or the table has contrasts beside the factors.
    """
    levels: dict[str, list[str]] = {}
    for name, asked in factors.items():
        if name not in table.columns:
            raise UsageError(f"no column '{name}' holds the factor", where=where,
                             hint=did_you_mean(name, table.columns) or columns_hint(table.columns))
        found = list(dict.fromkeys(table[name]))
        if NA in found:
            raise TableError(f"column '{name}' is missing", where=f"{where}, row {list(table[name]).index(NA) + 2}",
                             hint="every row has one level of each factor")
        lacking = [level for level in asked if level not in found]
        if lacking:
            raise UsageError(f"the column '{name}' has no level {', '.join(lacking)}", where=where,
                             hint=f"found: {', '.join(found)}")
        if asked and set(found) - set(asked):
            raise UsageError(f"the column '{name}' also has the level {', '.join(sorted(set(found) - set(asked)))}",
                             where=where, hint="name every level, or take the rows of the others out of the table")
        levels[name] = list(asked or found)
    if "contrast" in table.columns and table["contrast"].nunique() > 1:
        raise TableError("several contrasts stand beside the columns of the factors", where=f"{where}, column contrast",
                         hint="keep the rows of one contrast")
    try:
        design = Factorial(factors=levels, cells={"_".join(cell): list(cell)
                                                  for cell in itertools.product(*levels.values())})
    except ValidationError as error:
        raise UsageError(error.errors()[0]["msg"].removeprefix("Value error, "), where="--factorial") from error
    return ["_".join(cell) for cell in zip(*(table[name] for name in levels), strict=True)], design
