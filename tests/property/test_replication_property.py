"""Whatever the numbers: one verdict, one sentence, no warning; and what must not depend on the sign does not."""

from __future__ import annotations

import math
import warnings

from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.stats.replication import prediction_interval, replication_bayes, small_telescopes
from deltaroi.stats.standardised import Result, from_f, from_g, from_interval, from_r, from_t
from deltaroi.stats.verdict_sentence import sentence
from deltaroi.stats.verdicts import MEANINGS, Claim, compare, verdict

NUMBER = st.one_of(st.floats(-8, 8), st.floats(allow_nan=False, allow_infinity=False),
                   st.sampled_from([0.0, -0.0, 1.0, -1.0, 1e-300, 0.999999999, math.nan, math.inf]))
SIZE = st.one_of(st.integers(0, 60), st.integers(0, 10**6), st.floats(0, 100))
KIND = st.sampled_from(["g", "g_z", "r", "d"])
T = st.floats(-12, 12)
N = st.integers(5, 300)

RESULT = st.one_of(
    st.builds(from_t, KIND, NUMBER, SIZE, SIZE),
    st.builds(from_t, KIND, T, N, N),
    st.builds(from_g, KIND, T, N, N),
    st.builds(from_f, KIND, NUMBER, st.tuples(st.integers(1, 3), NUMBER), st.sampled_from([-1, 0, 1]), st.tuples(N, N)),
    st.builds(from_r, st.one_of(NUMBER, st.floats(-1, 1)), SIZE),
    st.builds(from_interval, KIND, NUMBER, NUMBER, NUMBER),
    st.builds(Result, KIND, NUMBER, NUMBER, NUMBER, NUMBER, NUMBER, SIZE, SIZE, st.sampled_from(["", "why"])),
)
CLAIM = st.builds(Claim, st.sampled_from(["effect", "null", "other"]), st.sampled_from([-1, 0, 1]),
                  st.one_of(st.none(), RESULT), st.sampled_from(["", "", "why"]))
GOOD = st.one_of(st.builds(from_t, st.just("g"), T, N, N), st.builds(from_t, st.just("g_z"), T, N),
                 st.builds(from_r, st.floats(-0.95, 0.95), N))


def mirrored(result: Result) -> Result:
    return from_r(-result.value, result.n_first) if result.kind == "r" else \
        from_t(result.kind, -result.t, result.n_first, result.n_second)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(claim=CLAIM, new=RESULT, bound=st.one_of(NUMBER, st.just(0.3)))
def test_there_is_always_a_verdict(claim: Claim, new: Result, bound: float) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = compare(claim, new, bound)
        word, told = verdict(found), sentence(found)
    assert word in MEANINGS
    assert told.startswith(word.capitalize())
    assert told.endswith(".")
    assert "nan" not in told
    assert (word == "not testable") == bool(found.problem)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(original=GOOD, new=GOOD)
def test_the_sign_of_the_scale_does_not_matter(original: Result, new: Result) -> None:
    here = compare(Claim("effect", 0, original), new)
    there = compare(Claim("effect", 0, mirrored(original)), mirrored(new))
    assert verdict(here) == verdict(there)
    if not here.size_problem:
        assert math.isclose(here.bayes.log_bf, there.bayes.log_bf, rel_tol=1e-6, abs_tol=1e-8)
        assert math.isclose(here.prediction.low, -there.prediction.high, rel_tol=1e-6, abs_tol=1e-8)
        assert math.isclose(here.telescopes.p, there.telescopes.p, rel_tol=1e-6, abs_tol=1e-12)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(original=GOOD, new=GOOD)
def test_intervals_surround_and_probabilities_are_such(original: Result, new: Result) -> None:
    if original.kind != new.kind:
        return
    prediction, telescopes = prediction_interval(original, new), small_telescopes(original, new)
    assert prediction.low < prediction.high
    assert 0 <= telescopes.p <= 1
    assert math.isfinite(replication_bayes(original, new).log_bf)
    assert telescopes.effect * original.value >= 0
