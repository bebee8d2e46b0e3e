"""deltaroi: did the response of a brain region change with training, and more so than in the control group?

The public names are imported when first used, so that ``import deltaroi`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deltaroi.config.read import read_study
    from deltaroi.config.study import Study
    from deltaroi.errors import DeltaroiError
    from deltaroi.pipeline.api import compare, measure, regions, simulate
    from deltaroi.pipeline.check import check
    from deltaroi.pipeline.run import RunResult, run

__all__ = ["DeltaroiError", "RunResult", "Study", "check", "compare", "measure", "read_study", "regions", "run",
           "simulate"]

_HOMES = {
    "DeltaroiError": "deltaroi.errors",
    "RunResult": "deltaroi.pipeline.run",
    "Study": "deltaroi.config.study",
    "check": "deltaroi.pipeline.check",
    "compare": "deltaroi.pipeline.api",
    "measure": "deltaroi.pipeline.api",
    "read_study": "deltaroi.config.read",
    "regions": "deltaroi.pipeline.api",
    "run": "deltaroi.pipeline.run",
    "simulate": "deltaroi.pipeline.api",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'deltaroi' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
