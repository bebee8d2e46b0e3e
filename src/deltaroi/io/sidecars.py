"""What the JSON sidecars say about the timing of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from deltaroi.errors import DataError
from deltaroi.io.bids import BidsFile, Tree, applicable
from deltaroi.io.files import read_text
from deltaroi.remote import File

_LONGEST_TR_S = 60.0
Metadata = Mapping[str, Any]


@dataclass(frozen=True)
class Timing:
    """When the volumes of a run were taken.

    Attributes
    ----------
    tr_s : float
        Repetition time in s.
    slice_time_ref : float
        Time within a volume that its values stand for, as a fraction of the TR.
    notes : tuple of str
        How these were found.
    """

    tr_s: float
    slice_time_ref: float
    notes: tuple[str, ...] = ()


@dataclass
class Sidecars:
    """Reads each JSON file once."""

    seen: dict[File, Metadata] = field(default_factory=dict)

    def read(self, path: File) -> Metadata:
        """Content of one JSON sidecar.

        Raises
        ------
        DataError
            Not there, not fetched, not JSON, or not an object.
        """
        if path not in self.seen:
            self.seen[path] = read_json(path)
        return self.seen[path]

    def inherited(self, tree: Tree, target: Mapping[str, str], suffix: str = "bold") -> Metadata:
        """Metadata of a file by BIDS inheritance: the most specific sidecar wins, key by key."""
        merged: dict[str, Any] = {}
        for level in applicable(tree, target, suffix, ".json"):
            for found in level:
                merged |= self.read(found.path)
        return merged


def read_json(path: File) -> dict[str, Any]:
    """Read a JSON object; a DataError says what is wrong with it."""
    try:
        data = json.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"the sidecar is not JSON: {error}", where=str(path), hint="repair or remove it") from error
    if not isinstance(data, dict):
        raise DataError(f"the sidecar holds a {type(data).__name__}, not an object", where=str(path),
                        hint='write e.g. {"RepetitionTime": 2.0}')
    return data


def find_timing(derived: Metadata, raw: Iterable[Metadata], slice_time_ref: float | None, where: str) -> Timing:
    """TR and slice time reference of a run.

    Parameters
    ----------
    derived : mapping
        Metadata of the preprocessed image; they come first.
    raw : iterable of mapping
        Metadata of its raw images (one per echo).
    slice_time_ref : float or None
        The study's value; None reads it from the derivatives.
    where : str
        The run, for messages.

    Raises
    ------
    DataError
        No TR, one that is not a length of time in s, or echoes that disagree.
    """
    notes: list[str] = []
    sources = list(raw)
    if any("VolumeTiming" in one for one in (derived, *sources)) and "RepetitionTime" not in derived:
        raise DataError("the sidecar has VolumeTiming (volumes at uneven times), which is not read", where=where,
                        hint="only runs with one RepetitionTime can be analysed")
    stated = [_tr(one["RepetitionTime"], where) for one in sources if "RepetitionTime" in one]
    if any(abs(tr - stated[0]) > 1e-4 for tr in stated):
        raise DataError(f"the echoes state different RepetitionTimes: {', '.join(f'{t:g}' for t in stated)} s",
                        where=where, hint="correct the raw sidecars")
    if "RepetitionTime" in derived:
        tr = _tr(derived["RepetitionTime"], where)
        if stated and abs(stated[0] - tr) > 1e-4:
            notes.append(f"RepetitionTime is {tr:g} s in the derivatives and {stated[0]:g} s in the raw data: "
                         "the derivatives' is used")
    elif stated:
        tr = stated[0]
        notes.append("RepetitionTime from the raw sidecar")
    else:
        raise DataError("no sidecar states RepetitionTime (the header is not trusted)", where=where,
                        hint="write it into a sidecar, e.g. task-<label>_bold.json at the top of the BIDS folder")
    if slice_time_ref is not None:
        return Timing(tr, slice_time_ref, tuple(notes))
    reference, how = _reference(derived, tr, where)
    return Timing(tr, reference, (*notes, how))


def _tr(value: object, where: str) -> float:
    wrong = partial(DataError, where=where, hint="RepetitionTime is in seconds, e.g. 2.0")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise wrong(f"RepetitionTime is {value!r}, not a number")
    if not math.isfinite(value) or not 0 < value <= _LONGEST_TR_S:
        raise wrong(f"RepetitionTime is {value:g}, not a length of time in s between 0 and {_LONGEST_TR_S:g}")
    return float(value)


def _reference(derived: Metadata, tr: float, where: str) -> tuple[float, str]:
    """The slice time reference of preprocessed data, and how it was found."""
    start, corrected = derived.get("StartTime"), derived.get("SliceTimingCorrected")
    if isinstance(start, (int, float)) and not isinstance(start, bool):
        reference = start / tr
        if not 0 <= reference <= 1:
            raise DataError(f"StartTime is {start:g} s, outside the first volume (TR {tr:g} s)", where=where,
                            hint="correct the sidecar or give first_level.slice_time_ref")
        return reference, f"slice_time_ref {reference:.4g} = StartTime / TR"
    if corrected is True:
        return 0.5, "slice_time_ref 0.5: slice times were corrected and no StartTime is stated; fMRIPrep's default"
    if corrected is False:
        return 0.0, "slice_time_ref 0: slice times were not corrected"
    return 0.0, "slice_time_ref 0: the sidecar says nothing about slice times"


def bold_sources(tree: Tree, image: BidsFile) -> list[Mapping[str, str]]:
    """Entities of the raw images behind a preprocessed one: one per echo, or the image's own where none is stored."""
    own = {k: v for k, v in image.entities.items() if k not in ("space", "res", "den", "desc", "cohort")}
    wanted = frozenset((k, v) for k, v in image.identity("space", "res", "den", "desc", "cohort"))
    files = tree.functional.get((image.get("sub"), image.get("ses")), ())
    echoes = {f.get("echo"): f.entities for f in files if f.suffix == "bold" and f.identity("echo") == wanted}
    return [echoes[echo] for echo in sorted(echoes)] or [own]
