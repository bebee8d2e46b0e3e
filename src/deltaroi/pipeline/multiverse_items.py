"""What a worker does for a multiverse: all models of one run from one read, all specifications of one subject."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deltaroi.errors import DataError
from deltaroi.firstlevel import FirstLevelTask, RunFit, Wanted, fit_runs, load_fit, save_fit
from deltaroi.io.files import write_json
from deltaroi.io.tsv import read_table, write_table
from deltaroi.layout import Layout
from deltaroi.masks import RegionSet, load_regions
from deltaroi.pipeline import work_items
from deltaroi.pipeline.executor import Failure
from deltaroi.pipeline.multiverse_plan import Model, named, of_models
from deltaroi.pipeline.transfers import noted
from deltaroi.responses import Asked, summarise_each
from deltaroi.specs import MAIN
from deltaroi.tables import EXCLUSIONS, RESPONSES, exclusion_frame, exclusion_rows
from deltaroi.types import CIRCULAR, FUNCTIONAL, Exclusion, RunKey


@dataclass(frozen=True)
class FitsItem:
    """One run to be fitted: as ``main``, and in the other models of the multiverse."""

    main: work_items.FitItem
    models: tuple[Model, ...]


def fit_all(layout: Layout, item: FitsItem, wanted: Sequence[int]) -> Iterator[tuple[int, list[Path] | Failure]]:
    """Fit one run in those of its models that are wanted: 0 is ``main``, the others follow."""
    main = item.main
    if not item.models:
        yield from work_items.Alone(work_items.fit)(layout, main, wanted)
        return
    own = work_items.load_region_set(layout, main.grid_digest)
    every = all_regions(layout, own)
    ways = [Wanted(own, main.first_level), *(Wanted(every, model.first_level) for model in item.models)]
    kept: dict[str, RunFit] = {}
    bases = {model.base for model in item.models if model.base}
    task = FirstLevelTask(main.first_level, main.conditions, main.contrasts)
    with noted(layout, main.run.key.label):
        for place, found in fit_runs(main.run, [ways[n] for n in wanted], task):
            n = wanted[place]
            if isinstance(found, DataError):
                yield n, Failure(found, "")
                continue
            name, base = (MAIN, None) if n == 0 else (item.models[n - 1].name, item.models[n - 1].base)
            if name in bases:
                kept[name] = found
            path = layout.run_fit(main.run.key, None if n == 0 else name)
            save_fit(path, found, kept.get(base) or _earlier(layout, main.run.key, base) if base else None)
            yield n, [path]


def _earlier(layout: Layout, key: RunKey, name: str) -> RunFit | None:
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


def all_regions(layout: Layout, own: RegionSet) -> RegionSet:
    """The ROIs of all specifications on one grid, without functional ones; ``own`` are those of ``main``."""
    path = layout.other_regions(own.grid.digest)
    more = load_regions(path).rois if path.is_file() else ()
    return replace(own, rois=tuple(roi for roi in (*own.rois, *more)
                                   if roi.key.definition not in (FUNCTIONAL, CIRCULAR)))


@dataclass(frozen=True)
class SubjectItem:
    """One subject to be summarised in all specifications but ``main``.

    ``models`` has the runs that each model was fitted in, with the digests of their grids.
    """

    subject: str
    asked: tuple[Asked, ...]
    models: Mapping[str, tuple[tuple[RunKey, str], ...]]
    made: tuple[Model, ...]
    minimum_coverage: float


def summarise(layout: Layout, item: SubjectItem) -> list[Path]:
    """The responses of one subject in all specifications but ``main``."""
    grids = {digest for runs in item.models.values() for _, digest in runs}
    regions = {digest: all_regions(layout, work_items.load_region_set(layout, digest)) for digest in sorted(grids)}
    in_fits: dict[Exclusion, list[str]] = {}
    notes: dict[str, list[str]] = {}

    loader = Loader(layout, item.made)

    def load(name: str) -> list[RunFit]:
        fits = [loader.load(key, name) for key, _ in item.models[name]]
        for fit in fits:
            for row in fit.exclusions:
                in_fits.setdefault(row, []).append(name)
            for note in fit.notes:
                notes.setdefault(note, []).append(name)
        return fits

    found = summarise_each(item.asked, load, regions, item.minimum_coverage)
    models_of = {one.name: one.model for one in item.asked}
    lost = {row: of_models(models_of, names) for row, names in in_fits.items()} | dict(found.exclusions)
    known = layout.subject_exclusions(item.subject)
    of_main = set(exclusion_rows(read_table(known, EXCLUSIONS))) if known.is_file() else set()
    rows = [replace(row, reason=f"{row.reason} ({named(models_of, names)})")
            for row, names in lost.items() if row not in of_main]
    said = layout.subject_notes(item.subject)
    of_main_too = set(work_items.subject_notes(layout, item.subject)) if said.is_file() else set()
    paths = [layout.subject_specifications(item.subject), layout.subject_specification_exclusions(item.subject),
             layout.subject_specification_notes(item.subject)]
    write_table(found.table, RESPONSES, paths[0])
    write_table(exclusion_frame(rows), EXCLUSIONS, paths[1])
    write_json(paths[2], {"notes": [f"{note} (models {', '.join(dict.fromkeys(names))})"
                                    for note, names in notes.items() if note not in of_main_too]})
    return paths
