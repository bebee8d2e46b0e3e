"""First-level artefacts of ROIs with one voxel each, from series of the simulator's forward model; no images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from deltaroi.connectivity import Connection, Roi
from deltaroi.firstlevel import RunFit
from deltaroi.signal import ConfoundColumns, build_conditions, design
from deltaroi.signal.trials import trials_of
from deltaroi.simulator.bold import Train
from deltaroi.simulator.coupling import Pair, courses
from deltaroi.simulator.response import train_response
from deltaroi.specs import FirstLevel
from deltaroi.types import RoiKey, RunKey

SEED, TARGET, OTHER = (RoiKey(name, "R", "test") for name in ("seed", "target", "other"))
ROIS = (SEED, TARGET, OTHER)
DIFFERENCE = {"a_b": {"a": 1.0, "b": -1.0}}


@dataclass(frozen=True)
class Scan:
    """How one run is made: events, planted interactions, noise.

    ``strength`` is by how much the slope of target on seed is larger during ``a``; ``responses`` are the peaks of the
    responses (seed, target, other) to both conditions, in %; ``seed_noise`` is the seed's noise over that of the rest.
    """

    volumes: int = 160
    tr_s: float = 2.0
    trials: int = 12
    duration_s: float = 5.0
    strength: float = 0.0
    baseline: float = 0.4
    fluctuation: float = 1.0
    responses: tuple[float, float, float] = (0.8, 0.5, 0.3)
    noise: float = 0.5
    seed_noise: float = 1.0
    ar1: float = 0.3
    confounds: int = 2
    censored: tuple[int, ...] = ()


def events_of(scan: Scan, rng: np.random.Generator) -> pd.DataFrame:
    """Trials of both conditions in random order, evenly spread with jitter."""
    n = 2 * scan.trials
    room = (scan.volumes * scan.tr_s - 25.0) / n
    onsets = 5.0 + room * np.arange(n) + rng.uniform(0, max(room - scan.duration_s, 0.5), n)
    names = rng.permutation(["a", "b"] * scan.trials)
    return pd.DataFrame({"onset": onsets, "duration": scan.duration_s, "trial_type": names})


def series_of(scan: Scan, events: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Seed, target and other in %, shape (n_volumes, 3)."""
    times = (np.arange(scan.volumes) + 0.5) * scan.tr_s
    trains = {name: Train(name, tuple(part["onset"]), tuple(part["duration"]))
              for name, part in events.groupby("trial_type")}
    out = np.zeros((scan.volumes, 3))
    pair = Pair(SEED, TARGET, scan.baseline, {"a": scan.strength})
    for roi, course in courses([pair], trains, times, scan.fluctuation, int(rng.integers(2**31)), "run"):
        out[:, ROIS.index(roi)] += course
    for train in trains.values():
        out += train_response(times, train.onsets, train.durations)[:, None] * np.array(scan.responses)
    shocks = rng.standard_normal((scan.volumes + 50, 3)) * scan.noise * np.array([scan.seed_noise, 1.0, 1.0])
    return out + lfilter([1.0], [1.0, -scan.ar1], shocks, axis=0)[50:] + np.linspace(-0.5, 0.5, scan.volumes)[:, None]


def make_fit(events: pd.DataFrame, series: np.ndarray, scan: Scan, key: RunKey, spec: FirstLevel | None = None,
             rng: np.random.Generator | None = None,
             contrasts: Mapping[str, Mapping[str, float]] | None = None) -> RunFit:
    """The artefact of one run whose ROIs are the columns of ``series``."""
    spec, rng = spec or FirstLevel(), rng or np.random.default_rng(0)
    wanted = DIFFERENCE if contrasts is None else contrasts
    n = scan.volumes
    model = build_conditions(events, {}, wanted, key=key, scan_s=n * scan.tr_s)
    frame = pd.DataFrame(np.cumsum(rng.standard_normal((n, scan.confounds)), axis=0) / 10,
                         columns=[f"motion_{i}" for i in range(scan.confounds)])
    for volume in scan.censored:
        frame[f"censored_{volume}"] = np.eye(n)[volume]
    matrix = design(model, ConfoundColumns(frame, np.array(scan.censored, dtype=np.int64), 0.1, False), spec,
                    tr_s=scan.tr_s, slice_time_ref=0.5, n_volumes=n)
    vectors = np.zeros((len(wanted), matrix.matrix.shape[1]))
    for row, name in enumerate(wanted):
        if name in model.contrasts:
            vectors[row] = matrix.vector(model.contrasts[name])
    r = series.shape[1]
    return RunFit(
        key=key, grid_digest="grid", flat=np.arange(r), used=np.ones(r, dtype=bool), mean=np.full(r, 100.0),
        tsnr=np.full(r, 50.0), scale=np.ones(r), voxels=(series - series.mean(axis=0)).astype(np.float32),
        contrasts=tuple(wanted), effect=np.zeros((len(wanted), r)), variance=np.ones((len(wanted), r)), vectors=vectors,
        design=matrix.matrix, columns=matrix.columns, n_task=matrix.n_task, frame_times=matrix.frame_times,
        censored=np.array(scan.censored, dtype=np.int64), rois=ROIS[:r], roi_offset=np.arange(r + 1),
        roi_index=np.arange(r), roi_weight=np.ones(r), series=series.T, heights={}, dof=matrix.dof, mean_fd_mm=0.1,
        noise=spec.noise, hrf=spec.hrf, scaling="percent", unit="% signal change", trials=trials_of(model),
        oversampling=spec.oversampling)


def simulate(scan: Scan, rng: np.random.Generator, key: RunKey | None = None, spec: FirstLevel | None = None) -> RunFit:
    """One simulated run."""
    events = events_of(scan, rng)
    return make_fit(events, series_of(scan, events, rng), scan, key or RunKey("01", "pre", "look", "1"), spec, rng)


def rois_of(fits: Sequence[RunFit], without: Mapping[RoiKey, Sequence[RunKey]] | None = None) -> dict[RoiKey, Roi]:
    """Where the runs measure the ROIs; ``without`` names runs that do not cover one."""
    gone = without or {}
    out = {}
    for i, key in enumerate(ROIS):
        runs = [fit.key for fit in fits if fit.key not in gone.get(key, ())]
        out[key] = Roi(key, {run: (np.array([i]), np.ones(1)) for run in runs}, dict.fromkeys(runs, 1.0))
    return out


@dataclass(frozen=True)
class Asked:
    """Makes connections from the seed to the target; options replace."""

    method: str = "gppi"
    targets: tuple[RoiKey, ...] = (TARGET,)
    contrasts: Mapping[str, Mapping[str, float]] = field(default_factory=lambda: DIFFERENCE)
    deconvolve: bool = True
    minimum_trials: int = 10
    name: str = "link"

    def connection(self) -> Connection:
        """The connection."""
        return Connection(self.name, self.method, SEED, self.targets, self.contrasts, self.deconvolve,
                          self.minimum_trials)
