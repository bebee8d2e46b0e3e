"""Group statistics on any long table of ROI values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from deltaroi.errors import DataError, TableError, UsageError, did_you_mean
from deltaroi.group.analysis import analyse
from deltaroi.group.conditions import differences
from deltaroi.group.covariates import DECIMAL_COMMA, comma_number, plain_number
from deltaroi.group.crossed import NAME, crossed
from deltaroi.group.design import GroupDesign, GroupResult
from deltaroi.group.multilevel import require
from deltaroi.group.options import CompareOptions
from deltaroi.io.tsv import read_tsv
from deltaroi.specs import Association, misfits
from deltaroi.tables import columns_hint
from deltaroi.types import NA

_FILLERS = {"specification": "main", "task": NA, "hemisphere": "B", "definition": "as given", "contrast": "value",
            "summary": "as given", "unit": "as given"}
_SCALE = 1e60  # beyond it, or below its inverse, the fourth powers of the effect sizes leave the range of float64


def compare(values: Path | str | pd.DataFrame, options: CompareOptions) -> GroupResult:
    """Test a long table of values.

    Parameters
    ----------
    values : path or DataFrame
        Columns ``subject session region value``, and where they exist ``group hemisphere definition contrast summary
        unit specification task`` and covariates. ``session`` may be absent in a study without sessions. Labels may
        carry their BIDS prefix (``sub-``, ``ses-``).
    options : CompareOptions
        Sessions, groups and how to test.

    Returns
    -------
    GroupResult
        The same effects table as a study has.

    Raises
    ------
    TableError
        A cell cannot be used; names the file, the row (as in the file, the header being row 1) and the column.
    DataError
        No row has a value.
    UsageError
        The sessions or groups asked for do not fit the table.
    StudyError
        ``stats.multilevel`` is asked for without its extra.
    """
    require(options.stats)
    table, where, options = _read(values, options)
    frame, design = _arranged(table, where, options)
    return analyse(frame, design, options.stats, options.family)


def arranged(values: Path | str | pd.DataFrame, options: CompareOptions) -> tuple[pd.DataFrame, GroupDesign]:
    """The table as responses, and its design; see :func:`compare`."""
    return _arranged(*_read(values, options))


def _read(values: Path | str | pd.DataFrame, options: CompareOptions) -> tuple[pd.DataFrame, str, CompareOptions]:
    """The table as text, its name, and the options with the factorial that its columns make."""
    where = str(values) if isinstance(values, (str, Path)) else "values"
    table = read_tsv(Path(values)) if isinstance(values, (str, Path)) else _as_text(values)
    if not options.factorial:
        return table, where, options
    if options.conditions:
        raise UsageError("conditions and factors are given", where="--factorial", hint="give one of them")
    contrasts, design = crossed(table, options.factorial, where)
    stats = options.stats.model_copy(update={"factorials": {NAME: design}})
    return table.assign(contrast=contrasts), where, replace(options, stats=stats)


def _arranged(table: pd.DataFrame, where: str, options: CompareOptions) -> tuple[pd.DataFrame, GroupDesign]:
    options = replace(options, sessions=_once(options.sessions, "--sessions"), groups=_once(options.groups, "--groups"))
    sessions = tuple(label.removeprefix("ses-") for label in options.sessions)
    _require(table, ("subject", "region", "value", *(("session",) if sessions else ())), where)
    frame = pd.DataFrame({
        "subject": [cell.removeprefix("sub-") for cell in _present(table, "subject", where)],
        "region": _present(table, "region", where),
        "value": _numbers(table["value"], where),
        "session": _sessions(table, sessions, where),
    })
    for name, filler in _FILLERS.items():
        cells = table[name] if name in table.columns else [NA] * len(table)
        frame[name] = [filler if cell == NA else cell for cell in cells]
    people = _participants(options, where)
    frame["group"] = _labels(frame, table, people, options, where)
    _no_repeats(frame, where)
    entering = _columns(frame, table, people, (*options.covariates, *([options.strata] if options.strata else [])),
                        where)
    associations = _associations(options, sessions)
    columns = tuple(dict.fromkeys(name for one in associations.values() for name in one.columns))
    scores = _columns(frame, table, people, columns, where)
    design = GroupDesign(sessions, options.groups or None, options.assignment,
                         entering[list(options.covariates)] if options.covariates else None,
                         entering[options.strata] if options.strata else None, associations, scores)
    if options.conditions:
        frame = differences(frame, _once(options.conditions, "--conditions"), where)
    return frame, design


def _associations(options: CompareOptions, sessions: tuple[str, ...]) -> Mapping[str, Association]:
    """The associations by name; of columns alone, the change, or without two sessions the value."""
    given = options.associations
    if not isinstance(given, Mapping):
        outcome: Literal["change", "last"] = "change" if len(sessions) > 1 else "last"
        given = {name: Association(column=name, outcome=outcome) for name in _once(given, "--associations")}
    wrong = misfits(given, options.groups, sessions)
    if wrong:
        raise UsageError(wrong[0], where="--associations")
    return given


def _as_text(values: pd.DataFrame) -> pd.DataFrame:
    """A table in memory as if it had been read: text cells, n/a for missing, fresh index."""
    missing = ("", "n/a", "nan", "none", "<na>")
    cells = {str(name): [NA if pd.isna(cell) or str(cell).strip().lower() in missing else _text(cell)
                         for cell in values[name]] for name in values.columns}
    return pd.DataFrame(cells, dtype="str")


def _text(cell: object) -> str:
    return repr(float(cell)) if isinstance(cell, (float, np.floating)) else str(cell).strip()


def _require(table: pd.DataFrame, names: tuple[str, ...], where: str) -> None:
    lacking = [name for name in names if name not in table.columns]
    if lacking:
        raise TableError(f"no column {', '.join(map(repr, lacking))}", where=where, hint=columns_hint(table.columns))
    if table.empty:
        raise TableError("the table has no rows", where=where)


def _present(table: pd.DataFrame, name: str, where: str) -> list[str]:
    for i, cell in enumerate(table[name]):
        if cell == NA:
            raise TableError(f"column '{name}' is missing", where=f"{where}, row {i + 2}")
    return list(table[name])


def _numbers(cells: pd.Series, where: str) -> list[float]:
    numbers = [plain_number(cell) for cell in cells]
    for i, (cell, number) in enumerate(zip(cells, numbers, strict=True)):
        if cell != NA and not np.isfinite(number):
            raise TableError(f"column 'value' holds {cell!r}, not a finite number", where=f"{where}, row {i + 2}",
                             hint=DECIMAL_COMMA if comma_number(cell) else "write n/a where a value is missing")
    if np.isnan(numbers).all():
        raise DataError("no row has a value", where=f"{where}, column 'value'")
    largest = float(np.nanmax(np.abs(numbers)))
    if largest > _SCALE or 0 < largest < 1 / _SCALE:
        raise TableError(f"the largest number is {largest:.3g}, which cannot be computed with",
                         where=f"{where}, column 'value'", hint="give the values in another unit")
    return numbers


def _once(labels: tuple[str, ...], option: str) -> tuple[str, ...]:
    """The labels as text, each of which must stand once."""
    if isinstance(labels, str):
        raise UsageError(f"found the text {labels!r}", where=option, hint="give a tuple of labels")
    texts = tuple(str(label) for label in labels)
    if len(set(texts)) != len(texts):
        raise UsageError(f"a label stands twice: {', '.join(texts)}", where=option, hint="name each one once")
    return texts


def _found(lacking: list[str], found: list[str]) -> str:
    """A hint: what is there, and what was probably meant."""
    return " ".join([*filter(None, [did_you_mean(lacking[0], found)]), f"found: {', '.join(found) or 'none'}"])


def _sessions(table: pd.DataFrame, sessions: tuple[str, ...], where: str) -> list[str]:
    if "session" not in table.columns:
        return [NA] * len(table)
    labels = [cell.removeprefix("ses-") for cell in table["session"]]
    found = sorted(set(labels))
    lacking = [label for label in sessions if label not in found]
    if lacking:
        raise UsageError(f"no session {', '.join(lacking)} in the table", where=where, hint=_found(lacking, found))
    if not sessions and len(found) > 1:
        raise UsageError(f"the table has the sessions {', '.join(found)}", where=where,
                         hint="say which ones to compare, in time order: --sessions pre,post")
    return labels


def _participants(options: CompareOptions, where: str) -> pd.DataFrame | None:
    """The participants table by subject, or None."""
    if options.participants is None:
        return None
    given = options.participants
    place = "participants" if isinstance(given, pd.DataFrame) else str(given)
    table = _as_text(given) if isinstance(given, pd.DataFrame) else read_tsv(Path(given))
    _require(table, ("participant_id",), place)
    table["participant_id"] = [cell.removeprefix("sub-") for cell in table["participant_id"]]
    twice = table["participant_id"].duplicated()
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise TableError(f"participant {table['participant_id'][row]} stands twice", where=f"{place}, row {row + 2}")
    return table.set_index("participant_id")


def _labels(frame: pd.DataFrame, table: pd.DataFrame, people: pd.DataFrame | None, options: CompareOptions,
            where: str) -> list[str]:
    """The group of every row."""
    column = options.group_column
    if people is not None and column in people.columns:
        known = people[column].to_dict()
        labels = [str(known.get(subject, NA)) for subject in frame["subject"]]
        _same_people(frame, people, where)
    elif column in table.columns:
        labels = list(table[column])
    elif options.groups:
        names = table.columns if people is None else people.columns
        raise UsageError(f"no column '{column}' holds the groups", where=where if people is None else "participants",
                         hint="name it with --group-column, or give --participants; "
                              f"{did_you_mean(column, names) or columns_hint(names)}")
    else:
        return [NA] * len(frame)
    found = sorted(set(labels) - {NA})
    if not options.groups and len(found) > 1:
        raise UsageError(f"the table has the groups {', '.join(found)}", where=where,
                         hint="say who is compared with whom, reference last: --groups " + ",".join(found[:2]))
    first: dict[str, str] = {}
    for i, (subject, label) in enumerate(zip(frame["subject"], labels, strict=True)):
        if first.setdefault(subject, label) != label:
            raise TableError(f"subject {subject} is in group {label} here and in {first[subject]} before",
                             where=f"{where}, row {i + 2}, column '{column}'")
    lacking = [label for label in options.groups if label not in found]
    if lacking:
        raise UsageError(f"no subject is in group {', '.join(lacking)}", where=where, hint=_found(lacking, found))
    return labels


def _same_people(frame: pd.DataFrame, people: pd.DataFrame, where: str) -> None:
    ours, theirs = sorted(set(frame["subject"])), [str(name) for name in people.index]
    if not set(ours) & set(theirs):
        raise UsageError("none of its subjects is in the participants table", where=where,
                         hint=f"the subjects are {', '.join(ours[:3])}, ...; the participants {', '.join(theirs[:3])}, "
                              "...: labels must be equal, leading zeros and all")


def _no_repeats(frame: pd.DataFrame, where: str) -> None:
    key = ["specification", "subject", "session", "task", "region", "hemisphere", "definition", "contrast", "summary"]
    twice = frame.duplicated(key)
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        cells = ", ".join(f"{name} {frame[name][row]}" for name in ("subject", "session", "region"))
        raise TableError(f"a second value for {cells}", where=f"{where}, row {row + 2}",
                         hint="one row per subject, session and region (and hemisphere, contrast, ... if given)")


def _columns(frame: pd.DataFrame, table: pd.DataFrame, people: pd.DataFrame | None, names: tuple[str, ...],
             where: str) -> pd.DataFrame:
    """One row per subject with the columns asked for."""
    subjects = sorted(set(frame["subject"]))
    columns: dict[str, list[str]] = {}
    for name in names:
        if people is not None and name in people.columns:
            known = people[name].to_dict()
        elif name in table.columns:
            known = {}
            for i, (subject, cell) in enumerate(zip(frame["subject"], table[name], strict=True)):
                if known.setdefault(subject, cell) != cell:
                    raise TableError(f"subject {subject} has {cell!r} here and {known[subject]!r} before",
                                     where=f"{where}, row {i + 2}, column '{name}'")
        else:
            known_names = [*table.columns, *([] if people is None else people.columns)]
            raise UsageError(f"no column '{name}' holds the covariate, stratum or score", where=where,
                             hint=did_you_mean(name, known_names) or columns_hint(known_names))
        columns[name] = [str(known.get(subject, NA)) for subject in subjects]
    return pd.DataFrame(columns, index=subjects)
