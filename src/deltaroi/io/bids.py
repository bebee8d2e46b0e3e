"""A BIDS tree as names: what lies in its functional folders, and which sidecars apply to a file by inheritance.

Nothing but folder listings is read here, so that a tree of tens of thousands of files is known in about a second. The
names are parsed with bids2table; its ``index_dataset`` is not used because it leaves out the JSON sidecars and the
dataset-level files that inheritance needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deltaroi.errors import DataError
from deltaroi.remote import File
from deltaroi.types import NA

IMAGES = (".nii", ".nii.gz")
_READ = (".nii", ".nii.gz", ".tsv", ".json")
_LABEL = re.compile(r"[A-Za-z0-9+]+")
_NUMBERED = ("run", "echo")


@dataclass(frozen=True)
class BidsFile:
    """One file by its name.

    Attributes
    ----------
    path : Path or RemoteFile
        Where it lies.
    entities : mapping of str to str
        Entity -> label, in the order of the name, without suffix, extension and datatype.
    suffix : str
        E.g. ``bold``.
    extension : str
        E.g. ``.nii.gz``.
    """

    path: File
    entities: Mapping[str, str]
    suffix: str
    extension: str

    def get(self, entity: str) -> str:
        """Label of an entity; ``n/a`` where the name does not have it."""
        return self.entities.get(entity, NA)

    def identity(self, *without: str) -> frozenset[tuple[str, str]]:
        """The entities as a set, numbers without leading zeros, some entities left out."""
        return frozenset((k, plain(k, v)) for k, v in self.entities.items() if k not in without)


@dataclass(frozen=True)
class Tree:
    """A BIDS dataset as far as functional data go.

    Attributes
    ----------
    root : Path
        Its folder; without meaning for a list of remote files.
    functional : mapping of (str, str) to tuple of BidsFile
        (subject, session) -> files of the ``func`` folder, by name; session ``n/a`` where there is none.
    above : mapping of tuple of str to tuple of BidsFile
        Sidecars and tables above ``func``: ``()`` dataset, ``(subject,)``, ``(subject, session)``.
    subjects : tuple of str
        Labels of the subject folders.
    odd : tuple of str
        Names that contradict the folder they lie in, relative to the root.
    closed : mapping of str to str
        Subjects with a folder that cannot be listed -> why.
    """

    root: Path
    functional: Mapping[tuple[str, str], tuple[BidsFile, ...]]
    above: Mapping[tuple[str, ...], tuple[BidsFile, ...]]
    subjects: tuple[str, ...]
    odd: tuple[str, ...] = ()
    closed: Mapping[str, str] = field(default_factory=dict)

    def files(self) -> Iterator[BidsFile]:
        """All functional files."""
        for files in self.functional.values():
            yield from files

    def levels(self, subject: str, session: str) -> tuple[tuple[BidsFile, ...], ...]:
        """The files that inheritance looks at, from the dataset's top to the ``func`` folder."""
        keys: list[tuple[str, ...]] = [(), (subject,)]
        keys += [(subject, session)] if session != NA else []
        return (*(self.above.get(key, ()) for key in keys), self.functional.get((subject, session), ()))


def plain(entity: str, label: str) -> str:
    """A label as it is compared: the numbers of runs and echoes without leading zeros."""
    return str(int(label)) if entity in _NUMBERED and label.isdecimal() else label


def applicable(tree: Tree, target: Mapping[str, str], suffix: str, extension: str) -> list[list[BidsFile]]:
    """Files that apply to a target by BIDS inheritance.

    Parameters
    ----------
    tree : Tree
        Where to look.
    target : mapping
        Entities of the file in question.
    suffix, extension : str
        What is looked for, e.g. ``events``, ``.tsv``.

    Returns
    -------
    list of list of BidsFile
        Per level from the dataset's top down, those whose entities are all among the target's, fewest entities first.
    """
    wanted = {(k, plain(k, v)) for k, v in target.items()}
    found = []
    for level in tree.levels(target.get("sub", NA), target.get("ses", NA)):
        fits = [f for f in level if f.suffix == suffix and f.extension == extension and f.identity() <= wanted]
        found.append(sorted(fits, key=lambda f: (len(f.entities), f.path.name)))
    return found


