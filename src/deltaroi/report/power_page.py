"""The page of a power analysis, from its folder alone."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd

from deltaroi.errors import DataError
from deltaroi.io.files import atomic_write
from deltaroi.io.tsv import read_table
from deltaroi.report import words
from deltaroi.report.figures.power import PowerLine, power_curves
from deltaroi.report.listing import Table, comparison
from deltaroi.report.pictures import Picture, picture
from deltaroi.tables import POWER
from deltaroi.types import NA

_NAMES = {"uncorrected": "Uncorrected", "holm": "Corrected by Holm", "max_t": "Corrected by max-T"}
_MANY = 12


def write_power_page(folder: Path) -> Path:
    """Write ``power.html`` from ``power.tsv`` and ``power.json`` of a folder; the same folder gives the same bytes.

    Raises
    ------
    DataError
        A file is missing or cannot be read.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    table = read_table(folder / "power.tsv", POWER)
    try:
        said = json.loads((folder / "power.json").read_text(encoding="utf-8"))["Power"]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"cannot be read: {error}", where=str(folder / "power.json"),
                        hint="run `deltaroi power` again") from error
    environment = Environment(loader=PackageLoader("deltaroi.report", "templates"), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates = files("deltaroi.report").joinpath("templates")
    criteria = [name for name in _NAMES if name in set(table["criterion"])]
    page = environment.get_template("power.html.j2").render({
        "style": Markup(templates.joinpath("style.css").read_text(encoding="utf-8")),  # noqa: S704  our own files
        "script": Markup(templates.joinpath("tables.js").read_text(encoding="utf-8")),  # noqa: S704
        "drawn": Markup,  # SVG by our own figures; matplotlib escapes its text
        "said": said, "first": table.iloc[0].to_dict(),
        "model": words.MODELS.get(str(table["model"].iloc[0]), ""),
        "errors": words.ERRORS.get(str(table["se_kind"].iloc[0]), ""),
        "compared": comparison(str(table["comparison"].iloc[0])), "total": len(table),
        "term": words.term(str(table["term"].iloc[0])),
        "parts": [(_NAMES[name], curves(table[table["criterion"] == name], name)) for name in criteria],
        "table": numbers(table), "assumed": json.dumps(said["Assumed"], indent=2, ensure_ascii=False),
    })
    path = folder / "power.html"
    atomic_write(path, page.encode())
    return path


def curves(table: pd.DataFrame, criterion: str) -> tuple[Picture, ...]:
    """Power against n with a line per effect, and against the effect with a line per n."""
    unit = str(table["unit"].iloc[0])
    alike = all(len(set(entry.split("/"))) == 1 for entry in table["n_per_group"])
    count = "n_first" if alike else "n"
    several = "/" in str(table["n_per_group"].iloc[0])
    axis = "Subjects per group" if alike and several else "Subjects" if alike else "Subjects in all groups"
    by_effect = [_line(f"{key:.3g} SD", rows.sort_values("n"), count) for key, rows in table.groupby("effect_d")]
    by_n = [_line(str(key[1]), rows.sort_values("effect"), "effect_d")
            for key, rows in table.groupby(["n", "n_per_group"])]
    places, sizes = sorted(set(table[count])), sorted(set(table["effect_d"]))
    title = _NAMES[criterion].lower()
    size = f"Effect in SDs of the first session (1 SD = {_one_sd(table):.3g} {words.unit(unit)})"
    return (picture(power_curves(by_effect, axis, "Effect", places if len(places) <= _MANY else ()),
                    f"power-n-{criterion}", f"Power against the number of subjects, {title}: one line per effect.",
                    "Power against the number of subjects"),
            picture(power_curves(by_n, words.shorten(size, 62), "n per group" if several else "n",
                                 sizes if len(sizes) <= _MANY else ()),
                    f"power-effect-{criterion}", f"Power against the effect, {title}: one line per number of subjects.",
                    "Power against the effect"))


def _one_sd(table: pd.DataFrame) -> float:
    known = table[table["effect"] > 0]
    return float((known["effect"] / known["effect_d"]).iloc[0]) if len(known) else float("nan")


def _line(label: str, rows: pd.DataFrame, column: str) -> PowerLine:
    return PowerLine(label, *(tuple(float(x) for x in rows[name])
                              for name in (column, "power", "power_low", "power_high")))


def numbers(table: pd.DataFrame) -> Table:
    """The table for the page."""
    unit = str(table["unit"].iloc[0])
    columns: tuple[str, ...] = (
        "n per group", "Criterion", "Effect (SD)", f"Effect ({words.unit(unit)})", "Power [95 % Monte-Carlo]",
        "Coverage", "Draws")
    if unit == NA:
        columns = tuple(name.replace(f" ({NA})", "") for name in columns)
    rows: list[tuple[str, ...]] = []
    for row in table.to_dict("records"):
        known: dict[Any, Any] = dict(row)
        rows.append((known["n_per_group"], _NAMES[known["criterion"]], f"{known['effect_d']:.3g}",
                     f"{known['effect']:.3g}",
                     f"{words.number(known['power'], 3)} "
                     f"{words.interval(known['power_low'], known['power_high'], 3)}",
                     words.number(known["coverage"], 3), words.count(known["draws"])))
    marked = frozenset(i for i, power in enumerate(table["power"]) if power >= 0.8)
    return Table("Power at every simulated point; marked rows reach 80 %.", columns, tuple(rows),
                 frozenset({2, 3, 4, 5, 6}), marked,
                 "At effect 0, power is the rate of false alarms in that ROI. Coverage: share of 95 % confidence "
                 "intervals that hold the effect; F tests have none. Full precision is in power.tsv.")
