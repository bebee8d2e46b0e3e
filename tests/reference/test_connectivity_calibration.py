"""How often connectivity finds what is not there, and how much of what is there: simulated series, no images.

The rates are printed with `pytest -m long -rP tests/reference/test_connectivity_calibration.py`; docs/connectivity.md
quotes them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from coupled_runs import Asked, Scan, rois_of, simulate
from deltaroi.connectivity import connect
from deltaroi.signal import fit_series
from deltaroi.specs import FirstLevel

pytestmark = pytest.mark.long
FORMS = [Asked(name="deconvolved").connection(), Asked(name="measured", deconvolve=False).connection()]
WHITE, OLS = Scan(ar1=0.0), FirstLevel(noise="ols")


def many(n: int, scan: Scan, asked: list[object], spec: FirstLevel | None = None, seed: int = 0) -> pd.DataFrame:
    """One row per simulated run and connection."""
    rows = []
    for i in range(n):
        fit = simulate(scan, np.random.default_rng([seed, i]), spec=spec)
        rows.append(connect([fit], rois_of([fit]), asked).table.assign(run=i))  # type: ignore[arg-type]
    return pd.concat(rows, ignore_index=True)


def rate(p: np.ndarray, what: str) -> float:
    found = float((p < 0.05).mean())
    print(f"{what}: {100 * found:.1f} % of {p.size} at .05")  # noqa: T201
    return found


def inside(found: float, n: int) -> bool:
    """Within the range that holds 99 % of such rates when the true one is .05."""
    low, high = stats.binom.interval(0.99, n, 0.05)
    return bool(low / n <= found <= high / n)


def p_values(frame: pd.DataFrame) -> np.ndarray:
    """Of the values of single runs, by their own variances."""
    return np.asarray(2 * stats.t.sf(np.abs(frame["value"] / np.sqrt(frame["variance"])), frame["dof"]))


def test_without_any_coupling_the_model_of_a_run_errs_as_often_as_it_says() -> None:
    """White noise and least squares, so that the noise model is right; both regions respond."""
    frame = many(2000, replace(WHITE, baseline=0.0), FORMS, OLS)  # type: ignore[arg-type]
    for name, part in frame.groupby("name"):
        assert inside(rate(p_values(part), f"gPPI, {name}, one run, white noise, no coupling"), 2000)


def test_with_coupling_that_no_condition_changes_the_model_of_a_run_errs_a_little_more() -> None:
    """Above what it says, and held so that it does not grow: docs/connectivity.md says so."""
    frame = many(2000, WHITE, FORMS, OLS)  # type: ignore[arg-type]
    for name, part in frame.groupby("name"):
        assert rate(p_values(part), f"gPPI, {name}, one run, white noise, baseline coupling") < 0.085


def test_that_is_the_noise_of_the_seed() -> None:
    frame = many(1000, replace(WHITE, seed_noise=0.001), FORMS, OLS, seed=5)  # type: ignore[arg-type]
    for name, part in frame.groupby("name"):
        what = f"gPPI, {name}, one run, white noise, baseline coupling, seed without noise"
        assert inside(rate(p_values(part), what), 1000)


def test_with_autocorrelated_noise_the_model_of_a_run_errs_no_more_than_its_ordinary_contrast() -> None:
    for volumes, trials in ((160, 12), (400, 30)):
        frame, plain = [], []
        for i in range(400):
            fit = simulate(Scan(volumes=volumes, trials=trials, baseline=0.0), np.random.default_rng([1, i]))
            frame.append(connect([fit], rois_of([fit]), FORMS).table)
            found = fit_series(fit.voxels[:, 1:2].astype(float), fit.design, fit.vectors, fit.noise)
            plain.append(2 * stats.t.sf(np.abs(found.effect / np.sqrt(found.variance)), fit.dof).item())
        what = f"one run of {volumes} volumes, AR(1) noise and model, no coupling"
        usual = rate(np.array(plain), f"the conditions' own contrast, {what}")
        for name, part in pd.concat(frame).groupby("name"):
            mine = rate(p_values(part), f"gPPI, {name}, {what}")
            chance = stats.norm.isf(0.01) * np.sqrt((mine * (1 - mine) + usual * (1 - usual)) / 400)
            assert mine < usual + chance


def test_without_an_interaction_a_comparison_of_groups_errs_as_often_as_it_says() -> None:
    frame = many(4000, Scan(volumes=100, trials=8), FORMS, seed=2)  # type: ignore[arg-type]
    for name, part in frame.groupby("name"):
        values = part.sort_values("run")["value"].to_numpy().reshape(500, 2, 4)
        p = stats.ttest_ind(values[:, 0], values[:, 1], axis=1).pvalue
        assert inside(rate(p, f"gPPI, {name}, two groups of four"), 500)


def test_beta_series_of_unrelated_trials() -> None:
    frame = many(500, Scan(baseline=0.0), [Asked("beta_series").connection()], seed=3)  # type: ignore[list-item]
    p = 2 * stats.norm.sf(np.abs(frame["value"] / np.sqrt(frame["variance"])).to_numpy())
    assert inside(rate(p, "beta series, one run"), 500)


def test_the_estimate_grows_with_the_planted_strength() -> None:
    means = {}
    for strength in (-0.6, 0.0, 0.3, 0.6, 1.2):
        frame = many(60, Scan(strength=strength), FORMS, seed=4)  # type: ignore[arg-type]
        means[strength] = frame.groupby("name")["value"].mean()
        print(f"planted {strength:+.1f}: deconvolved {means[strength]['deconvolved']:+.2f}, "  # noqa: T201
              f"measured {means[strength]['measured']:+.2f}")
    for name in ("deconvolved", "measured"):
        found = np.array([means[s][name] for s in sorted(means)])
        assert (np.diff(found) > 0.1).all()
        assert found[0] < -0.25
        assert abs(found[1]) < 0.1
    slope = (means[1.2] - means[0.0]) / 1.2
    print(f"share of the planted strength: {slope['deconvolved']:.2f}, {slope['measured']:.2f}")  # noqa: T201
    assert slope["deconvolved"] > slope["measured"] > 0.4
