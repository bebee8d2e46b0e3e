"""The published results as lines of plain text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Hashable, Iterator
from typing import Any

import pandas as pd

from deltaroi.cli.show import number
from deltaroi.cli.show_regions import aligned
from deltaroi.evidence import VERDICTS
from deltaroi.report.words import plural
from deltaroi.types import NA

_WIDE = 118
_LISTED = {"contradiction": "Contradictions", "omission": "Omissions"}


def list_lines(evidence: pd.DataFrame, sizes: pd.DataFrame) -> Iterator[str]:
    """One line per result, and how many have an effect size."""
    numbers = sizes[["id", "ci_low", "ci_high"]].assign(size=sizes["effect_size"], size_kind=sizes["kind"])
    table = evidence.merge(numbers, on="id")
    rows = [[row["id"], row["kind"], _side(row), row["groups"], row["direction"], _statistic(row), _p(row), _size(row)]
            for row in table.to_dict("records")]
    yield from aligned(["id", "kind", "region", "groups", "direction", "statistic", "p", "effect size [95 % CI]"], rows,
                       texts=8)
    yield ""
    yield f"{plural(len(table), 'result')} of {plural(table['study'].nunique(), 'study', 'studies')}, " \
          f"{int(table['size'].notna().sum())} with an effect size"


def _side(row: dict[Hashable, Any]) -> str:
    if row["partner"] != NA:
        return f"{row['region']}-{row['partner']}"
    return row["region"] if row["hemisphere"] == NA else f"{row['region']} {row['hemisphere']}"


def _statistic(row: dict[Hashable, Any]) -> str:
    if pd.isna(row["value"]):
        return "-"
    df = ",".join(f"{row[name]:g}" for name in ("df1", "df2") if not pd.isna(row[name]))
    return f"{row['statistic_kind']}{f'({df})' if df else ''} {row['value_relation']} {_printed(row, 'value')}"


def _p(row: dict[Hashable, Any]) -> str:
    return "-" if pd.isna(row["p"]) else f"{row['p_relation']} {_printed(row, 'p')}"


def _printed(row: dict[Hashable, Any], name: str) -> str:
    return f"{row[name]:.{int(row[f'{name}_decimals'])}f}"


def _size(row: dict[Hashable, Any]) -> str:
    if pd.isna(row["size"]):
        return "-"
    interval = "" if pd.isna(row["ci_low"]) else f" [{number(row['ci_low'], 2)}, {number(row['ci_high'], 2)}]"
    return f"{row['size_kind']} {number(row['size'], 2)}{interval}"


def finding_lines(findings: pd.DataFrame) -> Iterator[str]:
    """How many findings of each verdict, then every contradiction and omission with its calculation."""
    counts = findings["verdict"].value_counts()
    yield f"{plural(len(findings), 'comparison')}:"
    yield from (f"  {verdict:<18} {counts.get(verdict, 0):>4}" for verdict in VERDICTS)
    for verdict, heading in _LISTED.items():
        rows = findings[findings["verdict"] == verdict]
        yield ""
        yield f"{heading} ({len(rows)}):"
        for row in rows.to_dict("records"):
            yield from _finding(row)


def _finding(row: dict[Hashable, Any]) -> Iterator[str]:
    concerns = "" if row["concerns"] == NA else f" ({row['concerns']})"
    yield f"- {row['study']}, {row['kind']}: {str(row['quantity']).replace('_', ' ')}{concerns}"
    for text in (f"{row['place_1']}: {row['stated_1']}", f"{row['place_2']}: {row['stated_2']}", row["arithmetic"],
                 row["finding"]):
        yield from textwrap.wrap(str(text), _WIDE, initial_indent="    ", subsequent_indent="      ")
