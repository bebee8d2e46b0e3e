"""Generalised psychophysiological interactions of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from deltaroi.connectivity.series import adjusted, volume_interval_s
from deltaroi.grid import FloatArray
from deltaroi.signal.design import earliest_onset
from deltaroi.signal.glm import fit_series
from deltaroi.signal.runfit import RunFit
from deltaroi.stats.deconvolution import Deconvolver, boxcars, convolved

LEAST_DOF = 10
"""Error degrees of freedom that the model of a run must leave."""
TOO_FEW_DOF = "too few degrees of freedom for the model of interactions"
_DEPENDENT = 1e-6


@dataclass(frozen=True, eq=False)
class Interactions:
    """The interactions of one run with one seed.

    Attributes
    ----------
    effect, variance : ndarray, shape (n_contrasts, n_targets)
        Per contrast and target.
    dof : int
        Error degrees of freedom.
    problem, found, asked : str
        Why there is nothing, what was found, what was needed; ``problem`` is empty where there is something.
    """

    effect: FloatArray
    variance: FloatArray
    dof: int
    problem: str = ""
    found: str = "n/a"
    asked: str = "n/a"


def interact(fit: RunFit, seed: FloatArray, targets: FloatArray, contrasts: Mapping[str, Mapping[str, float]],
             deconvolve: bool) -> Interactions:
    """Fit the interaction model of one run to the series of all targets.

    Parameters
    ----------
    fit : RunFit
        The run.
    seed : ndarray, shape (n_volumes,)
        The seed's series.
    targets : ndarray, shape (n_volumes, n_targets)
        The targets' series.
    contrasts : mapping of str to (mapping of str to float)
        Weights on conditions that the run has.
    deconvolve : bool
        See :func:`interaction_columns`.

    Notes
    -----
    Columns: the run's whole design (all conditions, confounds, censored volumes, drift), the adjusted seed, one
    interaction per condition of the design. Noise as in the run's own model.
    """
    names = fit.trials.conditions
    clean = adjusted(fit, seed)
    design = np.column_stack([fit.design, clean, interaction_columns(fit, clean, deconvolve)])
    dof = design.shape[0] - design.shape[1]
    nothing = np.full((len(contrasts), targets.shape[1]), np.nan)
    if dof < LEAST_DOF:
        return Interactions(nothing, nothing, dof, TOO_FEW_DOF, str(dof), str(LEAST_DOF))
    if _dependent(design):
        return Interactions(nothing, nothing, dof, "the interactions of this run cannot be told apart from the rest of "
                            "its model")
    first = design.shape[1] - len(names)
    vectors = np.zeros((len(contrasts), design.shape[1]))
    for row, weights in enumerate(contrasts.values()):
        for condition, weight in weights.items():
            vectors[row, first + names.index(condition)] = weight
    found = fit_series(targets, design, vectors, fit.noise)
    return Interactions(found.effect, found.variance, dof)


def interaction_columns(fit: RunFit, seed: FloatArray, deconvolve: bool) -> FloatArray:
    """The interaction of the adjusted seed with every condition of a run, shape (n_volumes, n_conditions).

    Notes
    -----
    ``deconvolve``: h * (x (p - mean of p)), with h the canonical response, * its convolution, x the seed deconvolved by
    h, p the condition before the response (1 while it lasts, or its modulation). Else s (r - mean of r), with s the
    seed and r the condition's column by ``nilearn.glm.first_level.compute_regressor``.
    Conditions are centred over the scan (Di, Reynolds and Biswal, 2017): with deconvolution, which is never
    perfect, p uncentred would put part of the seed's main effect into the interaction.
    """
    if not deconvolve:
        conditions = np.column_stack([condition_column(fit, *fit.trials.of(name)) for name in fit.trials.conditions])
        return np.asarray(seed[:, None] * (conditions - conditions.mean(axis=0)), dtype=np.float64)
    kernel = _kernel(canonical(fit), volume_interval_s(fit), fit.oversampling)
    machine = _deconvolver(canonical(fit), volume_interval_s(fit), fit.oversampling, fit.n_volumes)
    activity = machine(seed).series
    times = fit.frame_times[0] + (np.arange(machine.n_fine) - machine.lead) * volume_interval_s(fit) / fit.oversampling
    columns = []
    for name in fit.trials.conditions:
        lasting = boxcars(*fit.trials.of(name), times)
        columns.append(convolved(activity * (lasting - lasting[machine.lead:].mean()), kernel, fit.oversampling))
    return np.column_stack(columns)


def canonical(fit: RunFit) -> str:
    """The response function without its derivatives."""
    return fit.hrf.split(" + ")[0]


def condition_column(fit: RunFit, onset: FloatArray, duration: FloatArray, modulation: FloatArray) -> FloatArray:
    """nilearn's regressor of some events, canonical response only, as the run's own design has it."""
    from nilearn.glm.first_level import compute_regressor

    values, _ = compute_regressor((onset, duration, modulation), canonical(fit), fit.frame_times,
                                  oversampling=fit.oversampling,
                                  min_onset=earliest_onset(fit.trials.onset, fit.frame_times))
    return np.asarray(values[:, 0], dtype=np.float64)


def _kernel(hrf: str, tr_s: float, oversampling: int) -> FloatArray:
    from nilearn.glm.first_level import glover_hrf, spm_hrf

    function = {"spm": spm_hrf, "glover": glover_hrf}[hrf]
    return np.asarray(function(tr_s, oversampling), dtype=np.float64)


@lru_cache(maxsize=4)
def _deconvolver(hrf: str, tr_s: float, oversampling: int, n_volumes: int) -> Deconvolver:
    return Deconvolver(_kernel(hrf, tr_s, oversampling), n_volumes, oversampling)


def _dependent(design: FloatArray) -> bool:
    """Whether a column is, in double precision, a combination of the others."""
    norms = np.linalg.norm(design, axis=0)
    if not (norms > 0).all():
        return True
    values = np.linalg.svd(design / norms, compute_uv=False)
    return bool(values[-1] < _DEPENDENT * values[0])
