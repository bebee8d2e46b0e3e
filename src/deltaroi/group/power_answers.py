"""What a table of power says, in sentences: how many subjects an effect needs, and which effect so many can find."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from deltaroi.stats.monte_carlo import Crossing, crossing
from deltaroi.types import NA

TARGET = 0.8
CRITERIA = ("uncorrected", "holm", "max_t")
_CURVES = ("power", "power_low", "power_high")


def answers(table: pd.DataFrame) -> dict[str, tuple[str, ...]]:
    """Per criterion, as it is said, a sentence per effect and then one per n; effects of 0 have none.

    Parameters
    ----------
    table : DataFrame
        Conformed to ``tables.POWER``.
    """
    found = {}
    for criterion in [name for name in CRITERIA if name in set(table["criterion"])]:
        part = table[(table["criterion"] == criterion) & (table["effect"] > 0)]
        by_effect = [_subjects(rows.sort_values("n")) for _, rows in part.groupby("effect", sort=True)]
        by_n = [_effect(rows.sort_values("effect")) for _, rows in part.groupby(["n", "n_per_group"], sort=True)]
        first = table.iloc[0]
        found[criterion_words(criterion, float(first["alpha"]), int(first["rois"]))] = (*by_effect, *by_n)
    return found


def criterion_words(criterion: str, alpha: float, rois: int) -> str:
    """A criterion as it is said: ``p ≤ .05 by Holm over 14 ROIs``."""
    level = f"p ≤ {share(alpha, 3).rstrip('0')}"
    names = {"holm": "by Holm", "max_t": "by max-T"}
    return f"{level} {names[criterion]} over {rois} ROI{'s' if rois != 1 else ''}" if criterion in names else \
        f"{level}, uncorrected"


def share(value: float, digits: int = 2) -> str:
    """A rate without the zero before its point; a rate below 1 is never shown as 1."""
    shown = f"{value:.{digits}f}"
    if value < 1 and float(shown) == 1:
        return ">." + "9" * digits
    return shown.removeprefix("0")


def effect_words(effect: float, effect_d: float, unit: str) -> str:
    """``0.5 SD (0.15 % signal change)``."""
    return f"{effect_d:.3g} SD" if unit == NA else f"{effect_d:.3g} SD ({effect:.3g} {unit})"


def people(n_per_group: Sequence[str]) -> tuple[bool, str]:
    """Whether groups are equally large in every entry, and what their number is a number of."""
    alike = all(len(set(entry.split("/"))) == 1 for entry in n_per_group)
    single = all("/" not in entry for entry in n_per_group)
    return alike, "subjects" if single else "subjects per group" if alike else "subjects in all groups together"


def _subjects(rows: pd.DataFrame) -> str:
    alike, noun = people(list(rows["n_per_group"]))
    places = list(rows["n_first"] if alike else rows["n"])
    found, low, high = (crossing(places, list(rows[name]), int(rows["draws"].iloc[0]), TARGET, root=True)
                        for name in _CURVES)
    shown = effect_words(*rows[["effect", "effect_d", "unit"]].iloc[0])
    head = f"For 80 % power, an effect of {shown} needs"
    if found.below is None:
        return f"{head} at most {places[0]} {noun}, the fewest simulated (power {share(rows['power'].iloc[0])})."
    if found.above is None:
        return f"{head} more than {places[-1]} {noun}, the most simulated (power {share(rows['power'].iloc[-1])})."
    return f"{head} about {math.ceil(found.at)} {noun}{_range(high, low, places)}, interpolated " \
        + _between(rows, found, places)


def _effect(rows: pd.DataFrame) -> str:
    sizes = list(rows["effect_d"])
    found, low, high = (crossing(sizes, list(rows[name]), int(rows["draws"].iloc[0]), TARGET) for name in _CURVES)
    entry = str(rows["n_per_group"].iloc[0])
    alike, noun = people([entry])
    who = f"{entry.split('/')[0]} {noun}" if alike else f"groups of {entry} subjects"
    head = f"With {who}, the smallest effect that has 80 % power is"
    if found.below is None:
        return f"{head} at most {sizes[0]:.3g} SD, the smallest simulated (power {share(rows['power'].iloc[0])})."
    if found.above is None:
        return f"{head} above {sizes[-1]:.3g} SD, the largest simulated (power {share(rows['power'].iloc[-1])})."
    raw = found.at * float(rows["effect"].iloc[0]) / sizes[0]
    shown = effect_words(raw, found.at, str(rows["unit"].iloc[0]))
    return f"{head} about {shown}{_range(high, low, sizes)}, interpolated " + _between(rows, found, sizes)


def _between(rows: pd.DataFrame, found: Crossing, places: Sequence[float]) -> str:
    i, k = found.below or 0, found.above or 0
    power = list(rows["power"])
    return f"between the simulated {places[i]:.6g} (power {share(power[i])}) and {places[k]:.6g} ({share(power[k])})."


def _range(low: Crossing, high: Crossing, places: Sequence[float]) -> str:
    """Where the curves of both ends of the Monte-Carlo interval reach the level."""
    whole = all(float(place).is_integer() for place in places)
    return f" [{' to '.join(_ends(low, high, places, whole))} by Monte-Carlo error]"


def _ends(low: Crossing, high: Crossing, places: Sequence[float], whole: bool) -> Iterator[str]:
    for one, rounded in ((low, math.floor), (high, math.ceil)):
        if one.below is None:
            yield f"under {places[0]:.6g}"
        elif one.above is None:
            yield f"over {places[-1]:.6g}"
        else:
            yield str(rounded(one.at)) if whole else f"{one.at:.3g}"
