"""From the responses table to arrays: who takes part, and one block of values per family of ROIs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi.errors import DataError, TableError
from deltaroi.group.covariates import Coded, code_covariates
from deltaroi.group.design import GroupDesign
from deltaroi.types import CIRCULAR, NA, Exclusion, RoiKey

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
NEEDED = ("specification", "subject", "session", "task", "region", "hemisphere", "definition", "contrast", "summary",
          "group", "value", "unit")
NO_RESPONSE = "no response"
"""How the reason begins where a value is missing."""
_KEY = ["specification", "subject", "session", "task", "region", "hemisphere", "definition", "contrast", "summary"]


@dataclass(frozen=True, eq=False)
class Sample:
    """The subjects of the design, sorted.

    ``group`` holds positions in ``levels`` (zeros with one group); ``covariates`` has shape (subjects, columns);
    ``terms`` has the positions of the columns of each covariate; ``strata`` the stratum of each subject, None without.
    """

    subjects: tuple[str, ...]
    levels: tuple[str, ...]
    group: IntArray
    covariates: Array
    columns: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    strata: IntArray | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """The values of the ROIs that are corrected together; ``values`` has shape (rois, subjects, sessions).

    ``summaries`` has one entry per ROI: with ``summary: auto`` small ROIs are summarised another way than large ones.
    ``apart``: its ROIs were added to those of a lock (``GroupDesign.apart``).
    """

    specification: str
    contrast: str
    summaries: tuple[str, ...]
    rois: tuple[RoiKey, ...]
    units: tuple[str, ...]
    values: Array
    apart: bool = False

    @property
    def summary(self) -> str:
        """Its summaries, for the family's name."""
        return "+".join(sorted(set(self.summaries)))

    @property
    def definition(self) -> str:
        """Its definitions, for the family's name."""
        return "+".join(sorted({roi.definition for roi in self.rois}))


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything the tests need, and what was left out on the way."""

    sample: Sample
    blocks: tuple[Block, ...]
    sessions: tuple[str, ...]
    exclusions: tuple[Exclusion, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def prepare(responses: pd.DataFrame, design: GroupDesign) -> Prepared:
    """Check the responses, choose the subjects and arrange the values.

    Raises
    ------
    TableError
        A column is missing, a key stands twice, a subject has two groups, an ROI two units, or there are two tasks.
    DataError
        Nothing usable is left.
    """
    frame = _checked(responses)
    gone = _unlisted_sessions(frame, design.sessions)
    group, without_group = _groups(frame, design)
    coded = code_covariates(design.covariates, [s for s in sorted(group) if group[s] >= 0], design.strata)
    subjects = tuple(s for s in sorted(group) if group[s] >= 0 and s not in coded.incomplete)
    exclusions = [*gone, *without_group, *coded.exclusions]
    if not subjects:
        raise DataError("no subject can be used", where="group stage", hint=_why(exclusions))
    sessions = design.sessions or tuple(sorted(set(frame["session"])))
    levels = design.levels or ("all",)
    sample = Sample(subjects, levels, np.array([group[s] for s in subjects], dtype=np.int64),
                    coded.matrix(subjects), coded.columns, coded.terms, coded.places(subjects))
    blocks = tuple(_blocks(frame, subjects, sessions, design.apart))
    exclusions += _missing(blocks, sample, sessions)
    return Prepared(sample, blocks, sessions, tuple(exclusions), _warnings(sample, coded), coded.notes)


def _checked(responses: pd.DataFrame) -> pd.DataFrame:
    lacking = [name for name in NEEDED if name not in responses.columns]
    if lacking:
        raise TableError(f"missing columns {lacking}", where="responses")
    frame = responses[list(NEEDED)].copy()
    for name in NEEDED:
        if name != "value":
            frame[name] = [NA if pd.isna(cell) else str(cell) for cell in frame[name]]
    try:
        frame["value"] = pd.to_numeric(frame["value"]).astype(np.float64)
    except (ValueError, TypeError) as error:
        raise TableError(f"column 'value' is not numeric: {error}", where="responses") from error
    frame.loc[~np.isfinite(frame["value"]), "value"] = np.nan
    if frame.empty:
        raise DataError("there are no responses", where="responses")
    repeated = frame.duplicated(_KEY)
    if repeated.any():
        row = frame.loc[repeated, _KEY].iloc[0].to_dict()
        raise TableError(f"two rows have the same key {row}", where="responses")
    tasks = sorted(set(frame["task"]))
    if len(tasks) > 1:
        raise TableError(f"there are several tasks: {', '.join(tasks)}", where="responses",
                         hint="analyse one task at a time: an effect is named by its contrast, not by its task")
    return frame.sort_values(_KEY, kind="stable", ignore_index=True)


def _unlisted_sessions(frame: pd.DataFrame, sessions: tuple[str, ...]) -> list[Exclusion]:
    present = sorted(set(frame["session"]))
    if not sessions:
        if len(present) > 1:
            raise DataError(f"the responses have the sessions {', '.join(present)}, the design has none",
                            where="group design: sessions", hint="list the sessions in time order")
        return []
    if not set(present) & set(sessions):
        raise DataError(f"none of the sessions {', '.join(sessions)} is in the responses",
                        where="group design: sessions", hint=f"found: {', '.join(present)}")
    other = frame[~frame["session"].isin(sessions)]
    pairs = sorted(set(zip(other["subject"], other["session"], strict=True)))
    return [Exclusion("effects", subject, session, reason="the session is not listed in the study", value=session,
                      threshold=", ".join(sessions)) for subject, session in pairs]


def _groups(frame: pd.DataFrame, design: GroupDesign) -> tuple[dict[str, int], list[Exclusion]]:
    """Position of each subject's group among the levels (-1: excluded), and who is excluded."""
    labels = {str(subject): sorted(set(part)) for subject, part in frame.groupby("subject")["group"]}
    for subject, found in labels.items():
        if len(found) > 1 and design.levels is not None:
            raise TableError(f"subject {subject} has the groups {', '.join(found)}", where="responses, column group")
    if design.levels is None:
        return dict.fromkeys(labels, 0), []
    levels = list(design.levels)
    known = {s: levels.index(found[0]) if found[0] in levels else -1 for s, found in labels.items()}
    gone = [Exclusion("effects", s, reason="no group label" if labels[s][0] == NA else "group label is not among the "
                      "levels", value=labels[s][0], threshold=", ".join(levels)) for s, at in known.items() if at < 0]
    if all(at < 0 for at in known.values()):
        found_labels = ", ".join(sorted({found[0] for found in labels.values()}))
        raise DataError(f"no subject has one of the group labels {', '.join(levels)}", where="groups.levels",
                        hint=f"found: {found_labels}")
    return known, gone


