"""Small frozen records that every floor shares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
NA = "n/a"
NOT_STATED = "not stated"
"""The template space of images or ROIs where nobody says it."""
CUSTOM, FUNCTIONAL, CIRCULAR = "custom", "functional", "circular"
"""What stands as the definition of ROIs of the study file: drawn there; chosen by a localiser contrast; chosen by it on
the very data that are tested."""


_BETWEEN = " | "


def label_id(text: str) -> int | None:
    """The id of a label as a table writes it: a whole number from 0, also with zeros behind a point; else None."""
    found = re.fullmatch(r"([0-9]+)(\.0*)?", text.strip())
    return int(found[1]) if found else None


def united(texts: Iterable[str]) -> str:
    """Distinct texts in one cell, such as the citations of an ROI that is made of others; ``n/a`` without any."""
    return _BETWEEN.join(dict.fromkeys(one for text in texts for one in apart(text))) or NA


def apart(cell: str) -> tuple[str, ...]:
    """The texts that :func:`united` put into a cell."""
    return tuple(text for text in cell.split(_BETWEEN) if text != NA)


def is_own(definition: str) -> bool:
    """Whether an ROI's definition says that it comes from the study file."""
    return definition in (CUSTOM, FUNCTIONAL, CIRCULAR)


@dataclass(frozen=True, order=True)
class RoiKey:
    """What names one ROI: region, hemisphere (``L``, ``R``, ``B``) and definition."""

    region: str
    hemisphere: str
    definition: str

    @property
    def label(self) -> str:
        """The form people read, e.g. ``amygdala-R_hcpex``; code never parses it back."""
        return f"{self.region}-{self.hemisphere}_{self.definition}"


@dataclass(frozen=True, order=True)
class RunKey:
    """What names one run: BIDS labels without their prefixes; ``n/a`` where the entity is absent."""

    subject: str
    session: str
    task: str
    run: str

    @property
    def label(self) -> str:
        """The BIDS form, e.g. ``sub-01_ses-pre_task-faces_run-1``."""
        parts = [f"sub-{self.subject}"]
        if self.session != NA:
            parts.append(f"ses-{self.session}")
        parts.append(f"task-{self.task}")
        if self.run != NA:
            parts.append(f"run-{self.run}")
        return "_".join(parts)


@dataclass(frozen=True, order=True)
class Exclusion:
    """One row of ``exclusions.tsv``: something that is not in the numbers, and why.

    ``stage`` is one of ``inputs masks first-level responses effects small-volume connectivity``; ``value`` is what was
    found and ``threshold`` what was asked for, both as text. Fields that do not apply are ``n/a``.
    """

    stage: str
    subject: str = NA
    session: str = NA
    run: str = NA
    region: str = NA
    reason: str = ""
    value: str = NA
    threshold: str = NA
    failure: bool = False
    """True when an unreadable, truncated or failing input caused it (exit code 5); not a column."""


def camel(*parts: str) -> str:
    """Join names into one alphanumeric camelCase label.

    Parameters
    ----------
    *parts : str
        Names; anything that is not a letter or a digit separates words.

    Returns
    -------
    str
        E.g. ``camel("my_mask", "L", "hcpex")`` is ``"myMaskLHcpex"``.
    """
    words = [word for part in parts for word in re.split(r"[^A-Za-z0-9]+", part) if word]
    return "".join(word if i == 0 else word[0].upper() + word[1:] for i, word in enumerate(words))
