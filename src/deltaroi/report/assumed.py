"""What the primary models take for granted: a table, sentences, and a picture of the residuals per ROI."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from deltaroi.report import words
from deltaroi.report.data import ROI, Output, Row, records, roi_of
from deltaroi.report.figures.residuals import ResidualPlot, residual_plot
from deltaroi.report.listing import Table, shared_below
from deltaroi.report.pictures import Panel, picture
from deltaroi.types import NA

_PLACE = ["specification", "contrast", "summary", *ROI]


def assumption_table(output: Output) -> Table:
    """The numbers, one row per primary effect."""
    columns = ("ROI", "Contrast", "n", "Skewness", "Excess kurtosis", "Shapiro–Wilk p", "Breusch–Pagan p",
               "Variance ratio", "Largest Cook's distance", "Moves the estimate most",
               "Difference before, SD [95 % CI]", "Difference of slopes [95 % CI]", "p of slopes")
    rows = tuple(_cells(output, row) for row in records(output.ordered(output.beside["assumptions"])))
    return shared_below(Table("Residuals of the primary models, influence, and the groups before; the full precision "
                              "is in group/assumptions.tsv.", columns, rows, frozenset(range(2, 13))), (1, 2))


def _cells(output: Output, row: Row) -> tuple[str, ...]:
    return (output.roi_label(roi_of(row)), row["contrast"], words.count(row["n"]), words.number(row["skewness"]),
            words.number(row["kurtosis"]), words.p_value(row["shapiro_p"]), words.p_value(row["spread_p"]),
            _named(words.number(row["variance_ratio"], 1), f"{row['widest']} / {row['narrowest']}"),
            _named(words.number(row["cook"]), row["cook_subject"]), _moved(row),
            _named(_within(row, "baseline_standardised", "baseline_low", "baseline_high"),
                   f"{row['baseline_first']} − {row['baseline_second']}"),
            _within(row, "slope_difference", "slope_low", "slope_high"), words.p_value(row["slope_p"]))


def _within(row: Row, value: str, low: str, high: str) -> str:
    return f"{words.number(row[value])} {words.interval(row[low], row[high])}".rstrip()


def _named(number: str, name: str) -> str:
    return number if number == NA else f"{number} ({name})"


def _moved(row: Row) -> str:
    """Who moves the estimate most, and from where to where."""
    if row["moves_most"] == NA:
        return NA
    decimals = words.decimals_for([abs(row["estimate_without"] - row["estimate"])])
    return f"{row['moves_most']}: {words.number(row['estimate'], decimals)} → " \
           f"{words.number(row['estimate_without'], decimals)} {words.unit(row['unit'])}"


def assumption_words(output: Output) -> tuple[tuple[str, str], ...]:
    """The sentences, each with its contrast."""
    return tuple((row["contrast"], row["reading"]) for row in records(output.ordered(output.beside["assumptions"])))


def residual_panels(output: Output) -> tuple[Panel, ...]:
    """Per contrast the residuals of every ROI."""
    frame = output.ordered(output.beside["assumptions"])
    parts = dict(iter(output.beside["residuals"].groupby(_PLACE, sort=False)))
    panels = []
    for c, contrast in enumerate(dict.fromkeys(frame["contrast"])):
        rows = records(frame[frame["contrast"] == contrast])
        pictures = tuple(picture(residual_plot(plot), f"residuals-{c}-{i}", reading)
                         for i, (plot, reading) in enumerate(_plots(output, rows, parts)))
        panels.append(Panel(str(contrast), pictures))
    return tuple(panels)


def _plots(output: Output, rows: list[Row], parts: Mapping[Any, pd.DataFrame]) -> Iterator[tuple[ResidualPlot, str]]:
    """What is drawn of each row that has residuals, and its sentence."""
    rois = {roi_of(row) for row in rows}
    several = [name for name in ("specification", "summary") if len({(roi_of(row), row[name]) for row in rows})
               > len(rois)]
    for row in rows:
        part = parts.get(tuple(row[name] for name in _PLACE))
        if part is None:
            continue
        fitted, residuals, standardised = (part[name].to_numpy(dtype=np.float64)
                                           for name in ("fitted", "residual", "standardised"))
        one = set(part["group"]) == {NA}
        groups = ("",) if one else output.groups
        codes = np.array([0 if one else groups.index(str(name)) for name in part["group"]], dtype=np.int64)
        subjects = [str(subject) for subject in part["subject"]]
        who = str(row["moves_most"] if row["moves_most"] != NA else row["cook_subject"])
        title = ", ".join([output.roi_label(roi_of(row)), *(str(row[name]) for name in several)])
        yield ResidualPlot(title, fitted, residuals, standardised, codes, groups, words.long_unit(str(row["unit"])),
                           subjects.index(who) if who in subjects else None, who), str(row["reading"])
