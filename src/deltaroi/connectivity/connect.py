"""One subject's connectivity: runs combined within their session, sessions never pooled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from deltaroi.connectivity.asked import Connection
from deltaroi.connectivity.beta_series import Betas, overlapping, trial_betas
from deltaroi.connectivity.gppi import Interactions, interact
from deltaroi.connectivity.series import Roi, mean_series
from deltaroi.grid import FloatArray
from deltaroi.signal.runfit import RunFit
from deltaroi.stats.series_correlation import within_runs
from deltaroi.tables import CONNECTIVITY, conform
from deltaroi.types import NA, Exclusion, RoiKey, RunKey

STAGE = "connectivity"
NO_RUN = "no run of this session is left that serves the contrast and covers seed and target"
TOO_FEW_TRIALS = "too few trials for a beta series in this session"
UNITS = {"none": "raw units per raw unit"}
_SLOPE, _FISHER = "% per %", "Fisher z"


@dataclass(frozen=True, eq=False)
class SubjectConnectivity:
    """What came of one subject.

    Attributes
    ----------
    table : DataFrame
        One row per connection, target, session and contrast, conformed to ``CONNECTIVITY``; ``value`` is NaN where
        there is none.
    exclusions : tuple of Exclusion
        Runs, trials and connections that are not in the values.
    notes : tuple of str
        What else to know.
    """

    table: pd.DataFrame
    exclusions: tuple[Exclusion, ...]
    notes: tuple[str, ...]


@dataclass(eq=False)
class _Subject:
    """The runs of one subject, and what has been computed of them."""

    fits: Sequence[RunFit]
    rois: Mapping[RoiKey, Roi]
    series: dict[tuple[RunKey, RoiKey], FloatArray] = field(default_factory=dict)
    exclusions: dict[Exclusion, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, fit: RunFit, key: RoiKey) -> FloatArray:
        """The series of an ROI in a run."""
        if (fit.key, key) not in self.series:
            self.series[fit.key, key] = mean_series(fit, self.rois[key])
        return self.series[fit.key, key]

    def covers(self, fit: RunFit, key: RoiKey) -> bool:
        """Whether a run measures an ROI."""
        return key in self.rois and fit.key in self.rois[key].voxels

    def leave_out(self, fit: RunFit, what: str, reason: str, value: str = NA, threshold: str = NA) -> None:
        """List something of one run."""
        self.exclusions[Exclusion(STAGE, fit.key.subject, fit.key.session, fit.key.run, what, reason, value,
                                  threshold)] = None


def connect(fits: Sequence[RunFit], rois: Mapping[RoiKey, Roi],
            connections: Sequence[Connection]) -> SubjectConnectivity:
    """The connectivity of one subject.

    Parameters
    ----------
    fits : sequence of RunFit
        All fitted runs of the subject in the tested task, of one unit.
    rois : mapping of RoiKey to Roi
        Where its runs measure the ROIs.
    connections : sequence of Connection
        What is asked.

    Returns
    -------
    SubjectConnectivity

    Notes
    -----
    gppi: within a session, over the n runs that serve the contrast and cover both ROIs, value = mean of the effects,
    variance = sum of the variances / n**2. beta_series: per condition one correlation over the trials of these runs,
    the mean of each run removed; value = sum of weight times Fisher's z, variance = sum of weight**2 times that of z.
    """
    ordered = sorted(fits, key=lambda fit: fit.key)
    subject = _Subject([fit for fit in ordered if fit.vectors.any()], rois)
    sessions = list(dict.fromkeys((fit.key.session, fit.key.task) for fit in ordered))
    rows: list[dict[str, Any]] = []
    with threadpool_limits(1, user_api="blas"):
        betas = _all_betas(subject, [one for one in connections if one.method == "beta_series"])
        for one in connections:
            slopes = _interactions(subject, one) if one.method == "gppi" else {}
            for session, task in sessions:
                for target in one.targets:
                    for contrast in one.contrasts:
                        row, runs = _start(subject, ordered[0], one, (session, task, target, contrast))
                        if runs and one.method == "gppi":
                            row |= _slope(subject, one, target, contrast, runs, slopes)
                        elif runs:
                            row |= _correlation(subject, one, target, contrast, runs, betas)
                        rows.append(row)
    table = conform(pd.DataFrame(rows, columns=CONNECTIVITY.names), CONNECTIVITY)
    return SubjectConnectivity(table, tuple(subject.exclusions), tuple(subject.notes))


def columns_of(prefix: str, key: RoiKey) -> dict[str, str]:
    """The three columns that name a seed or a target."""
    return {f"{prefix}_region": key.region, f"{prefix}_hemisphere": key.hemisphere,
            f"{prefix}_definition": key.definition}


def _start(subject: _Subject, any_fit: RunFit, one: Connection,
           place: tuple[str, str, RoiKey, str]) -> tuple[dict[str, Any], list[RunFit]]:
    """A row without its value, and the runs that it can come from."""
    session, task, target, contrast = place
    mine = [fit for fit in subject.fits if (fit.key.session, fit.key.task) == (session, task)]
    serving = [fit for fit in mine if fit.serves(contrast)]
    runs = [fit for fit in serving if subject.covers(fit, one.seed) and subject.covers(fit, target)]
    unit = UNITS.get(any_fit.scaling, _SLOPE) if one.method == "gppi" else _FISHER
    row: dict[str, Any] = {
        "specification": "main", "name": one.name, "method": one.method, "subject": any_fit.key.subject,
        "session": session, "task": task, **columns_of("seed", one.seed), **columns_of("target", target),
        "contrast": contrast, "group": NA, "value": np.nan, "unit": unit, "variance": np.nan, "dof": np.nan,
        "n_runs": 0, "n_trials": 0, "seed_coverage": np.nan, "target_coverage": np.nan, "mean_fd_mm": np.nan,
        "censored_fraction": np.nan}
    where = f"{one.name}: {target.label} {contrast}"
    if not runs:
        lacking = [key.label for key in (one.seed, target) if not any(subject.covers(fit, key) for fit in serving)]
        found = f"not covered: {', '.join(lacking)}" if serving and lacking else NA
        subject.exclusions[Exclusion(STAGE, any_fit.key.subject, session, NA, where, NO_RUN, found)] = None
    grids = {fit.grid_digest for fit in runs}
    if len(grids) > 1:
        subject.exclusions[Exclusion(STAGE, any_fit.key.subject, session, NA, where, "the runs of this session lie on "
                                     "different grids", str(len(grids)), "1")] = None
        runs = []
    return row, runs


def _quality(subject: _Subject, one: Connection, target: RoiKey, contrast: str,
             runs: Sequence[RunFit]) -> dict[str, Any]:
    """What a row says of the runs behind it."""
    names = set(one.contrasts[contrast])
    trials = sum(fit.trials.of(name)[0].size for fit in runs for name in names)
    coverage = {f"{what}_coverage": float(np.mean([subject.rois[key].coverage.get(fit.key, np.nan) for fit in runs]))
                for what, key in (("seed", one.seed), ("target", target))}
    return {"n_runs": len(runs), "n_trials": trials, **coverage,
            "mean_fd_mm": float(np.mean([fit.mean_fd_mm for fit in runs])),
            "censored_fraction": sum(fit.censored.size for fit in runs) / sum(fit.n_volumes for fit in runs)}


def _interactions(subject: _Subject, one: Connection) -> dict[tuple[RunKey, RoiKey, str], tuple[float, float, int]]:
    """Effect, variance and degrees of freedom per run, target and contrast."""
    out: dict[tuple[RunKey, RoiKey, str], tuple[float, float, int]] = {}
    for fit in subject.fits:
        contrasts = {name: weights for name, weights in one.contrasts.items() if fit.serves(name)}
        targets = [key for key in one.targets if subject.covers(fit, key)]
        if not (contrasts and targets and subject.covers(fit, one.seed)):
            continue
        series = np.column_stack([subject.of(fit, key) for key in targets])
        found: Interactions = interact(fit, subject.of(fit, one.seed), series, contrasts, one.deconvolve)
        if found.problem:
            subject.leave_out(fit, one.name, found.problem, found.found, found.asked)
            continue
        out |= {(fit.key, key, name): (float(found.effect[c, t]), float(found.variance[c, t]), found.dof)
                for c, name in enumerate(contrasts) for t, key in enumerate(targets)}
    return out


def _slope(subject: _Subject, one: Connection, target: RoiKey, contrast: str, runs: Sequence[RunFit],
           slopes: Mapping[tuple[RunKey, RoiKey, str], tuple[float, float, int]]) -> dict[str, Any]:
    """The unweighted fixed effect over the runs that have an estimate."""
    used = [fit for fit in runs if (fit.key, target, contrast) in slopes]
    if not used:
        return {}
    effect, variance, dof = zip(*(slopes[fit.key, target, contrast] for fit in used), strict=True)
    return {**_quality(subject, one, target, contrast, used), "value": sum(effect) / len(used),
            "variance": sum(variance) / len(used) ** 2, "dof": float(sum(dof))}


def _all_betas(subject: _Subject, asked: Sequence[Connection]) -> dict[tuple[RunKey, str, RoiKey], FloatArray]:
    """The trials' responses per run, condition and ROI, for all beta series together."""
    conditions = list(dict.fromkeys(c for one in asked for weights in one.contrasts.values() for c in weights))
    keys = sorted({key for one in asked for key in (one.seed, *one.targets)})
    out: dict[tuple[RunKey, str, RoiKey], FloatArray] = {}
    for fit in subject.fits:
        covered = [key for key in keys if subject.covers(fit, key)]
        present = [c for c in conditions if c in fit.trials.conditions]
        if not covered or not present:
            continue
        series = np.column_stack([subject.of(fit, key) for key in covered])
        for condition, betas in _present(fit, present, series):
            if betas is None or betas.lost:
                subject.leave_out(fit, condition, "trials whose response lies outside the scan or cannot be told apart "
                                  "from the rest of the model", "all" if betas is None else str(betas.lost))
            if betas is not None:
                out |= {(fit.key, condition, key): betas.values[:, i] for i, key in enumerate(covered)}
        meet, trials = overlapping(fit, present)
        if meet:
            subject.notes.append(f"beta series: {meet} of {trials} trials of a run overlap in time with another event")
    return out


