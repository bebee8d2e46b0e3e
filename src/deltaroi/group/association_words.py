"""What was found of an association, in words; claims are made by :mod:`deltaroi.group.reading`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from deltaroi.group.blocks import Block
from deltaroi.group.families import Row
from deltaroi.group.reading import ERRORS, amount, p_text, place_of
from deltaroi.group.scored import Asked
from deltaroi.stats.association import Region
from deltaroi.stats.record import Test
from deltaroi.types import NA


def outcome_words(asked: Asked, block: Block, roi: int, sessions: tuple[str, ...]) -> str:
    """What is held against the score: ``the change of amygdala-L from pre to post``."""
    place, kind = place_of(block.rois[roi]), asked.spec.outcome
    if kind == "change":
        return f"the change of {place} from {sessions[0]} to {sessions[-1]}"
    session = sessions[0 if kind == "baseline" else -1]
    return place if session == NA else f"{place} at {session}"


def slope_words(asked: Asked, row: Row, what: str) -> str:
    """The slope over all groups of an association."""
    test, size = row.numbers.test, row.numbers.size
    r = f"; partial r = {size.value:.2f}" if math.isfinite(size.value) else ""
    r += f" ({size.low:.2f} to {size.high:.2f})" if r and math.isfinite(size.low) else ""
    return f"{_capital(what)} was {_per(test, row)} {_over(asked.levels)}{_adjusted(asked)} by {ERRORS[row.kind]}{r}"


def moderation_words(asked: Asked, row: Row, what: str) -> str:
    """How groups differ in their slopes."""
    test, named = row.numbers.test, f"the slope of {what} on {asked.spec.score}"
    if test.kind == "F":
        f = f"F({test.df_between:.0f}, {test.df:.4g}) = {test.statistic:.3g}"
        return f"Differences of {named} between {', '.join(asked.levels)}, {f} with {ERRORS[row.kind]}"
    unit = row.block.units[row.roi]
    way = "more" if test.estimate > 0 else "less"
    return (f"{_capital(named)} was {amount(abs(test.estimate), unit)} per {row.question.per} {way} in "
            f"{asked.levels[0]} than in {asked.levels[1]} {_interval(test, unit)} by {ERRORS[row.kind]}")


def simple_slope_words(asked: Asked, group: str, test: Test, what: str, unit: str) -> str:
    """The slope within one group, which says nothing about other groups."""
    alone = "" if group == "all" else f"Within {group} alone, "
    if math.isnan(test.p):
        return flat(f"{_capital(alone + what)}: not tested, because {test.problem}.")
    way = "higher" if test.estimate > 0 else "lower"
    return flat(f"{_capital(alone + what)} was {amount(abs(test.estimate), unit)} {way} per unit of "
                f"{asked.spec.score} {_interval(test, unit)}, {p_text(test.p)} before correction.")


def difference_words(asked: Asked, pair: tuple[str, str], test: Test, what: str, unit: str) -> str:
    """The difference of two groups' slopes."""
    named = f"the slope of {what} on {asked.spec.score}"
    if math.isnan(test.p):
        return flat(f"{_capital(named)} in {pair[0]} and {pair[1]}: not compared, because {test.problem}.")
    way = "more" if test.estimate > 0 else "less"
    return flat(f"{_capital(named)} was {amount(abs(test.estimate), unit)} per unit {way} in {pair[0]} than in "
                f"{pair[1]} {_interval(test, unit)}, {p_text(test.p)} before correction.")


def region_words(asked: Asked, pair: tuple[str, str], region: Region, seen: tuple[float, float],
                 higher: Sequence[str], what: str) -> str:
    """Where along the score two groups differ; ``higher`` names the higher group of each stretch."""
    where = f"Between {seen[0]:.4g} and {seen[1]:.4g} {asked.spec.score}, where both groups have scores"
    if region.kind == "missing":
        return flat(f"{_capital(what)} in {pair[0]} and {pair[1]}: not compared along {asked.spec.score}, because "
                    f"{region.problem}.")
    if not region.inside:
        return flat(f"{where}, {pair[0]} and {pair[1]} nowhere differ in {what} with p < .05 at a score.")
    stretches = " and ".join(f"from {a:.4g} to {b:.4g} ({who} higher)"
                             for (a, b), who in zip(region.inside, higher, strict=True))
    return flat(f"{where}, {pair[0]} and {pair[1]} differ in {what} {stretches}: p < .05 at each score by itself, not "
                "corrected.")


def flat(text: str) -> str:
    """One line, whatever labels hold."""
    return " ".join(text.split())


def _per(test: Test, row: Row) -> str:
    unit, way = row.block.units[row.roi], "higher" if test.estimate > 0 else "lower"
    return f"{amount(abs(test.estimate), unit)} {way} per {row.question.per} {_interval(test, unit)}"


def _interval(test: Test, unit: str) -> str:
    return f"(95 % CI {test.ci_low:.3g} to {amount(test.ci_high, unit)})"


def _over(levels: tuple[str, ...]) -> str:
    if levels == ("all",):
        return "over all subjects"
    return f"within {levels[0]} alone" if len(levels) == 1 else f"over {' and '.join(levels)} together"


def _adjusted(asked: Asked) -> str:
    return f", adjusted for {', '.join(asked.adjusted_for)}" if asked.adjusted_for else ""


def _capital(text: str) -> str:
    """A sentence's start; names of ROIs stay as they are."""
    return text[0].upper() + text[1:] if text.startswith(("the ", "within ")) else text
