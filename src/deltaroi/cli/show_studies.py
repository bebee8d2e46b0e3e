"""Published designs as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from deltaroi.config.study import Study
    from deltaroi.pipeline.published import SimulatedPublication
    from deltaroi.specs import DesignGroup
    from deltaroi.studies import Reported

_WIDTH = 116
_NOT_STATED = "not stated"


def list_lines(table: pd.DataFrame) -> Iterator[str]:
    """The table of designs; the regions on a line of their own."""
    shown = table.drop(columns="regions")
    widths = [max(len(name), *shown[name].str.len()) for name in shown.columns]
    yield "  ".join(name.ljust(width) for name, width in zip(shown.columns, widths, strict=True)).rstrip()
    for cells, regions in zip(shown.to_numpy().tolist(), table["regions"], strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
        yield from _wrapped(regions, "    ")


def page_lines(study: Study, reported: Mapping[str, Reported]) -> Iterator[str]:
    """All that a published design says."""
    design = study.design
    if design is None:
        return
    yield f"{study.name}: {study.description}"
    yield from _wrapped(f"{design.citation}{f' doi:{design.doi}' if design.doi else ' DOI: not stated.'}", "")
    yield ""
    yield "People"
    for label, group in design.groups.items():
        yield from _wrapped(f"{label}: {_people(group)}", "  ")
    yield f"Sessions: {', '.join(study.dataset.sessions) or 'none'}; task: {study.dataset.task}"
    yield ""
    yield "Contrasts"
    for name, text in study.contrasts.items():
        yield f"  {name}: {text}"
    yield ""
    yield "ROIs"
    yield from _wrapped(", ".join(_rois(study)), "  ")
    yield ""
    yield f"Not stated, and what is taken instead ({len(design.not_stated)})"
    for one in design.not_stated:
        yield from _wrapped(f"{one.what}: {one.choice}. {one.why}", "  ")
    yield ""
    yield f"Claims ({len(study.claims)})"
    for name, claim in study.claims.items():
        yield f"  {name}{_numbers(reported.get(name))}"
        if claim.untestable is not None:
            yield from _wrapped(f"cannot be tested: {claim.untestable}", "      ")
        else:
            where = ", ".join(f"{key} {value}" for key, value in claim.where.items())
            yield from _wrapped(f"{claim.table}: {where}", "      ")


def _rois(study: Study) -> Iterator[str]:
    from deltaroi.masks import roi_keys

    yield from (f"{key.region}-{key.hemisphere} ({key.definition})" for key in
                roi_keys(study.regions, study.dataset.space))


def _people(group: DesignGroup) -> str:
    age = _NOT_STATED if group.age_mean is None else f"{group.age_mean:g}"
    if group.age_mean is not None:
        age += " ± " + (_NOT_STATED if group.age_sd is None else f"{group.age_sd:g}") + " years"
    men = _NOT_STATED if group.male_percent is None else f"{group.male_percent:g} %"
    return (f"n {group.n if group.n is not None else _NOT_STATED}, men {men}, age {age}; "
            f"{group.training or f'training {_NOT_STATED}'}")


def _numbers(one: Reported | None) -> str:
    if one is None:
        return ""
    size = f", {one.kind} {one.size:.2f}" if one.size == one.size else ""
    return f": {one.words or one.direction}{size}"


def planted_lines(result: SimulatedPublication) -> Iterator[str]:
    """What a simulation holds, claim by claim, and what to do next."""
    table = result.planted
    width = max((len(str(name)) for name in table["claim"]), default=0)
    for row in table.to_dict("records"):
        size = f"{row['planted']:+.2f} {row['planted_unit']}" if row["planted"] == row["planted"] else ""
        yield f"{str(row['claim']).ljust(width)}  {str(row['source']).ljust(11)}  {size}".rstrip()
    yield f"simulated: {result.study_path.parent}"
    yield f"next: deltaroi run {result.study_path} --out {result.study_path.parent / 'results'}"


def _wrapped(text: str, indent: str) -> Iterator[str]:
    yield from textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=f"{indent}  ")
