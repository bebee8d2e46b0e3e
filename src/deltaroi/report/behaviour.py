"""The report's section on behaviour, and its methods text, from the tables of the measures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import said
from deltaroi.report.data import ALPHA, Output, Row, beside, in_order, records
from deltaroi.report.figures.raincloud import Cloud, raincloud
from deltaroi.report.listing import Table, comparison, people, with_status
from deltaroi.report.pictures import Picture, picture
from deltaroi.tables import BEHAVIOUR, BEHAVIOUR_EFFECTS
from deltaroi.types import NA


@dataclass(frozen=True)
class Measured:
    """One measure on the page: its values, what the primary row says, every leading row."""

    name: str
    picture: Picture
    said: tuple[str, ...]
    tests: Table


def behaviour_parts(output: Output) -> tuple[Measured, ...]:
    """The measures, in the study's order."""
    values, effects = beside(output, BEHAVIOUR), beside(output, BEHAVIOUR_EFFECTS)
    names = in_order(values["measure"], output.study.behaviour)
    return tuple(_measured(output, name, i, values[values["measure"] == name],
                           effects[effects["measure"] == name].reset_index(drop=True)) for i, name in enumerate(names))


def _measured(output: Output, name: str, number: int, values: pd.DataFrame, effects: pd.DataFrame) -> Measured:
    cloud = _cloud(output, name, values)
    n = words.plural(values.loc[values["value"].notna(), "subject"].nunique(), "subject")
    drawn = picture(raincloud(cloud), f"behaviour-{number}", f"Values of {name} in {cloud.unit}, {n}, by group.")
    return Measured(name, drawn, tuple(map(said, records(effects[effects["primary"]]))), _tests(name, effects))


def _cloud(output: Output, name: str, values: pd.DataFrame) -> Cloud:
    groups = in_order(values["group"], output.study.groups.levels if output.study.groups else ()) or (NA,)
    sessions = in_order(values["session"], output.study.dataset.sessions) or (NA,)
    arrays = []
    for group in groups:
        wide = values[values["group"] == group].pivot(index="subject", columns="session", values="value")
        arrays.append(wide.reindex(columns=list(sessions)).to_numpy(dtype=np.float64))
    unit = str(values["unit"].iloc[0])
    return Cloud(name, tuple(arrays), tuple("" if g == NA else g for g in groups),
                 tuple("" if s == NA else s for s in sessions), "value" if unit == "as given" else unit)


def _tests(name: str, effects: pd.DataFrame) -> Table:
    columns = ("Model", "Term", "Comparison", "SE", "n", "Estimate [95 % CI]", "t or F", "df", "p", "p by permutation",
               "Effect size [CI]", "BF10")
    frame = effects.sort_values("primary", ascending=False, kind="stable")
    rows = [(str(words.MODELS.get(row["model"], row["model"])), words.term(row["term"]), comparison(row["comparison"]),
             str(words.ERRORS.get(row["se_kind"], row["se_kind"])), people(row), _estimate(row),
             f"{row['statistic_kind']} = {words.number(row['statistic'])}", words.degrees(row["df"]),
             words.p_value(row["p"]), words.p_value(row["p_fwe"]), _size(row), words.number(row["bf10"]))
            for row in records(frame)]
    marked = [i for i, row in enumerate(records(frame)) if row["primary"] and _p(row) < ALPHA]
    unit = f" ({effects['unit'].iloc[0]})" if len(effects) and effects["unit"].iloc[0] != "as given" else ""
    table = Table(f"{name}{unit}: every test; the primary one first.", columns, tuple(rows),
                  frozenset(range(4, len(columns))), frozenset(marked))
    return with_status(table, frame["status"])


def _p(row: Row) -> float:
    return float(row["p_fwe"] if math.isfinite(row["p_fwe"]) else row["p"])


def _estimate(row: Row) -> str:
    if not math.isfinite(row["estimate"]):
        return NA
    return f"{row['estimate']:.3g} [{row['ci_low']:.3g}, {row['ci_high']:.3g}]".replace("-", "\N{MINUS SIGN}")


def _size(row: Row) -> str:
    if not math.isfinite(row["effect_size"]):
        return NA
    kind = words.EFFECT_SIZES.get(row["effect_size_kind"], row["effect_size_kind"])
    return f"{kind} {words.number(row['effect_size'])} {words.interval(row['es_ci_low'], row['es_ci_high'])}".rstrip()


def behaviour_text(output: Output) -> str:
    """How behaviour was analysed, for the methods."""
    effects = beside(output, BEHAVIOUR_EFFECTS)
    primary = effects[effects["primary"]] if len(effects) else effects
    if primary.empty:
        return ""
    parts = [f"{row['measure']} by {words.MODELS.get(row['model'], row['model'])} "
             f"({words.ERRORS.get(row['se_kind'], row['se_kind'])} standard errors, {comparison(row['comparison'])}, "
             f"n = {words.count(row['n'])})" for row in records(primary)]
    return (f"Measures of the subjects were analysed as the responses were: {words.listed(parts)}. Everybody whom the "
            "study's rules keep takes part, also those without a usable run; each measure is a family of its own, not "
            "corrected for the number of measures.")


def behaviour_section(output: Output) -> dict[str, Any]:
    """What the template needs."""
    return {"behaviour": behaviour_parts(output)}
