"""How often connectivity finds what is not there, and how much of what is there: simulated series, no images.

The rates are printed with `pytest -m long -rP tests/reference/test_connectivity_calibration.py`; docs/connectivity.md
quotes them.
"""

from __future__ import annotations

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


def test_without_an_interaction_the_model_of_a_run_errs_as_often_as_it_says() -> None:
    """White noise and least squares, so that the noise model is right; both regions respond and are coupled."""
    frame = many(600, WHITE, FORMS, OLS)  # type: ignore[arg-type]
    for name, part in frame.groupby("name"):
        p = 2 * stats.t.sf(np.abs(part["value"] / np.sqrt(part["variance"])), part["dof"])
        assert inside(rate(p, f"gPPI, {name}, one run, white noise"), 600)


def test_with_autocorrelated_noise_the_model_of_a_run_errs_as_its_ordinary_contrast_does() -> None:
    """nilearn's AR(1) underestimates the autocorrelation of a short run, whatever is tested; no coupling here."""
    for volumes, trials in ((160, 12), (400, 30)):
        frame, plain = [], []
        for i in range(400):
            fit = simulate(Scan(volumes=volumes, trials=trials, baseline=0.0), np.random.default_rng([1, i]))
            frame.append(connect([fit], rois_of([fit]), FORMS).table)
            found = fit_series(fit.voxels[:, 1:2].astype(float), fit.design, fit.vectors, fit.noise)
            plain.append(2 * stats.t.sf(np.abs(found.effect / np.sqrt(found.variance)), fit.dof).item())
        what = f"one run of {volumes} volumes, AR(1) noise and model"
        usual = rate(np.array(plain), f"the conditions' own contrast, {what}")
        for name, part in pd.concat(frame).groupby("name"):
            p = 2 * stats.t.sf(np.abs(part["value"] / np.sqrt(part["variance"])), part["dof"])
            assert abs(rate(p, f"gPPI, {name}, {what}") - usual) < 0.04


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
