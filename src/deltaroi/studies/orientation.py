"""Whether a study compares in the same direction as the publication whose claim it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.specs import Association, Claim

Pair = tuple[str, str]


@dataclass(frozen=True)
class Orientation:
    """How the answer of a study is turned to stand beside the report.

    Attributes
    ----------
    sign : int
        1; -1 where the study compares the other way round.
    notes : tuple of str
        What was turned, and which names were taken for which.
    problem : str
        Why the row cannot answer the claim; empty when it can.
    """

    sign: int = 1
    notes: tuple[str, ...] = ()
    problem: str = ""


def orientation(study: Study, claim: Claim, published: Study, reported: Claim | None) -> Orientation:
    """Hold the row that answers a claim against that of the publication.

    Parameters
    ----------
    study : Study
        The study that was run.
    claim : specs.Claim
        Its claim, with a row.
    published : Study
        The publication's study file, whose rows have the report's sign: first-listed group minus second, later minus
        earlier session.
    reported : specs.Claim or None
        The same claim in it.

    Notes
    -----
    Groups, sessions and conditions are known by their names, without regard to capitals and signs. Where none is
    known, the order decides, and a note says what was taken for what.
    """
    if reported is None or reported.table is None:
        return Orientation(notes=("the publication's own file has no row for this claim: the direction is taken as "
                                  "first-listed minus second, later minus earlier",))
    found = [_comparison(study, claim.where.get("comparison", ""), published, reported.where.get("comparison", "")),
             _contrast(study, claim.where.get("contrast", ""), published, reported.where.get("contrast", "")),
             _score(study, claim.where.get("association", ""), published, reported.where.get("association", ""))]
    sign = 1
    for one in found:
        sign *= one.sign
    return Orientation(sign, tuple(note for one in found for note in one.notes),
                       "; ".join(one.problem for one in found if one.problem))


def _comparison(study: Study, own: str, published: Study, there: str) -> Orientation:
    """Each part of the comparisons, e.g. ``A-B`` and ``post-pre``."""
    mine, theirs = _parts(study, own), _parts(published, there)
    if [len(part) for part in mine] != [len(part) for part in theirs]:
        return Orientation(problem=f"the comparison {own} is of another kind than that of the publication, {there}")
    sign = 1
    notes: list[str] = []
    for part, other in zip(mine, theirs, strict=True):
        if len(part) == 2:
            one = _pair((part[0], part[1]), (other[0], other[1]))
            sign *= one.sign
            notes += one.notes
        elif _bare(part[0]) != _bare(other[0]):
            if _bare(part[0]) in map(_bare, _labels(published)):
                return Orientation(problem=f"the row is about {part[0]}, the claim about {other[0]}")
            notes.append(f"{part[0]} is taken for {other[0]}")
    return Orientation(sign, tuple(notes))


def _parts(study: Study, comparison: str) -> list[tuple[str, ...]]:
    """A comparison's parts, each a pair or a single label; what is neither, such as a list of groups, stays whole."""
    labels = _labels(study)
    parts: list[tuple[str, ...]] = []
    for text in re.split(r"[|:]", comparison):
        pairs = [(first, second) for first in labels for second in labels if text == f"{first}-{second}"]
        parts.append(pairs[0] if pairs else (text,))
    return parts


def _labels(study: Study) -> list[str]:
    """Groups, sessions, and levels of crossed factors."""
    factors = [level for one in study.group.factorials.values() for levels in one.factors.values()
               for level in levels]
    return [*(study.groups.levels if study.groups is not None else []), *study.dataset.sessions, *factors]


def _pair(own: Pair, there: Pair) -> Orientation:
    """The pair as published, turned, or taken by its order."""
    mine, theirs = tuple(map(_bare, own)), tuple(map(_bare, there))
    straight = [a == b for a, b in zip(mine, theirs, strict=True)]
    across = [a == b for a, b in zip(mine, reversed(theirs), strict=True)]
    if all(straight):
        return Orientation()
    if any(across):
        unknown = [f"{a} is taken for {b}" for a, b, same in zip(own, reversed(there), across, strict=True) if not same]
        return Orientation(-1, (f"{'-'.join(own)} was turned: published is {'-'.join(there)}", *unknown))
    return Orientation(1, tuple(f"{a} is taken for {b}" for a, b, same in zip(own, there, straight, strict=True)
                                if not same))


def _contrast(study: Study, own: str, published: Study, there: str) -> Orientation:
    """The weights of the conditions."""
    if own not in study.contrasts or there not in published.contrasts:
        return Orientation()
    text, other = study.contrasts[own], published.contrasts[there]
    mine, theirs = _weights(text), _weights(other)
    shared = [name for name in mine if name in theirs]
    products = {mine[name] * theirs[name] > 0 for name in shared}
    if len(products) == 2:
        return Orientation(problem=f"the contrast {own} ({text}) is not that of the publication ({other})")
    if products == {False}:
        return Orientation(-1, (f"the contrast {own} was turned: {text}, published {other}",))
    if set(mine) != set(theirs):
        return Orientation(1, (f"the contrast {own} ({text}) is taken for {other}",))
    return Orientation()


def _weights(text: str) -> dict[str, float]:
    return {_bare(name): weight for name, weight in parse_contrast(text).items() if weight}


def _score(study: Study, own: str, published: Study, there: str) -> Orientation:
    """A score that is a difference of columns."""
    one, other = study.associations.get(own), published.associations.get(there)
    if one is None or other is None:
        return Orientation()
    mine, theirs = _columns(one), _columns(other)
    if len(mine) == 2 and len(theirs) == 2:
        return _pair((mine[0], mine[1]), (theirs[0], theirs[1]))
    if len(mine) != len(theirs):
        return Orientation(problem=f"the score {'-'.join(mine)} is of another kind than {'-'.join(theirs)}")
    return Orientation() if _bare(mine[0]) == _bare(theirs[0]) else \
        Orientation(1, (f"the score {mine[0]} is taken for {theirs[0]}",))


def _columns(association: Association) -> list[str]:
    """The column of a score, and the one that is subtracted from it."""
    return [name for name in (association.column, association.minus) if name is not None]


def _bare(label: str) -> str:
    return re.sub(r"[^a-z0-9]", "", label.lower())
