"""The study file of a published design for the data of a user; what does not match by name is marked, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.config.write import study_data, yaml_text
from deltaroi.io.participants import read_participants
from deltaroi.io.places import Place
from deltaroi.pipeline.dataset_query import given_place
from deltaroi.pipeline.init_look import Findings, look, relative
from deltaroi.studies import published

MARK = "FILLIN"
_LISTED = 12


@dataclass
class _Labels:
    """Published label -> the dataset's own, or a marked word; and what the marks stand for."""

    own: dict[str, str] = field(default_factory=dict)
    marks: list[str] = field(default_factory=list)

    def match(self, what: str, wanted: Iterable[str], known: Iterable[str]) -> dict[str, str]:
        """Match labels by name, without regard to capitals and signs; mark those that nothing or several match."""
        listed = list(known)
        found = {}
        for label in wanted:
            same = [one for one in listed if _bare(one) == _bare(label)]
            found[label] = same[0] if len(same) == 1 else f"{MARK}_{label}"
            if found[label].startswith(MARK):
                shown = ", ".join(listed[:_LISTED]) + (", …" if len(listed) > _LISTED else "")
                self.marks.append(f"{found[label]}: {what}; the dataset has {shown or 'none'}")
        return found

    def renamed(self, text: str) -> str:
        """A comparison, term or label with the dataset's own words."""
        for label, own in self.own.items():
            text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(label)}(?![A-Za-z0-9])", own, text)
        return text


def init_published(name: str, bids_dir: str | Path, derivatives: str | Path | None = None, *,
                   base: Path | None = None) -> str:
    """Write the study file of a published design for a dataset.

    Parameters
    ----------
    name : str
        Of ``configs/studies``.
    bids_dir : path or s3:// address
        The BIDS dataset.
    derivatives : path, optional
        Its fMRIPrep derivatives; looked for in the usual places by default.
    base : Path, optional
        The folder that the study file will be in; paths in it are relative to it. Default: the working directory.

    Returns
    -------
    str
        YAML that parses. Contrasts, ROIs, models and claims are those of the publication; task, sessions, groups, trial
        types and columns are the dataset's own where their names match, and else words that begin with ``FILLIN``.

    Raises
    ------
    UsageError
        There is no such design.
    DataError
        A folder does not exist or holds no subjects; ``participants.tsv`` cannot be read.
    """
    study, folder = published(name), given_place(bids_dir, "BIDS_DIR")
    found = look(folder, given_place(derivatives, "--derivatives") if derivatives else None)
    table, _, _ = read_participants(folder)
    labels = _Labels()
    sessions = labels.match("a session", study.dataset.sessions, found.sessions)
    data = study_data(study)
    data["dataset"] = _dataset(study, folder, found, base or Path.cwd(), labels) | {
        "sessions": [sessions[one] for one in study.dataset.sessions]}
    columns = {str(column): sorted(set(table[column])) for column in table.columns}
    groups = _groups(study, columns, labels)
    if groups:
        data["groups"] |= groups
    data["conditions"] = _conditions(study, found, labels)
    labels.own.update(sessions)
    _rename(data, labels, columns)
    data.pop("simulation", None)
    for claim in data["claims"].values():
        claim.pop("plant", None)
    return "\n".join([*_head(name, labels), ""]) + _in_order(data)


def _bare(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())


def _dataset(study: Study, folder: Place, found: Findings, base: Path, labels: _Labels) -> dict[str, Any]:
    """The data; of several tasks none is chosen that has another name."""
    same = [task for task in found.tasks if _bare(task) == _bare(study.dataset.task)]
    task = same[0] if len(same) == 1 else found.task if len(found.tasks) == 1 else f"{MARK}{study.dataset.task}"
    if task.startswith(MARK):
        labels.marks.append(f"{task}: the task; the dataset has {', '.join(found.tasks) or 'none'}")
    if found.derivatives is None:
        labels.marks.append(f"{MARK}_derivatives: the folder of the fMRIPrep derivatives; none was found")
    derivatives = f"{MARK}_derivatives" if found.derivatives is None else relative(found.derivatives, base)
    return {"bids_dir": relative(folder, base), "derivatives": derivatives, "task": task, "space": found.space}


