"""What the report says about the multilevel model over ROIs: figures, table, methods."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from deltaroi.report import words
from deltaroi.report.data import Output, Row, records, roi_of
from deltaroi.report.figures.shrinkage import ShrinkageRow, shrinkage
from deltaroi.report.listing import Table, comparison, with_status
from deltaroi.report.locked import tag
from deltaroi.report.pictures import Picture, picture
from deltaroi.stats.multilevel import PRIORS
from deltaroi.tables import ALL_ROIS


def _models(output: Output) -> Iterator[list[Row]]:
    """The rows of every model: all ROIs first, then the ROIs in the study's order."""
    order = {roi: i for i, roi in enumerate(output.rois)}
    frame = output.multilevel
    contrasts = {name: i for i, name in enumerate(output.contrasts)}
    for family in sorted(records(frame[frame["region"] == ALL_ROIS]),
                         key=lambda row: contrasts.get(row["contrast"], len(contrasts))):
        same = ("specification", "contrast", "comparison")
        definitions, summaries = family["definition"].split("+"), family["summary"].split("+")
        rois = [row for row in records(frame) if row["region"] != ALL_ROIS and row["definition"] in definitions
                and row["summary"] in summaries and all(row[name] == family[name] for name in same)]
        yield [family, *sorted(rois, key=lambda row: order.get(roi_of(row), len(order)))]


def shrinkage_pictures(output: Output) -> tuple[Picture, ...]:
    """One plot per model: every ROI alone and pooled."""
    found = []
    for i, rows in enumerate(_models(output)):
        drawn = [ShrinkageRow(_label(output, row), (row["unpooled"], row["unpooled_low"], row["unpooled_high"]),
                              (row["estimate"], row["ci_low"], row["ci_high"]), row["region"] == ALL_ROIS)
                 for row in rows]
        first = rows[0]
        what = f"{words.term(first['term'])} ({words.long_unit(str(first['unit']))})"
        alt = f"Shrinkage plot for {first['contrast']}: {words.plural(len(rows) - 1, 'ROI')}, alone and pooled."
        title = f"{first['contrast']}: alone and pooled over ROIs ({comparison(first['comparison'])})" \
                f"{tag(pd.DataFrame(rows))}"
        figure = shrinkage(drawn, words.shorten(what[0].upper() + what[1:], 44))
        found.append(picture(figure, f"shrinkage-{i}", alt, title))
    return tuple(found)


def _label(output: Output, row: Row) -> str:
    return "All ROIs" if row["region"] == ALL_ROIS else output.roi_label(roi_of(row))


def pooled_table(output: Output) -> Table:
    """Every row of the table of the multilevel model."""
    columns = ("ROI", "Contrast", "Comparison", "n", "Pooled [95 % CrI]", "Probability of direction",
               "Alone [95 % CI]", "SD over ROIs [95 % CrI]", "R-hat", "ESS")
    rows: list[tuple[str, ...]] = []
    marked: list[int] = []
    for model in _models(output):
        d = words.decimals_for(row["ci_high"] - row["ci_low"] for row in model)
        for row in model:
            if row["region"] == ALL_ROIS:
                marked.append(len(rows))
            rows.append((_label(output, row), row["contrast"], comparison(row["comparison"]), words.count(row["n"]),
                         _with_interval(row, ("estimate", "ci_low", "ci_high"), d), _sure(row["p_direction"]),
                         _with_interval(row, ("unpooled", "unpooled_low", "unpooled_high"), d),
                         _with_interval(row, ("tau", "tau_low", "tau_high"), d), words.number(row["rhat"], 3),
                         words.count(row["ess"])))
    table = Table("Multilevel model over ROIs.", columns, tuple(rows), frozenset(range(3, len(columns))),
                  frozenset(marked))
    table = with_status(table, (row["status"] for model in _models(output) for row in model))
    return replace(table, note="All ROIs: the mean of the distribution that the ROIs' effects come from. CrI: credible "
                   "interval. The probability of direction is no p value; the rows above answer the study's question.")


def _with_interval(row: Row, names: tuple[str, str, str], decimals: int) -> str:
    estimate, low, high = (row[name] for name in names)
    text = f"{words.number(estimate, decimals)} {words.unit(row['unit'])} {words.interval(low, high, decimals)}"
    return text.rstrip() if math.isfinite(estimate) else words.number(math.nan)


def _sure(value: float) -> str:
    return ">.999" if value > 0.9995 else words.number(value, 3).removeprefix("0")


def pooled_text(output: Output) -> str:
    """The methods of the multilevel model."""
    frame: pd.DataFrame = output.multilevel
    if frame.empty:
        return ""
    what = {"ancova": "the last session's response given the ROI's own first session",
            "change": "the change from the first session", "paired": "the change from the first session"}
    outcomes = words.listed(what.get(str(model), "the response") for model in sorted(set(frame["model"])))
    two = not set(frame["model"]) <= {"paired", "one_sample"}
    rhat, ess = float(frame["rhat"].max()), float(frame["ess"].min())
    return (f"Beside these, {outcomes} was modelled in all ROIs of a contrast at once by a Bayesian multilevel model "
            "[@gelman2012;chen2019]: "
            f"{'group differences' if two else 'means'} of ROIs come from one normal distribution, whose mean and SD "
            "are estimated, so that each estimate is drawn towards their mean the more, the less its own data say. "
            "Shifts of a subject in all ROIs and in the ROIs of one region allow for correlated errors; the residual "
            f"SD is each ROI's{' and group' if two else ''} own. Priors, in typical residual "
            f"SDs: normal (0, {PRIORS['mean']:g}) for the mean, half-normal ({PRIORS['tau']:g}) for the SD over ROIs "
            "[@gelman2006]. "
            "Draws were made by the No-U-Turn sampler [@hoffman2014] of numpyro [@phan2019] "
            f"(seed {output.study.group.seed}; largest split R-hat {rhat:.3f}, smallest effective number {ess:.0f}).")
