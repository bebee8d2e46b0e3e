"""The methods text, from the study as run and the record of the run: only what was done."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from deltaroi.report.behaviour import behaviour_text
from deltaroi.report.connectivity import connectivity_text
from deltaroi.report.data import Output
from deltaroi.report.factorials import factorials_text
from deltaroi.report.locked import lock_text
from deltaroi.report.methods_associations import associations_text, reliability_text
from deltaroi.report.methods_group import assumptions_text, corrections_text, effects_text, group_text
from deltaroi.report.methods_signal import data_text, first_level_text, regions_text, responses_text
from deltaroi.report.multiverse import multiverse_text
from deltaroi.report.phases import phases_text
from deltaroi.report.pooled import pooled_text
from deltaroi.report.small_volume import small_volume_text
from deltaroi.types import apart

_CITE = re.compile(r"\[@([\w;]+)\]")


@dataclass(frozen=True)
class Methods:
    """Paragraphs as (heading, text) with citations written out, and the references they cite, by name."""

    paragraphs: tuple[tuple[str, str], ...]
    references: tuple[str, ...]

    def markdown(self) -> str:
        """The text of ``methods.md``."""
        parts = ["# Methods", *(f"## {heading}\n\n{text}" for heading, text in self.paragraphs)]
        if self.references:
            parts.append("## References\n\n" + "\n".join(f"- {reference}" for reference in self.references))
        return re.sub(r"([<>])", r"\\\1", "\n\n".join(parts)) + "\n"


def write_methods(output: Output) -> Methods:
    """Describe what was done.

    Parameters
    ----------
    output : Output
        The output folder.

    Returns
    -------
    Methods
        A paragraph is left out when its stage left nothing.
    """
    drafts = (("Data", data_text(output)), ("Regions of interest", regions_text(output)),
              ("First level", first_level_text(output)), ("Responses", responses_text(output)),
              ("Group level", group_text(output)), ("Several tests", corrections_text(output)),
              ("Phases", phases_text(output)), ("Factorial designs", factorials_text(output)),
              ("Specification curve", multiverse_text(output)),
              ("Voxels inside the ROIs", small_volume_text(output)), ("All ROIs at once", pooled_text(output)),
              ("Effect sizes and absence of effects", effects_text(output)), ("Assumptions", assumptions_text(output)),
              ("Connectivity", connectivity_text(output)), ("Associations", associations_text(output)),
              ("Behaviour", behaviour_text(output)), ("Reliability", reliability_text(output)),
              ("Preregistration", lock_text(output.locked, output.primary)), ("Software", software_text(output)))
    cited: dict[str, str] = {}
    paragraphs = tuple((heading, _CITE.sub(lambda m: _cite(m.group(1), cited), text))
                       for heading, text in drafts if text)
    atlas = (text for cell in output.regions["citation"] for text in apart(cell) if not text.startswith("not stated"))
    return Methods(paragraphs, tuple(sorted({*cited.values(), *atlas}, key=str.casefold)))


@cache
def _library() -> dict[str, list[Any]]:
    text = files("deltaroi.report").joinpath("references.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def _cite(keys: str, cited: dict[str, str]) -> str:
    if not set(keys.split(";")) <= set(_library()):
        return f"[@{keys}]"  # somebody's own words
    shorts = []
    for key in keys.split(";"):
        authors, *rest = _library()[key]
        cited[key] = rest[-1]
        shorts.append(", ".join(str(part) for part in (authors, *rest[:-1])))
    return f"({'; '.join(shorts)})"


def software_text(output: Output) -> str:
    """Versions, as recorded."""
    versions = output.run.versions
    if not versions:
        return ""
    first = [name for name in ("deltaroi",) if name in versions]
    rest = sorted(set(versions) - set(first), key=str.casefold)
    return f"Versions: {', '.join(f'{name} {versions[name]}' for name in (*first, *rest))}."
