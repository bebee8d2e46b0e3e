"""The report's section on the multiverse, and its methods text, from the tables of the specifications."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaroi.io.tsv import read_table
from deltaroi.report import words
from deltaroi.report.data import ALPHA, Output, Row, beside, records, roi_of
from deltaroi.report.figures.specification_curve import Point, specification_curve
from deltaroi.report.listing import Table, comparison, with_status
from deltaroi.report.pictures import Panel, picture
from deltaroi.specs import MAIN, axes_of
from deltaroi.stats.refit import equivalent_t
from deltaroi.tables import EFFECTS, SPECIFICATION_CURVE, SPECIFICATIONS
from deltaroi.types import NA

if TYPE_CHECKING:
    import pandas as pd

_AXES = {"definition": "definition", "smoothing_fwhm_mm": "smoothing", "scaling": "scaling", "confounds": "confounds",
         "summary": "summary", "noise": "noise"}


@dataclass(frozen=True)
class Curves:
    """The section: what was varied, a table per contrast, a picture per contrast and ROI."""

    varied: str
    n: int
    fits: int
    tables: tuple[Table, ...]
    panels: tuple[Panel, ...]


def multiverse_part(output: Output) -> Curves | None:
    """The specification curves; None without a multiverse."""
    curve, listed = beside(output, SPECIFICATION_CURVE), beside(output, SPECIFICATIONS)
    if curve.empty or listed.empty:
        return None
    curve = output.ordered(curve)
    effects = read_table(output.layout.table(EFFECTS.name), EFFECTS)
    effects = effects[effects["primary"]]
    contrasts = list(dict.fromkeys(curve["contrast"]))
    return Curves(varied(output), len(listed), listed["fit"].nunique(),
                  tuple(_table(output, name, curve[curve["contrast"] == name].reset_index(drop=True))
                        for name in contrasts),
                  tuple(_panel(output, n, curve[curve["contrast"] == name], effects, listed)
                        for n, name in enumerate(contrasts)))


def varied(output: Output) -> str:
    """The choices that were varied, in words."""
    return words.listed(f"{_AXES[axis]} ({', '.join(_choice(axis, value) for value in values)})"
                        for axis, values in axes_of(output.study.specifications))


def _choice(axis: str, value: object) -> str:
    if axis == "smoothing_fwhm_mm":
        return f"{value:g} mm"
    return {"none": "raw units", "percent_per_unit": "% per unit"}.get(str(value), str(value).replace("_", " ")) \
        if axis == "scaling" else str(value).replace("_", " ")


def _table(output: Output, contrast: str, frame: pd.DataFrame) -> Table:
    columns = ("ROI", "Tested", "n", "Median", "Same sign", "p < .05", "Mean z", "Joint p: median", "Joint p: share",
               "Joint p: mean z", "Main estimate", "Its rank")
    rows = tuple((output.roi_label(roi_of(row)), f"{words.count(row['n_tested'])} of "
                  f"{words.count(row['n_specifications'])}", words.count(row["n_subjects"]),
                  _with_unit(row["median"], row["unit"]), _share(row["share_sign"]), _share(row["share_significant"]),
                  words.number(row["mean_z"]), *(words.p_value(row[p]) for p in ("p_median", "p_share", "p_stouffer")),
                  _with_unit(row["main_estimate"], row["main_unit"]), words.count(row["main_rank"]))
                 for row in records(frame))
    marked = frozenset(i for i, row in enumerate(records(frame)) if row["p_median"] < ALPHA)
    notes = "; ".join(dict.fromkeys(str(note) for note in frame["note"] if note != NA))
    table = Table(f"{contrast}: the specifications together.", columns, rows, frozenset(range(1, len(columns))), marked,
                  f"Joint p: {notes}. Marked rows: joint p of the median below .05, not corrected over ROIs. Its rank: "
                  "from the smallest estimate.")
    return with_status(table, frame["status"])


def _with_unit(value: float, unit: str) -> str:
    return f"{words.number(value)} {words.unit(unit)}" if math.isfinite(value) else NA


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if math.isfinite(value) else NA


def _panel(output: Output, number: int, curve: pd.DataFrame, effects: pd.DataFrame, listed: pd.DataFrame) -> Panel:
    """A picture per ROI of one contrast."""
    pictures = []
    axes = [(axis, values) for axis, values in axes_of(output.study.specifications)]
    shown = [(_AXES[axis], [_choice(axis, value) for value in values]) for axis, values in axes]
    choices = {str(row["specification"]): tuple(_choice(axis, row[axis]) for axis, _ in axes)
               for row in records(listed)}
    for i, row in enumerate(records(curve)):
        points = [_point(one, row["unit"], choices[str(one["specification"])]) for one in _rows_of(row, effects)
                  if math.isfinite(one["p"])]
        if math.isfinite(row["median"]) and points:
            drawn = specification_curve(points, shown, f"{words.term(row['term'])} ({words.long_unit(row['unit'])})")
            text = sentence(output, row)
            pictures.append(picture(drawn, f"curve-{number}-{i}", text, text))
    return Panel(str(curve["contrast"].iloc[0]), tuple(pictures))


def _rows_of(row: Row, effects: pd.DataFrame) -> list[Row]:
    """The primary effects of one ROI in all specifications, by the rule of the curve."""
    here = effects[(effects["contrast"] == row["contrast"]) & (effects["region"] == row["region"])
                   & (effects["hemisphere"] == row["hemisphere"])]
    found: list[Row] = []
    for _, part in here.groupby("specification", sort=False):
        exact = part[part["definition"] == row["definition"]]
        found += records(exact if len(exact) else part)[:1] if len(exact) or len(part) == 1 else []
    return found


def _point(row: Row, unit: str, choices: tuple[str, ...]) -> Point:
    low, middle, high = row["ci_low"], row["estimate"], row["ci_high"]
    if unit != row["unit"]:  # several units: z of the same p, with the sign of the estimate
        import numpy as np

        z = float(equivalent_t(np.array([abs(row["statistic"])]), np.array([row["df"]]))[0])
        low, middle, high = math.nan, math.copysign(z, row["estimate"]), math.nan
    return Point(middle, low, high, row["p"] < ALPHA, row["specification"] == MAIN, choices)


def sentence(output: Output, row: Row) -> str:
    """What the specifications of one ROI say together."""
    n = words.count(row["n_tested"])
    text = (f"{output.roi_label(roi_of(row))}: over {n} specifications the median is "
            f"{_with_unit(row['median'], row['unit'])}; {_share(row['share_sign'])} have its sign, "
            f"{_share(row['share_significant'])} of all with p < .05.")
    if not math.isfinite(row["p_median"]):
        return f"{text} No joint p: {row['note']}."
    return (f"{text} Joint permutation p: median {words.p_value(row['p_median'])}, share with p < .05 "
            f"{words.p_value(row['p_share'])}, mean z {words.p_value(row['p_stouffer'])}.")


def multiverse_text(output: Output) -> str:
    """How the multiverse was analysed, for the methods."""
    curve, listed = beside(output, SPECIFICATION_CURVE), beside(output, SPECIFICATIONS)
    if curve.empty or listed.empty:
        return ""
    some = output.study.multiverse is not None and bool(output.study.multiverse.without)
    text = (f"The primary question was also asked in {len(listed) - 1} other specifications, "
            f"{'combinations' if some else 'all combinations'} of {varied(output)}, from {listed['fit'].nunique()} "
            "models of each run. They are shown as "
            "specification curves [@simonsohn2020].")
    if curve["p_median"].notna().any():
        notes = words.listed(dict.fromkeys(str(note) for note in curve["note"] if note != NA))
        text += (f" Joint p values hold the median, the share with p < .05 in the predominant direction, and the mean "
                 f"z against the same under {notes}, one set for all specifications; they are not corrected over ROIs "
                 "and contrasts.")
    asked = dict.fromkeys(comparison(name) for name in curve["comparison"])
    return f"{text} Comparison: {words.listed(asked)}."
