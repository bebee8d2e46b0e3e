"""Contrast expressions: any linear expression comes back as its weights; nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.config.expression import parse_contrast
from deltaroi.errors import StudyError

NAMES = st.sampled_from(["a", "b", "neg_1", "odd name", "50-50"])
NUMBERS = st.floats(0.125, 64, allow_nan=False).map(lambda x: round(x, 3))


def written(name: str) -> str:
    return f"`{name}`" if not name.isidentifier() else name


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("+-"), NUMBERS, NAMES), min_size=1, max_size=6), NUMBERS)
def test_sum_of_products(terms: list[tuple[str, float, str]], divisor: float) -> None:
    expected: dict[str, float] = {}
    for sign, number, name in terms:
        expected[name] = expected.get(name, 0.0) + (number if sign == "+" else -number) / divisor
    expected = {k: v for k, v in expected.items() if abs(v) > 1e-12}
    text = "(" + " ".join(f"{sign} {number} * {written(name)}" for sign, number, name in terms) + f") / {divisor}"
    if not expected:
        return
    found = {k: v for k, v in parse_contrast(text).items() if abs(v) > 1e-12}
    assert found == pytest.approx(expected, abs=1e-12)


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab01.+-*/() `_e", max_size=14))
def test_never_anything_but_weights_or_a_study_error(text: str) -> None:
    try:
        weights = parse_contrast(text)
    except StudyError:
        return
    assert weights
    assert all(weight != 0.0 for weight in weights.values())


@pytest.mark.parametrize("text", ["", "a b", "a * b", "a / b", "a / 0", "1", "a + 1", "a - a", "(a", "a)", "a ** 2",
                                  "__import__('os')", "a - ", "`", "``", "1/0*a", "0 * a", "(" * 200 + "a" + ")" * 200])
def test_refused(text: str) -> None:
    with pytest.raises(StudyError) as caught:
        parse_contrast(text, "contrasts.x")
    assert caught.value.where == "contrasts.x"


@pytest.mark.parametrize(("text", "weights"), [
    ("negative - neutral", {"negative": 1, "neutral": -1}),
    ("(a + b) / 2 - 0.5 * `odd name`", {"a": 0.5, "b": 0.5, "odd name": -0.5}),
    ("-a", {"a": -1}),
    ("2 * (a - 3 * (b - a))", {"a": 8, "b": -6}),
    ("a * 2e1 / 4", {"a": 5}),
    ("`1` - `2`", {"1": 1, "2": -1}),
])
def test_read(text: str, weights: dict[str, float]) -> None:
    assert dict(parse_contrast(text)) == weights
