"""Every published result as an effect size with an interval, or the reason why it is none."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from deltaroi.evidence.result import Result, results
from deltaroi.stats import conversions
from deltaroi.stats.conversions import Converted
from deltaroi.tables import EVIDENCE_SIZES, conform
from deltaroi.types import NA


@dataclass(frozen=True)
class _Sized:
    """An effect size before its sign is decided."""

    size: Converted
    kind: str
    formula: str
    doubts: tuple[str, ...] = ()


def effect_sizes(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn published statistics into effect sizes.

    Parameters
    ----------
    frame : DataFrame
        Conformed to EVIDENCE, e.g. from :func:`deltaroi.evidence.read_evidence`.

    Returns
    -------
    DataFrame
        Conformed to EVIDENCE_SIZES: one row per row of ``frame``. ``reason`` says why there is no effect size; where
        there is one, what is doubtful about it.

    Notes
    -----
    Formulas are in :mod:`deltaroi.stats.conversions`. The stated direction decides the sign: that of F and η², which
    have none, and that of a statistic whose own sign contradicts it (then ``reason`` says so).
    """
    rows = [_row(result) for result in results(frame)]
    return conform(pd.DataFrame(rows, columns=EVIDENCE_SIZES.names), EVIDENCE_SIZES)


def _row(result: Result) -> dict[str, object]:
    found = _size(result)
    n = {"n_first": result.n_first, "n_second": result.n_second}
    if isinstance(found, str):
        return {"id": result.id, "effect_size": math.nan, "kind": NA, "ci_low": math.nan, "ci_high": math.nan,
                "variance": math.nan, **n, "formula": NA, "reason": found}
    size, doubts = found.size, [*found.doubts, *_doubts(result)]
    if result.sign and math.copysign(1, size.value) != result.sign:
        size = Converted(-size.value, -size.high, -size.low, size.variance)
        if result.kind not in ("F", "none"):
            doubts.append("the stated sign contradicts the stated direction, which decides")
    return {"id": result.id, "effect_size": size.value, "kind": found.kind, "ci_low": size.low, "ci_high": size.high,
            "variance": size.variance, **n, "formula": found.formula, "reason": "; ".join(doubts) or NA}


def _size(result: Result) -> _Sized | str:
    """The effect size of a result, or why there is none."""
    if result.row_kind == "roi_list":
        return "a region named beforehand, not a result"
    if result.effect_size_kind == "semipartial_r" and result.effect_size is not None:
        return _Sized(Converted(result.effect_size.value), "semipartial_r", "as stated",
                      ("no interval: it needs the df or the R² of the model, and neither is stated",))
    if result.kind == "none" and result.effect_size_kind == "eta2":
        return _of_eta2(result)
    if result.kind == "none" or result.statistic is None:
        bound = result.p is not None and result.p.relation != "="
        return f"no statistic is stated{', only p ' + str(result.p) if bound else ''}"
    if result.statistic.relation != "=":
        return f"only a bound of the statistic is stated ({result.written})"
    if result.kind in ("percent", "ratio"):
        return f"a {result.kind} without a measure of spread"
    convert = {"t": _of_t, "z": _of_z, "F": _of_f, "r": _of_r}.get(result.kind)
    return convert(result, result.statistic.value) if convert else f"there is no formula for '{result.kind}'"


def _of_t(result: Result, t: float) -> _Sized | str:
    if result.pair is not None:
        first, second = result.pair
        df = first + second - 2
        return _Sized(conversions.g_of_t(t, first, second), "g", f"g = J({df}) t √(1/{first} + 1/{second})",
                      _df_doubts(result, df))
    if result.between:
        return f"the n of both groups are not stated ({result.written})"
    n = result.df2 + 1 if result.df2 is not None else result.n_first
    if n is None:
        return f"neither df nor n is stated ({result.written})"
    return _Sized(conversions.g_z_of_t(t, n), "g_z", f"g_z = J({n - 1}) t / √{n}", _df_doubts(result, n - 1))


def _df_doubts(result: Result, df: int) -> tuple[str, ...]:
    if result.df2 == df:
        return ()
    return ((f"df are not stated, taken as {df}" if result.df2 is None else
             f"the stated df are {result.df2}, those of n are {df}"),)


def _of_z(result: Result, z: float) -> _Sized | str:
    if result.n_first is None or (result.between and result.pair is None):
        return f"the n of this result is not stated ({result.written})"
    df = sum(result.pair) - 2 if result.pair is not None else result.n_first - 1
    found = _of_t(result, conversions.t_of_z(z, df))
    if isinstance(found, str):
        return found
    return _Sized(found.size, found.kind, f"t({df}) with the tail of z, then {found.formula}",
                  ("z at the peak of a cluster, chosen for being high: too large", *found.doubts))


def _of_f(result: Result, f: float) -> _Sized | str:
    if result.df2 is None:
        return f"F without degrees of freedom, and of an effect that is not named ({result.written})"
    if result.pair is None or (result.df1 or 1) != 1:
        return f"F of more than one df, or not of two groups ({result.written})"
    if not result.sign:
        return f"F has no sign, and no direction is stated ({result.written})"
    found = _of_t(result, math.sqrt(f))
    if isinstance(found, str):
        return found
    doubts = () if result.df1 is not None else ("numerator df not stated, taken as 1: two groups",)
    return _Sized(found.size, found.kind, f"t = √F, then {found.formula}", (*doubts, *found.doubts))


def _of_eta2(result: Result) -> _Sized | str:
    if result.effect_size is None or result.df2 is None:
        return "η² without degrees of freedom"
    found = _of_f(result, conversions.f_of_eta2(result.effect_size.value, result.df1 or 1, result.df2))
    if isinstance(found, str):
        return found
    return _Sized(found.size, found.kind, f"F of η², then {found.formula}", found.doubts)


def _of_r(result: Result, r: float) -> _Sized | str:
    n = result.df2 + 2 if result.df2 is not None else result.n_first
    if n is None:
        return f"neither df nor n is stated ({result.written})"
    return _Sized(conversions.r_of_n(r, n), "r", f"tanh(atanh r ± 1.96 / √({n} - 3))")


def _doubts(result: Result) -> Iterator[str]:
    """What the stated p says against the size."""
    p, tails = result.p, result.tails()
    if result.kind != "t" or p is None or p.relation != "=" or not tails or any(one.fits(p) for one in tails):
        return
    other = _of_t(result, conversions.t_of_p(p.value, result.dfs()[0]))
    if not isinstance(other, str):
        yield f"the stated p = {p} does not fit; by itself it would give |{other.kind}| = {other.size.value:.2f}"
