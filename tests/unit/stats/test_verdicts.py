"""Every verdict, its precedence and its sentence."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from deltaroi.stats.standardised import Result, from_interval, from_r, from_t
from deltaroi.stats.verdict_sentence import sentence
from deltaroi.stats.verdicts import MEANINGS, Claim, compare, verdict

STRONG = from_t("g", 6.0, 30, 30)
PLAIN = from_t("g", 3.2, 26, 28)
BARE = from_interval("g", 0.6, 0.1, 1.1)
TREND = from_t("g", 1.8, 20, 20)

CASES: list[tuple[str, Claim, Result, float]] = [
    ("not testable", Claim("effect"), PLAIN, math.nan),
    ("effect where none was reported", Claim("null"), from_t("g", 5.0, 300, 300), 0.3),
    ("null held", Claim("null"), from_t("g", 0.5, 300, 300), 0.3),
    ("null not shown", Claim("null"), from_t("g", 0.5, 30, 30), 0.3),
    ("opposite", Claim("effect", 1, PLAIN), from_t("g", -2.5, 30, 30), math.nan),
    ("replicated, but smaller", Claim("effect", 1, PLAIN), from_t("g", 2.5, 596, 603), math.nan),
    ("replicated", Claim("effect", 1, PLAIN), from_t("g", 3.5, 96, 103), math.nan),
    ("direction confirmed", Claim("effect", -1), from_t("g_z", -2.5, 30), math.nan),
    ("too small for the original", Claim("effect", 1, PLAIN), from_t("g", 1.5, 296, 303), math.nan),
    ("not as reported", Claim("effect", 1, STRONG), from_t("g", 0.3, 25, 25), math.nan),
    ("direction only", Claim("effect", 1, PLAIN), from_t("g", 0.5, 10, 10), math.nan),
    ("inconclusive", Claim("effect", 1, TREND), from_t("g", -0.5, 8, 8), math.nan),
]


@pytest.mark.parametrize(("word", "claim", "new", "bound"), CASES, ids=[case[0] for case in CASES])
def test_every_verdict_can_be_reached(word: str, claim: Claim, new: Result, bound: float) -> None:
    found = compare(claim, new, bound)
    assert verdict(found) == word
    assert sentence(found).startswith(word.capitalize())


def test_the_cases_are_all_verdicts() -> None:
    assert [case[0] for case in CASES] == list(MEANINGS)


@pytest.mark.parametrize(("word", "claim", "new", "bound"), [
    # found before equivalence: an effect within the bound is one
    ("effect where none was reported", Claim("null", 0, from_t("g", 0.4, 20, 20)), from_t("g", 2.3, 900, 900), 0.3),
    # opposite before the telescopes, which also call it too small
    ("opposite", Claim("effect", 1, PLAIN), from_t("g", -2.5, 300, 300), math.nan),
    # either sign is too small in a large study
    ("too small for the original", Claim("effect", 1, PLAIN), from_t("g", -0.3, 300, 300), math.nan),
    # too small before not as reported, which it also is
    ("too small for the original", Claim("effect", 1, STRONG), from_t("g", 0.3, 90, 90), math.nan),
    # not as reported whatever the sign
    ("not as reported", Claim("effect", 1, STRONG), from_t("g", -0.1, 9, 9), math.nan),
    # a reported trend is confirmed, not replicated; nor replicated but smaller
    ("direction confirmed", Claim("effect", 1, TREND), from_t("g", 3.0, 60, 60), math.nan),
    ("direction confirmed", Claim("effect", 1, TREND), from_t("g", 2.2, 900, 900), math.nan),
    # only a direction
    ("opposite", Claim("effect", 1), from_t("g", -3.0, 30, 30), math.nan),
    ("direction only", Claim("effect", -1), from_r(-0.1, 30), math.nan),
    ("inconclusive", Claim("effect", -1), from_r(0.1, 30), math.nan),
    ("inconclusive", Claim("effect", 1), from_t("g", 0.0, 30, 30), math.nan),
    # sizes of two kinds
    ("direction confirmed", Claim("effect", 1, PLAIN), from_t("g_z", 3.0, 30), math.nan),
    # no bound, no equivalence
    ("null not shown", Claim("null"), from_t("g", 0.0, 3000, 3000), math.nan),
    # an interval is enough
    ("direction only", Claim("effect", 1, BARE), from_interval("g", 0.4, -0.1, 0.9), math.nan),
    ("replicated", Claim("effect", -1, from_r(-0.6, 20)), from_r(-0.5, 30), math.nan),
])
def test_precedence(word: str, claim: Claim, new: Result, bound: float) -> None:
    assert verdict(compare(claim, new, bound)) == word


@pytest.mark.parametrize(("claim", "new", "reason"), [
    (Claim("effect", 1, problem="the region has no definition"), PLAIN, "the region has no definition"),
    (Claim("effect"), PLAIN, "no direction"),
    (Claim("effect", -1, PLAIN), PLAIN, "opposite signs"),
    (Claim("trend", 1), PLAIN, "'trend'"),
    (Claim("effect", 1), from_r(0.5, 3), "the new result: r has no interval"),
    (Claim("effect", 1), Result("g", 0.5), "the new result: there is no value with an interval"),
    (Claim("null"), Result("r", 0.5, 0.1, 1.0), "the new result: r and its interval"),
])
def test_not_testable_says_why(claim: Claim, new: Result, reason: str) -> None:
    found = compare(claim, new)
    assert verdict(found) == "not testable"
    assert reason in sentence(found)


def test_the_two_flags() -> None:
    """The new interval is asked of the reported value, the prediction interval of the new one."""
    found = compare(Claim("effect", 1, PLAIN), from_t("g", 3.5, 96, 103))
    assert (found.new_ci_holds_reported, found.prediction_holds_new) == (False, True)
    assert found.new.high < PLAIN.value
    assert found.prediction.low < found.new.value < found.prediction.high
    bare = compare(Claim("effect", 1), PLAIN)
    assert (bare.new_ci_holds_reported, bare.prediction_holds_new, bare.direction_agrees) == (None, None, True)
    assert compare(Claim("null"), PLAIN).direction_agrees is None


def told(claim: Claim, new: Result, bound: float = math.nan) -> str:
    return sentence(compare(claim, new, bound))


def test_sentences() -> None:
    assert told(Claim("effect", 1, PLAIN), from_t("g", 1.5, 296, 303)) == (
        "Too small for the original. Reported g = 0.86 [0.30, 1.41] (n = 26 + 28), new g = 0.12 [-0.04, 0.28] "
        "(n = 296 + 303). The new interval does not hold the reported value, and the prediction interval [0.29, 1.45] "
        "does not hold the new value. The new result is 29.5 times as likely with no effect as with the original's "
        "effect (replication Bayes factor). The original had 80 % power for an effect of 0.78 and one third for 0.42; "
        "the new effect is smaller than the latter (p < 0.001).")
    assert "a negative effect without a size, new g_z = -0.44" in told(Claim("effect", -1), from_t("g_z", -2.5, 30))
    assert "lies within ± 0.3 (p < 0.001)" in told(Claim("null"), from_t("g", 0.5, 300, 300), 0.3)
    assert "is not shown to lie within ± 0.3 (p = 0.26)" in told(Claim("null"), from_t("g", 0.53, 30, 30), 0.3)
    assert "No bound of equivalence was set." in told(Claim("null"), PLAIN)
    assert "Reported no effect, g = 0.86" in told(Claim("null", 0, PLAIN), PLAIN)
    assert "Sizes are not compared: the original is a g" in told(Claim("effect", 1, PLAIN), from_t("g_z", 3.0, 30))
    normal = told(Claim("effect", 1, BARE), from_interval("g", 0.4, -0.1, 0.9))
    assert "by a normal approximation" in normal
    assert "What the original could have seen is unknown" in normal
    strong = from_t("g", 9.0, 90, 90)
    assert "more than 10,000 times as likely with the original's effect" in told(Claim("effect", 1, strong), strong)


def test_missing_parts_are_told() -> None:
    found = compare(Claim("effect", 1, PLAIN), from_t("g", 1.5, 296, 303))
    parts = sentence(replace(found, prediction=replace(found.prediction, problem="why not"),
                            bayes=replace(found.bayes, problem="who knows")))
    assert "no prediction interval: why not" in parts
    assert "No replication Bayes factor: who knows" in parts
