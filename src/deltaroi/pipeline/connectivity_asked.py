"""The connections that a study asks for."""

from __future__ import annotations

from collections.abc import Sequence

from deltaroi.config.study import Study
from deltaroi.connectivity import Connection, connections
from deltaroi.pipeline.declared import contrast_weights
from deltaroi.types import RoiKey


def asked_of(study: Study, rois: Sequence[RoiKey]) -> tuple[Connection, ...]:
    """The study's connections, every name resolved; see :func:`deltaroi.connectivity.connections`."""
    modulated = [name for name, condition in study.conditions.items() if condition.modulator is not None]
    return connections(study.connectivity, rois, contrast_weights(study), study.first_level.hrf, modulated)
