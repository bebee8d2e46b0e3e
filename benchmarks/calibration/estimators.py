"""The estimators that are tried, each by the functions that deltaroi ships.

An estimator is a function of one draw that yields outcomes; DESIGNS says which are tried on which cells. To add one
(a mixed model, say), write a function of one draw that returns tests by name, and add ``each(function)`` there; a cell
with ``sessions`` above two has more of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from benchmarks.calibration.cells import ALPHA, PERMUTATIONS
from benchmarks.calibration.data import Data, FloatArray
from numpy.typing import NDArray

from deltaroi.stats import linear, means, mixed, mixed_designs, permutation, small_samples
from deltaroi.stats.mixed_robust import RobustMixed
from deltaroi.stats.permutation import MaxT, Statistic
from deltaroi.stats.permuted import FreedmanLane, SignFlip, Welch
from deltaroi.stats.profile import Profile, ProfileWelch
from deltaroi.stats.record import Test


class Outcome(NamedTuple):
    """What one estimator said of one draw: ``measure`` is error, coverage or power; ``count`` out of ``of``."""

    estimator: str
    measure: str
    count: int
    of: int = 1


Estimator = Callable[[Data], Iterator[Outcome]]


def tested(name: str, test: Test, data: Data) -> Iterator[Outcome]:
    """A single test: whether it rejects, and whether its interval holds the true difference of the changes."""
    yield rejected(name, test.p, data)
    if test.kind == "t":
        yield Outcome(name, "coverage", int(test.ci_low <= data.cell.effect <= test.ci_high))


def rejected(name: str, p: float, data: Data) -> Outcome:
    """Whether a p value rejects."""
    return Outcome(name, "power" if data.cell.effect else "error", int(p <= ALPHA))


def family(name: str, found: MaxT, data: Data) -> Iterator[Outcome]:
    """Any false rejection; and with effects in some ROIs, how many are found, by single step and by step-down."""
    cell = data.cell
    if not cell.effect:
        yield Outcome(name, "error", int((found.p <= ALPHA).any()))
        return
    for way, p in (("", found.p), (", step-down", found.p_step_down)):
        yield Outcome(name + way, "error", int((p[cell.affected:] <= ALPHA).any()))
        yield Outcome(name + way, "power", int((p[:cell.affected] <= ALPHA).sum()), cell.affected)


def columns(data: Data, roi: int) -> tuple[FloatArray, FloatArray]:
    """Kept columns of the ANCOVA, and dummies of all groups but the last."""
    dummies = (data.group[:, None] == np.arange(len(data.cell.n) - 1)).astype(np.float64)
    return np.column_stack([np.ones(data.group.size), linear.centred(data.first[roi])]), dummies


def ancova(data: Data) -> dict[str, Test]:
    """Coefficient of the first group, and with three groups the omnibus F."""
    kept, dummies = columns(data, 0)
    model = linear.fit(data.last[0], np.column_stack([kept, dummies]))
    weights = np.eye(model.beta.size)[2:]
    out = {f"ancova {kind}": linear.test_weights(model, weights[0], kind) for kind in ("classical", "hc3")}
    out |= {f"ancova {kind}": small_samples.robust_t(model, weights[0], kind, data.group)
            for kind in small_samples.KINDS}
    if len(weights) > 1:
        out |= {f"ancova {kind} F": linear.test_joint(model, weights, kind) for kind in ("classical", "hc3")}
        out["ancova hc2_bm F"] = small_samples.robust_f(model, weights)
        out["ancova hc2_welch F"] = small_samples.robust_f(model, weights, data.group)
    return out


def change(data: Data) -> dict[str, Test]:
    """Changes of the first group against the last, and with three groups the omnibus F."""
    values = data.last[0] - data.first[0]
    parts = [values[data.group == g] for g in range(len(data.cell.n))]
    out = {"change welch": means.two_sample(parts[0], parts[-1], "welch")}
    model = linear.fit(values, np.column_stack([np.ones(values.size), columns(data, 0)[1]]))
    weights = np.eye(model.beta.size)[1:]
    out |= {f"change {kind}": linear.test_weights(model, weights[0], kind) for kind in ("classical", "hc3")}
    out["change hc2_bm"] = small_samples.robust_t(model, weights[0], "hc2_bm")
    if len(parts) > 2:
        out["change welch F"] = means.welch_anova(parts)
        out["change classical F"] = linear.test_joint(model, weights, "classical")
        out["change hc2_bm F"] = small_samples.robust_f(model, weights)
        out["change hc2_welch F"] = small_samples.robust_f(model, weights, data.group)
    return out


def last_session(data: Data) -> dict[str, Test]:
    """Two samples without sessions."""
    if data.cell.gap:
        return {}
    parts = [data.last[0][data.group == g] for g in range(2)]
    return {f"last session {kind}": means.two_sample(*parts, kind) for kind in ("welch", "classical")}


def paired(data: Data) -> dict[str, Test]:
    """The changes of one group."""
    return {"paired t": means.one_sample(data.last[0] - data.first[0])}


def each(tests: Callable[[Data], dict[str, Test]]) -> Estimator:
    """The outcomes of several tests."""
    return lambda data: (one for name, test in tests(data).items() for one in tested(name, test, data))


def flipped(data: Data) -> Iterator[Outcome]:
    """One group: sign flips of its changes."""
    values = data.last[0] - data.first[0]
    rows = permutation.sign_flips(values.size, PERMUTATIONS, data.seed)[0]
    yield rejected("sign flips", alone(SignFlip(np.arange(values.size), values), rows, 2**values.size), data)


def resampled(data: Data) -> Iterator[Outcome]:
    """P values of one ROI by permutation and by the wild bootstrap; only where nothing is to be found."""
    if data.cell.gap or data.cell.effect:
        return
    kept, dummies = columns(data, 0)
    y, n, count = data.last[0], data.group.size, PERMUTATIONS
    everyone = np.arange(n)
    for multipliers in ("rademacher", "webb"):
        test = small_samples.wild_bootstrap(y, kept, dummies, count, data.seed, multipliers)
        yield rejected(f"ancova wild bootstrap, {multipliers}", test.p, data)
    rows: NDArray[np.generic] = permutation.permutations(n, count, data.seed)[0]
    floor = permutation.distinct_relabellings(data.group)
    for kind in ("hc3", "classical", "groups", "hc2_welch"):
        lane = FreedmanLane(everyone, y, kept, dummies, kind, data.group)
        yield rejected(f"ancova Freedman-Lane {kind}", alone(lane, rows, floor), data)
    flips = permutation.sign_flips(n, count, data.seed)[0]
    lane = FreedmanLane(everyone, y, kept, dummies, "hc2_welch", data.group)
    yield rejected("ancova sign flips hc2_welch", alone(lane, flips, floor), data)
    rows = permutation.relabellings(data.group, count, data.seed)[0]
    t, z = (Welch(everyone, y - data.first[0], data.group, equivalent) for equivalent in (False, True))
    yield rejected("change relabelled welch", alone(t, rows, floor), data)
    yield rejected("change relabelled welch as z", alone(z, rows, floor), data)
    yield rejected("change sign flips welch as z", alone(z, flips, floor), data)


def alone(statistic: Statistic, rows: NDArray[np.generic], floor: int) -> float:
    """P of a family of one."""
    return float(permutation.max_t([statistic], rows, [floor]).p[0])


def changes_max_t(data: Data) -> dict[str, MaxT]:
    """Changes relabelled and flipped; all ways only without gap and effect."""
    count, floors = PERMUTATIONS, [permutation.distinct_relabellings(data.group)] * data.cell.rois
    rows = permutation.relabellings(data.group, count, data.seed)[0]
    flips = permutation.sign_flips(data.group.size, count, data.seed)[0]
    t, z = ([Welch(np.arange(data.group.size), one, data.group, equivalent) for one in data.last - data.first]
            for equivalent in (False, True))
    out = {"max-T change relabelled welch": permutation.max_t(t, rows, floors),
           "max-T change sign flips welch as z": permutation.max_t(z, flips, floors)}
    if not (data.cell.gap or data.cell.effect):
        out["max-T change relabelled welch as z"] = permutation.max_t(z, rows, floors)
    return out


def own_baselines_max_t(data: Data) -> dict[str, MaxT]:
    """Residuals given each ROI's own baseline, of groups that were randomised; all ways only without effect."""
    if data.cell.gap:
        return {}
    floors = [permutation.distinct_relabellings(data.group)] * data.cell.rois
    models = [(y, *columns(data, roi)) for roi, y in enumerate(data.last)]
    hc3, welch = ([FreedmanLane(np.arange(data.group.size), *model, kind, data.group) for model in models]
                  for kind in ("hc3", "hc2_welch"))
    rows = permutation.permutations(data.group.size, PERMUTATIONS, data.seed)[0]
    flips = permutation.sign_flips(data.group.size, PERMUTATIONS, data.seed)[0]
    out = {"max-T ancova Freedman-Lane hc3": permutation.max_t(hc3, rows, floors),
           "max-T ancova sign flips hc2_welch": permutation.max_t(welch, flips, floors)}
    if not data.cell.effect:
        out["max-T ancova Freedman-Lane hc2_welch"] = permutation.max_t(welch, rows, floors)
        out["max-T ancova sign flips hc3"] = permutation.max_t(hc3, flips, floors)
    return out


