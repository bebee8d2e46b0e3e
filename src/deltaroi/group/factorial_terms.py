"""The terms of a factorial design: which cells and groups each of them compares, and its names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from deltaroi.group.blocks import Array
from deltaroi.specs import Factorial
from deltaroi.stats.factorial import combinations, difference

SESSION, GROUP = "session", "group"


@dataclass(frozen=True)
class Layout:
    """The crossed factors within subjects, the sessions last where there are several.

    Attributes
    ----------
    factors : tuple of (str, tuple of str)
        Name and levels of each.
    cells : tuple of (str, str)
        Contrast and session of every cell, in C order.
    levels : tuple of str
        Groups.
    """

    factors: tuple[tuple[str, tuple[str, ...]], ...]
    cells: tuple[tuple[str, str], ...]
    levels: tuple[str, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Levels of each factor."""
        return tuple(len(levels) for _, levels in self.factors)


@dataclass(frozen=True, eq=False)
class Term:
    """One term.

    Attributes
    ----------
    name : str
        ``group:state:valence``.
    factors : tuple of int
        Positions of its factors within subjects; none for the mean over all cells.
    between : bool
        Whether groups are compared in it.
    combinations : ndarray, shape (cells, q)
        Orthonormal.
    difference : ndarray, shape (cells,), or None
        Weights of its one difference, where there is one.
    compared : str
        Its levels: ``compassion-rest``, ``negative,positive,neutral``; the names of several factors joined by ``:``.
        Empty for the mean over all cells.
    """

    name: str
    factors: tuple[int, ...]
    between: bool
    combinations: Array
    difference: Array | None
    compared: str

    def of(self, cells: Array) -> Array:
        """Each subject's one difference, shape (n,), from cells of shape (n, cells)."""
        if self.difference is None:
            raise ValueError(f"{self.name} is not one difference")
        return np.asarray(cells @ self.difference)


def layout(factorial: Factorial, sessions: tuple[str, ...], levels: tuple[str, ...]) -> Layout:
    """The factors and cells of a factorial in a study with these sessions and groups."""
    factors = [(name, tuple(labels)) for name, labels in factorial.factors.items()]
    if len(sessions) > 1:
        factors.append((SESSION, sessions))
    cells = tuple((contrast, session) for contrast in factorial.contrasts for session in sessions)
    return Layout(tuple(factors), cells, levels)


def terms(plan: Layout) -> Iterator[Term]:
    """All terms: the factors within subjects and their interactions, each over groups and between them."""
    many = len(plan.levels) > 1
    order: list[tuple[int, ...]] = [()] if many else []
    order += [chosen for k in range(1, len(plan.factors) + 1)
              for chosen in itertools.combinations(range(len(plan.factors)), k)]
    for chosen in order:
        weights = combinations(plan.sizes, chosen)
        reversed_ = [k for k, (name, _) in enumerate(plan.factors) if name == SESSION]
        one = difference(plan.sizes, chosen, reversed_) if weights.shape[1] == 1 else None
        names = [plan.factors[k][0] for k in chosen]
        compared = ":".join(_compared(plan.factors[k], one) for k in chosen)
        if chosen:
            yield Term(":".join(names), chosen, False, weights, one, compared)
        if many:
            yield Term(":".join([GROUP, *names]), chosen, True, weights, one, compared)


def _compared(factor: tuple[str, tuple[str, ...]], one: Array | None) -> str:
    name, levels = factor
    if one is None:
        return ",".join(levels)
    return "-".join(reversed(levels) if name == SESSION else levels)
