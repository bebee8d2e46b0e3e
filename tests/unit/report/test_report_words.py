"""How numbers are written."""

from __future__ import annotations

import math

import pytest

from deltaroi.report import words


@pytest.mark.parametrize(("value", "decimals", "text"), [
    (0.214, 2, "0.21"), (-0.214, 2, "−0.21"), (-0.001, 2, "0.00"), (math.nan, 2, "n/a"), (math.inf, 2, "n/a"),
    (12.0, 0, "12")])
def test_number(value: float, decimals: int, text: str) -> None:
    assert words.number(value, decimals) == text


@pytest.mark.parametrize(("value", "text"), [
    (0.0004, "<.001"), (0.001, ".001"), (0.0496, ".050"), (1.0, "1.000"), (math.nan, "n/a"), (0.0, "<.001")])
def test_p_value(value: float, text: str) -> None:
    assert words.p_value(value) == text


@pytest.mark.parametrize(("widths", "decimals"), [
    ([0.31], 2), ([0.031], 3), ([3.1], 1), ([310.0], 0), ([math.nan], 2), ([], 2), ([0.0], 2), ([1e-12], 6)])
def test_decimals_show_two_digits_of_the_interval(widths: list[float], decimals: int) -> None:
    assert words.decimals_for(widths) == decimals


def test_interval_with_one_missing_end() -> None:
    assert words.interval(math.nan, 0.5) == "[n/a, 0.50]"
    assert words.interval(math.nan, math.nan) == ""


@pytest.mark.parametrize(("value", "text"), [(20.0, "20"), (19.37, "19.4"), (math.nan, "n/a")])
def test_degrees(value: float, text: str) -> None:
    assert words.degrees(value) == text


@pytest.mark.parametrize(("name", "text"), [
    ("group_difference", "difference between groups"), ("session_within:A:b", "change within A:b"),
    ("linear_trend", "linear trend"), ("covariate:age", "covariate age")])
def test_terms_in_words(name: str, text: str) -> None:
    assert words.term(name) == text


def test_lists_and_lengths() -> None:
    assert [words.listed("abc"[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert words.shorten("abcdef", 4) == "abc…"
    assert words.shorten("abcd", 4) == "abcd"
    assert words.shorten("a_long_name_of_an_roi L (circular)", 22) == "a_long_nam… (circular)"
    assert words.shorten("a_long_name_of_an_roi L circular", 20) == "a_long_nam… circular"
    assert words.plural(1, "ROI") == "1 ROI"
    assert words.plural(0, "ROI") == "0 ROIs"
