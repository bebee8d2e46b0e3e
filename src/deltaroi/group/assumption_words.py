"""The assumptions of a model in one plain sentence, true to its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from deltaroi.group.families import Row
from deltaroi.group.reading import amount, p_text, place_of
from deltaroi.types import NA

_MODELS = {"ancova": "ANCOVA", "change": "the comparison of changes", "two_sample": "the comparison of groups",
           "paired": "the mean change", "one_sample": "the mean"}
_SKEWED, _STRONGLY = 0.5, 1.0
_TAILS = 1.0


def describe(row: Row, record: Mapping[str, Any], problems: Mapping[str, str], sessions: tuple[str, ...]) -> str:
    """The reading of a row of the assumptions table.

    Parameters
    ----------
    row : Row
        The primary row of effects.
    record : mapping
        The numbers, by column.
    problems : mapping of str to str
        Why numbers are missing, for ``residuals``, ``baseline`` and ``slopes``; empty where none is.
    sessions : tuple of str
        In time order.

    Notes
    -----
    Skewness is called rough symmetry below 0.5, moderate up to 1 and strong beyond it; tails count as normal while the
    excess kurtosis is within ±1. Nothing is concluded from a test.
    """
    what = f"{_MODELS[record['residuals_of']]} in {place_of(row)} (n = {record['n']})"
    if math.isnan(record["skewness"]):
        parts = [f"The residuals of {what} cannot be described, because {problems['residuals']}"]
    else:
        parts = [f"The residuals of {what} are {_shape(record)}"]
    parts += [*_spread(record), *_influence(record), *_before(row, record, problems["baseline"], sessions),
              *_slopes(row, record, problems["slopes"], sessions)]
    return " ".join(("; ".join(parts) + ".").split())


def _shape(record: Mapping[str, Any]) -> str:
    skewness, kurtosis = record["skewness"], record["kurtosis"]
    side = "right" if skewness > 0 else "left"
    how = "roughly symmetric" if abs(skewness) < _SKEWED else \
        f"{'moderately' if abs(skewness) <= _STRONGLY else 'strongly'} skewed to the {side}"
    text = f"{how} (skewness {skewness:.2g})"
    if math.isnan(kurtosis):
        return text
    tails = "tails like" if abs(kurtosis) < _TAILS else "heavier tails than" if kurtosis > 0 else "lighter tails than"
    return f"{text} with {tails} a normal distribution's (excess kurtosis {kurtosis:.2g})"


def _spread(record: Mapping[str, Any]) -> list[str]:
    if record["widest"] == NA or math.isnan(record["skewness"]):
        return []
    if math.isnan(record["variance_ratio"]):
        return [f"those of {record['narrowest']} do not vary"]
    return [f"their variance is {record['variance_ratio']:.2g} times as large in {record['widest']} as in "
            f"{record['narrowest']}"]


def _influence(record: Mapping[str, Any]) -> list[str]:
    parts = []
    if record["moves_most"] != NA:
        parts.append(f"the estimate of {record['estimate']:.3g} moves most without subject {record['moves_most']}: to "
                     f"{amount(record['estimate_without'], record['unit'])}")
    elif record["cook_subject"] != NA:
        parts.append(f"subject {record['cook_subject']} moves the fitted values most (Cook's distance "
                     f"{record['cook']:.2g})")
    return parts


def _before(row: Row, record: Mapping[str, Any], problem: str, sessions: tuple[str, ...]) -> list[str]:
    if record["baseline_first"] == NA:
        return []
    when, d = sessions[row.question.first or 0], record["baseline_standardised"]
    if math.isnan(d):
        return [f"how far groups were apart at {when} is not defined, because {problem}"]
    furthest = "" if len(row.question.groups) == 2 else ", the furthest from the reference"
    return [f"at {when}, {record['baseline_first']} was {abs(d):.2g} SD {'higher' if d > 0 else 'lower'} than "
            f"{record['baseline_second']} (95 % CI {record['baseline_low']:.2g} to {record['baseline_high']:.2g}"
            f"{furthest})"]


def _slopes(row: Row, record: Mapping[str, Any], problem: str, sessions: tuple[str, ...]) -> list[str]:
    if record["slope_se_kind"] == NA:
        return []
    what = f"of {sessions[row.question.last]} on {sessions[row.question.first or 0]}"
    if math.isnan(record["slope_p"]):
        return [f"slopes {what} cannot be compared, because {problem}"]
    if math.isnan(record["slope_difference"]):
        return [f"slopes {what} differ between groups with F({record['slope_df_between']:.0f}, "
                f"{record['slope_df']:.4g}) = {record['slope_statistic']:.3g}, {p_text(record['slope_p'])}"]
    first, second = record["baseline_first"], record["baseline_second"]
    way = "higher" if record["slope_difference"] > 0 else "lower"
    return [f"the slope {what} is {abs(record['slope_difference']):.2g} {way} in {first} than in {second} (95 % CI "
            f"{record['slope_low']:.2g} to {record['slope_high']:.2g}, {p_text(record['slope_p'])})"]
