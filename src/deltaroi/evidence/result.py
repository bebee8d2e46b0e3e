"""One row of the evidence table with its numbers as they are printed."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import pandas as pd

from deltaroi.evidence.finding import Stated
from deltaroi.stats import conversions
from deltaroi.types import NA

_SIGNS = {"increase": 1, "positive": 1, "decrease": -1, "negative": -1}


@dataclass(frozen=True)
class Result:
    """A reported result; None where the review does not state a number."""

    id: str
    study: str
    row_kind: str
    groups: str
    place: str
    statistic_place: str
    direction: str
    claim: str
    comparison: str
    kind: str
    statistic: Stated | None
    p: Stated | None
    effect_size: Stated | None
    effect_size_kind: str
    n_first: int | None
    n_second: int | None
    df1: int | None
    df2: int | None
    n_study: int | None

    @property
    def pair(self) -> tuple[int, int] | None:
        """The sizes of two groups that are compared; None with one group, or where a size is not stated."""
        if self.n_first is None or self.n_second is None or not self.between:
            return None
        return self.n_first, self.n_second

    @property
    def between(self) -> bool:
        """Whether groups are compared."""
        return "between groups" in self.comparison

    @property
    def sign(self) -> int:
        """1 or -1 by the stated direction; 0 where there is none."""
        return _SIGNS.get(self.direction, 0)

    @property
    def written(self) -> str:
        """The statistic as people write it."""
        df = f"({self.df1},{self.df2})" if self.df1 is not None else f"({self.df2})" if self.df2 is not None else ""
        relation = "" if self.statistic is None or self.statistic.relation != "=" else "= "
        return f"{self.kind}{df} {relation}{self.statistic}"

    def dfs(self) -> list[int]:
        """Error degrees of freedom: the stated ones, else those that n allows, of the groups and of the whole study."""
        if self.df2 is not None:
            return [self.df2]
        first, second = self.n_first, self.n_second
        if first is None:
            return []
        if self.kind == "r":
            return [first - 2]
        own = [first - 1] if second is None else [first + second - 2, first - 1, second - 1]
        return list(dict.fromkeys([*own, *([self.n_study - 2] if self.n_study else [])]))

    def tails(self) -> list[Tail]:
        """p of the statistic in each way that the stated or possible df allow."""
        if self.statistic is None or self.kind not in ("t", "F", "z", "r"):
            return []
        if self.kind == "z":
            return [_tail(f"z {self.statistic}", self.statistic, conversions.p_of_z)]
        return [_tail(f"{self.kind}({self._between_df(df)})", self.statistic, self._p_with(df)) for df in self.dfs()]

    def _between_df(self, df: int) -> str:
        return f"{self.df1 or 1},{df}" if self.kind == "F" else f"{df}"

    def _p_with(self, df: int) -> Callable[[float], float]:
        if self.kind == "F":
            return partial(conversions.p_of_f, df1=self.df1 or 1, df2=df)
        return partial(conversions.p_of_t if self.kind == "t" else conversions.p_of_r, df=df)


@dataclass(frozen=True)
class Tail:
    """A p, how it was computed, and the range of p before the statistic was rounded."""

    name: str
    p: float
    low: float
    high: float

    def fits(self, stated: Stated) -> bool:
        """Whether the stated p could have been printed for it."""
        return stated.holds(self.low, self.high)


def _tail(name: str, statistic: Stated, of: Callable[[float], float]) -> Tail:
    size = abs(statistic.value)
    return Tail(name, of(size), of(size + statistic.half), of(max(size - statistic.half, 0.0)))


def results(evidence: pd.DataFrame) -> Iterator[Result]:
    """The rows of a table conformed to EVIDENCE."""
    people = (evidence["n_first"] + evidence["n_second"]).groupby(evidence["study"]).max()
    for row in evidence.to_dict("records"):
        where = row["place"] if row["statistic_place"] == NA else row["statistic_place"]
        yield Result(row["id"], row["study"], row["kind"], row["groups"], row["place"], where, row["direction"],
                     row["claim"], row["comparison"], row["statistic_kind"], _stated(row, "value"), _stated(row, "p"),
                     _stated(row, "effect_size"), row["effect_size_kind"], _whole(row["n_first"]),
                     _whole(row["n_second"]), _whole(row["df1"]), _whole(row["df2"]), _whole(people[row["study"]]))


def _stated(row: dict[Hashable, Any], name: str) -> Stated | None:
    value, decimals = row[name], row[f"{name}_decimals"]
    if math.isnan(value):
        return None
    relation = row.get(f"{name}_relation", "=")
    places = len(f"{value:g}".partition(".")[2]) if math.isnan(decimals) else int(decimals)
    return Stated("=" if relation == NA else relation, float(value), places)


def _whole(value: float) -> int | None:
    return None if math.isnan(value) else int(value)
