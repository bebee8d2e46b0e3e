"""Small evidence and statements tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from deltaroi.tables import EVIDENCE, STATEMENTS, conform

Rows = Callable[..., pd.DataFrame]
DEFAULTS: dict[str, Any] = {
    "study": "some2020", "year": 2020, "kind": "activation", "groups": "training - control", "region": "amygdala",
    "comparison": "between groups, pre-post", "direction": "increase", "claim": "reported", "statistic_kind": "none",
    "correction": "not stated", "place": "Amygdala", "statistic_place": "Amygdala",
}


def decimals(text: str) -> int:
    return len(text.partition(".")[2])


@pytest.fixture
def results() -> Rows:
    """Rows of EVIDENCE; numbers are given as text, as printed, with a relation in front where it is not ``=``."""
    def make(*rows: dict[str, Any]) -> pd.DataFrame:
        made = []
        for i, row in enumerate(rows):
            full: dict[str, Any] = dict.fromkeys(EVIDENCE.names) | DEFAULTS | {"id": f"some2020_{i}"} | row
            for name in ("value", "p", "effect_size"):
                if isinstance(full[name], str):
                    relation, _, number = full[name].rpartition(" ")
                    full |= {name: float(number), f"{name}_decimals": decimals(number)}
                    if name != "effect_size":
                        full[f"{name}_relation"] = relation or "="
            made.append(full)
        return conform(pd.DataFrame(made, columns=EVIDENCE.names), EVIDENCE)
    return make


@pytest.fixture
def statements() -> Rows:
    """Rows of STATEMENTS: study, quantity, concerns, place, form, value."""
    def make(*rows: tuple[str, str, str, str, str, str]) -> pd.DataFrame:
        names = ["study", "quantity", "concerns", "place", "form", "value"]
        frame = pd.DataFrame(list(rows), columns=names).assign(note="n/a")
        return conform(frame, STATEMENTS)
    return make
