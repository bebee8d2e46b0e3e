"""What was found of a factorial design, in words; claims are made by :mod:`deltaroi.group.reading`."""

from __future__ import annotations

from collections.abc import Sequence

from deltaroi.group.factorial_terms import SESSION, Layout, Term
from deltaroi.group.families import Row
from deltaroi.group.reading import ERRORS, amount, place_of


def found(row: Row, term: Term, plan: Layout) -> str:
    """What a row found."""
    place = place_of(row.block.rois[row.roi])
    return _joint(row, term, plan, place) if row.question.joint else _one(row, term, plan, place)


def _one(row: Row, term: Term, plan: Layout, place: str) -> str:
    """A difference, or a difference of differences, with its interval."""
    test, unit, groups = row.numbers.test, row.block.units[row.roi], row.question.groups
    interval = f"(95 % CI {test.ci_low:.3g} to {amount(test.ci_high, unit)})"
    what, how = _quantity(term, plan, place), _how(row)
    if term.between:
        way = "higher" if test.estimate > 0 else "lower"
        return f"{_capital(what)} was {amount(abs(test.estimate), unit)} {way} in {plan.levels[groups[0]]} than in " \
            f"{plan.levels[groups[-1]]} {interval} {how}"
    who = ""
    if len(plan.levels) > 1:
        who = f", within {plan.levels[groups[0]]} alone," if len(groups) == 1 else \
            f", over {_listed(plan.levels)} alike,"
    return f"{_capital(what)}{who} was {amount(test.estimate, unit)} {interval} {how}"


def _quantity(term: Term, plan: Layout, place: str) -> str:
    """``the difference compassion minus rest in AI-L``; the difference of such differences for interactions."""
    named = [_minus(*plan.factors[k]) for k in term.factors]
    others = [name for k, (name, _) in enumerate(plan.factors) if k not in term.factors]
    over = f" (mean over {_listed(others)})" if others else ""
    if not named:
        return f"{place}{over}"
    if len(named) == 1:
        return f"the difference {named[0]} in {place}{over}"
    return f"the interaction ({') × ('.join(named)}) in {place}{over}"


def _minus(name: str, levels: tuple[str, ...]) -> str:
    first, second = reversed(levels) if name == SESSION else levels
    return f"{first} minus {second}"


def _joint(row: Row, term: Term, plan: Layout, place: str) -> str:
    test = row.numbers.test
    f = f"F({test.df_between:.0f}, {test.df:.4g}) = {test.statistic:.3g}"
    names = [plan.factors[k][0] for k in term.factors]
    if not names:
        what = f"Differences of {place}"
    elif len(names) == 1:
        levels = ", ".join(plan.factors[term.factors[0]][1])
        what = f"Differences of {place} between the levels of {names[0]} ({levels})"
    else:
        what = f"The interaction {' × '.join(names)} in {place}"
    if term.between:
        between = f"between {', '.join(plan.levels)}"
        what = f"{what} {between}" if not names else f"{_lower(what, names)}, compared {between}"
    return f"{_capital(what)}, {f} {_how(row)}"


def _lower(text: str, names: list[str]) -> str:
    return text if len(names) == 1 else f"t{text[1:]}"


def _how(row: Row) -> str:
    if row.kind == "welch":
        return f"by {ERRORS['welch']}"
    return "by Student's t" if row.question.mixed == "simple" else "by a mixed analysis of variance"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _capital(text: str) -> str:
    """A sentence's start; names of ROIs and levels stay as they are."""
    return text[0].upper() + text[1:] if text.startswith("the ") else text
