"""The page."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import yaml

from deltaroi.report import words
from deltaroi.report.answer import headline, verdicts
from deltaroi.report.associations import associated
from deltaroi.report.assumed import assumption_table, assumption_words, residual_panels
from deltaroi.report.atlas_pictures import draw_regions
from deltaroi.report.behaviour import behaviour_section
from deltaroi.report.connectivity import connected
from deltaroi.report.data import Output
from deltaroi.report.factorials import factorial_parts
from deltaroi.report.figures.style import GROUPS, colour
from deltaroi.report.listing import (
    Table,
    all_effects,
    difference_table,
    exclusion_tables,
    failures,
    primary_tables,
    quality_table,
    region_table,
    selection_table,
)
from deltaroi.report.locked import counts as counts_of
from deltaroi.report.methods import Methods
from deltaroi.report.methods_group import reason
from deltaroi.report.methods_signal import people
from deltaroi.report.multiverse import multiverse_part
from deltaroi.report.phases import phase_parts
from deltaroi.report.pictures import clouds, forests, signal
from deltaroi.report.pooled import pooled_table, shrinkage_pictures
from deltaroi.report.sizes import bayes_tables, size_tables
from deltaroi.report.small_volume import small_volume_pictures, small_volume_tables
from deltaroi.types import NA


def render(output: Output, methods: Methods) -> str:
    """The page's text.

    Parameters
    ----------
    output : Output
        The output folder.
    methods : Methods
        The methods text.

    Returns
    -------
    str
        HTML with styles, script and figures inside; every name is escaped.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(loader=PackageLoader("deltaroi.report", "templates"), autoescape=True,
                              undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    templates = files("deltaroi.report").joinpath("templates")
    context = {
        "style": Markup(templates.joinpath("style.css").read_text(encoding="utf-8")),  # noqa: S704  our own files
        "script": Markup(templates.joinpath("tables.js").read_text(encoding="utf-8")),  # noqa: S704
        "drawn": Markup,  # SVG by our own figures; matplotlib escapes its text
        **head(output), **frozen(output), **results(output), **associated(output), **connected(output),
        **behaviour_section(output), **beside(output), **quality(output),
        "methods": methods, "run": output.run, "study_yaml": study_yaml(output), "counts": counts(output),
    }
    return environment.get_template("report.html.j2").render(context)


def head(output: Output) -> dict[str, Any]:
    """Title, banners, the design."""
    study, shares = output.study, people(output)
    warned = [f"{name} is not in the output folder; the report says nothing about it." for name in output.absent]
    return {
        "study": study, "headline": headline(output), "verdicts": verdicts(output),
        "detectable": bool(output.primary["mde_80"].notna().any()),
        "banded": bool(output.primary["equivalence_bound"].notna().any()),
        "many_contrasts": len(output.contrasts) > 1, "absent": warned,
        "people": [(group, n, colour(GROUPS, i)) for i, (group, n) in enumerate(shares.items())],
        "total": sum(shares.values()), "sessions": [s for s in output.sessions if s != NA],
        "rois": [output.roi_label(roi) for roi in output.rois], "reason": reason(output) if len(output.primary) else "",
        "models": [words.MODELS.get(m, m) for m in dict.fromkeys(output.primary["model"])],
        "contrasts": [(name, study.contrasts.get(name, "")) for name in output.contrasts],
        "circular": words.listed(output.circular),
        "unmeasured": [name for name in study.contrasts if name not in output.contrasts],
    }


def frozen(output: Output) -> dict[str, Any]:
    """The preregistration lock."""
    confirmed, explored = counts_of(output.primary)
    return {"lock": output.locked, "confirmed": confirmed, "tested": confirmed + explored,
            "differences": difference_table(output)}


def results(output: Output) -> dict[str, Any]:
    """Effects and responses."""
    return {"forests": forests(output), "factorials": factorial_parts(output), "phases": phase_parts(output),
            "multiverse": multiverse_part(output), "primary_tables": primary_tables(output),
            "all_effects": all_effects(output),
            "shrinkages": shrinkage_pictures(output), "pooled_table": pooled_table(output),
            "clouds": clouds(output), "drawings": draw_regions(output), "region_table": region_table(output),
            "selection_table": selection_table(output), "inside_tables": small_volume_tables(output),
            "inside": small_volume_pictures(output)}


def beside(output: Output) -> dict[str, Any]:
    """Effect sizes, Bayes factors and assumptions."""
    return {"size_tables": size_tables(output), "bayes_tables": bayes_tables(output),
            "assumption_table": assumption_table(output), "assumption_words": assumption_words(output),
            "residual_panels": residual_panels(output)}


def quality(output: Output) -> dict[str, Any]:
    """Signal quality and exclusions."""
    summary, everything = exclusion_tables(output)
    known = "group/exclusions.tsv" not in output.absent
    return {"signal": signal(output), "quality_table": quality_table(output), "exclusions": everything,
            "exclusion_summary": summary, "failed": len(failures(output)), "exclusions_known": known}


def counts(output: Output) -> Table:
    """The record's counts and the programs' versions."""
    rows = [(str(name).replace("_", " "), _plain(value)) for name, value in output.run.counts.items()]
    rows += sorted(output.run.versions.items(), key=lambda item: item[0].casefold())
    return Table("Counts of the run and versions of the software.", ("Name", "Value"), tuple(rows), frozenset({1}))


def _plain(value: Any) -> str:
    return str(value) if isinstance(value, (str, int, float)) else json.dumps(value, ensure_ascii=False)


def study_yaml(output: Output) -> str:
    """The study as run, as a study file."""
    data = output.study.model_dump(mode="json", exclude={"execution"})
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100))
