"""Draws from the posterior of the multilevel model, by the No-U-Turn sampler of numpyro (the extra ``multilevel``)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from importlib.metadata import version
from typing import Any

import numpy as np

from deltaroi.stats.multilevel import Levels, effects, log_density, start
from deltaroi.stats.record import Array

PACKAGES = ("numpyro", "jax", "jaxlib")
"""What the extra installs; pyproject.toml pins the versions."""
CHAINS, WARM_UP, KEPT = 4, 1000, 1000
LARGEST_RHAT, SMALLEST_ESS = 1.01, 400.0
_ACCEPT = (0.8, 0.95)


@dataclass(frozen=True, eq=False)
class Draws:
    """Draws, in units of the typical residual SD.

    Attributes
    ----------
    effects : ndarray, shape (draws, q, R)
        The effect of every ROI.
    mean, tau : ndarray, shape (draws, q)
        Mean and SD of the distribution that the effects come from.
    rhat, ess : ndarray, shape (q, R + 1)
        Split R-hat and effective number of draws of the effects, and of the mean (the last).
    rhat_tau, ess_tau : ndarray, shape (q,)
        Those of tau.
    divergent : int
        Draws at which the sampler lost its way.
    """

    effects: Array
    mean: Array
    tau: Array
    rhat: Array
    ess: Array
    rhat_tau: Array
    ess_tau: Array
    divergent: int

    @property
    def problem(self) -> str:
        """Why the draws must not be used; empty when they may."""
        rhat = float(max(self.rhat.max(), self.rhat_tau.max()))
        ess = float(min(self.ess.min(), self.ess_tau.min()))
        if not (rhat <= LARGEST_RHAT and ess >= SMALLEST_ESS):
            return f"the chains did not converge (largest R-hat {rhat:.3f}, smallest effective number {ess:.0f})"
        return f"{self.divergent} draws diverged" if self.divergent > 0.001 * CHAINS * KEPT else ""


def missing_packages() -> tuple[str, ...]:
    """The packages of the extra that are not installed here."""
    return tuple(name for name in PACKAGES if importlib.util.find_spec(name) is None)


def versions() -> dict[str, str]:
    """The versions of the packages of the extra that are installed."""
    return {name: version(name) for name in PACKAGES if importlib.util.find_spec(name) is not None}


def sample(data: Levels, seed: int) -> Draws:
    """Draw from the posterior; where that goes badly, once more in smaller steps.

    Parameters
    ----------
    data : Levels
        The data.
    seed : int
        The same seed gives the same draws on the same machine.

    Raises
    ------
    ImportError
        The extra is not installed.
    """
    found = _run(data, seed, _ACCEPT[0])
    return _run(data, seed, _ACCEPT[1]) if found.problem else found


def _run(data: Levels, seed: int, accept: float) -> Draws:
    import jax
    import jax.numpy as jnp
    from numpyro.infer import MCMC, NUTS

    random = np.random.default_rng(seed)
    begin = {name: value + 0.1 * random.normal(size=(CHAINS, *value.shape)) for name, value in start(data).items()}
    with jax.enable_x64(True):
        there = Levels(**{field.name: jnp.asarray(getattr(data, field.name)) for field in fields(Levels)})
        kernel = NUTS(potential_fn=_potential(there, jnp), target_accept_prob=accept)
        chains = MCMC(kernel, num_warmup=WARM_UP, num_samples=KEPT, num_chains=CHAINS, chain_method="vectorized",
                      progress_bar=False)
        chains.run(jax.random.PRNGKey(seed % 2**31), extra_fields=("diverging",),
                   init_params={name: jnp.asarray(value) for name, value in begin.items()})
        kept = {name: np.asarray(value, dtype=np.float64) for name, value in
                chains.get_samples(group_by_chain=True).items()}
        divergent = int(np.asarray(chains.get_extra_fields()["diverging"]).sum())
    jax.clear_caches()  # else the memory of compiled code grows from model to model
    return _draws(kept, divergent)


def _potential(data: Levels, xp: Any) -> Callable[[Mapping[str, Any]], Any]:
    def potential(parameters: Mapping[str, Any]) -> Any:
        return -log_density(parameters, data, xp)
    return potential


def _draws(kept: Mapping[str, Array], divergent: int) -> Draws:
    """The draws of all chains together, and how well these agree."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    found, tau = effects(kept), np.exp(kept["log_tau"])
    both = np.concatenate([found, kept["mean"][..., None]], axis=-1)
    flat = [value.reshape(-1, *value.shape[2:]) for value in (found, kept["mean"], tau)]
    with np.errstate(all="ignore"):  # chains that stand still
        rhat, ess = ([np.asarray(check(value), dtype=np.float64) for value in (both, tau)]
                     for check in (split_gelman_rubin, effective_sample_size))
    return Draws(flat[0], flat[1], flat[2], rhat[0], ess[0], rhat[1], ess[1], divergent)
