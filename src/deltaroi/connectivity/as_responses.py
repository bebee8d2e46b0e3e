"""Connectivity in the form of responses, which the group stage takes, and its answers back in that of connections."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from deltaroi.connectivity.asked import Connection
from deltaroi.tables import Schema, conform
from deltaroi.types import RoiKey

_ROI = ("region", "hemisphere", "definition")


def coupling(seed: RoiKey, region: str) -> str:
    """The name under which the group stage knows a target: its readings then say what they are about."""
    return f"the coupling of {seed.region}-{seed.hemisphere} ({seed.definition}) with {region}"


def as_responses(table: pd.DataFrame, one: Connection) -> pd.DataFrame:
    """The values of one connection as responses: its targets are the ROIs, its method is the summary."""
    mine = table[table["name"] == one.name]
    names = {f"target_{part}": part for part in _ROI}
    frame = mine.drop(columns=[f"seed_{part}" for part in _ROI]).rename(columns={**names, "method": "summary"})
    return frame.assign(region=[coupling(one.seed, region) for region in frame["region"]])


def as_connections(frame: pd.DataFrame, schema: Schema, one: Connection) -> pd.DataFrame:
    """A table of the group stage about the responses of :func:`as_responses`, as one about a connection.

    Parameters
    ----------
    frame : DataFrame
        Effects, associations, slopes or points.
    schema : Schema
        The table of connectivity that it becomes.
    one : Connection
        The connection.
    """
    regions: Mapping[str, str] = {coupling(one.seed, roi.region): roi.region for roi in one.targets}
    out = frame.rename(columns={**{part: f"target_{part}" for part in _ROI}, "summary": "method"})
    out = out.assign(name=one.name, target_region=[regions[region] for region in frame["region"]],
                     seed_region=one.seed.region, seed_hemisphere=one.seed.hemisphere,
                     seed_definition=one.seed.definition)
    if "family" in out.columns:
        out["family"] = [f"{one.name}: {text}" for text in out["family"]]
    if "reading" in out.columns:
        out["reading"] = [text[:1].upper() + text[1:] for text in out["reading"]]
    return conform(out[schema.names], schema, one.name)
