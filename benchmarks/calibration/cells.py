"""What is simulated, with which seeds, and what must hold: fixed before the first run.

A cell that leaves its band is reported and the default changed, never the band.
"""

from __future__ import annotations

from dataclasses import dataclass

DRAWS = 5000
PERMUTATIONS = 999
ALPHA = 0.05
QUICK = 200
"""Counts of this many first draws are committed too, so that a test can make them again."""
ERROR_BAND = (0.040, 0.060)
COVERAGE_BAND = (0.935, 0.965)
RHO = 0.5
"""Correlation of the sessions within a group."""
ROI_CORRELATION = 0.5
GAP = 0.8
EFFECT = 0.5
FOUND_EFFECT = 1.0
"""The effect in the first ROIs of a partial null hypothesis."""
ROIS, AFFECTED = 7, 3
LOST = 0.15


@dataclass(frozen=True)
class Cell:
    """One simulated situation.

    Attributes
    ----------
    name : str
    design : str
        Key of :data:`benchmarks.calibration.estimators.DESIGNS`: which estimators are tried.
    n : tuple of int
        Subjects per group.
    sd : tuple of float
        SD of the values of each group, the same in every session.
    seed : int
    gap : float
        How much higher the first group is in every session.
    effect : float
        How much more the first group changes; values are in SDs of the last group.
    rois : int
        ROIs measured in the same subjects.
    affected : int
        In how many of them, the first ones, there is the effect.
    sessions : int
    lost : float
        Share of the values that are missing.
    judged : tuple of str
        Estimators whose error (or coverage) must lie in its band: the default primary of a design.
    """

    name: str
    design: str
    n: tuple[int, ...]
    sd: tuple[float, ...]
    seed: int
    gap: float = 0.0
    effect: float = 0.0
    rois: int = 1
    affected: int = 1
    sessions: int = 2
    lost: float = 0.0
    judged: tuple[str, ...] = ()


_TWO = ((8, 20), (2.0, 1.0)), ((10, 10), (1.0, 1.0)), ((30, 30), (1.0, 1.0))
_THREE = ((8, 20, 20), (2.0, 1.0, 1.0)), ((10, 10, 10), (1.0,) * 3), ((30, 30, 30), (1.0,) * 3)
_ONE = (8, 10, 20, 30)
# The default primary of each design.
ANCOVA, CHANGE, PAIRED, TWO_SAMPLE = "ancova hc2_welch", "change welch", "paired t", "last session welch"
MAX_T_ANCOVA, MAX_T_CHANGE = "max-T ancova sign flips hc2_welch", "max-T change sign flips welch as z"
MAX_T_PAIRED = "max-T sign flips"
MIXED, MAX_T_MIXED = "lmm cr2_welch F", "max-T lmm sign flips cr2_welch"


def _size(n: tuple[int, ...], sd: tuple[float, ...]) -> str:
    return "/".join(map(str, n)) + (" SD " + ":".join(f"{s:g}" for s in sd) if len(set(sd)) > 1 else "")


def _two_groups() -> list[Cell]:
    """With a gap at baseline, ANCOVA is not judged: it is not the primary of groups that were not randomised."""
    return [Cell(f"{_size(n, sd)}{', gap' if gap else ''}{', effect' if effect else ''}", "two groups", n, sd,
                 41000 + 100 * k + 10 * bool(gap) + bool(effect), gap, effect,
                 judged=(CHANGE,) if gap else (ANCOVA, CHANGE, TWO_SAMPLE))
            for k, (n, sd) in enumerate(_TWO) for gap in (0.0, GAP) for effect in (0.0, EFFECT)]


def _judged_three(gap: float) -> tuple[str, ...]:
    """The omnibus test, and the first group against the last."""
    return tuple(name for one in ((CHANGE,) if gap else (ANCOVA, CHANGE)) for name in (one, f"{one} F"))


def _three_groups() -> list[Cell]:
    return [Cell(f"{_size(n, sd)}{', gap' if gap else ''}", "three groups", n, sd, 42000 + 100 * k + 10 * bool(gap),
                 gap, judged=_judged_three(gap))
            for k, (n, sd) in enumerate(_THREE) for gap in (0.0, GAP)]


def _one_group() -> list[Cell]:
    return [Cell(f"{n}{', effect' if effect else ''}", "one group", (n,), (1.0,), 43000 + 10 * n + bool(effect), 0.0,
                 effect, judged=(PAIRED,)) for n in _ONE for effect in (0.0, EFFECT)]


def _families() -> list[Cell]:
    out: list[Cell] = []
    some = f"effect in {AFFECTED} of {ROIS}"
    for k, (n, sd) in enumerate(_TWO):
        where, seed = "two groups, max-T", 44000 + 100 * k
        judged = (MAX_T_CHANGE, MAX_T_ANCOVA)
        out += [Cell(_size(n, sd), where, n, sd, seed, rois=ROIS, judged=judged),
                Cell(f"{_size(n, sd)}, gap", where, n, sd, seed + 10, GAP, rois=ROIS, judged=(MAX_T_CHANGE,)),
                Cell(f"{_size(n, sd)}, {some}", where, n, sd, seed + 20, 0.0, FOUND_EFFECT, ROIS, AFFECTED)]
    for m in _ONE:
        where, seed = "one group, max-T", 45000 + 10 * m
        out += [Cell(f"{m}", where, (m,), (1.0,), seed, rois=ROIS, judged=(MAX_T_PAIRED,)),
                Cell(f"{m}, {some}", where, (m,), (1.0,), seed + 1, 0.0, FOUND_EFFECT, ROIS, AFFECTED)]
    return out


def _three_sessions() -> list[Cell]:
    """Mixed models of three sessions, also where values are missing, and of families."""
    out: list[Cell] = []
    for k, (n, sd) in enumerate(_TWO):
        where, seed, size = "two groups, three sessions", 46000 + 100 * k, _size(n, sd)
        out += [Cell(size, where, n, sd, seed, sessions=3, judged=(MIXED,)),
                Cell(f"{size}, 15 % missing", where, n, sd, seed + 1, sessions=3, lost=LOST, judged=(MIXED,)),
                Cell(f"{size}, effect", where, n, sd, seed + 2, effect=EFFECT, sessions=3, judged=(MIXED,))]
    out += [Cell(_size(n, sd), "three groups, three sessions", n, sd, 47000 + 100 * k, sessions=3, judged=(MIXED,))
            for k, (n, sd) in enumerate(_THREE)]
    out += [Cell(_size(n, sd), "two groups, three sessions, max-T", n, sd, 48000 + 100 * k, rois=ROIS, sessions=3,
                 judged=(MAX_T_MIXED,)) for k, (n, sd) in enumerate(_TWO)]
    return out


CELLS = (*_two_groups(), *_three_groups(), *_one_group(), *_families(), *_three_sessions())
