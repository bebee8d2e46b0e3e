"""Random numbers that depend on names, not on order."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, *names: str) -> np.random.Generator:
    """A generator of its own for every combination of names.

    Parameters
    ----------
    seed : int
        The seed of the study.
    *names : str
        What the numbers are for, e.g. ``"noise", subject, session, run``. Adding a subject, a session or a region
        changes the numbers of no other.
    """
    text = "\x1f".join((str(seed), *names))
    return np.random.default_rng(np.random.SeedSequence(int.from_bytes(hashlib.sha256(text.encode()).digest())))