def _why(exclusions: list[Exclusion]) -> str:
    reasons = sorted({row.reason for row in exclusions})
    return "; ".join(reasons[:3])


def _blocks(frame: pd.DataFrame, subjects: tuple[str, ...], sessions: tuple[str, ...],
            apart: Set[tuple[str, RoiKey]]) -> Iterator[Block]:
    row = {s: i for i, s in enumerate(subjects)}
    column = {s: i for i, s in enumerate(sessions)}
    known = frame["subject"].isin(row) & frame["session"].isin(column)  # an ROI of others stays, without values
    for part in families(frame, apart):
        rois, summaries, units, values = [], [], [], []
        for names, cells in part.groupby(["region", "hemisphere", "definition", "summary"], sort=True):
            roi = RoiKey(str(names[0]), str(names[1]), str(names[2]))
            unit = sorted(set(cells["unit"]))
            contrast = str(cells["contrast"].iloc[0])
            if len(unit) > 1:
                raise TableError(f"{roi.label}, contrast {contrast}, has the units {', '.join(unit)}",
                                 where="responses, column unit")
            table = np.full((len(subjects), len(sessions)), np.nan)
            cells = cells[known[cells.index]]
            for subject, session, value in cells[["subject", "session", "value"]].itertuples(index=False):
                table[row[subject], column[session]] = value
            rois.append(roi)
            summaries.append(str(names[3]))
            units.append(unit[0])
            values.append(table)
        name = str(part["contrast"].iloc[0])
        yield Block(str(part["specification"].iloc[0]), name, tuple(summaries), tuple(rois), tuple(units),
                    np.array(values), (name, rois[0]) in apart)


