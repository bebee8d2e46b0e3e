"""The template behind the pictures."""

from __future__ import annotations

import numpy as np

from deltaroi.report.figures.slices import Volume

BACKGROUND = "MNI152NLin2009aSym"


def load_template(resolution: int = 1) -> Volume:
    """The brain of the template that nilearn carries, without skull; 0 outside it."""
    from nilearn.datasets import load_mni152_template

    image = load_mni152_template(resolution=resolution)
    return Volume(np.asarray(image.get_fdata(), dtype=np.float64), np.asarray(image.affine, dtype=np.float64))
