"""Connectivity in the report: a part per connection, methods, COBIDAS items."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from deltaroi.report import words
from deltaroi.report.answer import verdicts
from deltaroi.report.associations import Part, part
from deltaroi.report.data import Output, beside, records
from deltaroi.report.listing import Table, all_effects, primary_tables
from deltaroi.report.methods_group import reason
from deltaroi.report.methods_signal import hrf_words
from deltaroi.report.pictures import Panel, Picture, clouds, forests
from deltaroi.specs import Connectivity
from deltaroi.tables import (
    CONNECTIVITY,
    CONNECTIVITY_ASSOCIATIONS,
    CONNECTIVITY_EFFECTS,
    CONNECTIVITY_POINTS,
    CONNECTIVITY_SLOPES,
    RESPONSES,
)
from deltaroi.types import NA

_ROI = ("region", "hemisphere", "definition")
_OF_ASSOCIATIONS = {"associations": CONNECTIVITY_ASSOCIATIONS, "slopes": CONNECTIVITY_SLOPES,
                    "association_points": CONNECTIVITY_POINTS}


@dataclass(frozen=True)
class Connected:
    """One connection on the page."""

    name: str
    asked: str
    said: tuple[tuple[str, str], ...]
    forests: tuple[Picture, ...]
    tables: tuple[Table, ...]
    everything: Table
    clouds: tuple[Panel, ...]
    associations: tuple[Part, ...]


def connected(output: Output) -> dict[str, Any]:
    """What the template needs; nothing where the study has no connectivity."""
    values = beside(output, CONNECTIVITY)
    names = [name for name in output.study.connectivity if name in set(values["name"])]
    return {"connections": tuple(_connection(output, name, f"connection-{i}-", values) for i, name in enumerate(names))}


def _connection(output: Output, name: str, mark: str, values: pd.DataFrame) -> Connected:
    seen = view(output, name, values)
    said = tuple(sentence for verdict in verdicts(seen) for sentence in verdict.sentences)
    tables = {key: as_rois(beside(output, schema), name) for key, schema in _OF_ASSOCIATIONS.items()}
    linked = [one for one in output.study.associations if one in set(tables["associations"]["association"])]
    parts = tuple(part(seen, one, f"{mark}{i}", {key: table[table["association"] == one].reset_index(drop=True)
                                                 for key, table in tables.items()}) for i, one in enumerate(linked))
    everything = replace(all_effects(seen), caption="All tested effects on connectivity; the full precision is in "
                         f"group/{CONNECTIVITY_EFFECTS.name}.tsv.")
    return Connected(name, _asked(output, name, values), said, forests(seen, mark), primary_tables(seen), everything,
                     clouds(seen, mark), parts)


def view(output: Output, name: str, values: pd.DataFrame) -> Output:
    """The folder as if the targets of one connection were its ROIs, and its connectivity their responses."""
    responses = as_rois(values, name).reindex(columns=RESPONSES.names)
    return replace(output, responses=responses, effects=as_rois(beside(output, CONNECTIVITY_EFFECTS), name))


def as_rois(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The rows of one connection with the target as ROI and the method as summary."""
    mine = frame[frame["name"] == name].reset_index(drop=True)
    return mine.rename(columns={**{f"target_{column}": column for column in _ROI}, "method": "summary"})


def _asked(output: Output, name: str, values: pd.DataFrame) -> str:
    spec = output.study.connectivity[name]
    first = values[values["name"] == name].iloc[0]
    seed = f"{first['seed_region']} {first['seed_hemisphere']} ({first['seed_definition']})"
    how = {"gppi": "slope of the target on the seed, per condition (gPPI, "
                   f"{'deconvolved' if spec.deconvolve else 'product of measured series'})",
           "beta_series": "correlation of single trials' responses, Fisher's z"}[spec.method]
    return f"Seed: {seed}. {how[0].upper()}{how[1:]}, in {words.long_unit(str(first['unit']))}. Rows name the target."


def connectivity_text(output: Output) -> str:
    """How connectivity was measured, for the methods."""
    values = beside(output, CONNECTIVITY)
    asked = {name: spec for name, spec in output.study.connectivity.items() if name in set(values["name"])}
    if not asked:
        return ""
    parts = [_gppi(output, {n: s for n, s in asked.items() if s.method == "gppi"}),
             _beta_series({n: s for n, s in asked.items() if s.method == "beta_series"})]
    effects = beside(output, CONNECTIVITY_EFFECTS)
    models = [words.MODELS.get(model, model) for model in dict.fromkeys(effects.loc[effects["primary"], "model"])]
    text = " ".join(one for one in parts if one)
    if models:
        family = "one contrast" if output.study.regions.family == "contrast" else "all contrasts"
        text += (f" Connectivity was compared by the models of the responses ({words.listed(models)}); a family holds "
                 f"the targets of one connection and {family}.")
    return text


def _gppi(output: Output, asked: dict[str, Connectivity]) -> str:
    if not asked:
        return ""
    text = (f"Psychophysiological interactions ({words.listed(asked)}) were estimated in their generalised form "
            "[@friston1997;mclaren2012]: the mean series of the target was regressed on the run's whole design, the "
            "mean series of the seed, from which confounds and drift had been regressed, and one interaction per "
            "condition, with the noise model of the first level. Conditions were centred before the product "
            "[@di2017].")
    whole = [name for name, spec in asked.items() if spec.deconvolve]
    if whole:
        some = "" if len(whole) == len(asked) else f"{words.listed(whole)}: "
        text += (f" {some}The seed was deconvolved by a ridge regression on cosines whose penalty maximises the "
                 "likelihood [@gitelman2003], multiplied with each condition and convolved with the "
                 f"{hrf_words(output.study.first_level).split(' + ')[0]} response.")
    if len(whole) < len(asked):
        some = f"{words.listed(name for name in asked if name not in whole)}: " if whole else ""
        text += f" {some}The measured series of the seed was multiplied with the convolved conditions."
    return text + " Runs of one session were combined with equal weights; sessions were never pooled."


def _beta_series(asked: dict[str, Connectivity]) -> str:
    if not asked:
        return ""
    least = sorted({spec.minimum_trials for spec in asked.values()})
    return (f"Beta series ({words.listed(asked)}) were correlated [@rissman2004]: the response of every trial was "
            "estimated in a model of its own (least squares, separate) [@mumford2012]; responses of seed and target "
            "were correlated over the trials of a condition and session, the mean of each run removed, and "
            f"transformed to Fisher's z; at least {words.listed(str(n) for n in least)} trials were required.")


def connectivity_items(output: Output) -> dict[str, Any]:
    """The COBIDAS items of connectivity; empty where the study has none."""
    values, effects = beside(output, CONNECTIVITY), beside(output, CONNECTIVITY_EFFECTS)
    if values.empty:
        return {}
    names = ("name", "method", *(f"{end}_{column}" for end in ("seed", "target") for column in _ROI), "contrast",
             "model", "term", "comparison", "se_kind", "primary")
    asked = {name: spec.model_dump(mode="json") for name, spec in output.study.connectivity.items()}
    return {"Connectivity": {"Asked": asked, "Units": sorted(set(values["unit"])),
                             "PrimaryReason": reason(output) if len(output.primary) else NA,
                             "TestedEffects": [{name: row[name] for name in names} for row in records(effects)]}}
