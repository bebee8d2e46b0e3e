"""The artefacts of the models of a multiverse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from deltaroi.firstlevel import RunFit, load_fit
from deltaroi.layout import Layout
from deltaroi.pipeline.multiverse_plan import Model
from deltaroi.specs import MAIN
from deltaroi.types import RunKey


def earlier(layout: Layout, key: RunKey, name: str) -> RunFit | None:
    """A model that an earlier run left; None where it is not there, or is not of now."""
    path = _path(layout, key, name)
    return load_fit(path) if path.is_file() else None


def _path(layout: Layout, key: RunKey, name: str) -> Path:
    """The artefact of a model."""
    return layout.run_fit(key, None if name == MAIN else name)


class Loader:
    """The fits of models; those with which others share arrays are read once, and kept."""

    def __init__(self, layout: Layout, made: Sequence[Model]) -> None:
        self._layout = layout
        self._base = {model.name: model.base for model in made}
        self._kept: dict[tuple[RunKey, str], RunFit] = {}

    def load(self, key: RunKey, name: str) -> RunFit:
        """The fit of one run in one model."""
        if (key, name) in self._kept:
            return self._kept[key, name]
        base = self._base.get(name)
        beside = self.load(key, base) if base and _path(self._layout, key, base).is_file() else None
        found = load_fit(_path(self._layout, key, name), beside)
        if name in self._base.values():
            self._kept[key, name] = found
        return found
