"""The voxels inside the ROIs, in the report: table, pictures, methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from deltaroi.errors import DataError
from deltaroi.report import words
from deltaroi.report.answer import said
from deltaroi.report.data import ALPHA, Output, Row, records, roi_of
from deltaroi.report.figures.slices import Volume
from deltaroi.report.figures.small_volume import Inside, inside
from deltaroi.report.listing import Table, comparison, same, with_status
from deltaroi.report.pictures import Panel, picture
from deltaroi.report.template import load_template
from deltaroi.types import CIRCULAR

if TYPE_CHECKING:
    import pandas as pd


def small_volume_tables(output: Output) -> tuple[Table, ...]:
    """Per contrast a row per ROI; marked where the peak holds after correction over voxels and ROIs."""
    frame = output.ordered(output.small_volume)
    return tuple(_table(output, name, frame[frame["contrast"] == name].reset_index(drop=True))
                 for name in dict.fromkeys(frame["contrast"]))


def _table(output: Output, contrast: str, frame: pd.DataFrame) -> Table:
    kind = same(frame, "statistic_kind")
    columns = ("ROI", "n", "Voxels tested (in ROI)", "Peak x, y, z (mm)", "Estimate at peak", kind or "t or F", "df",
               "p in ROI", "p Holm", "Voxels p < .05 (mm³)")
    rows = [(output.roi_label(roi_of(row)), words.count(row["n"]),
             f"{words.count(row['n_voxels_tested'])} ({words.count(row['n_voxels'])})",
             ", ".join(words.number(row[name], 0) for name in ("x_mm", "y_mm", "z_mm")),
             f"{words.number(row['estimate'])} {words.unit(row['unit'])}" if np.isfinite(row["estimate"]) else "n/a",
             words.number(row["statistic"]), words.degrees(row["df"]), words.p_value(row["p_peak"]),
             words.p_value(row["p_holm"]),
             f"{words.count(row['n_voxels_significant'])} ({words.count(row['extent_mm3'])})")
            for row in records(frame)]
    model, compared = same(frame, "model"), same(frame, "comparison")
    asked = "; ".join(part for part in (words.MODELS.get(model or "", model or ""), comparison(compared or "")) if part)
    marked = frozenset(i for i, row in enumerate(records(frame)) if holds(row))
    table = Table(f"{contrast}, voxels inside the ROIs: {asked}.", columns, tuple(rows),
                  frozenset(range(1, len(columns))), marked)
    return with_status(table, frame["status"])


def holds(row: Row) -> bool:
    """Whether the peak holds after correction over the voxels and the ROIs; never for a circular ROI."""
    return bool(row["p_holm"] < ALPHA) and row["definition"] != CIRCULAR


def small_volume_pictures(output: Output) -> tuple[Panel, ...]:
    """Per contrast a picture per ROI whose images are in the output folder."""
    frame = output.ordered(output.small_volume)
    template = load_template() if len(frame) else None
    panels = []
    for c, contrast in enumerate(dict.fromkeys(frame["contrast"])):
        pictures = []
        for i, row in enumerate(records(frame[frame["contrast"] == contrast])):
            drawn = _drawn(output, row)
            if drawn is not None:
                pictures.append(picture(inside(drawn, template), f"inside-{c}-{i}", said(row), said(row)))
        if pictures:
            panels.append(Panel(contrast, tuple(pictures)))
    return tuple(panels)


def _drawn(output: Output, row: Row) -> Inside | None:
    """The images of one row; None where one is not there."""
    roi, digest = roi_of(row), row["grid_digest"]
    kind = "z" if row["se_kind"] in ("welch", "hc2_welch") else row["statistic_kind"]
    regions = output.regions
    space = next(iter(regions.loc[regions["grid_digest"] == digest, "space"]), "")
    paths = (output.layout.roi_image(roi, space, digest), output.layout.voxel_map(roi, row["contrast"], digest, kind),
             output.layout.voxel_map(roi, row["contrast"], digest, "corrp"))
    if not all(path.is_file() for path in paths):
        return None
    weights, statistic, corrected = map(_load, paths)
    return Inside(weights, statistic, corrected, (row["x_mm"], row["y_mm"], row["z_mm"]), kind)


def _load(path: Path) -> Volume:
    import nibabel
    from nibabel.filebasedimages import ImageFileError

    try:
        image = nibabel.load(path)
        data = np.asarray(image.dataobj, dtype=np.float64)  # type: ignore[attr-defined]
    except (ImageFileError, OSError, EOFError, ValueError) as error:
        raise DataError(f"the image cannot be read: {error}", where=str(path),
                        hint="run the study again; do not edit the output folder") from error
    return Volume(data, np.asarray(image.affine, dtype=np.float64))  # type: ignore[attr-defined]


def small_volume_text(output: Output) -> str:
    """How the voxels were tested, for the methods."""
    frame = output.small_volume
    if frame.empty:
        return ""
    models = [words.MODELS.get(model, model) for model in dict.fromkeys(frame["model"])]
    own = " with each voxel's own first session" if "ancova" in set(frame["model"]) else ""
    text = (f"In every voxel of an ROI that all subjects share the same question was asked ({words.listed(models)}"
            f"{own}). The p of a voxel was corrected over the voxels of its ROI by the largest statistic under the "
            "arrangements of subjects described above [@westfall1993;winkler2014]; the smallest p of each ROI was then "
            "corrected over the ROIs of the family by Holm's method [@holm1979]. Claims rest on the latter.")
    if "lmm" in set(output.primary["model"]):
        text += " Voxels compare the last session with the first, on complete cases."
    return text