def _present(fit: RunFit, conditions: Sequence[str], series: FloatArray) -> Iterator[tuple[str, Betas | None]]:
    for condition in conditions:
        yield condition, trial_betas(fit, condition, series)


def _correlation(subject: _Subject, one: Connection, target: RoiKey, contrast: str, runs: Sequence[RunFit],
                 betas: Mapping[tuple[RunKey, str, RoiKey], FloatArray]) -> dict[str, Any]:
    """The weighted sum of Fisher's z over the conditions of a contrast."""
    row = _quality(subject, one, target, contrast, runs)
    value, variance, dof, trials = 0.0, 0.0, 0, 0
    for condition, weight in one.contrasts[contrast].items():
        pairs = [(betas[fit.key, condition, one.seed], betas[fit.key, condition, target]) for fit in runs
                 if (fit.key, condition, target) in betas]
        found = within_runs(pairs)
        trials += found.n
        if found.n < one.minimum_trials or not np.isfinite(found.z):
            key, few = runs[0].key, found.n < one.minimum_trials
            subject.exclusions[Exclusion(
                STAGE, key.subject, key.session, NA, f"{one.name}: {target.label} {condition}",
                TOO_FEW_TRIALS if few else "the trials' responses do not vary, or "
                "are those of the seed", str(found.n), str(one.minimum_trials) if few else NA)] = None
            return row
        value += weight * found.z
        variance += weight**2 * found.variance
        dof += found.df
    return {**row, "value": value, "variance": variance, "dof": float(dof), "n_trials": trials}
