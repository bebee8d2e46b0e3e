"""A commented study file, prefilled from what a dataset holds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from deltaroi.pipeline.init_look import Findings, in_group_order, is_unsure, look, relative, unlikely_group

_GENERIC = {"bids", "raw", "rawdata", "data", "dataset"}
_COLUMNS = 8


def init_study(bids_dir: str | Path, derivatives: str | Path | None = None, *, base: Path | None = None) -> str:
    """Write a study file for a dataset.

    Parameters
    ----------
    bids_dir : path
        The BIDS dataset.
    derivatives : path, optional
        Its fMRIPrep derivatives; looked for in the usual places by default.
    base : Path, optional
        The folder that the study file will be in; paths in it are relative to it. Default: the working directory.

    Returns
    -------
    str
        YAML that parses; what was guessed is marked.

    Raises
    ------
    DataError
        A folder does not exist or holds no subjects; ``participants.tsv`` cannot be read.
    """
    folder = Path(bids_dir)
    found = look(folder, Path(derivatives) if derivatives else None)
    here = base or Path.cwd()
    parts = [_head(folder), _dataset(folder, found, here), _groups(found), _conditions(found), _rest()]
    return "\n".join(line for part in parts for line in part) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(text: object) -> str:
    """Text that cannot leave its comment."""
    return " ".join(str(text).split())


def _listed(words: Iterable[object], limit: int = 12) -> str:
    known = [_plain(word) for word in words]
    return ", ".join(known[:limit]) + (f", … ({len(known)} in all)" if len(known) > limit else "")


def _name(text: str) -> str:
    """A name of the study file's kind."""
    word = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_") or "study"
    return word if word[0].isalpha() else f"study_{word}"


def _head(folder: Path) -> Iterator[str]:
    place = folder.resolve()
    yield "# Made by `deltaroi init`. What is marked CHECK is a guess. All keys: configs/template.yaml."
    yield "schema_version: 1"
    yield f"name: {_name(place.parent.name if place.name.lower() in _GENERIC else place.name)}"
    yield 'description: ""                         # what is asked, in a sentence; opens the report'
    yield ""


def _dataset(folder: Path, found: Findings, base: Path) -> Iterator[str]:
    yield "dataset:"
    yield f"  bids_dir: {_quoted(relative(folder, base))}"
    if found.derivatives is None:
        yield "  # derivatives: path/to/fmriprep        # CHECK: no derivatives were found; needed for `deltaroi run`"
    else:
        made = f"    # {_plain(found.made_by)}" if found.made_by else ""
        yield f"  derivatives: {_quoted(relative(found.derivatives, base))}{made}"
    yield f"  # tasks with their events files: {_listed(f'{task} ({number})' for task, number in found.tasks.items())}"
    yield f"  task: {_quoted(found.task)}"
    if found.spaces:
        yield f"  # spaces of the images: {_listed(f'{s} ({number})' for s, number in found.spaces.items())}"
    elif found.derivatives is not None:
        yield "  # CHECK: no preprocessed images of this task were found; `deltaroi check` says what to do"
    yield f"  space: {_quoted(found.space)}"
    if len(found.resolutions) > 1:
        yield f"  # resolutions: {_listed(found.resolutions)}"
        yield f"  resolution: {_quoted(min(found.resolutions))}                         # CHECK"
    known = len(found.sessions)
    order = "CHECK: in time order" if known > 1 else "one session: cross-sectional" if known else "no ses- in the names"
    yield f"  sessions: [{', '.join(map(_quoted, found.sessions))}]    # {order}"
    yield "  # exclude_where: {column: [value]}      # of participants.tsv: who is left out, and listed"
    yield ""


def _groups(found: Findings) -> Iterator[str]:
    for label, labels in list(found.columns.items())[:_COLUMNS]:
        yield f"# participants.tsv, {_plain(label)}: {_listed(labels)}"
    if len(found.columns) > _COLUMNS:
        yield f"# participants.tsv has {len(found.columns) - _COLUMNS} more columns with few labels"
    column = next((name for name in found.columns if unlikely_group(name) < 2), None)
    levels = [label for label in found.columns.get(column or "", ()) if not is_unsure(label)]
    if column is None or len(levels) < 2:
        yield "groups: null                            # CHECK: one group; no column looks like the group. To compare:"
        yield '# groups: {column: group, levels: ["training", "control"], assignment: randomised}'
    else:
        yield "groups:"
        yield f"  column: {_quoted(column)}    # CHECK"
        yield (f"  levels: [{', '.join(map(_quoted, in_group_order(levels)))}]    # CHECK: intervention first, "
               "reference last; others are excluded and listed")
        yield "  assignment: randomised                # CHECK: or preexisting; decides the primary estimator"
        yield "  # covariates: [age]"
    yield ""