@dataclass
class _Scan:
    """What has been seen of a tree so far."""

    root: Path
    functional: dict[tuple[str, str], tuple[BidsFile, ...]] = field(default_factory=dict)
    above: dict[tuple[str, ...], tuple[BidsFile, ...]] = field(default_factory=dict)
    subjects: list[str] = field(default_factory=list)
    odd: list[str] = field(default_factory=list)
    closed: dict[str, str] = field(default_factory=dict)


def scan(root: Path) -> Tree:
    """List the functional folders of a BIDS dataset.

    Parameters
    ----------
    root : Path
        The dataset's folder. Links are followed.

    Raises
    ------
    DataError
        The dataset's own folder cannot be listed.
    """
    seen = _Scan(root)
    names, folders = _listing(root)
    seen.above[()] = tuple(_files(root, [n for n in names if not n.startswith("sub-")]))
    for name in folders:
        subject = name.removeprefix("sub-")
        if subject != name and _LABEL.fullmatch(subject):
            seen.subjects.append(subject)
            try:
                _scan_subject(seen, root / name, subject)
            except DataError as error:
                seen.closed[subject] = error.message
    return Tree(root, seen.functional, seen.above, tuple(seen.subjects), tuple(seen.odd), seen.closed)


def _scan_subject(seen: _Scan, folder: Path, subject: str) -> None:
    names, folders = _listing(folder)
    seen.above[(subject,)] = tuple(_files(folder, names))
    if "func" in folders:
        _scan_functional(seen, folder / "func", subject, NA)
    for name in folders:
        session = name.removeprefix("ses-")
        if session == name or not _LABEL.fullmatch(session):
            continue
        inner, below = _listing(folder / name)
        seen.above[subject, session] = tuple(_files(folder / name, inner))
        if "func" in below:
            _scan_functional(seen, folder / name / "func", subject, session)


def _scan_functional(seen: _Scan, folder: Path, subject: str, session: str) -> None:
    files = []
    for found in _files(folder, _listing(folder)[0]):
        if (found.get("sub"), found.get("ses")) == (subject, session):
            files.append(found)
        elif found.suffix in ("bold", "events"):
            seen.odd.append((folder / found.path.name).relative_to(seen.root).as_posix())
    seen.functional[subject, session] = tuple(files)


def _listing(folder: Path) -> tuple[list[str], list[str]]:
    """Names of files (dangling links too) and of folders, sorted."""
    try:
        with os.scandir(folder) as entries:
            marked = sorted((entry.name, _is_folder(entry)) for entry in entries)
    except OSError as error:
        raise DataError(f"the folder cannot be listed: {error.strerror}", where=str(folder),
                        hint="check the path and the permissions") from error
    return [name for name, is_folder in marked if not is_folder], [name for name, is_folder in marked if is_folder]


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder; a link that leads in circles is not.

    Where a link leads is asked of the disk, but not of one that is named as a file: git-annex makes every file a link.
    """
    try:
        return entry.is_dir(follow_symlinks=not entry.name.endswith(_READ))
    except OSError:
        return False


def _files(folder: Path, names: list[str]) -> Iterator[BidsFile]:
    for name in names:
        found = bids_file(folder / name, name)
        if found is not None:
            yield found


def bids_file(path: File, name: str) -> BidsFile | None:
    """A file by its name; None where that is not of a kind that is read."""
    from bids2table import parse_bids_entities

    if name.startswith(".") or not name.endswith(_READ):
        return None
    entities = parse_bids_entities(name)
    suffix, extension = entities.pop("suffix", ""), entities.pop("ext", "")
    entities.pop("datatype", None)
    return BidsFile(path, entities, suffix, extension) if suffix and extension in _READ else None


def is_label(text: str) -> bool:
    """Whether a text can be a BIDS label."""
    return bool(_LABEL.fullmatch(text))
