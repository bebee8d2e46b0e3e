"""Factorial designs: contrasts as the cells of crossed factors within subjects."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from pydantic import Field, model_validator

from deltaroi.specs.base import Name, Spec

RESERVED = ("group", "session")


class Factorial(Spec):
    """Crossed factors within subjects, whose cells are contrasts; sessions are a factor too where there are several."""

    factors: dict[Name, list[str]] = Field(
        min_length=1, description="Factor -> its levels; effects of two levels are the first minus the second.")
    cells: dict[str, list[str]] = Field(
        description="Contrast -> one level of each factor, in their order; every combination once.")

    @model_validator(mode="after")
    def _crossed(self) -> Factorial:
        for name, levels in self.factors.items():
            if name in RESERVED:
                raise ValueError(f"no factor is called '{name}': groups and sessions enter by themselves; rename it")
            if len(levels) < 2 or len(set(levels)) != len(levels):
                raise ValueError(f"factors.{name}: found {', '.join(levels) or 'no level'}, expected two or more "
                                 "different levels")
        wanted = set(itertools.product(*self.factors.values()))
        seen: dict[tuple[str, ...], str] = {}
        for contrast, levels in self.cells.items():
            cell = tuple(levels)
            if cell not in wanted:
                raise ValueError(f"cells.{contrast}: found [{', '.join(levels)}], expected one level of each of "
                                 f"{', '.join(self.factors)}, in this order")
            if cell in seen:
                raise ValueError(f"cells.{contrast}: '{seen[cell]}' is [{', '.join(cell)}] already")
            seen[cell] = contrast
        lacking = sorted(wanted - set(seen))
        if lacking:
            raise ValueError(f"cells: no contrast is [{', '.join(lacking[0])}]; every combination of levels needs one")
        return self

    @property
    def contrasts(self) -> tuple[str, ...]:
        """The contrasts in the order of the cells, the last factor running fastest."""
        by_cell = {tuple(levels): contrast for contrast, levels in self.cells.items()}
        return tuple(by_cell[cell] for cell in itertools.product(*self.factors.values()))


def factorial_misfits(factorials: Mapping[str, Factorial], contrasts: Iterable[str]) -> list[str]:
    """Which cells are no contrasts of the study; each a sentence with its key."""
    known = list(contrasts)
    return [f"group.factorials.{name}.cells: '{contrast}' is no contrast; the contrasts are {', '.join(known)}"
            for name, one in factorials.items() for contrast in one.cells if contrast not in known]
