"""Which events file belongs to a run, by BIDS inheritance."""

from __future__ import annotations

from deltaroi.errors import DataError
from deltaroi.io.bids import BidsFile, Tree, applicable, plain
from deltaroi.io.derivatives import MADE
from deltaroi.io.files import read_text
from deltaroi.types import NA


def find_events(raw: Tree, image: BidsFile) -> tuple[BidsFile | None, list[str]]:
    """The events file of a run: the most specific one that applies.

    Parameters
    ----------
    raw : Tree
        The raw dataset.
    image : BidsFile
        The preprocessed image of the run.

    Returns
    -------
    file : BidsFile or None
        None when nothing applies.
    notes : list of str
        Where it was found, if not beside the raw image.

    Raises
    ------
    DataError
        Two files of one level fit equally well, or the files of single echoes differ.
    """
    target = {k: v for k, v in image.entities.items() if k not in MADE}
    for level in reversed(applicable(raw, target, "events", ".tsv")):
        if not level:
            continue
        best = [f for f in level if len(f.entities) == len(level[-1].entities)]
        if len(best) > 1:
            raise DataError(f"two events files apply equally: {', '.join(f.path.name for f in best)}", hint="keep one")
        return best[0], [] if best[0].path.parent.name == "func" else [f"events inherited from {best[0].path.name}"]
    wanted = frozenset((k, plain(k, v)) for k, v in target.items())
    single = [f for f in _beside(raw, image) if "echo" in f.entities and f.identity("echo") == wanted]
    if not single:
        return None, []
    if len({read_text(f.path) for f in single}) > 1:
        raise DataError("every echo has an events file of its own, and they differ",
                        hint="events belong to the run: keep one file, without echo- in its name")
    return single[0], ["the echoes have events files of their own, which are the same"]


def near_misses(raw: Tree, image: BidsFile) -> str:
    """Events files of the same task and session that belong to something else."""
    return ", ".join(f.path.name for f in _beside(raw, image) if f.get("task") == image.get("task")) or NA


def _beside(raw: Tree, image: BidsFile) -> list[BidsFile]:
    files = raw.functional.get((image.get("sub"), image.get("ses")), ())
    return [f for f in files if f.suffix == "events" and f.extension == ".tsv"]