def _groups(study: Study, columns: Mapping[str, list[str]], labels: _Labels) -> dict[str, Any]:
    """The column that has most of the groups' labels, and the labels."""
    if study.groups is None:
        return {}
    wanted, usual = study.groups.levels, _bare(study.groups.column)

    def hits(column: str) -> int:
        return sum(_bare(level) in {_bare(cell) for cell in columns[column]} for level in wanted)

    best = max(columns, key=lambda column: (hits(column), _bare(column) == usual), default="")
    if not best or not hits(best):
        best = next((column for column in columns if _bare(column) == usual), "")
    if not best:
        labels.marks.append(f"{MARK}_group_column: the column of participants.tsv with the groups; it has "
                            f"{', '.join(columns) or 'none'}")
    own = labels.match("a group", wanted, columns.get(best, []))
    labels.own.update(own)
    return {"column": best or f"{MARK}_group_column", "levels": [own[level] for level in wanted]}


def _conditions(study: Study, found: Findings, labels: _Labels) -> dict[str, Any]:
    """Every condition of a contrast with the trial types that it is made of."""
    names = dict.fromkeys(name for key, text in study.contrasts.items()
                          for name in parse_contrast(text, f"contrasts.{key}"))
    own = labels.match("a trial type", names, found.trial_types)
    return {name: {"where": {"trial_type": own[name]}} for name in names}


def _rename(data: dict[str, Any], labels: _Labels, columns: Mapping[str, list[str]]) -> None:
    """Labels of groups and sessions wherever they stand; columns of scores and measures."""
    for claim in data["claims"].values():
        if "where" in claim:
            claim["where"] = {key: labels.renamed(value) if key in ("comparison", "term", "groups") else value
                              for key, value in claim["where"].items()}
    for association in data.get("associations", {}).values():
        if isinstance(association.get("groups"), list):
            association["groups"] = [labels.own.get(one, one) for one in association["groups"]]
        for key in ("column", "minus"):
            if association.get(key):
                association[key] = _column(association[key], columns, labels)
    for measure in data.get("behaviour", {}).values():
        taken = measure["columns"]
        measure["columns"] = _column(taken, columns, labels) if isinstance(taken, str) else {
            labels.own.get(session, session): _column(column, columns, labels) for session, column in taken.items()}
    phases = data.get("group", {}).get("phases", {})
    phases.update({name: [labels.own.get(one, one) for one in span] for name, span in phases.items()})


def _column(wanted: str, columns: Mapping[str, list[str]], labels: _Labels) -> str:
    """A column of participants.tsv by name, marked once where there is none."""
    same = [column for column in columns if _bare(column) == _bare(wanted)]
    if len(same) == 1:
        return same[0]
    mark = f"{MARK}_{wanted}"
    if not any(one.startswith(f"{mark}:") for one in labels.marks):
        labels.marks.append(f"{mark}: a column of participants.tsv; it has {', '.join(columns) or 'none'}")
    return mark


def _head(name: str, labels: _Labels) -> Iterator[str]:
    yield f"# The design of {name} for your data, made by `deltaroi studies init`: contrasts, ROIs, models and claims"
    yield "# are those of the publication. All keys: configs/template.yaml."
    if not labels.marks:
        yield "# Every label was matched by its name; check that they mean the same."
        return
    yield f"# Replace each word that begins with {MARK} everywhere in this file:"
    for mark in dict.fromkeys(labels.marks):
        yield f"#   {mark}"


def _in_order(data: dict[str, Any]) -> str:
    """The sections in the order of the study model, an empty line between them."""
    keys = [key for key in Study.model_fields if key in data]
    return "\n".join(yaml_text({key: data[key]}) for key in keys)
