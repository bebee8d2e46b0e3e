"""Group × condition: the difference between two conditions of the same subjects is one value to be compared."""

from __future__ import annotations

import pandas as pd

from deltaroi.errors import DataError, UsageError

_KEY = ["specification", "subject", "session", "task", "region", "hemisphere", "definition", "summary", "group", "unit"]


def differences(frame: pd.DataFrame, conditions: tuple[str, ...], where: str) -> pd.DataFrame:
    """Values of the first condition minus those of the second, under the contrast ``first-second``.

    A value that lacks either condition is missing. Tested between groups the difference is the interaction group ×
    condition, F = t² (R: ``afex::aov_ez`` with a within factor of two levels).

    Parameters
    ----------
    frame : DataFrame
        Columns ``specification subject session task region hemisphere definition contrast summary group unit value``.
    conditions : tuple of str
        Two values of the column ``contrast``.
    where : str
        The table, for errors.

    Raises
    ------
    UsageError
        There are not two conditions, or the table lacks one.
    DataError
        Nobody has both conditions.
    """
    if len(conditions) != 2:
        raise UsageError(f"{len(conditions)} conditions are named", where="--conditions",
                         hint="name two of the column contrast; their difference is tested")
    known = sorted(set(frame["contrast"]))
    lacking = [name for name in conditions if name not in known]
    if lacking:
        raise UsageError(f"no condition {', '.join(lacking)} in the column contrast", where=where,
                         hint=f"found: {', '.join(known)}")
    first, second = (frame[frame["contrast"] == name].set_index(_KEY)["value"] for name in conditions)
    both = pd.concat([first, second], axis=1, keys=["first", "second"])
    value = both["first"] - both["second"]
    if value.isna().all():
        raise DataError("nobody has a value in both conditions", where=where)
    return value.rename("value").reset_index().assign(contrast="-".join(conditions))