def families(frame: pd.DataFrame, apart: Set[tuple[str, RoiKey]] = frozenset()) -> Iterator[pd.DataFrame]:
    """The rows of the ROIs that answer one question.

    That is one specification and contrast while every region and hemisphere is measured once: an ROI with a definition
    or a summary of its own still belongs to the family. Where all of them are measured in each of several ways (all by
    two definitions, say), each way is a family. Where only some are, everything is one family, so that measuring one
    region again makes no other test less strict. Circular ROIs, whose p values mean nothing, are families of their own:
    they make no other test stricter, and no other test makes them look corrected. So are the tests of ``apart``, which
    leaves the family of the others as it was frozen.
    """
    circular = frame["definition"] == CIRCULAR
    honest, marked = frame[~circular], frame[circular]
    keys = zip(honest["contrast"], honest["region"], honest["hemisphere"], honest["definition"], strict=True)
    added = np.array([(contrast, RoiKey(*roi)) in apart for contrast, *roi in keys], dtype=bool)
    yield from _split(honest[~added])
    yield from _split(honest[added])
    yield from _split(marked)


def _split(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Families of ROIs that may be corrected together."""
    for _, part in frame.groupby(["specification", "contrast"], sort=True):
        ways = part[["region", "hemisphere", "definition", "summary"]].drop_duplicates()
        for names in ([], ["definition"], ["summary"], ["summary", "definition"]):
            split = ways.groupby(names, sort=True) if names else [((), ways)]
            places = [sorted(zip(way["region"], way["hemisphere"], strict=True)) for _, way in split]
            if all(place == places[0] and len(set(place)) == len(place) for place in places):
                yield from (rows for _, rows in part.groupby(names, sort=True)) if names else (part,)
                break
        else:
            yield part


def roi_name(roi: RoiKey) -> str:
    """What people call an ROI; a definition that nobody gave is not named."""
    return roi.label.removesuffix("_as given")


def _missing(blocks: tuple[Block, ...], sample: Sample, sessions: tuple[str, ...]) -> list[Exclusion]:
    """A row per subject and session without any value, and per single value that is missing."""
    somewhere = np.any([np.isfinite(block.values).any(axis=0) for block in blocks], axis=0)
    single = len(sessions) < 2
    reason = NO_RESPONSE if single else f"{NO_RESPONSE} in this session: left out of every comparison that needs it"
    out = [Exclusion("effects", sample.subjects[i], sessions[j], reason=reason)
           for i, j in zip(*np.nonzero(~somewhere), strict=True)]
    for block in blocks:
        for r, roi in enumerate(block.rois):
            for i, j in zip(*np.nonzero(~np.isfinite(block.values[r]) & somewhere), strict=True):
                name = f"{roi_name(roi)} {block.contrast}"
                name += "" if block.specification == "main" else f" {block.specification}"
                out.append(Exclusion("effects", sample.subjects[i], sessions[j], region=name, reason=reason,
                                     value=f"summary {block.summaries[r]}"))
    return out


def _warnings(sample: Sample, coded: Coded) -> tuple[str, ...]:
    out = list(coded.warnings)
    for k, level in enumerate(sample.levels):
        n = int((sample.group == k).sum())
        if n < 2:
            out.append(f"group {level} has {'no subject' if n == 0 else 'one subject'}")
    return tuple(out)
