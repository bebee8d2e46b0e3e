"""Max-T permutation over several tests at once; what is permuted is the whole subject.

Arrangements are made once, over all subjects of the design, as rows ``order`` (subject i takes the value of subject
order[i]); the first row is the identity, the data themselves. A test that lacks some subjects takes the first-return
map of each arrangement on its own subjects: again a uniform permutation, within the same strata, and the same one
wherever no lacking subject is met.

How many arrangements. When there are fewer than 20,000, or no more than were asked for, all of them are made, each
once, and nothing is drawn; else the identity and as many random ones as were asked for. Asking for 0 leaves the
identity alone. Whether all were made is returned beside them. That alone does not make a p value exact: it is exact
when the arrangements leave the distribution of the data as it is under the null hypothesis, as relabelling does when
groups are alike, and flips of one group when errors are symmetric. Freedman-Lane permutes or flips estimated
residuals, and is never exact.
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
ENUMERATED = 20_000
"""All arrangements are made when there are fewer than this."""
BLOCK = 512
"""Rows that a statistic works on at once: statistics have the same bytes however the rows are dealt out."""
_TIE = 1e-9
_CHUNK_CELLS = 500_000


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
        Single step: each test against the largest statistic of the whole family. NaN where the test is missing.
    arrangements : int
        How many were compared, the data themselves among them.
    p_step_down : ndarray, shape (tests,)
        Step-down: each test against the largest statistic of those that are not more extreme. Never above ``p``.
    """

    p: Array
    arrangements: int
    p_step_down: Array


