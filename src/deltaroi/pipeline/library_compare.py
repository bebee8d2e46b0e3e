"""How far the definitions of a region agree: Dice, volumes, and the distance of their centres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from deltaroi import atlas
from deltaroi.errors import UsageError
from deltaroi.fill import HALF, dice, dice_weighted, fill_fractions
from deltaroi.grid import FloatArray, Grid
from deltaroi.masks import grid_for
from deltaroi.pipeline.library import (
    MARKS,
    SPACE,
    Readable,
    Skipped,
    centre_mm,
    read_region,
    relation_between,
    template_notes,
    volume_mm3,
)
from deltaroi.specs import SIDES, Hemisphere
from deltaroi.tables import Column, Schema, conform

COMPARISON = Schema("comparison", (
    Column("region", "text", "region name", missing=False),
    Column("hemisphere", "text", "L, R or B (both as one ROI)", missing=False),
    Column("definition_a", "text", "one definition", missing=False),
    Column("definition_b", "text", "the other definition", missing=False),
    Column("dice", "number", "2 |A and B| / (|A| + |B|) of the voxels filled to at least one half; n/a where a "
                             "definition fills none that far"),
    Column("dice_weighted", "number", "2 sum(min(a, b)) / sum(a + b) of the fills (with weights: weight times fill)"),
    Column("distance_mm", "number", "distance of the weighted centres of mass", "mm"),
    Column("volume_a_mm3", "number", "volume of definition_a on its own grid", "mm3"),
    Column("volume_b_mm3", "number", "volume of definition_b on its own grid", "mm3"),
    Column("space_a", "text", "template space that definition_a is drawn in", missing=False),
    Column("space_b", "text", "template space that definition_b is drawn in", missing=False),
    Column("relation", "text", "how the two template spaces stand to each other: same, compatible or refused; unless "
                               "same, the distance between the templates is part of the numbers", missing=False),
), ("region", "hemisphere", "definition_a", "definition_b"))


@dataclass(frozen=True, eq=False)
class Comparison:
    """How far the definitions of a region agree.

    Attributes
    ----------
    region, space : str
        The region, and the template space of the grid.
    resolution : float
        Voxel edge of the grid, mm.
    hemispheres : tuple of str
        The hemispheres that were compared.
    sizes : DataFrame
        hemisphere, definition, space, relation (to the grid's space), volume_mm3, x_mm, y_mm, z_mm on the definition's
        own grid, n_voxels (filled to at least one half on the common grid).
    table : DataFrame
        The pairs, as ``comparison.tsv`` (:data:`COMPARISON`).
    notes : tuple of str
        What to know before reading the numbers.
    skipped : tuple of Skipped
        Definitions that cannot be read here.
    readable : Readable
        The drawings.
    """

    region: str
    space: str
    resolution: float
    hemispheres: tuple[Hemisphere, ...]
    sizes: pd.DataFrame
    table: pd.DataFrame
    notes: tuple[str, ...]
    skipped: tuple[Skipped, ...]
    readable: Readable

    def definitions(self, hemisphere: str) -> tuple[str, ...]:
        """The definitions that have a hemisphere, images first."""
        return tuple(self.sizes.loc[self.sizes["hemisphere"] == hemisphere, "definition"])

    def matrix(self, hemisphere: str, column: str, names: Sequence[str] | None = None) -> FloatArray:
        """One number of all pairs.

        Parameters
        ----------
        hemisphere : {"L", "R", "B"}
            Which side.
        column : str
            ``dice``, ``dice_weighted`` or ``distance_mm``.
        names : sequence of str, optional
            Definitions, in this order; default: those that have the hemisphere.

        Returns
        -------
        ndarray, shape (n, n)
            Symmetric; NaN where there is no number.
        """
        order = list(self.definitions(hemisphere) if names is None else names)
        out = np.full((len(order), len(order)), np.nan)
        for row in self.table[self.table["hemisphere"] == hemisphere].to_dict("records"):
            if row["definition_a"] in order and row["definition_b"] in order:
                i, j = order.index(row["definition_a"]), order.index(row["definition_b"])
                out[i, j] = out[j, i] = row[column]
        sizes = self.sizes[self.sizes["hemisphere"] == hemisphere].set_index("definition")
        for i, name in enumerate(order):
            if name in sizes.index:
                itself = 0.0 if column == "distance_mm" else 1.0
                empty = column == "dice" and sizes["n_voxels"][name] == 0
                out[i, i] = np.nan if empty or not sizes["volume_mm3"][name] else itself
        return out

    def mark(self, definition: str) -> str:
        """``†`` for a definition drawn in a compatible template, ``‡`` for one that an analysis would refuse."""
        relation = self.sizes.loc[self.sizes["definition"] == definition, "relation"]
        return MARKS[relation.iloc[0]] if len(relation) else ""


@dataclass(frozen=True, eq=False)
class _Placed:
    """A definition in one hemisphere on the common grid: touched voxels, their fills, and its own numbers."""

    definition: str
    space: str
    flat: NDArray[np.int64]
    fill: FloatArray
    volume: float
    centre: FloatArray

    @property
    def voxels(self) -> NDArray[np.int64]:
        """Voxels filled to at least one half."""
        return self.flat[self.fill >= HALF]


def compare_definitions(region: str, hemispheres: Sequence[str] = ("L", "R"), definitions: Sequence[str] = (),
                        space: str = SPACE, resolution: float = 1.0) -> Comparison:
    """Compare all definitions of a region that can be read here.

    Parameters
    ----------
    region : str
        Region name.
    hemispheres : sequence of {"L", "R", "B"}
        Which sides; B is both as one ROI.
    definitions : sequence of str
        Only these; empty: all.
    space : str
        Template space of the common grid. Of a definition that exists in several templates, the one that fits it best
        is compared.
    resolution : float
        Voxel edge of the common grid, mm.

    Returns
    -------
    Comparison
        Frozen; pairs, sizes, and what could not be read.

    Raises
    ------
    UsageError, StudyError
        There is no such region, hemisphere, definition or grid.

    Notes
    -----
    Every definition is brought to the common grid in world coordinates, also where an analysis would refuse to mix the
    templates; ``relation`` says so. Dice is that of the voxels filled to at least one half; probability weights count
    as fill. Volumes and centres are those of the definition on its own grid.
    """
    wrong = sorted(set(hemispheres) - set(SIDES))
    if wrong or not hemispheres:
        raise UsageError(f"unknown hemispheres: {', '.join(wrong) or 'none is named'}", where="--hemispheres",
                         hint="L, R or B, with commas")
    sides = tuple(side for side in SIDES if side in hemispheres)
    grid = grid_for(space, resolution)
    return compare_read(read_region(region, definitions, grid.space, sides), sides, grid, definitions)


def compare_read(found: Readable, sides: Sequence[Hemisphere], grid: Grid,
                 definitions: Sequence[str] = ()) -> Comparison:
    """Compare what has been read already; see :func:`compare_definitions`."""
    region = found.region
    placed = {side: [_place(name, roi, grid) for name in found.definitions for roi in found.of(name, [side]).values()]
              for side in sides}
    sizes = pd.DataFrame([_size(side, part, grid.space) for side in sides for part in placed[side]],
                         columns=["hemisphere", "definition", "space", "relation", "volume_mm3", "x_mm", "y_mm", "z_mm",
                                  "n_voxels"])
    pairs = [_pair(region, side, a, b) for side in sides for a, b in combinations(placed[side], 2)]
    table = conform(pd.DataFrame(pairs, columns=COMPARISON.names), COMPARISON)
    spaces = [f"{note} The distance between the templates is part of the numbers." for note in template_notes([found])]
    notes = (*spaces, *_notes_on_sides(found, definitions, sides), *_notes_on_empty(sizes))
    return Comparison(region, grid.space, float(grid.voxel_sizes[0]), tuple(sides), sizes, table, notes, found.skipped,
                      found)


def _place(name: str, native: atlas.NativeRegion, grid: Grid) -> _Placed:
    flat, fill = fill_fractions(native.weights, native.affine, grid)
    return _Placed(name, native.meta.drawn_space, flat, fill, volume_mm3(native), centre_mm(native))


def _size(side: str, part: _Placed, space: str) -> dict[str, object]:
    x, y, z = part.centre
    return {"hemisphere": side, "definition": part.definition, "space": part.space,
            "relation": relation_between(part.space, space).kind, "volume_mm3": part.volume, "x_mm": x, "y_mm": y,
            "z_mm": z, "n_voxels": len(part.voxels)}


def _pair(region: str, side: str, a: _Placed, b: _Placed) -> dict[str, object]:
    return {"region": region, "hemisphere": side, "definition_a": a.definition, "definition_b": b.definition,
            "dice": dice(a.voxels, b.voxels), "dice_weighted": dice_weighted((a.flat, a.fill), (b.flat, b.fill)),
            "distance_mm": float(np.linalg.norm(a.centre - b.centre)), "volume_a_mm3": a.volume,
            "volume_b_mm3": b.volume, "space_a": a.space, "space_b": b.space,
            "relation": relation_between(a.space, b.space).kind}


def _notes_on_sides(found: Readable, definitions: Sequence[str], sides: Sequence[Hemisphere]) -> list[str]:
    notes = []
    wanted = {atlas.canonical_definition(name) for name in definitions}
    for name in atlas.definition_names():
        having = any(found.region in d.regions for d in atlas.variants(name))
        if having and (not wanted or name in wanted):
            has = atlas.sides_of(found.region, name, found.space)
            lacking = [side for side in sides if side not in has]
            if lacking:
                notes.append(f"{name} has no {' or '.join(lacking)} (only {', '.join(has)})")
    return notes


def _notes_on_empty(sizes: pd.DataFrame) -> list[str]:
    return [f"{row['definition']} {row['hemisphere']}: no voxel is filled to one half, so Dice is n/a (dice_weighted "
            "in comparison.tsv is not)" for row in sizes[sizes["n_voxels"] == 0].to_dict("records")]
