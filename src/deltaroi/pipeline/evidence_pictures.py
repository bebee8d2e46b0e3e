"""Forest plots of the published effects, one per region, and the tables behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi import evidence as room
from deltaroi.errors import UsageError
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import write_table
from deltaroi.report.figures.evidence import EvidencePanel, PooledRow, evidence_forest
from deltaroi.report.figures.forest import ForestRow
from deltaroi.report.figures.style import to_file_bytes
from deltaroi.report.words import plural, shorten
from deltaroi.tables import EVIDENCE_SIZES, POOLED
from deltaroi.types import NA, camel

BEHAVIOUR = "behaviour"
FORMATS = ("png", "svg", "pdf")
_DPI, _LABEL = 200, 44
_NAN = float("nan")
_KINDS = {
    "g": ("Between groups: Hedges' g", "g: difference between the groups in SDs"),
    "g_z": ("Change within one group: g_z", "g_z: change in SDs of the changes"),
    "r": ("Correlation", "r"),
    "semipartial_r": ("Semipartial correlation", "r"),
}
_SELECTION = ("Selection: only results with a statistic in the review of Kamal et al. (2025) can be drawn. Papers "
              "print it more often for what was significant, so that such effects are too large on average.")
_PEAK = ("Peak: a z at the peak of a cluster was picked because it was the highest of many voxels; the effect of the "
         "region is smaller.")
_MEAN = ("Mean: the diamond is a random-effects mean (Paule-Mandel, Knapp-Hartung), the bar behind it the 95 % "
         "prediction interval of another study's effect. With so few and small studies the variance between them is "
         "hardly known.")


@dataclass(frozen=True)
class EvidencePictures:
    """What was written: the pictures, and the two tables."""

    pictures: tuple[Path, ...]
    tables: tuple[Path, ...]


def draw_evidence(out: Path, region: str | None = None, kind: str = "png",
                  say: Callable[[Path], None] | None = None) -> EvidencePictures:
    """Draw the published effects of every region, or of one.

    Parameters
    ----------
    out : Path
        Folder.
    region : str, optional
        Only this region; ``behaviour`` for what is not of a region.
    kind : {"png", "svg", "pdf"}
        Format of the pictures.
    say : callable, optional
        Is told each picture when it is written.

    Returns
    -------
    EvidencePictures
        The files. ``evidence_sizes.tsv`` and ``evidence_pooled.tsv`` hold the numbers.

    Raises
    ------
    UsageError
        There is no such region or format.
    """
    if kind not in FORMATS:
        raise UsageError(f"unknown format '{kind}'", where="--format", hint=", ".join(FORMATS))
    evidence = room.read_evidence()
    chosen = evidence if region in (None, BEHAVIOUR) else room.choose(evidence, region=region)
    sizes = room.effect_sizes(evidence)
    pooled = room.pool(evidence, sizes)
    table = evidence.merge(sizes[["id", "ci_low", "ci_high", "variance", "formula", "reason"]].assign(
        size=sizes["effect_size"], size_kind=sizes["kind"]), on="id", validate="one_to_one")
    table = table[table["kind"] != "roi_list"].sort_values(["year", "study", "id"])
    names = [BEHAVIOUR] if region == BEHAVIOUR else [region] if region else [*_regions(chosen), BEHAVIOUR]
    pictures = []
    for name in names:
        rows = table[table["region"] == NA] if name == BEHAVIOUR else table[
            (table[["region", "partner"]] == name).any(axis="columns")]
        stem = f"evidence-{camel(name)}"
        path = out / f"{stem}.{kind}"
        atomic_write(path, to_file_bytes(_figure(name, rows, pooled), kind, stem, _DPI))
        pictures.append(path)
        if say is not None:
            say(path)
    tables = (out / "evidence_sizes.tsv", out / "evidence_pooled.tsv")
    write_table(sizes, EVIDENCE_SIZES, tables[0])
    write_table(pooled, POOLED, tables[1])
    return EvidencePictures(tuple(pictures), tables)


def _regions(evidence: pd.DataFrame) -> list[str]:
    """Every region that has a result."""
    found = evidence[evidence["kind"] != "roi_list"]
    return sorted({*found["region"], *found["partner"]} - {NA}, key=str.lower)


def _figure(name: str, rows: pd.DataFrame, pooled: pd.DataFrame) -> Any:
    """The picture of one region."""
    sized = rows[rows["size"].notna()]
    panels = [_panel(kind, sized[sized["size_kind"] == kind], pooled[(pooled["region"] == name)
                                                                     & (pooled["kind"] == kind)])
              for kind in _KINDS if (sized["size_kind"] == kind).any()]
    title = "Published behavioural results" if name == BEHAVIOUR else f"{name}: published results"
    without = [f"{_study(row)}, {_label(row)}, {row['comparison']}: {_direction(row)}{row['reason']}"
               for row in rows[rows["size"].isna()].to_dict("records")]
    return evidence_forest(title, panels, without, list(_caveats(sized, any(panel.pooled for panel in panels))))


def _panel(kind: str, rows: pd.DataFrame, pooled: pd.DataFrame) -> EvidencePanel:
    drawn = tuple(ForestRow(_study(row), shorten(_label(row), _LABEL), row["size"], row["ci_low"], row["ci_high"], _NAN,
                            False) for row in rows.to_dict("records"))
    means = tuple(PooledRow(f"Mean of {row['rows']} results in {plural(row['samples'], 'sample')}, "
                            f"τ² = {row['tau2']:.2f}", row["estimate"], row["ci_low"], row["ci_high"],
                            row["prediction_low"], row["prediction_high"]) for row in pooled.to_dict("records"))
    remark = "" if means else f"No mean: fewer than {room.FEWEST} comparable results"
    return EvidencePanel(*_KINDS[kind], drawn, means, remark)


def _study(row: dict[Hashable, Any]) -> str:
    return re.sub(r"^([a-z]+)(\d+)$", lambda m: f"{m[1].capitalize()} {m[2]}", str(row["study"]))


def _label(row: dict[Hashable, Any]) -> str:
    """Who, what, where: the parts that the review states."""
    what = [row["contrast"], row["measure"] if row["kind"] != "activation" else NA]
    where = row["hemisphere"] if row["partner"] == NA else f"{row['region']}\N{EN DASH}{row['partner']}"
    return ", ".join(str(part) for part in (row["groups"], where, *what) if part != NA)


def _direction(row: dict[Hashable, Any]) -> str:
    return f"{row['direction']}; " if row["direction"] not in (NA, "not stated") else ""


def _caveats(sized: pd.DataFrame, mean: bool) -> Iterator[str]:
    """What to know before reading the plot."""
    if sized.empty:
        return
    yield _SELECTION
    if (sized["statistic_kind"] == "z").any():
        yield _PEAK
    people = sized["groups"] + " of " + sized["study"].map(lambda study: _study({"study": study}))
    counts = people.value_counts().sort_index()
    twice = ", ".join(f"{who} ({count} results)" for who, count in counts.items() if count > 1)
    if twice:
        yield (f"Overlapping samples: {twice}. Results of the same people are not independent"
               + ("; in the mean the variance of each is multiplied by how many of them are in it." if mean else "."))
    if mean:
        yield _MEAN
    for row in sized[sized["reason"] != NA].to_dict("records"):
        yield f"{_study(row)}, {_label(row)}: {row['reason']}."
