"""One plain sentence per ROI about the voxels inside it, true to its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deltaroi.group.questions import Question
from deltaroi.group.reading import CIRCULAR_NOTE, amount, p_text
from deltaroi.types import CIRCULAR

SIGNIFICANT = 0.05


def sentence(row: Mapping[str, Any], levels: tuple[str, ...], sessions: tuple[str, ...], question: Question) -> str:
    """The reading of a row of the table ``small_volume``.

    Notes
    -----
    A claim is made from the p that is corrected over the voxels and over the ROIs. Of a circular ROI nothing is
    claimed.
    """
    roi = f"{row['region']}-{row['hemisphere']} ({row['definition']})"
    place = ", ".join(f"{row[name]:.0f}" for name in ("x_mm", "y_mm", "z_mm")).replace("-0,", "0,")
    peak = f"of {row['n_voxels_tested']} voxels of {roi} the largest effect is at {place} mm: " \
           f"{_effect(row, levels, sessions, question)}"
    text = f"{peak[0].upper()}{peak[1:]}; {_verdict(row, question)}."
    text = " ".join(text.split())
    return f"{text} {CIRCULAR_NOTE}" if row["definition"] == CIRCULAR else text


def _effect(row: Mapping[str, Any], levels: tuple[str, ...], sessions: tuple[str, ...], question: Question) -> str:
    last = sessions[question.last]
    when = "" if question.first is None else f" of the change from {sessions[question.first]} to {last}"
    if question.model == "ancova" and question.first is not None:
        when = f" at {last}, given the voxel's value at {sessions[question.first]}"
    if question.joint:
        return f"differences{when} between {', '.join(levels)}, F = {row['statistic']:.3g}"
    size = amount(abs(row["estimate"]), row["unit"])
    way = "higher" if row["estimate"] > 0 else "lower"
    if question.model == "one_sample":
        return f"a mean of {amount(row['estimate'], row['unit'])}"
    if question.model == "paired":
        return f"{size} {way} at {last} than at {sessions[question.first or 0]}"
    return f"{size} {way} in {levels[question.groups[0]]} than in {levels[question.groups[-1]]}{when}"


def _verdict(row: Mapping[str, Any], question: Question) -> str:
    if row["definition"] == CIRCULAR:
        return "nothing can be concluded"
    inside, over = p_text(row["p_peak"]), p_text(row["p_holm"])
    alone = row["family_size"] == 1
    said = f"{inside} corrected over its voxels" + ("" if alone else f", {over} over {row['family_size']} ROIs as well")
    n = row["n_voxels_significant"]
    if row["p_holm"] < SIGNIFICANT:
        what = {"one_sample": "a mean other than zero", "paired": "a change"}.get(question.model, "a difference")
        return f"evidence for {what}, {said}; {n} {'voxel is' if n == 1 else 'voxels are'} below .05 corrected over " \
               f"the ROI ({row['extent_mm3']:.0f} mm³)"
    return f"no evidence either way, {said}"