def _conditions(found: Findings) -> Iterator[str]:
    if found.trial_types:
        yield from _from_trial_types(found)
    else:
        column = next((name for name, values in found.event_columns.items() if len(values) >= 2), None)
        yield from _from_column(column, found) if column else _from_nothing(found)
    yield ""


def _from_trial_types(found: Findings) -> Iterator[str]:
    yield f"# trial types in the events: {_listed(found.trial_types)}"
    yield "# Each trial type is a condition. To join or rename them, or to choose rows by other columns:"
    yield "# conditions:"
    yield f"#   joined: {{where: {{trial_type: [{', '.join(_quoted(t) for t in list(found.trial_types)[:2])}]}}}}"
    yield from _columns_comment(found)
    yield "contrasts:                              # CHECK"
    names = list(found.trial_types)[:2]
    if len(names) == 1:
        yield f"  {_name(names[0])}: {_quoted(_term(names[0]))}"
    else:
        first, second = names
        yield f"  {_name(first)}_vs_{_name(second)}: {_quoted(f'{_term(first)} - {_term(second)}')}"


def _term(name: str) -> str:
    """A condition's name in a contrast."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else f"`{name.replace('`', '')}`"


def _columns_comment(found: Findings) -> Iterator[str]:
    for name, values in found.event_columns.items():
        yield f"# events, column {_plain(name)}: {_listed(values) if values else 'many values'}"


def _from_column(column: str, found: Findings) -> Iterator[str]:
    """Conditions from the values of a column, where there is no trial_type."""
    yield "# The events have no trial_type: conditions are rows chosen by other columns."
    yield from _columns_comment(found)
    values = found.event_columns[column][-2:][::-1]
    names = [f"{_name(column)}_{_name(f'is {value}').removeprefix('is_')}" for value in values]
    if len(set(names)) < len(names):
        names = [f"{_name(column)}_{letter}" for letter in "ab"]
    yield "conditions:                             # CHECK"
    for name, value in zip(names, values, strict=True):
        yield f"  {name}: {{where: {{{_quoted(column)}: {_scalar(value)}}}}}"
    yield "contrasts:                              # CHECK"
    yield f"  {names[0]}_vs_{names[1]}: {_quoted(f'{names[0]} - {names[1]}')}"


def _scalar(value: str) -> str:
    return value if re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", value) else _quoted(value)


def _from_nothing(found: Findings) -> Iterator[str]:
    yield "# CHECK: no events say which conditions there are; write them here."
    yield from _columns_comment(found)
    yield '# conditions: {condition_a: {where: {column: value}}, condition_b: {where: {column: other}}}'
    yield 'contrasts: {a_vs_b: "condition_a - condition_b"}'


def _rest() -> Iterator[str]:
    yield "regions:"
    yield "  include: [amygdala, AI, pACC, mOFC, dmPFC, dlPFC, VTA]"
    yield "  hemispheres: [L, R]                   # or B: both as one ROI"
    yield "  definition: hcpex                     # `deltaroi regions list` shows the others"
    yield ""
    yield "first_level:"
    yield "  smoothing_fwhm_mm: 0"
    yield "  noise: ar1"
    yield "  scaling: percent                      # % signal change of one event"
    yield "  confounds: {motion: 24, scrub_fd_mm: 0.5, non_steady_state: true}"
    yield "# Alternatives, computed beside the above from the same read (docs/multiverse.md):"
    yield "# multiverse: {definitions: [aal3], smoothing_fwhm_mm: [6], summary: [median], noise: [ols]}"
    yield ""
    yield "group: {variance: robust, permutations: 10000, seed: 20260101}"
    yield "execution: {jobs: 2}"
