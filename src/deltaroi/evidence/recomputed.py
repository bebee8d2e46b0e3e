"""The statistics of the review, computed again from each other."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

import pandas as pd

from deltaroi.evidence.finding import (
    COMPUTED,
    CONSISTENT,
    CONTRADICTION,
    OPEN,
    ROUNDING,
    Finding,
    Stated,
    judge,
)
from deltaroi.evidence.result import Result, results
from deltaroi.evidence.totals import Statements
from deltaroi.stats import conversions
from deltaroi.types import NA, NOT_STATED

_ALPHA = 0.05


def recomputed(evidence: pd.DataFrame, statements: pd.DataFrame) -> Iterator[Finding]:
    """p of statistics, df of n, η² of F, r of t, F of t, signs, and words against p; rules in docs/evidence.md."""
    for result in results(evidence):
        for rule in (_p, _df, _numerator, _eta2, _semipartial, _sign):
            yield from rule(result)
    stated = Statements(statements)
    yield from _claims(list(results(evidence)), stated)
    yield from _f_and_t(stated)
    yield from _signs_as_stated(stated)
    yield from _semipartial_pairs(list(results(evidence)))


def _finding(result: Result, kind: str, quantity: str, stated: tuple[str, str], arithmetic: str, verdict: str,
             said: str) -> Finding:
    return Finding(result.study, kind, quantity, result.id, result.statistic_place, stated[0], COMPUTED, stated[1],
                   arithmetic, verdict, said)


def _p(result: Result) -> Iterator[Finding]:
    """The p of a statistic; without df, those that n allows are tried."""
    p, statistic, tries = result.p, result.statistic, result.tails()
    if p is None or statistic is None or not tries:
        return
    fitting = [one for one in tries if one.fits(p)]
    first = (fitting or tries)[0]
    known = result.df2 is not None and (result.kind != "F" or result.df1 is not None or result.pair is not None)
    if result.kind in ("z", "r") or known:
        verdict = judge(p, first.p, first.low, first.high)
        if statistic.relation != "=" and verdict == CONTRADICTION:
            verdict = OPEN
        said = {CONSISTENT: "p follows from the statistic", ROUNDING: "p follows but for rounding",
                OPEN: "the statistic is a bound"}.get(verdict, "p does not follow from the statistic")
        if result.kind == "z":
            said += "; beside such a z it is a corrected p, or the threshold"
    elif fitting:
        verdict, said = OPEN, f"df are not stated; it fits with {', '.join(one.name for one in fitting)}"
    else:
        verdict = CONTRADICTION
        said = "no df that n allows gives this p; a corrected p could be it, but no correction is stated"
    yield _finding(result, "p from statistic", "p", (f"{result.written}, p {_equal(p)}", f"p = {_short(first.p)}"),
                   "; ".join(f"{one.name}: p = {_short(one.p)}" for one in tries), verdict, said)


def _equal(p: Stated) -> str:
    return f"= {p}" if p.relation == "=" else str(p)


def _short(p: float) -> str:
    return f"{p:.4f}" if p >= 1e-3 else f"{p:.1e}"


def _df(result: Result) -> Iterator[Finding]:
    """Degrees of freedom against n."""
    if result.df2 is None or result.n_first is None:
        return
    if result.kind == "r":
        text, value = f"{result.n_first} - 2", result.n_first - 2
    elif result.n_second is not None:
        text, value = f"{result.n_first} + {result.n_second} - 2", result.n_first + result.n_second - 2
    else:
        text, value = f"{result.n_first} - 1", result.n_first - 1
    fits = value == result.df2
    yield _finding(result, "df from n", "df", (f"df = {result.df2}", f"df = {value}"), f"{text} = {value}",
                   CONSISTENT if fits else CONTRADICTION, "df fit the n of Table 1" if fits else "df do not fit n")


def _numerator(result: Result) -> Iterator[Finding]:
    """An F without numerator df, or without any."""
    if result.kind != "F" or result.df1 is not None or result.statistic is None:
        return
    if result.df2 is None:
        yield _finding(result, "df of F", "df", (result.written, NOT_STATED), "no df, nothing to compute", OPEN,
                       "an F without degrees of freedom")
        return
    yield _finding(result, "df of F", "numerator df", (result.written, "1"), "2 groups - 1 = 1", OPEN,
                   "F with one df; two groups give a numerator df of 1, which is used here")


def _eta2(result: Result) -> Iterator[Finding]:
    """η² of F."""
    stated, f = result.effect_size, result.statistic
    if result.kind != "F" or result.effect_size_kind != "eta2" or stated is None or f is None or result.df2 is None:
        return
    df1 = result.df1 or 1
    low, value, high = (conversions.eta2_of_f(f.value + sign * f.half, df1, result.df2) for sign in (-1, 0, 1))
    verdict = judge(stated, value, low, high)
    scaled = f"{df1} × " if df1 != 1 else ""
    nearest = stated.value + math.copysign(stated.half, value - stated.value)
    said = {CONSISTENT: "η² follows from F", ROUNDING: "η² follows but for rounding"}.get(
        verdict, f"{stated} would be printed down to {nearest:.5f}, and {value:.5f} comes out" if value < stated.value
        else f"{stated} would be printed up to {nearest:.5f}, and {value:.5f} comes out")
    arithmetic = f"{scaled}{f} / ({scaled}{f} + {result.df2}) = {value:.5f} ({low:.5f} to {high:.5f} before rounding)"
    yield _finding(result, "η² from F", "eta2", (f"{result.written}, η² = {stated}", f"{value:.4f}"), arithmetic,
                   verdict, said)


def _semipartial(result: Result) -> Iterator[Finding]:
    """A semipartial correlation is never larger than the partial one, which t gives."""
    stated, t = result.effect_size, result.statistic
    if result.effect_size_kind != "semipartial_r" or stated is None or t is None:
        return
    df = max(result.dfs(), default=0)
    bound = abs(conversions.r_of_t(t.value, df))
    fits = abs(stated.value) - stated.half <= bound
    yield _finding(result, "r from t", "semipartial_r", (f"{result.written}, sr = {stated}", f"at most {bound:.3f}"),
                   f"|t| / √(t² + df) = {abs(t.value):g} / √({t.value**2:.3f} + {df}) = {bound:.3f}",
                   CONSISTENT if fits else CONTRADICTION,
                   f"a partial r with {df} df, which a semipartial one {'does not exceed' if fits else 'exceeds'}")


def _semipartial_pairs(found: list[Result]) -> Iterator[Finding]:
    """Semipartial correlations of one model relate as their t do."""
    rows = [one for one in found if one.effect_size_kind == "semipartial_r" and one.kind == "t"]
    for one, other in combinations(rows, 2):
        a, b, x, y = one.effect_size, other.effect_size, one.statistic, other.statistic
        if one.study != other.study or a is None or b is None or x is None or y is None:
            continue
        of_t, of_r = abs(x.value / y.value), abs(a.value / b.value)
        (low, high), (under, over) = _quotient(a, b), _quotient(x, y)
        fits = low <= over and high >= under
        arithmetic = (f"|{a}/{b}| = {of_r:.3f} ({low:.3f} to {high:.3f} before rounding); "
                      f"|{x}/{y}| = {of_t:.3f} ({under:.3f} to {over:.3f})")
        yield Finding(one.study, "r from t", "semipartial_r", one.id, one.statistic_place, f"sr = {a}, t = {x}",
                      other.statistic_place, f"sr = {b}, t = {y}", arithmetic,
                      (CONSISTENT if round(of_t, 2) == round(of_r, 2) else ROUNDING) if fits else CONTRADICTION,
                      "both semipartial r may come from one model" if fits else "they cannot come from one model")


def _quotient(a: Stated, b: Stated) -> tuple[float, float]:
    x, y = abs(a.value), abs(b.value)
    return (x - a.half) / (y + b.half), (x + a.half) / (y - b.half)


def _sign(result: Result) -> Iterator[Finding]:
    """The sign of a statistic against the stated direction."""
    if result.kind in ("t", "r") and result.statistic is not None and result.sign:
        yield _signed(result.study, result.id, (result.statistic_place, result.place), result.statistic,
                      result.direction)


def _signs_as_stated(stated: Statements) -> Iterator[Finding]:
    """The same for t as each place gives it, where the places differ."""
    for row, number in stated.numbers("t"):
        for other in stated.rows("direction", row["study"], row["concerns"]):
            if other["place"] == row["place"]:
                yield _signed(row["study"], row["concerns"], (row["place"], other["place"]), number, other["value"],
                              "sign as stated")


def _signed(study: str, concerns: str, places: tuple[str, str], number: Stated, direction: str,
            kind: str = "sign") -> Finding:
    fits = math.copysign(1, number.value) == (1 if direction in ("increase", "positive") else -1)
    said = "the sign fits the direction" if fits else (
        "the sign fits only the earlier session minus the later or the second group minus the first, which is not said"
        if direction == "decrease" else "the sign does not fit the direction")
    return Finding(study, kind, "direction", concerns, places[0], f"{number}", places[1], direction,
                   f"{number} {'<' if number.value < 0 else '>'} 0, stated as {direction}",
                   CONSISTENT if fits else CONTRADICTION, said)


def _claims(found: list[Result], stated: Statements) -> Iterator[Finding]:
    """Words about significance against p at .05."""
    pairs = [(one.study, one.id, (one.place, one.claim), (one.statistic_place, one.p)) for one in found
             if one.p is not None]
    for row in stated.rows("claim"):
        pairs += [(row["study"], row["concerns"], (row["place"], row["value"]), (other["place"], p))
                  for other, p in stated.numbers("p", row["study"], row["concerns"])]
    seen = set()
    for study, concerns, (place, claim), (where, p) in pairs:
        if p is None or claim == NA or (concerns, place, claim, where, str(p)) in seen:
            continue
        seen.add((concerns, place, claim, where, str(p)))
        below = p.value <= _ALPHA if p.relation == "<" else p.value < _ALPHA
        asserted = claim in ("significant", "reported")
        fits = below == asserted
        word = "as a finding, without a word on significance" if claim == "reported" else f"as {claim}"
        yield Finding(study, "words and p", "claim", concerns, place, claim, where, f"p {_equal(p)}",
                      f"p {_equal(p)}: {'below' if below else 'not below'} .05",
                      CONSISTENT if fits else CONTRADICTION,
                      f"given {word} {'with' if fits else 'although'} p {_equal(p)}")


def _f_and_t(stated: Statements) -> Iterator[Finding]:
    """F and t of one effect: F = t² with one numerator df."""
    for row, f in stated.numbers("F"):
        for other, t in stated.numbers("t", row["study"], row["concerns"]):
            size = abs(t.value)
            value, low, high = size**2, (size - t.half) ** 2, (size + t.half) ** 2
            verdict = judge(f, value, low, high)
            said = "F is the square of t" if verdict != CONTRADICTION else (
                f"F is not the square of t (√{f} = {math.sqrt(f.value):.2f}): two tests, or one number is wrong")
            yield Finding(row["study"], "F from t", "F", row["concerns"], row["place"], f"F = {f}", other["place"],
                          f"t = {t}", f"{t}² = {value:.2f} ({low:.2f} to {high:.2f} before rounding)", verdict, said)
