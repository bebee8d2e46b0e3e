"""The statistic for variance groups: Welch's t and F without covariates, and a plain implementation with them."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.stats import means
from deltaroi.stats.permutation import permutations
from deltaroi.stats.permuted import FreedmanLane

N = 19
EVERYBODY = np.arange(N)
LABELS = {2: np.repeat([0, 1], [7, 12]), 3: np.repeat([0, 1, 2], [5, 6, 8])}


def data(groups: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = LABELS[groups]
    dummies = (labels[:, None] == np.arange(groups - 1)).astype(float)
    return rng.normal(size=N) * (1 + labels) + 0.8 * (labels == 0), rng.normal(size=(N, 2)), dummies


def plain(y: np.ndarray, design: np.ndarray, tested: int, variance_groups: np.ndarray) -> float:
    """Winkler et al. (2014), equations 10 and 11, by dense matrices; the tested columns are the last ones."""
    pseudo = np.linalg.pinv(design)
    b, r = pseudo @ y, np.eye(N) - design @ pseudo
    e = r @ y
    w = np.zeros(N)
    for g in np.unique(variance_groups):
        at = variance_groups == g
        w[at] = np.diag(r)[at].sum() / (e[at] @ e[at])
    c = np.eye(design.shape[1])[:, -tested:]
    middle = np.linalg.inv(c.T @ np.linalg.inv(design.T @ np.diag(w) @ design) @ c)
    form = float(b @ c @ middle @ c.T @ b) / tested
    if tested == 1:
        return float(np.sqrt(form))
    spread = sum((1 - w[variance_groups == g].sum() / w.sum()) ** 2 / np.diag(r)[variance_groups == g].sum()
                 for g in np.unique(variance_groups))
    return form / (1 + 2 * (tested - 1) / (tested * (tested + 2)) * spread)


@pytest.mark.parametrize("groups", [2, 3])
def test_without_covariates_it_is_welch(groups: int) -> None:
    y, _, dummies = data(groups, 1)
    labels = LABELS[groups]
    rows, _ = permutations(N, 30, 2)
    found = FreedmanLane(EVERYBODY, y, np.ones((N, 1)), dummies, "groups", labels).absolute(rows)
    for row, value in zip(rows, found, strict=True):
        parts = [y[row][labels == g] for g in range(groups)]
        test = means.two_sample(*parts, "welch") if groups == 2 else means.welch_anova(parts)
        assert value == pytest.approx(abs(test.statistic), rel=1e-10)


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("variance_groups", [LABELS[2], LABELS[3], np.arange(N) % 2], ids=["two", "three", "other"])
def test_with_covariates_it_is_the_plain_formula(groups: int, variance_groups: np.ndarray) -> None:
    y, covariates, dummies = data(groups, 3)
    nuisance = np.column_stack([np.ones(N), covariates])
    rows, _ = permutations(N, 30, 4)
    found = FreedmanLane(EVERYBODY, y, nuisance, dummies, "groups", variance_groups).absolute(rows)
    fitted = nuisance @ np.linalg.pinv(nuisance) @ y
    for row, value in zip(rows, found, strict=True):
        again = fitted + (y - fitted)[row]
        expected = plain(again, np.column_stack([nuisance, dummies]), groups - 1, variance_groups)
        assert value == pytest.approx(expected, rel=1e-10)


def test_one_variance_group_is_the_classical_statistic() -> None:
    y, covariates, dummies = data(2, 5)
    rows, _ = permutations(N, 30, 6)
    one = FreedmanLane(EVERYBODY, y, covariates, dummies, "groups", np.zeros(N, dtype=np.int64)).absolute(rows)
    assert one == pytest.approx(FreedmanLane(EVERYBODY, y, covariates, dummies, "classical").absolute(rows), rel=1e-10)


def test_a_group_that_the_model_reproduces_has_no_variance() -> None:
    y, covariates, dummies = data(2, 7)
    own = np.zeros((N, 1))
    own[0] = 1.0
    lonely = np.r_[9, np.zeros(N - 1, dtype=np.int64)]
    nuisance = np.column_stack([np.ones(N), covariates, own])
    rows, _ = permutations(N, 10, 8)
    assert np.isnan(FreedmanLane(EVERYBODY, y, nuisance, dummies, "groups", lonely).absolute(rows)).all()


def test_variance_groups_need_labels() -> None:
    y, covariates, dummies = data(2, 9)
    with pytest.raises(ValueError, match="labels"):
        FreedmanLane(EVERYBODY, y, covariates, dummies, "groups").absolute(permutations(N, 3, 1)[0])
