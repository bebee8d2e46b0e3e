"""From tables and images to figures on the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import holds
from deltaroi.report.data import ROI, Output, Row, records, roi_of
from deltaroi.report.figures.forest import ForestRow, forest
from deltaroi.report.figures.raincloud import Cloud, mean_interval, raincloud
from deltaroi.report.figures.signal import Spread, spread
from deltaroi.report.figures.style import to_svg, width_px
from deltaroi.report.listing import comparison, same
from deltaroi.report.locked import tag
from deltaroi.tables import EXPLORATORY
from deltaroi.types import CIRCULAR, NA

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Picture:
    """A figure on the page: its SVG, what it shows in words (``alt``), a caption, its natural width in CSS px."""

    svg: str
    alt: str
    caption: str
    width: int


@dataclass(frozen=True)
class Panel:
    """Several pictures under one heading."""

    heading: str
    pictures: tuple[Picture, ...]

    @property
    def width(self) -> int:
        """The widest picture's natural width, CSS px."""
        return max((picture.width for picture in self.pictures), default=280)


def picture(figure: Figure, name: str, alt: str, caption: str = "") -> Picture:
    """Save a figure for the page; ``name`` is its own on the page."""
    return Picture(to_svg(figure, name), alt, caption, width_px(figure))


def forests(output: Output, mark: str = "") -> tuple[Picture, ...]:
    """One forest plot of the primary effects per contrast and unit; for an omnibus test one per planned contrast.

    ``mark`` begins the names of the pictures on the page.
    """
    pictures: list[Picture] = []
    for (contrast, unit), frame in output.primary.groupby(["contrast", "unit"], sort=False):
        planned = _planned(output, frame)
        for part in planned or [frame]:
            term = words.term(name) if (name := same(part, "term")) else "primary effect"
            compared = comparison(name) if (name := same(part, "comparison")) else ""
            rows = [_forest_row(output, row) for row in records(part)]
            label = f"{term[0].upper()}{term[1:]} ({words.long_unit(str(unit))})"
            marked = sum(row.marked for row in rows)
            alt = f"Forest plot: {term} for {contrast}, {words.plural(len(rows), 'ROI')}, {marked} marked."
            beside = ", planned contrast beside the omnibus test," if planned else ""
            title = f"{contrast}: {term}{f' ({compared})' if compared else ''}{beside} with 95 % confidence intervals" \
                    f"{tag(part)}"
            drawn = forest(rows, words.shorten(label, 44))
            pictures.append(picture(drawn, f"{mark}forest-{len(pictures)}", alt, title))
    return tuple(pictures)


def _planned(output: Output, primary: pd.DataFrame) -> list[pd.DataFrame]:
    """The planned contrasts beside primary omnibus tests, which have no estimate to draw; none where there is one."""
    if np.isfinite(primary["estimate"]).any():
        return []
    beside = ["specification", "contrast", "summary", *ROI, "model", "term", "se_kind", "unit"]
    rows = output.ordered(output.effects).merge(primary[beside], on=beside)
    rows = rows[~rows["primary"] & np.isfinite(rows["estimate"])]
    return [part for _, part in rows.groupby("comparison", sort=True)]


def _forest_row(output: Output, row: Row) -> ForestRow:
    side = "L + R" if row["hemisphere"] == "B" else str(row["hemisphere"])
    named = output.many_definitions or row["definition"] == CIRCULAR
    label = f"{side} {row['definition']}" if named else side
    label += " †" if row["status"] == EXPLORATORY else ""
    return ForestRow(row["region"], label, row["estimate"], row["ci_low"], row["ci_high"], row["equivalence_bound"],
                     holds(row))


def clouds(output: Output, mark: str = "") -> tuple[Panel, ...]:
    """Per contrast the responses of every ROI; ``mark`` begins the names of the pictures on the page."""
    panels = []
    for c, contrast in enumerate(output.contrasts):
        frame = output.responses[output.responses["contrast"] == contrast]
        pictures = tuple(picture(raincloud(cloud), f"{mark}cloud-{c}-{i}", _cloud_alt(cloud, contrast), _missing(cloud))
                         for i, cloud in enumerate(_clouds(output, frame)))
        if pictures:
            panels.append(Panel(contrast + tag(output.primary[output.primary["contrast"] == contrast]), pictures))
    return tuple(panels)


