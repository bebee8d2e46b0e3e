"""The page of a replication, from its folder alone."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import read_table
from deltaroi.report import words
from deltaroi.report.card_words import caveats, headline, sizes_line, subject_of
from deltaroi.report.data import Row, records
from deltaroi.report.figures.replication import Beside, beside
from deltaroi.report.listing import Table
from deltaroi.report.pictures import Picture, picture
from deltaroi.stats.verdicts import MEANINGS, RULES
from deltaroi.tables import CARD
from deltaroi.types import NA

NOT_TESTABLE = RULES[0].word
_AXES = {"g": "Hedges' g (groups, in SDs)", "g_z": "g_z (in SDs of the differences)", "r": "r"}
_SHADES = {"replicated": "claim", "direction confirmed": "claim", "null held": "claim",
           "replicated, but smaller": "uncorrected", "too small for the original": "uncorrected",
           "not as reported": "uncorrected", "opposite": "missing", "effect where none was reported": "missing"}


@dataclass(frozen=True)
class Shown:
    """One claim on the page."""

    heading: str
    verdict: str
    meaning: str
    shade: str
    row: Row
    figure: Picture | None
    facts: tuple[tuple[str, str], ...]


def write_card_page(folder: Path) -> Path:
    """Write ``card.html`` from ``card.tsv`` and ``card.json`` of a folder; the same folder gives the same bytes.

    Raises
    ------
    DataError
        A file is missing or cannot be read.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    table = read_table(folder / "card.tsv", CARD)
    try:
        said = json.loads((folder / "card.json").read_text(encoding="utf-8"))["Replication"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"cannot be read: {error}", where=str(folder / "card.json"),
                        hint="run `deltaroi studies replicate` again") from error
    environment = Environment(loader=PackageLoader("deltaroi.report", "templates"), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates = files("deltaroi.report").joinpath("templates")
    tested = table[table["verdict"] != NOT_TESTABLE]
    page = environment.get_template("card.html.j2").render({
        "style": Markup(templates.joinpath("style.css").read_text(encoding="utf-8")),  # noqa: S704  our own files
        "script": Markup(templates.joinpath("tables.js").read_text(encoding="utf-8")),  # noqa: S704
        "drawn": Markup,  # SVG by our own figures; matplotlib escapes its text
        "said": said, "headline": headline(table), "caveats": caveats(table, said), "claims": len(table),
        "banded": bool(tested["equivalence_bound"].notna().any()),
        "tested": len(tested), "counts": _counts(table), "cards": [_shown(row) for row in records(tested)],
        "untested": _untested(table), "listed": _listed(said), "numbers": numbers(tested),
        "left_out": [f"{reason} ({n})" for reason, n in said["Exclusions"].items()],
        "n_reported": sum(n or 0 for n in said["ReportedGroups"].values()), "n_new": sum(said["Groups"].values()),
    })
    path = folder / "card.html"
    atomic_write(path, page.encode())
    return path


def _counts(table: pd.DataFrame) -> list[tuple[str, int, str, str]]:
    """Verdict, how often, its meaning, its shade; in the order in which they are tried, what was not tested last."""
    found = table["verdict"].value_counts()
    order = [*(word for word in MEANINGS if word != NOT_TESTABLE), NOT_TESTABLE]
    return [(word, int(found[word]), MEANINGS[word], _SHADES.get(word, "")) for word in order if word in found]


def _shown(row: Row) -> Shown:
    return Shown(subject_of(row), row["verdict"], MEANINGS[row["verdict"]], _SHADES.get(row["verdict"], ""), row,
                 _figure(row), _facts(row))


def _figure(row: Row) -> Picture | None:
    """Reported beside new; nothing of the report where it is on another scale."""
    one_scale = row["reported_kind"] == row["new_kind"]
    nothing = (math.nan, math.nan, math.nan)
    reported = (row["reported"], row["reported_low"], row["reported_high"]) if one_scale else nothing
    planted = row["planted"] if (row["planted_unit"] == "r") == (row["new_kind"] == "r") else math.nan
    drawn = Beside(_AXES[row["new_kind"]], reported, (row["new"], row["new_low"], row["new_high"]),
                   (row["prediction_low"], row["prediction_high"]), row["equivalence_bound"], planted,
                   (_people(row, "reported"), _people(row, "new")))
    alt = f"Forest plot of {row['claim']}: {sizes_line(row)}"
    return picture(beside(drawn), f"claim-{row['claim']}", alt)


def _people(row: Row, which: str) -> str:
    first, second = row[f"{which}_n_first"], row[f"{which}_n_second"]
    if not math.isfinite(first):
        return ""
    return f" ({words.count(first)}{f' + {words.count(second)}' if math.isfinite(second) else ''})"


def _facts(row: Row) -> tuple[tuple[str, str], ...]:
    """What stands below the sentence of a claim."""
    reported = [row["direction"], *([row["statistic"]] if row["statistic"] != NA else []),
                *([f"worded {row['wording']}"] if row["wording"] not in (NA, "reported") else [])]
    planted = f"{row['planted']:+.2f} {row['planted_unit']}" if math.isfinite(row["planted"]) else NA
    facts = [("Reported", ", ".join(reported)), ("Where", row["place"]), ("About that number", row["reported_note"]),
             ("New p", words.p_value(row["new_p"])), ("Planted", planted),
             ("Answered by", f"{row['table']}: {row['row']}" + (", turned" if row["turned"] else "")),
             ("Taken for", row["row_note"]), ("Sizes not compared", row["problem"])]
    return tuple((name, text) for name, text in facts if text != NA)


def _untested(table: pd.DataFrame) -> Table:
    rows = tuple((row["claim"], subject_of(row), row["direction"], row["statistic"], row["problem"])
                 for row in records(table[table["verdict"] == NOT_TESTABLE]))
    return Table("Claims that were not tested, and why.", ("Claim", "What", "Direction", "Statistic", "Why"), rows)


def _listed(said: Mapping[str, Any]) -> Table:
    rows = tuple((one["Region"], one["Hemisphere"], one["Measured"], one["Place"]) for one in said["NamedBeforehand"])
    return Table("Regions that the study named beforehand; they are no results and get no verdict.",
                 ("Region", "Hemisphere", "ROIs of this run", "Where"), rows)


def numbers(table: pd.DataFrame) -> Table:
    """The tested claims for the page."""
    columns = ("Claim", "Verdict", "Kind", "Reported [95 % CI]", "New [95 % CI]", "New p", "Prediction interval",
               "New CI holds reported", "Prediction holds new", "BF r0", "d33", "p smaller", "Detectable (80 %)",
               "p equivalence")
    rows = tuple((row["claim"], row["verdict"], row["new_kind"], _with_interval(row, "reported"),
                  _with_interval(row, "new"), words.p_value(row["new_p"]),
                  words.interval(row["prediction_low"], row["prediction_high"]) or NA, row["new_ci_holds_reported"],
                  row["prediction_holds_new"], _factor(row["bf_r0"]), words.number(row["d33"]),
                  words.p_value(row["p_small_telescopes"]), words.number(row["detectable_80"]),
                  words.p_value(row["p_equivalence"])) for row in records(table))
    note = ("BF r0: replication Bayes factor, the original's effect over no effect. d33: the effect that gave the "
            "original one third power; p smaller: of the new effect being smaller than that. Full precision is in "
            "card.tsv.")
    return Table("Every number of the tested claims.", columns, rows, frozenset(range(3, len(columns))), note=note)


def _with_interval(row: Row, which: str) -> str:
    text = f"{words.number(row[which])} {words.interval(row[f'{which}_low'], row[f'{which}_high'])}".rstrip()
    if which == "reported" and row["reported_kind"] not in (NA, row["new_kind"]):
        return f"{text} ({row['reported_kind'].replace('_', ' ')})"
    return text


def _factor(value: float) -> str:
    if math.isnan(value):
        return NA
    if value > 10_000 or value < 1e-4:
        return ">10,000" if value > 1 else "<0.0001"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
