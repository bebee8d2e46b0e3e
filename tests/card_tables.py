"""Hand-made rows of a run and the folder of a replication card, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.config.study import Study
from deltaroi.io.files import write_json
from deltaroi.io.tsv import write_table
from deltaroi.pipeline.card import Asked, card, read_reports
from deltaroi.studies import published
from deltaroi.tables import CARD, EFFECTS, conform

EFFECT = {"specification": "main", "summary": "mean", "definition": "hcpex", "se_kind": "classical", "primary": False,
          "unit": "percent", "statistic_kind": "t", "reading": "said"}


def effect(name: str, claim: str, statistic: float, n: tuple[float, float], **more: Any) -> dict[str, Any]:
    """A row of the effects that answers a claim of a published study."""
    first, second = n
    where = published(name).claims[claim].where
    df = first + second - 2 if second else first - 1
    return {**dict.fromkeys(EFFECTS.names), **EFFECT, **where, "n": first + second, "n_first": first,
            "n_second": second or None, "estimate": statistic / 10, "df": df, "statistic": statistic, "p": 0.02, **more}


def effects(*rows: Mapping[str, Any]) -> pd.DataFrame:
    """A table of effects."""
    return conform(pd.DataFrame(list(rows), columns=EFFECTS.names), EFFECTS)


def asked(name: str, study: Study | None = None) -> Asked:
    """A published study held against itself, or another one against it."""
    there = published(name)
    own = study or there
    return Asked(own, there, read_reports(name, own.claims, name))


def judged(name: str, tables: Mapping[str, pd.DataFrame], study: Study | None = None) -> pd.DataFrame:
    """The card, by claim."""
    question = asked(name, study)
    return card(question, question.study.claims, tables).set_index("claim", drop=False)


def mascaro() -> pd.DataFrame:
    """Three claims of Mascaro et al. (2013) answered: replicated, opposite, and one row missing."""
    return effects(effect("mascaro2013", "mascaro2013_dmpfc_rmet", 3.0, (30, 30)),
                   effect("mascaro2013", "mascaro2013_ifg_rmet", -3.0, (30, 30)))


def said(**more: Any) -> dict[str, Any]:
    """What stands beside the claims in card.json."""
    return {"Name": "mascaro2013", "Study": "mine", "Description": "Does it?", "Citation": "Mascaro et al. (2013)",
            "Doi": None, "ReportedGroups": {"CBCT": 13, "control": 8}, "Groups": {"CBCT": 30, "control": 30},
            "ReportedSessions": ["pre", "post"], "Sessions": ["pre", "post"],
            "Contrasts": {"emotion_vs_control": "emotion - control_task"}, "EquivalenceBound": 0.3,
            "NotStated": [{"what": "regions.definition", "choice": "HCPex", "why": "no masks"}],
            "NamedBeforehand": [{"Claim": "mascaro2013_roi_dmpfc", "Region": "dmPFC", "Hemisphere": "n/a",
                                 "Place": "Table 2, row 6", "Measured": "B (hcpex)"}],
            "Exclusions": {"no event of the contrast": 2}, "ExclusionRows": 2, "Warnings": [], "ExitCode": 0,
            "Simulated": False, "Simulation": None, **more}


def folder(path: Path, table: pd.DataFrame, **more: Any) -> Path:
    """A folder as `studies replicate` leaves it, without its page."""
    write_table(table.reset_index(drop=True), CARD, path / "card.tsv")
    write_json(path / "card.json", {**CARD.sidecar(), "Replication": said(**more)})
    return path
