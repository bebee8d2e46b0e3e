"""Choosing, among fMRIPrep's files, the one preprocessed image of each run and what belongs to it.

Names changed with versions: ``desc-preproc_bold``, ``desc-brain_mask`` and ``desc-confounds_timeseries`` (20.x on) or
``desc-confounds_regressors`` (1.2 to 1.5); before 1.2 ``bold_space-X_preproc``, ``bold_space-X_brainmask`` and
``bold_confounds``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from deltaroi.errors import StudyError
from deltaroi.io.bids import IMAGES, BidsFile
from deltaroi.types import NA, Exclusion

MADE = ("space", "res", "den", "desc", "cohort", "echo", "hemi", "from", "to", "mode", "fmapid", "label")
NATIVE = "native"
_Lost = Callable[..., Exclusion]


def is_preprocessed(file: BidsFile) -> bool:
    """Whether a file is a preprocessed BOLD image, in any space."""
    if file.extension not in IMAGES:
        return False
    return (file.suffix == "bold" and file.get("desc") == "preproc") or \
        (file.suffix == "preproc" and "_bold_" in file.path.name)


def is_leftover(file: BidsFile) -> bool:
    """Whether a file is what fMRIPrep leaves for a run even at its level ``minimal``."""
    return file.suffix in ("boldref", "xfm")


def space_of(file: BidsFile) -> str:
    """Space of an image as a study file names it; ``native`` without ``space-``."""
    space = file.entities.get("space", NATIVE)
    return f"{space}:cohort-{file.entities['cohort']}" if "cohort" in file.entities else space


def resolution_of(file: BidsFile) -> str:
    """Label of ``res-``; ``native`` without."""
    return file.entities.get("res", NATIVE)


def run_of(file: BidsFile) -> frozenset[tuple[str, str]]:
    """What names the run that a file belongs to."""
    return file.identity(*MADE)


def choose_resolution(images: Iterable[BidsFile], asked: str | None) -> str | None:
    """The one resolution that is read.

    Parameters
    ----------
    images : iterable of BidsFile
        All preprocessed images of the task in the study's space.
    asked : str or None
        ``dataset.resolution``.

    Raises
    ------
    StudyError
        Several resolutions and none asked for, or the one asked for does not exist.
    """
    found = Counter(resolution_of(image) for image in images)
    counts = ", ".join(f"{label} ({number} images)" for label, number in sorted(found.items()))
    if asked is not None and found and asked not in found:
        raise StudyError(f"no image has the resolution '{asked}'; there are {counts}", where="dataset.resolution",
                         hint=f"write one of these ('{NATIVE}' means no res- in the name), or leave it out")
    if asked is not None or not found:
        return asked
    if len(found) > 1:
        raise StudyError(f"the images come in several resolutions: {counts}", where="dataset.resolution",
                         hint=f"choose one, e.g. `resolution: \"{min(found)}\"` ('{NATIVE}' means no res- in the name)")
    return next(iter(found))


@dataclass(frozen=True)
class Wanted:
    """Which images of a run are read."""

    space: str
    resolution: str | None


def choose_images(images: Sequence[BidsFile], wanted: Wanted, lost: _Lost) -> tuple[list[BidsFile], list[Exclusion]]:
    """One image per run.

    Parameters
    ----------
    images : sequence of BidsFile
        The preprocessed images of one subject, session and task, in every space.
    wanted : Wanted
        Space and resolution.
    lost : callable
        ``lost(run, reason, value, threshold)`` makes the exclusion of one run.
    """
    runs: dict[frozenset[tuple[str, str]], list[BidsFile]] = defaultdict(list)
    for image in images:
        runs[run_of(image)].append(image)
    picked = [_pick(group, wanted, lost) for group in runs.values()]
    chosen = [one for one in picked if isinstance(one, BidsFile)]
    gone = [one for one in picked if isinstance(one, Exclusion)]
    by_number: dict[str, list[BidsFile]] = defaultdict(list)
    for image in chosen:
        by_number[dict(image.identity()).get("run", NA)].append(image)
    kept = []
    for same in by_number.values():
        if len(same) == 1:
            kept += same
            continue
        gone.append(lost(same[0].get("run"), "several BOLD images have one run number: move all but one out of the "
                         "derivatives", _differences(same), "one image per subject, session, task and run"))
    return kept, gone


def _pick(group: list[BidsFile], wanted: Wanted, lost: _Lost) -> BidsFile | Exclusion:
    """The image of one run, or why there is none."""
    run = group[0].get("run")
    spaces = sorted({space_of(image) for image in group})
    here = [image for image in group if space_of(image) == wanted.space]
    if not here:
        return lost(run, "no preprocessed BOLD in this space: name another in dataset.space, or run fMRIPrep again "
                    "with it in --output-spaces", ", ".join(spaces), wanted.space)
    sized = [image for image in here if wanted.resolution is None or resolution_of(image) == wanted.resolution]
    if not sized:
        return lost(run, "no preprocessed BOLD in this resolution", ", ".join(sorted(map(resolution_of, here))),
                    wanted.resolution or NA)
    combined = [image for image in sized if "echo" not in image.entities]
    if not combined:
        return lost(run, "only single echoes are preprocessed: run fMRIPrep again on all echoes of the run",
                    ", ".join(f"echo-{image.get('echo')}" for image in sized), "one image of the combined echoes")
    if len(combined) > 1:
        return lost(run, "several BOLD images fit the run: remove all but one",
                    ", ".join(sorted(image.path.name for image in combined)), "one image")
    return combined[0]


def _differences(images: Sequence[BidsFile]) -> str:
    """In what the names of several images differ."""
    names = sorted({entity for image in images for entity in image.entities if entity not in MADE})
    parts = [{f"{name}-{image.entities[name]}" if name in image.entities else f"no {name}-" for image in images}
             for name in names]
    return "; ".join(", ".join(sorted(part)) for part in parts if len(part) > 1) or \
        ", ".join(sorted(image.path.name for image in images))


def find_mask(files: Sequence[BidsFile], image: BidsFile) -> BidsFile | None:
    """The brain mask on the grid of an image."""
    for file in files:
        named = (file.suffix == "mask" and file.get("desc") == "brain") or file.suffix == "brainmask"
        if named and file.extension in IMAGES and file.identity("desc") == image.identity("desc"):
            return file
    return None


def find_confounds(files: Sequence[BidsFile], image: BidsFile) -> BidsFile | None:
    """The confounds table of a run; the newest naming first."""
    for suffix in ("timeseries", "regressors", "confounds"):
        for file in files:
            named = file.suffix == suffix and file.extension == ".tsv" and \
                (suffix == "confounds" or file.get("desc") == "confounds")
            if named and run_of(file) == run_of(image) and "echo" not in file.entities:
                return file
    return None
