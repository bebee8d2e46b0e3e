"""The report's sections on associations and reliability, from their tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import holds, said
from deltaroi.report.data import ROI, Output, Row, beside, records, roi_of
from deltaroi.report.figures.association import Cluster, Scatter, scatter
from deltaroi.report.listing import Table, comparison, people, with_status
from deltaroi.report.locked import tag
from deltaroi.report.pictures import Panel, Picture, picture
from deltaroi.tables import ASSOCIATIONS, POINTS, RELIABILITY, SLOPES
from deltaroi.types import NA

OUTCOMES = {"change": "change from {first} to {last}", "baseline": "response at {first}", "last": "response at {last}"}
MEASURES = {"icc_3_1": "ICC(3,1) across sessions", "split_half": "odd and even runs", "change": "change, by halves"}


@dataclass(frozen=True)
class Part:
    """One association on the page: what was asked, pictures and sentences per contrast, its tables."""

    name: str
    asked: str
    panels: tuple[Panel, ...]
    said: tuple[tuple[str, tuple[str, ...]], ...]
    details: tuple[tuple[str, tuple[str, ...]], ...]
    tests: Table
    correlations: Table


def associated(output: Output) -> dict[str, Any]:
    """What the template needs for both sections."""
    tables = {schema.name: beside(output, schema) for schema in (ASSOCIATIONS, SLOPES, POINTS)}
    names = [name for name in output.study.associations if name in set(tables["associations"]["association"])]
    parts = tuple(part(output, name, str(i), {key: table[table["association"] == name]
                                              for key, table in tables.items()}) for i, name in enumerate(names))
    return {"associations": parts, "reliability_table": reliability_table(output)}


def part(output: Output, name: str, mark: str, tables: dict[str, pd.DataFrame]) -> Part:
    """One association, from its rows of the three tables; ``mark`` names its pictures."""
    effects = output.ordered(output.effects[output.effects["term"].isin(terms(name))])
    slopes = output.ordered(tables["slopes"])
    leading = slopes[slopes["leading"]]
    kinds = set(leading["se_kind"])
    effects = effects[effects["se_kind"].isin(kinds)].reset_index(drop=True)
    panels, found, details = [], [], []
    for c, contrast in enumerate(output.contrasts):
        points = tables["association_points"]
        pictures = tuple(_pictures(output, points[points["contrast"] == contrast], leading, name, f"{mark}-{c}"))
        if pictures:
            panels.append(Panel(contrast + tag(effects[effects["contrast"] == contrast]), pictures))
        found.append((contrast, tuple(map(said, records(effects[effects["contrast"] == contrast])))))
        details.append((contrast, tuple(map(said, records(leading[(leading["contrast"] == contrast)
                                                                  & (leading["what"] != "difference")])))))
    return Part(name, _asked(output, name), tuple(panels), tuple(found), tuple(details), _tests(output, name, effects),
                _correlations(output, name, output.ordered(tables["associations"])))


def terms(name: str) -> tuple[str, str]:
    """The terms of an association in the effects table: its slope, and its moderation by group."""
    return f"association:{name}", f"association:{name}_x_group"


def outcome(output: Output, name: str) -> str:
    """What is held against the score, in words."""
    text = OUTCOMES[output.study.associations[name].outcome]
    return text.format(first=output.sessions[0], last=output.sessions[-1]) if output.sessions != (NA,) else "response"


def _asked(output: Output, name: str) -> str:
    spec = output.study.associations[name]
    who = "all subjects" if spec.groups == "all" else f"the subjects of {words.listed(spec.groups)}"
    return f"Is the {outcome(output, name)} associated with '{spec.score}'? Subjects: {who}."


def _pictures(output: Output, points: pd.DataFrame, leading: pd.DataFrame, name: str, mark: str) -> Iterator[Picture]:
    regions = leading[leading["what"] == "johnson_neyman"]
    parts = dict(iter(points.groupby([*ROI, "summary", "specification"], sort=False)))
    column = output.study.associations[name].score
    for roi in output.rois:
        mine = [(key, part) for key, part in parts.items() if key[:3] == (roi.region, roi.hemisphere, roi.definition)]
        for key, part in mine:
            unit = words.long_unit(str(part["unit"].iloc[0]))
            here = regions[(regions[[*ROI, "summary", "specification"]] == list(key)).all(axis=1)
                           & (regions["contrast"] == part["contrast"].iloc[0])]
            differ = [pair for text in here["region_inside"] for pair in stretches(text)] if len(here) == 1 else []
            title = output.roi_label(roi) + (f", {key[3]}" if len(mine) > 1 else "")
            data = Scatter(title, column, f"{outcome(output, name).split(' ')[0]} ({unit})",
                           tuple(_clusters(output, part)), tuple(differ))
            alt = (f"Scatter plot: {outcome(output, name)} of {title} against {column}, "
                   f"{words.plural(len(part), 'subject')}, a line per group.")
            yield picture(scatter(data), f"association-{mark}-{roi.label}-{key[3]}-{key[4]}", alt)


def _clusters(output: Output, part: pd.DataFrame) -> Iterator[Cluster]:
    for shade, group in enumerate(output.groups):
        mine = part[part["group"] == group]
        if len(mine):
            columns = ("score", "outcome", "line", "line_low", "line_high")
            yield Cluster("" if group == NA else group, shade, *(mine[c].to_numpy(dtype=np.float64) for c in columns))


def stretches(text: str) -> list[tuple[float, float]]:
    """The stretches of a ``region_inside``: ``3 to 5; 8 to 9``."""
    if text == NA:
        return []
    pairs = (one.split(" to ") for one in text.split("; "))
    return [(float(low), float(high)) for low, high in pairs]


def _tests(output: Output, name: str, effects: pd.DataFrame) -> Table:
    columns = ("ROI", "Contrast", "Test", "Comparison", "n", "Slope [95 % CI]", "t or F", "df", "p", "p FWE", "p Holm",
               "q FDR", "Effect size [CI]", "BF10")
    rows, marked = [], []
    for i, row in enumerate(records(effects)):
        if holds(row):
            marked.append(i)
        rows.append((output.roi_label(roi_of(row)), row["contrast"], "slope" if row["term"] == terms(name)[0] else
                     "slope × group", comparison(row["comparison"]), people(row), _slope(row),
                     f"{row['statistic_kind']} = {words.number(row['statistic'])}", words.degrees(row["df"]),
                     *(words.p_value(row[p]) for p in ("p", "p_fwe", "p_holm", "q_fdr")), _size(row),
                     words.number(row["bf10"])))
    units = sorted(set(effects["unit"])) if len(effects) else []
    table = Table(f"{name}: slopes ({words.listed(units)}) and their differences between groups.", columns, tuple(rows),
                  frozenset(range(4, len(columns))), frozenset(marked),
                  "Marked rows hold after correction over the family of ROIs.")
    return with_status(table, effects["status"])


def _slope(row: Row) -> str:
    if not math.isfinite(row["estimate"]):
        return NA
    return f"{row['estimate']:.3g} [{row['ci_low']:.3g}, {row['ci_high']:.3g}]".replace("-", "\N{MINUS SIGN}")


def _size(row: Row) -> str:
    if not math.isfinite(row["effect_size"]):
        return NA
    kind = words.EFFECT_SIZES.get(row["effect_size_kind"], row["effect_size_kind"])
    return f"{kind} {words.number(row['effect_size'])} {words.interval(row['es_ci_low'], row['es_ci_high'])}".rstrip()


def _correlations(output: Output, name: str, frame: pd.DataFrame) -> Table:
    columns = ("ROI", "Contrast", "Kind", "n", "r [95 % CI]", "Bootstrap CI", "Slope [95 % CI]", "p",
               "BF10 medium / wide / ultrawide", "Note")
    rows = []
    for row in records(frame):
        slope = _slope({"estimate": row["slope"], "ci_low": row["slope_low"], "ci_high": row["slope_high"]})
        r = f"{words.number(row['r'])} {words.interval(row['ci_low'], row['ci_high'])}".rstrip()
        factors = [row[f"bf10_{prior}"] for prior in ("medium", "wide", "ultrawide")]
        rows.append((output.roi_label(roi_of(row)), row["contrast"], row["kind"], words.count(row["n"]), r,
                     words.interval(row["boot_low"], row["boot_high"]) or NA, slope, words.p_value(row["p"]),
                     " / ".join(f"{f:.2g}" for f in factors) if np.isfinite(factors).any() else NA,
                     "" if row["note"] == NA else row["note"]))
    table = Table(f"{name}: correlations and the robust slope; p not corrected.", columns, tuple(rows),
                  frozenset(range(3, 9)), note="pearson and spearman are adjusted for nothing, not even for groups.")
    return with_status(table, frame["status"])


def reliability_table(output: Output) -> Table:
    """Reliability per ROI, contrast, measure and group."""
    frame = beside(output, RELIABILITY)
    frame = output.ordered(frame) if len(frame) else frame
    columns = ("ROI", "Contrast", "Measure", "Session", "Group", "To trust", "n", "Reliability [95 % CI]",
               "Seen when the true r is .50", "True r behind a seen .30", "Note")
    rows, marked = [], []
    for i, row in enumerate(records(frame)):
        value = f"{words.number(row['value'])} {words.interval(row['ci_low'], row['ci_high'])}".rstrip()
        if row["trusted"] and math.isfinite(row["value"]):
            marked.append(i)
        true = row["true_of_30"]
        rows.append((output.roi_label(roi_of(row)), row["contrast"], MEASURES[row["measure"]],
                     "" if row["session"] == NA else row["session"], row["group"], "yes" if row["trusted"] else "no",
                     words.count(row["n"]), value, words.number(row["seen_of_50"]),
                     "none" if true > 1 else words.number(true), row["note"]))
    return Table("Reliability of responses and of their change.", columns, tuple(rows), frozenset((6, 7, 8, 9)),
                 frozenset(marked), "Marked rows are those to trust: no training effect and no difference between "
                 "groups is in them. A score is taken to be measured without error.")