def flipped_max_t(data: Data) -> dict[str, MaxT]:
    """Sign flips of the changes of one group."""
    n = data.group.size
    rows = permutation.sign_flips(n, PERMUTATIONS, data.seed)[0]
    tests = [SignFlip(np.arange(n), after - before) for before, after in zip(data.first, data.last, strict=True)]
    return {"max-T sign flips": permutation.max_t(tests, rows, [2**n] * data.cell.rois)}


def mixed_models(data: Data) -> dict[str, Test]:
    """Group × session by a mixed model: any session, and the last against the first; with the two kinds of errors."""
    subject, session = np.nonzero(np.isfinite(data.values[0]))
    group, y = data.group[subject], data.values[0, subject, session]
    design = mixed_designs.session_design(group, session, (len(data.cell.n), data.cell.sessions))
    fit = mixed.fit_mixed(y, design.matrix, subject)
    robust = RobustMixed(fit, y, design.matrix, subject, None, group)
    everyone, pair = tuple(range(len(data.cell.n))), (0, len(data.cell.n) - 1)
    out = {}
    for one in mixed_designs.contrasts(design):
        if one.kind == "any" and one.groups == everyone:
            out["lmm satterthwaite F"] = mixed_designs.test_contrast(fit, one)
            out["lmm cr2_welch F"] = robust.test_joint(one.weights)
        elif one.kind == "first" and one.groups == pair and one.sessions == (data.cell.sessions - 1, 0):
            out["lmm satterthwaite"] = mixed_designs.test_contrast(fit, one)
            out["lmm cr2_welch"] = robust.test_weights(one.weights[0])
    return out


