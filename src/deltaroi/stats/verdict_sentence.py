"""The sentence that a verdict is told with."""

from __future__ import annotations

import math

from deltaroi.stats.replication import ALPHA
from deltaroi.stats.standardised import Result
from deltaroi.stats.verdicts import Comparison, verdict


def sentence(comparison: Comparison) -> str:
    """The verdict and the numbers behind it, in plain sentences."""
    c, word = comparison, verdict(comparison).capitalize()
    if c.problem:
        return f"{word}: {c.problem}."
    said = [f"{word}.", f"Reported {_reported(c)}, new {_result(c.new)}."]
    if c.claim.kind == "null":
        said.append(_equivalence(c))
    elif c.size_problem:
        said += [] if c.claim.original is None else [f"Sizes are not compared: {c.size_problem}."]
    else:
        said += [_intervals(c), _bayes(c), _telescopes(c)]
    return " ".join(part for part in said if part)


def _result(result: Result) -> str:
    subjects = f"{result.n_first:g} + {result.n_second:g}" if result.n_second else f"{result.n_first:g}"
    design = f" (n = {subjects})" if result.n_first else ""
    return f"{result.kind} = {result.value:.2f} [{result.low:.2f}, {result.high:.2f}]{design}"


def _reported(c: Comparison) -> str:
    if c.claim.original is not None and not c.claim.original.problem:
        return ("no effect, " if c.claim.kind == "null" else "") + _result(c.claim.original)
    if c.claim.kind == "null":
        return "no effect"
    return f"a {'positive' if c.claim.sign > 0 else 'negative'} effect without a size"


def _equivalence(c: Comparison) -> str:
    if math.isnan(c.equivalence_p):
        return "No bound of equivalence was set."
    shown = "lies" if c.equivalence_p < ALPHA else "is not shown to lie"
    return f"The new effect {shown} within ± {c.bound:g} ({_p(c.equivalence_p)})."


def _intervals(c: Comparison) -> str:
    holds = "holds" if c.new_ci_holds_reported else "does not hold"
    if c.prediction.problem:
        return f"The new interval {holds} the reported value; no prediction interval: {c.prediction.problem}."
    return (f"The new interval {holds} the reported value, and the prediction interval [{c.prediction.low:.2f}, "
            f"{c.prediction.high:.2f}] {'holds' if c.prediction_holds_new else 'does not hold'} the new value.")


def _bayes(c: Comparison) -> str:
    if c.bayes.problem:
        return f"No replication Bayes factor: {c.bayes.problem}."
    times = math.exp(min(abs(c.bayes.log_bf), 700.0))
    many = "more than 10,000" if times > 10_000 else f"{times:,.0f}" if times >= 1000 else f"{times:.3g}"
    better, worse = ("the original's effect", "no effect")[::1 if c.bayes.log_bf >= 0 else -1]
    by = ", by a normal approximation" if c.bayes.method == "normal" else ""
    return f"The new result is {many} times as likely with {better} as with {worse} (replication Bayes factor{by})."


def _telescopes(c: Comparison) -> str:
    if c.telescopes.problem:
        return f"What the original could have seen is unknown: {c.telescopes.problem}."
    shown = "is" if c.too_small else "is not shown to be"
    return (f"The original had 80 % power for an effect of {c.detectable_80:.2f} and one third for "
            f"{abs(c.telescopes.effect):.2f}; the new effect {shown} smaller than the latter ({_p(c.telescopes.p)}).")


def _p(p: float) -> str:
    if abs(p - ALPHA) < 0.0005:
        return f"p = {p:.4f}"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"