def missing(tests: int) -> MaxT:
    """No p value for any of so many tests."""
    nothing = np.full(tests, np.nan)
    return MaxT(nothing, 0, nothing)


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

    Notes
    -----
    With the tests in falling order of their observed statistics, the step-down p of the j-th is the share of
    arrangements in which the largest of the statistics j, j + 1, ... reaches it, but no smaller than that of the test
    before it (Westfall and Young 1993, algorithm 4.1). The floors come after that; where they differ between tests, so
    may the order of p. Both control the family-wise error; the single step also gives simultaneous intervals.
    """
    rows = arrangements.shape[0]
    falling, reached = np.zeros(0, dtype=np.intp), np.zeros((0, 1))
    single, down = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    step = BLOCK * max(1, _CHUNK_CELLS // (BLOCK * max(arrangements.shape[1], len(tests), 1)))
    for start in range(0, rows, step):
        table = _statistics(tests, arrangements[start:start + step])
        if start == 0:
            usable = np.flatnonzero(np.isfinite(table[:, 0]))
            falling = usable[np.argsort(-table[usable, 0], kind="stable")]
            reached = table[falling, :1] * (1 - _TIE)
            single, down = np.zeros(falling.size, dtype=np.int64), np.zeros(falling.size, dtype=np.int64)
        largest = np.maximum.accumulate(table[falling[::-1]], axis=0)[::-1]
        single += (largest[:1] >= reached).sum(axis=1)
        down += (largest >= reached).sum(axis=1)
    p, p_down = np.full(len(tests), np.nan), np.full(len(tests), np.nan)
    lowest = np.array([1 / floors[int(k)] for k in falling])
    p[falling] = np.maximum(single / rows, lowest)
    p_down[falling] = np.maximum(np.maximum.accumulate(down) / rows, lowest)
    return MaxT(p, rows, p_down)


def _statistics(tests: Sequence[Statistic], arrangements: NDArray[np.generic]) -> Array:
    """Each test under each arrangement, shape (tests, rows)."""
    local: dict[bytes, NDArray[np.generic]] = {}
    table = np.empty((len(tests), arrangements.shape[0]))
    for line, test in zip(table, tests, strict=True):
        key = test.subjects.tobytes()
        if key not in local:
            local[key] = local_arrangements(arrangements, test.subjects)
        line[:] = test.absolute(local[key])
    return table


def local_arrangements(arrangements: NDArray[np.generic], subjects: IntArray) -> NDArray[np.generic]:
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


def permutations(n: int, count: int, seed: int, strata: IntArray | None = None) -> tuple[IntArray, bool]:
    """Permutations of n subjects, and whether these are all.

    Parameters
    ----------
    n, count, seed : int
        Subjects; permutations asked for, the identity not counted; seed of the random ones.
    strata : ndarray, shape (n,), optional
        Exchangeability blocks: subjects change places within a stratum only.

    Returns
    -------
    arrangements : ndarray, shape (rows, n)
        The identity first.
    complete : bool
        Whether all were made; see the head of this module.
    """
    places = _strata(n, strata)
    if _enumerable(math.prod(math.factorial(one.size) for one in places), count):
        return _product(n, places, [list(itertools.permutations(one.tolist())) for one in places]), True
    identity = np.arange(n, dtype=np.int64)
    drawn = np.repeat(identity[None], max(count, 0) + 1, axis=0)
    rng = np.random.default_rng(seed)
    for one in places:
        for start in range(1, len(drawn), BLOCK):  # so that they are in memory once
            drawn[start:start + BLOCK, one] = rng.permuted(drawn[start:start + BLOCK, one], axis=1)
    return drawn, False


def distinct_relabellings(labels: IntArray, strata: IntArray | None = None) -> int:
    """n! / ∏ n_g!: how many ways there are to hand out these group labels; with strata, the product over them."""
    return math.prod(_distinct(labels[one]) for one in _strata(labels.size, strata))


def relabellings(labels: IntArray, count: int, seed: int, strata: IntArray | None = None) -> tuple[IntArray, bool]:
    """All distinct relabellings when there are few, else random permutations; see :func:`permutations`."""
    if not _enumerable(distinct_relabellings(labels, strata), count):
        return permutations(labels.size, count, seed, strata)
    places = _strata(labels.size, strata)
    return _product(labels.size, places, [_dealt(labels, one) for one in places]), True


def sign_flips(n: int, count: int, seed: int, blocks: IntArray | None = None) -> tuple[Array, bool]:
    """Rows of signs, and whether these are all.

    Parameters
    ----------
    n, count, seed : int
        Subjects; flips asked for, the data themselves not counted; seed of the random ones.
    blocks : ndarray, shape (n,), optional
        Subjects of one block flip together (twins, or several values of one person). Strata do not matter to flips:
        each subject keeps its place.

    Returns
    -------
    signs : ndarray, shape (rows, n)
        All +1 first.
    complete : bool
        Whether all 2ⁿ (2 to the number of blocks) were made.
    """
    of = np.arange(n) if blocks is None else np.unique(blocks, return_inverse=True)[1]
    m = int(of.max(initial=-1)) + 1
    if _enumerable(2**m, count):
        bits = (np.arange(2**m)[:, None] >> np.arange(m)) & 1
        return np.ascontiguousarray((1.0 - 2.0 * bits)[:, of]), True
    rng = np.random.default_rng(seed)
    signs = np.ones((max(count, 0) + 1, m))
    for start in range(1, len(signs), BLOCK):  # so that they are in memory once
        rows = signs[start:start + BLOCK]
        rows -= 2.0 * rng.integers(0, 2, size=rows.shape)
    return (signs if blocks is None else np.ascontiguousarray(signs[:, of])), False


def _enumerable(arrangements: int, count: int) -> bool:
    return count > 0 and arrangements <= max(count, ENUMERATED - 1)


def _strata(n: int, strata: IntArray | None) -> list[IntArray]:
    """The positions of each stratum."""
    if strata is None:
        return [np.arange(n, dtype=np.int64)]
    return [np.flatnonzero(strata == one).astype(np.int64) for one in np.unique(strata)]


def _product(n: int, places: Sequence[IntArray], choices: Sequence[Sequence[tuple[int, ...]]]) -> IntArray:
    """Every combination of the choices of the strata, each the subjects that take its places; shape (rows, n)."""
    table = np.empty((math.prod(len(one) for one in choices), n), dtype=np.int64)
    repeats = 1
    for one, chosen in zip(reversed(places), reversed(choices), strict=True):
        block = np.repeat(np.array(chosen, dtype=np.int64).reshape(len(chosen), one.size), repeats, axis=0)
        table[:, one] = np.tile(block, (table.shape[0] // max(block.shape[0], 1), 1))
        repeats = block.shape[0]
    return table


def _distinct(labels: IntArray) -> int:
    return math.factorial(labels.size) // math.prod(math.factorial(size) for size in Counter(labels.tolist()).values())


def _dealt(labels: IntArray, places: IntArray) -> list[tuple[int, ...]]:
    """All ways to deal the subjects of these places to its groups, the present one first."""
    own = labels[places]
    groups = [np.flatnonzero(own == g) for g in np.unique(own)]
    rows = []
    for taken in _partitions(tuple(range(own.size)), [g.size for g in groups]):
        order = np.empty(own.size, dtype=np.int64)
        for there, values in zip(groups, taken, strict=True):
            order[there] = values
        rows.append(order)
    table = np.array(rows, dtype=np.int64).reshape(-1, own.size)
    present = np.flatnonzero((own[table] == own).all(axis=1))
    table = np.concatenate([table[present], np.delete(table, present, axis=0)])
    return [tuple(row) for row in places[table].tolist()]


def _partitions(items: tuple[int, ...], sizes: list[int]) -> list[tuple[tuple[int, ...], ...]]:
    """All ways to deal items to groups of these sizes."""
    if len(sizes) <= 1:
        return [(items,)]
    out = []
    for chosen in itertools.combinations(items, sizes[0]):
        rest = tuple(i for i in items if i not in set(chosen))
        out += [(chosen, *others) for others in _partitions(rest, sizes[1:])]
    return out
