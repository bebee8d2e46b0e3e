"""What the evidence reports of the claims of a study."""

from __future__ import annotations

from collections.abc import Iterable

from deltaroi.studies import Reported


def reported_results(claims: Iterable[str]) -> dict[str, Reported]:
    """Direction and effect size of reported results, by id; ids that the evidence does not have are absent."""
    return {}
