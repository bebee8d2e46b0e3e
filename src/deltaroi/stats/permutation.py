"""Max-T permutation over several tests at once; what is permuted is the whole subject.

Arrangements are drawn once, over all subjects of the design, as rows ``order`` (subject i takes the value of subject
order[i]); the first row is the identity, the data themselves. A test that lacks some subjects takes the first-return
map of each arrangement on its own subjects: again a uniform permutation, and the same one wherever no lacking subject
is met.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.record import Array

IntArray = NDArray[np.int64]
_TIE = 1e-9
_CHUNK_CELLS = 1_000_000


class Statistic(Protocol):
    """A test that can be recomputed for many arrangements."""

    @property
    def subjects(self) -> IntArray:
        """Positions of its subjects among those of the design, sorted, shape (n,)."""

    def absolute(self, arrangements: NDArray[np.generic]) -> Array:
        """|t| or F for each row of local arrangements, shape (rows, n)."""


@dataclass(frozen=True)
class MaxT:
    """Family-wise p values.

    Attributes
    ----------
    p : ndarray, shape (tests,)
        NaN where the test itself is missing.
    arrangements : int
        How many were compared, the data themselves among them.
    """

    p: Array
    arrangements: int


def max_t(tests: Sequence[Statistic], arrangements: NDArray[np.generic], floors: Sequence[int]) -> MaxT:
    """Compare each test with the largest statistic of the family under every arrangement.

    Parameters
    ----------
    tests : sequence of Statistic
        The family.
    arrangements : ndarray, shape (rows, subjects)
        From :func:`permutations`, :func:`relabellings` or :func:`sign_flips`; the first row is the identity.
    floors : sequence of int
        Per test, the number of distinct arrangements that can be told apart; no p is below one over it.
    """
    rows = arrangements.shape[0]
    observed = np.array([test.absolute(_local(arrangements[:1], test.subjects))[0] for test in tests])
    usable = [k for k in range(len(tests)) if np.isfinite(observed[k])]
    largest = np.zeros(rows)
    step = max(1, _CHUNK_CELLS // max(arrangements.shape[1], 1))
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        local: dict[bytes, NDArray[np.generic]] = {}
        for k in usable:
            key = tests[k].subjects.tobytes()
            if key not in local:
                local[key] = _local(arrangements[part], tests[k].subjects)
            np.maximum(largest[part], tests[k].absolute(local[key]), out=largest[part])
    p = np.full(len(tests), np.nan)
    for k in usable:
        count = int((largest >= observed[k] * (1 - _TIE)).sum())
        p[k] = max(count / rows, 1 / floors[k])
    return MaxT(p, rows)


def _local(arrangements: NDArray[np.generic], subjects: IntArray) -> NDArray[np.generic]:
    """Arrangements of all subjects as arrangements of these subjects, in their own numbering."""
    if arrangements.dtype.kind == "f":  # signs
        return arrangements[:, subjects]
    n = arrangements.shape[1]
    if subjects.size == n:
        return arrangements
    order = np.array(arrangements, dtype=np.int64)
    inverse = np.argsort(order, axis=1)
    every = np.arange(order.shape[0])
    for gone in sorted(set(range(n)) - set(subjects.tolist())):
        before, after = inverse[:, gone].copy(), order[:, gone].copy()
        order[every, before], inverse[every, after] = after, before
    number = np.zeros(n, dtype=np.int64)
    number[subjects] = np.arange(subjects.size)
    return number[order[:, subjects]]


def permutations(n: int, count: int, seed: int) -> tuple[IntArray, bool]:
    """The identity and ``count`` random permutations of n, or all n! when they are no more; and whether all."""
    if n < 20 and math.factorial(n) <= count:
        return np.array(list(itertools.permutations(range(n))), dtype=np.int64).reshape(-1, n), True
    identity = np.arange(n, dtype=np.int64)[None]
    drawn = np.random.default_rng(seed).permuted(np.repeat(identity, count, axis=0), axis=1)
    return np.concatenate([identity, drawn]), False


def distinct_relabellings(labels: IntArray) -> int:
    """n! / ∏ n_g!: how many ways there are to hand out these group labels."""
    count = math.factorial(labels.size)
    for size in Counter(labels.tolist()).values():
        count //= math.factorial(size)
    return count


def relabellings(labels: IntArray, count: int, seed: int) -> tuple[IntArray, bool]:
    """All distinct relabellings, shape (rows, n), when they are no more than ``count``; else random permutations."""
    if distinct_relabellings(labels) > count:
        return permutations(labels.size, count, seed)
    groups = [np.flatnonzero(labels == g) for g in np.unique(labels)]
    rows = []
    for taken in _partitions(tuple(range(labels.size)), [g.size for g in groups]):
        order = np.empty(labels.size, dtype=np.int64)
        for places, values in zip(groups, taken, strict=True):
            order[places] = values
        rows.append(order)
    table = np.array(rows, dtype=np.int64).reshape(-1, labels.size)
    own = np.flatnonzero((labels[table] == labels).all(axis=1))
    return np.concatenate([table[own], np.delete(table, own, axis=0)]), True


def _partitions(items: tuple[int, ...], sizes: list[int]) -> list[tuple[tuple[int, ...], ...]]:
    """All ways to deal items to groups of these sizes."""
    if len(sizes) <= 1:
        return [(items,)]
    out = []
    for chosen in itertools.combinations(items, sizes[0]):
        rest = tuple(i for i in items if i not in set(chosen))
        out += [(chosen, *others) for others in _partitions(rest, sizes[1:])]
    return out


def sign_flips(n: int, count: int, seed: int) -> tuple[Array, bool]:
    """All 2ⁿ rows of signs when they are no more than ``count``; else +1 and ``count`` random rows; and whether all."""
    if n < 30 and 2**n <= count:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        return np.asarray(1.0 - 2.0 * bits, dtype=np.float64), True
    drawn = np.random.default_rng(seed).integers(0, 2, size=(count, n))
    return np.concatenate([np.ones((1, n)), 1.0 - 2.0 * drawn]), False