def _clouds(output: Output, frame: pd.DataFrame) -> Iterator[Cloud]:
    """The ROIs of one contrast; both hemispheres of a region share their axis."""
    variants = ["specification", "task", "summary", "unit"]
    several = [name for name in ("specification", "task") if frame[name].nunique() > 1]
    limits = {key: _limits(part) for key, part in frame.groupby(["region", "definition", "unit"])}
    parts = dict(iter(frame.groupby(ROI, sort=False)))
    explored = {(row["contrast"], roi_of(row)) for row in records(output.primary) if row["status"] == EXPLORATORY}
    for roi in output.rois:
        key = (roi.region, roi.hemisphere, roi.definition)
        if key not in parts:
            continue
        part = parts[key]
        for values, cell in part.groupby(variants, sort=True):
            stated = dict(zip(variants, values, strict=True))
            more = [*several, *(["summary"] if part["summary"].nunique() > 1 else [])]
            title = ", ".join([output.roi_label(roi), *(str(stated[name]) for name in more)])
            title += " †" if (part["contrast"].iloc[0], roi) in explored else ""
            yield _cloud(output, cell, title, limits[(roi.region, roi.definition, stated["unit"])])


def _cloud(output: Output, cell: pd.DataFrame, title: str, limits: tuple[float, float] | None) -> Cloud:
    sessions, groups = output.sessions, output.groups
    arrays = []
    for group in groups:
        part = cell[cell["group"] == group] if groups != (NA,) else cell
        wide = part.pivot(index="subject", columns="session", values="value") if len(part) else pd.DataFrame()
        arrays.append(wide.reindex(columns=list(sessions)).to_numpy(dtype=np.float64).reshape(len(wide), len(sessions)))
    return Cloud(title, tuple(arrays), tuple("" if g == NA else g for g in groups),
                 tuple("" if s == NA else s for s in sessions), words.long_unit(str(cell["unit"].iloc[0])), limits)


def _limits(frame: pd.DataFrame) -> tuple[float, float] | None:
    """Ends of the axis: 0, the values, and the intervals of means unless these are far wider than the values."""
    known = frame["value"].dropna()
    if known.empty:
        return None
    low, high = min(float(known.min()), 0.0), max(float(known.max()), 0.0)
    room = 0.14 * (high - low) or 1.0
    ends = [low - room, high + room]
    for _, part in frame.groupby(["hemisphere", "group", "session"]):
        mean, half = mean_interval(part["value"].to_numpy(dtype=np.float64))
        if np.isfinite(half):
            ends += [max(mean - half - room / 3, low - (high - low)), min(mean + half + room / 3, high + (high - low))]
    return min(ends), max(ends)


def _counts(cloud: Cloud) -> list[tuple[str, int, int, int]]:
    """Per group: label, subjects with every session, with some, with none."""
    out = []
    for group, values in zip(cloud.groups, cloud.values, strict=True):
        known = np.isfinite(values).sum(axis=1)
        whole, none = int((known == values.shape[1]).sum()), int((known == 0).sum())
        out.append((group, whole, len(values) - whole - none, none))
    return out


def _missing(cloud: Cloud) -> str:
    parts = []
    for kind, column in (("Some sessions missing (points only)", 2), ("No value", 3)):
        shares = [f"{counts[0]} {counts[column]}".strip() for counts in _counts(cloud) if counts[column]]
        parts += [f"{kind}: {', '.join(shares)}"] if shares else []
    return "; ".join(parts)


def _cloud_alt(cloud: Cloud, contrast: str) -> str:
    whole = ", ".join(f"{group} {n}".strip() for group, n, _, _ in _counts(cloud))
    return f"Responses of {cloud.title} to {contrast} in {cloud.unit}, each subject a line; complete: {whole}."


def signal(output: Output) -> tuple[Picture, ...]:
    """Coverage and tSNR per ROI and session."""
    frame = output.responses.drop_duplicates(["subject", "session", *ROI])
    if frame.empty:
        return ()
    measured = {roi_of(row) for row in records(frame[ROI].drop_duplicates())}
    rois = [roi for roi in output.rois if roi in measured]
    least = output.study.regions.minimum_coverage
    kinds = (("coverage", "Coverage (share of the ROI's weight that is used)", least, (0.0, 1.02)),
             ("tsnr", "Temporal signal-to-noise ratio", None, None))
    cells = dict(iter(frame.groupby([*ROI, "session"])))
    pictures = []
    for column, label, threshold, limits in kinds:
        empty = np.array([], dtype=np.float64)
        values = tuple(tuple(
            cells[key][column].to_numpy(dtype=np.float64)
            if (key := (roi.region, roi.hemisphere, roi.definition, session)) in cells else empty
            for session in output.sessions) for roi in rois)
        data = Spread(label, tuple(map(output.roi_label, rois)), tuple("" if s == NA else s for s in output.sessions),
                      values, threshold, limits)
        rows = "ROI" if output.sessions == (NA,) else "ROI and session"
        alt = f"{label} per {rows}: median, quartiles and range over subjects."
        pictures.append(picture(spread(data), f"signal-{column}", alt, label))
    return tuple(pictures)
