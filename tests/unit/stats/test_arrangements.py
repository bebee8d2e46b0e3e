"""Arrangements: within strata, all of them when they are few, the same draws as ever when there are no strata."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from deltaroi.stats.permutation import (
    BLOCK,
    ENUMERATED,
    distinct_relabellings,
    max_t,
    permutations,
    relabellings,
    sign_flips,
)
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch

STRATA = np.array([1, 0, 1, 0, 0, 1, 2])
LABELS = np.array([0, 0, 1, 1, 1, 1, 0])


def stays(arrangements: np.ndarray, strata: np.ndarray) -> bool:
    return bool((strata[arrangements] == strata).all())


def dealt(labels: np.ndarray, arrangements: np.ndarray) -> np.ndarray:
    """The group to which each arrangement gives each subject's value."""
    out = np.empty_like(arrangements)
    np.put_along_axis(out, arrangements, np.broadcast_to(labels, arrangements.shape), axis=1)
    return out


def test_permutations_within_strata_are_all_there_once() -> None:
    rows, complete = permutations(7, 5, 1, STRATA)
    assert complete
    assert rows.shape == (math.factorial(3) ** 2, 7)
    assert len(np.unique(rows, axis=0)) == 36
    assert (rows[0] == np.arange(7)).all()
    assert stays(rows, STRATA)


def test_relabellings_within_strata_are_all_there_once() -> None:
    rows, complete = relabellings(LABELS, 5, 1, STRATA)
    assert complete
    assert distinct_relabellings(LABELS, STRATA) == 9
    assert rows.shape == (9, 7)
    assert (rows[0] == np.arange(7)).all()
    assert stays(rows, STRATA)
    expected = {tuple(row) for row in (LABELS[np.array(p)] for p in itertools.permutations(range(7)))
                if all(sorted(row[s == STRATA]) == sorted(LABELS[s == STRATA]) for s in range(3))}
    assert {tuple(row) for row in dealt(LABELS, rows)} == expected


def test_random_permutations_stay_within_strata_and_are_uniform_there() -> None:
    strata = np.repeat([0, 1], [4, 12])
    rows, complete = permutations(16, 24_000, 3, strata)
    assert not complete
    assert rows.shape == (24_001, 16)
    assert stays(rows, strata)
    counts = np.unique(rows[1:, :4], axis=0, return_counts=True)[1]
    assert counts.size == 24
    assert ((counts - 1000) ** 2 / 1000).sum() < 60  # chi-square, 23 df


def test_one_stratum_is_none() -> None:
    """And the draws are those of a shuffle of every row, as they were before there were strata."""
    rows = permutations(12, 50, 7)[0]
    assert (rows == permutations(12, 50, 7, np.zeros(12, dtype=np.int64))[0]).all()
    shuffled = np.random.default_rng(7).permuted(np.repeat(np.arange(12)[None], 50, axis=0), axis=1)
    assert (rows[1:] == shuffled).all()


@pytest.mark.parametrize("count", [1, 100, 10_000])
def test_few_arrangements_are_enumerated_however_many_are_asked_for(count: int) -> None:
    assert permutations(7, count, 1)[0].shape == (5040, 7)
    assert sign_flips(14, count, 1)[0].shape == (2**14, 14)
    labels = np.repeat([0, 1], 8)
    assert distinct_relabellings(labels) == 12_870 < ENUMERATED
    rows, complete = relabellings(labels, count, 1)
    assert complete
    assert len(np.unique(dealt(labels, rows), axis=0)) == 12_870


def test_many_are_drawn_unless_as_many_were_asked_for() -> None:
    assert ENUMERATED < 2**15
    assert sign_flips(15, 10_000, 1)[0].shape == (10_001, 15)
    assert not sign_flips(15, 10_000, 1)[1]
    assert sign_flips(15, 2**15, 1)[1]


@pytest.mark.parametrize("made", [permutations(5, 0, 1), relabellings(LABELS, 0, 1), sign_flips(5, 0, 1)])
def test_none_asked_for_leaves_the_data_alone(made: tuple[np.ndarray, bool]) -> None:
    rows, complete = made
    assert rows.shape[0] == 1
    assert not complete


def test_blocks_flip_together() -> None:
    blocks = np.array([5, 5, 2, 9, 2])
    signs, complete = sign_flips(5, 1, 1, blocks)
    assert complete
    assert signs.shape == (8, 5)
    assert (signs[0] == 1).all()
    assert (signs[:, 0] == signs[:, 1]).all()
    assert (signs[:, 2] == signs[:, 4]).all()
    drawn, complete = sign_flips(40, 20, 1, np.repeat(np.arange(20), 2))
    assert not complete
    assert (drawn[:, ::2] == drawn[:, 1::2]).all()


def test_a_stratified_relabelling_test_is_exact() -> None:
    """The p value is the share of relabellings within strata that are as extreme."""
    rng = np.random.default_rng(8)
    y = rng.normal(size=7) + 3.0 * STRATA
    rows, _ = relabellings(LABELS, 5, 1, STRATA)
    test = FreedmanLane(np.arange(7), y, np.ones((7, 1)), (LABELS == 0).astype(float)[:, None], "classical")
    gaps = np.array([abs(y[row][LABELS == 0].mean() - y[row][LABELS == 1].mean()) for row in rows])
    assert max_t([test], rows, [9]).p[0] == (gaps >= gaps[0] - 1e-12).mean()


@pytest.mark.parametrize("cuts", [[1], [BLOCK], [100, 300, 301], [BLOCK - 1, BLOCK, BLOCK + 1, 1023]])
def test_statistics_have_the_same_bytes_however_the_rows_are_dealt_out(cuts: list[int]) -> None:
    rng = np.random.default_rng(9)
    n, labels = 23, np.repeat([0, 1, 2], [7, 8, 8])
    y, nuisance = rng.normal(3.0, 1.0, n), np.column_stack([np.ones(n), rng.normal(size=n)])
    dummies = (labels[:, None] == [0, 1]).astype(float)
    rows, signs = permutations(n, 1200, 1)[0], sign_flips(n, 1200, 1)[0]
    everyone = np.arange(n)
    tests = [(FreedmanLane(everyone, y, nuisance, columns, kind, labels), rows) for columns in (dummies, dummies[:, :1])
             for kind in ("hc3", "classical", "groups", "hc2_welch")]
    tests += [(test, signs) for test, _ in tests]
    tests += [(Welch(everyone, y, labels, z), table) for z in (False, True) for table in (rows, signs)]
    for test, table in [*tests, (SignFlip(everyone, y), signs)]:
        whole = test.absolute(table)
        parts = np.concatenate([test.absolute(part) for part in np.split(table, cuts)])
        assert parts.tobytes() == whole.tobytes()
