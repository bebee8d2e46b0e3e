"""The permuted statistic of mixed models is their own F, singular or not."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.stats import mixed, mixed_designs
from deltaroi.stats.profile import Profile

CASES = [(seed, groups, sessions, between) for seed in range(6) for groups in (2, 3) for sessions in (2, 3, 4)
         for between in (0.0, 1.0)]


def drawn(seed: int, groups: int, sessions: int, between: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, groups, sessions, int(between)])
    labels = np.sort(rng.integers(0, groups, 20))
    labels[:groups] = range(groups)
    labels[groups:2 * groups] = range(groups)
    return between * rng.normal(size=(20, 1)) + rng.normal(size=(20, sessions)), labels


def fitted(values: np.ndarray, labels: np.ndarray) -> tuple[mixed.MixedFit, mixed_designs.MixedDesign]:
    n, sessions = values.shape
    session = np.tile(np.arange(sessions), n)
    design = mixed_designs.session_design(np.repeat(labels, sessions), session, (int(labels.max()) + 1, sessions))
    return mixed.fit_mixed(values.ravel(), design.matrix, np.repeat(np.arange(n), sessions)), design


@pytest.mark.parametrize(("seed", "groups", "sessions", "between"), CASES)
def test_it_is_the_f_of_the_mixed_model(seed: int, groups: int, sessions: int, between: float) -> None:
    values, labels = drawn(seed, groups, sessions, between)
    fit, design = fitted(values, labels)
    identity = np.arange(20)[None]
    for contrast in mixed_designs.contrasts(design):
        if len(contrast.groups) != groups or contrast.kind not in ("any", "first"):
            continue
        over = None
        if contrast.kind == "first":
            over = np.zeros(sessions)
            over[list(contrast.sessions)] = [1.0, -1.0]
        test = mixed_designs.test_contrast(fit, contrast)
        shown = test.statistic if test.kind == "F" else test.statistic**2
        found = Profile(np.arange(20), values, labels, over).absolute(identity)[0]
        assert found == pytest.approx(shown, rel=1e-5), (contrast.kind, fit.singular)


def test_some_of_the_cases_are_singular_and_some_are_not() -> None:
    singular = {fitted(*drawn(*case))[0].singular for case in CASES}
    assert singular == {True, False}


def test_dealing_labels_anew_is_dealing_subjects_anew() -> None:
    values, labels = drawn(1, 2, 3, 1.0)
    order = np.random.default_rng(5).permutation(20)
    one = Profile(np.arange(20), values, labels).absolute(order[None])[0]
    other = Profile(np.arange(20), values[order], labels).absolute(np.arange(20)[None])[0]
    assert one == pytest.approx(other, rel=1e-12)


def test_what_cannot_be_tested_is_missing() -> None:
    values, labels = drawn(1, 2, 3, 1.0)
    assert np.isnan(Profile(np.arange(20), values, np.zeros(20, dtype=np.int64)).absolute(np.arange(20)[None])[0])
    assert np.isnan(Profile(np.arange(20), np.ones((20, 3)), labels).absolute(np.arange(20)[None])[0])