def profiles_max_t(data: Data) -> dict[str, MaxT]:
    """Group × session of complete data: F of the mixed model relabelled, and the robust one by flips."""
    n, count = data.group.size, PERMUTATIONS
    floors = [permutation.distinct_relabellings(data.group)] * data.cell.rois
    rows = permutation.relabellings(data.group, count, data.seed)[0]
    flips = permutation.sign_flips(n, count, data.seed)[0]
    plain, robust = ([make(np.arange(n), one, data.group) for one in data.values] for make in (Profile, ProfileWelch))
    return {"max-T lmm relabelled satterthwaite": permutation.max_t(plain, rows, floors),
            "max-T lmm relabelled cr2_welch": permutation.max_t(robust, rows, floors),
            "max-T lmm sign flips cr2_welch": permutation.max_t(robust, flips, floors)}


def families(tests: Callable[[Data], dict[str, MaxT]]) -> Estimator:
    """The outcomes of several max-T tests."""
    return lambda data: (one for name, found in tests(data).items() for one in family(name, found, data))


DESIGNS: dict[str, tuple[Estimator, ...]] = {
    "two groups": (each(ancova), each(change), each(last_session), resampled),
    "three groups": (each(ancova), each(change)),
    "one group": (each(paired), flipped),
    "two groups, max-T": (families(changes_max_t), families(own_baselines_max_t)),
    "one group, max-T": (families(flipped_max_t),),
    "two groups, three sessions": (each(mixed_models),),
    "three groups, three sessions": (each(mixed_models),),
    "two groups, three sessions, max-T": (families(profiles_max_t),),
}
