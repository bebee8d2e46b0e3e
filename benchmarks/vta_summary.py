"""Which summary of its voxels gives back a response that was planted in the VTA? On simulated data.

    python benchmarks/vta_summary.py [--draws 300] [--write]

Prints the tables of docs/vta.md; --write puts them there, and every cell into docs/vta.tsv. One core, under three
minutes.

What is simulated. A response of 1 % fills the VTA of a definition on its own grid of 1 mm, in world coordinates. Around
it one of five things happens (SURROUNDS). A voxel of the image shows the average over its volume, weighted by the
signal; the volume is exact. Grids of 2, 2.5 and 3 mm get an origin at random in every draw, and half of them have x
flipped; draws take the left and the right VTA in turn. Four kinds of images (IMAGES), from the ideal to the smoothed.
The noise is a time series: part white in space, which grows as voxels shrink, part smooth. Twenty events of 4 s are
planted and a model is fitted to each voxel by least squares. Every draw is used twice, with the noise and with its
mirror image, so that the bias of a linear summary has no noise in it.

The forward model has its own code for partial volumes; a test holds it against deltaroi.fill and nilearn.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation
from scipy.special import ndtr
from threadpoolctl import threadpool_limits

from deltaroi import atlas
from deltaroi.fill import fill_fractions
from deltaroi.grid import Grid
from deltaroi.simulator.anatomy import FLUID, GREY, WHITE, read_templates
from deltaroi.simulator.response import train_response
from deltaroi.summaries import eigenvariate, partial_volume_weights, summarise_voxels

FloatArray = NDArray[np.float64]
SEED = 20260101
RESOLUTIONS = (2.0, 2.5, 3.0)
FWHM_TO_SD = 1 / np.sqrt(8 * np.log(2))
REACH_MM = 16  # of tissue around the VTA
PLANTED = 1.0  # %
FOCUS_FWHM_MM = 12.0
VOLUMES, TR_S, EVENTS, EVENT_S, PAUSE_S = 120, 2.0, 20, 4.0, 11.3
# SDs in % of the mean. White noise: at 3 mm, as 1 / volume elsewhere. Smooth noise: everywhere.
WHITE_PERCENT, SMOOTH_PERCENT, SMOOTH_FWHM_MM = 0.8, 0.8, 5.0
DROPOUT, DROPOUT_SD_MM = 0.3, 10.0
PEOPLE = 20
GRIDS = 300
DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, CELLS = DOCS / "vta.md", DOCS / "vta.tsv"
START, END = "<!-- tables: benchmarks/vta_summary.py --write -->", "<!-- end of the tables -->"
KEY = ["definition", "resolution_mm", "images", "surround", "summary"]


@dataclass(frozen=True)
class Case:
    """A drawing of the VTA, and the definition whose substantia nigra lies beside it."""

    definition: str
    nigra: str


@dataclass(frozen=True)
class Images:
    """What happens to an image before it is measured.

    Attributes
    ----------
    spread_voxels : float
        FWHM of the point spread of acquisition and resampling.
    shift_mm : float
        SD along each axis of the distance between the VTA and where the atlas has it.
    smoothing_mm : float
        FWHM of the smoothing, which also smooths the noise.
    tissue : bool
        Whether tissues differ in signal, signal drops out at a random place nearby, and CSF never responds.
    """

    spread_voxels: float = 0.0
    shift_mm: float = 0.0
    smoothing_mm: float = 0.0
    tissue: bool = True


CASES = (Case("hcpex", "hcpex"), Case("aal3", "aal3"), Case("cit168", "hcpex"))  # cit168: VTA and PBP
IMAGES = {"ideal": Images(tissue=False), "blurred": Images(1.0), "displaced": Images(1.0, 1.0),
          "smoothed": Images(1.0, 1.0, 4.0)}
SURROUNDS = {"silent": "nothing else responds", "half": "all around responds with 0.5 %",
             "equal": "all around responds with 1 %", "nigra": "the substantia nigra responds with 0.5 %",
             "focus": "a focus wider than the VTA: FWHM 12 mm, 1 % on average inside"}
SUMMARIES = {
    "majority": "mean of the voxels that are at least half filled",
    "mean": "mean of all touched voxels",
    "median": "median weighted by fill",
    "weighted_mean": "mean weighted by fill",
    "squared": "mean weighted by fill squared",
    "peak": "the voxel that is filled most",
    "eigenvariate": "first eigenvariate of the touched voxels",
    "silent_fit": "regression on fill alone: Σwv ÷ Σw², surroundings silent",
    "partial_volume": "regression on fill and on what is left of the voxel",
    "ring_fit": "the same with one more layer of voxels around"}


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One VTA and 16 mm around it at 1 mm: world axes (mm), and maps on them."""

    native: atlas.NativeRegion
    axes: tuple[FloatArray, FloatArray, FloatArray]
    vta: FloatArray
    nigra: FloatArray
    tissue: FloatArray
    signal: FloatArray
    focus: FloatArray

    @property
    def centre(self) -> FloatArray:
        """Centre of the VTA, mm."""
        return np.array([(self.vta.sum(axis=tuple(b for b in range(3) if b != a)) @ axis) / self.vta.sum()
                         for a, axis in enumerate(self.axes)])


def anatomy(case: Case, side: str) -> Anatomy:
    """Put one VTA, its neighbours and the tissues of the template on one 1 mm lattice."""
    native = _native("VTA", side, case.definition)
    corners = _world(native, np.argwhere(native.weights > 0))
    axes = tuple(np.arange(np.floor(low) - REACH_MM, np.ceil(high) + REACH_MM + 1)
                 for low, high in zip(corners.min(axis=0), corners.max(axis=0), strict=True))
    xyz = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    vta = _placed(native, axes)
    nigra = np.maximum(*(_placed(_native(part, "B", case.nigra), axes) for part in ("SNc", "SNr"))) * (1 - vta)
    maps = {}
    for name, (data, affine) in read_templates().items():
        inverse = np.linalg.inv(affine)
        ijk = np.rint(xyz @ inverse[:3, :3].T + inverse[:3, 3]).astype(int)
        maps[name] = data[tuple(np.moveaxis(ijk, -1, 0))]
    grey, white = (np.clip(maps[name], 0, 1) for name in ("grey", "white"))
    fluid = np.clip(1 - grey - white, 0, 1)  # what is not tissue here is CSF
    one = Anatomy(native, axes, vta, nigra, np.maximum(np.clip(grey + white, 0, 1), vta),  # type: ignore[arg-type]
                  (GREY * grey + WHITE * white + FLUID * fluid) / GREY, vta)
    focus = np.exp(-0.5 * ((xyz - one.centre) ** 2).sum(axis=-1) / (FOCUS_FWHM_MM * FWHM_TO_SD) ** 2)
    return Anatomy(one.native, one.axes, vta, nigra, one.tissue, one.signal, focus / focus[vta > 0].mean())


def _native(region: str, side: str, definition: str) -> atlas.NativeRegion:
    return atlas.native_weights(atlas.find(region, side, definition))  # type: ignore[arg-type]


def _world(native: atlas.NativeRegion, ijk: NDArray[np.int64]) -> FloatArray:
    return np.asarray(ijk @ native.affine[:3, :3].T + native.affine[:3, 3], dtype=np.float64)


def _placed(native: atlas.NativeRegion, axes: tuple[FloatArray, ...]) -> FloatArray:
    """A region on the lattice, whose points its own voxels must share."""
    out = np.zeros([len(axis) for axis in axes])
    ijk = np.argwhere(native.weights > 0)
    place = _world(native, ijk) - [axis[0] for axis in axes]
    if not np.allclose(place, np.rint(place), atol=1e-3):
        raise ValueError("the region is not drawn at whole millimetres")
    index = np.rint(place).astype(int)
    inside = np.all((index >= 0) & (index < out.shape), axis=1)
    out[tuple(index[inside].T)] = native.weights[tuple(ijk[inside].T)]
    return out


def response(place: Anatomy, surround: str, tissue: bool) -> FloatArray:
    """The response in % at 1 mm; 1 % inside the VTA (``focus``: on average)."""
    able: FloatArray = place.tissue if tissue else np.ones_like(place.vta)
    around = {"silent": 0 * able, "half": 0.5 * able, "equal": able, "nigra": 0.5 * place.nigra,
              "focus": place.focus * able}[surround]
    return PLANTED * np.where(place.vta > 0, place.focus if surround == "focus" else 1.0, around)


def shares(voxels: FloatArray, size: float, points: FloatArray, sd: float) -> FloatArray:
    """How much each 1 mm interval adds to each voxel along one axis, blurred by a Gaussian; exact.

    The integral of the Gaussian over both intervals, from the second antiderivative of the normal density.
    """
    def twice(x: FloatArray) -> FloatArray:
        if sd == 0:
            return np.maximum(x, 0.0)
        return np.asarray(x * ndtr(x / sd) + sd * np.exp(-0.5 * (x / sd) ** 2) / np.sqrt(2 * np.pi))

    far = voxels[:, None] - points[None, :]
    half, least = (size + 1) / 2, (size - 1) / 2
    return (twice(far + half) - twice(far + least) - twice(far - least) + twice(far - half)) / size


def averaged(along: list[FloatArray], lattice: FloatArray) -> FloatArray:
    """Apply one matrix per axis."""
    for axis, matrix in enumerate(along):
        lattice = np.moveaxis(np.tensordot(matrix, lattice, axes=(1, axis)), 0, axis)
    return lattice


def gaussian(n: int, sd: float, keep: str) -> FloatArray:
    """Gaussian smoothing along a closed axis that keeps the ``sum``, or the ``variance`` of white noise."""
    far = np.abs(np.arange(n)[:, None] - np.arange(n))
    kernel = np.exp(-0.5 * (np.minimum(far, n - far) / sd) ** 2)
    return kernel / (kernel[0].sum() if keep == "sum" else np.sqrt((kernel[0] ** 2).sum()))


@dataclass(frozen=True, eq=False)
class Draw:
    """One grid and one noise.

    Attributes
    ----------
    centres : list of ndarray
        Voxel centres along each axis, mm.
    kept : ndarray of bool, on the grid
        The voxels that the VTA touches and those beside them, n of them.
    fill : ndarray, shape (n,)
        How much of them the VTA of the atlas fills.
    shift : ndarray, shape (3,)
        Standard normal: where the VTA is.
    dropout : ndarray, on the lattice
        Share of the signal that is left.
    white, smooth : ndarray, shape (VOLUMES, grid)
        Noise in %.
    """

    size: float
    centres: list[FloatArray]
    kept: NDArray[np.bool_]
    fill: FloatArray
    shift: FloatArray
    dropout: FloatArray
    white: FloatArray
    smooth: FloatArray


def draw_grid(place: Anatomy, size: float, rng: np.random.Generator) -> Grid:
    """A grid around the VTA with a random origin, half of the time with x flipped."""
    low = np.array([axis[0] + REACH_MM for axis in place.axes]) - (3 + rng.random(3)) * size
    shape = [int(np.ceil((len(axis) - 2 * REACH_MM) / size)) + 7 for axis in place.axes]
    affine = np.diag([size] * 3 + [1.0])
    affine[:3, 3] = low
    if rng.random() < 0.5:
        affine[0, 0], affine[0, 3] = -size, low[0] + (shape[0] - 1) * size
    return Grid((shape[0], shape[1], shape[2]), affine, place.native.space)


def draw(place: Anatomy, grid: Grid, rng: np.random.Generator) -> Draw:
    """Everything else that is random."""
    size = float(grid.voxel_sizes[0])
    flat, filled = fill_fractions(place.native.weights, place.native.affine, grid)
    fill = np.zeros(grid.shape)
    fill.flat[flat] = filled
    kept = binary_dilation(fill > 0, np.ones((3, 3, 3)))
    shift, middle = rng.standard_normal(3), place.centre + rng.uniform(-10, 10, 3)
    far = sum((axis - middle[a]).reshape([-1 if b == a else 1 for b in range(3)]) ** 2
              for a, axis in enumerate(place.axes))
    white = rng.standard_normal((VOLUMES, *grid.shape)) * WHITE_PERCENT * (3.0 / size) ** 3
    smooth = _smoothed(rng.standard_normal((VOLUMES, *grid.shape)), SMOOTH_FWHM_MM / size, "variance")
    centres = [grid.affine[a, a] * np.arange(grid.shape[a]) + grid.affine[a, 3] for a in range(3)]
    return Draw(size, centres, kept, fill[kept], shift, 1 - DROPOUT * np.exp(-0.5 * far / DROPOUT_SD_MM**2), white,
                SMOOTH_PERCENT * smooth)


def _smoothed(noise: FloatArray, fwhm_voxels: float, keep: str) -> FloatArray:
    for axis in (1, 2, 3):
        matrix = gaussian(noise.shape[axis], fwhm_voxels * FWHM_TO_SD, keep)
        noise = np.moveaxis(np.tensordot(matrix, noise, axes=(1, axis)), 0, axis)
    return noise


@dataclass(frozen=True, eq=False)
class Measured:
    """One kind of image of one draw: noise series (VOLUMES, n) in %, and the planted response of each surround (n,)."""

    noise: FloatArray
    planted: dict[str, FloatArray]


def measure(place: Anatomy, one: Draw, images: Images) -> Measured:
    """What the kept voxels show."""
    moved = [axis + images.shift_mm * one.shift[a] for a, axis in enumerate(place.axes)]
    spread = images.spread_voxels * one.size * FWHM_TO_SD
    signal = place.signal * one.dropout if images.tissue else np.ones_like(place.vta)
    along = [shares(one.centres[a], one.size, moved[a], spread) for a in range(3)]
    mean = averaged(along, signal)
    noise = one.smooth * mean + one.white
    if images.smoothing_mm > 0:
        noise = _smoothed(noise, images.smoothing_mm / one.size, "sum")
        wider = float(np.hypot(spread, images.smoothing_mm * FWHM_TO_SD))
        along = [shares(one.centres[a], one.size, moved[a], wider) for a in range(3)]
        mean = averaged(along, signal)
    planted = {name: (averaged(along, signal * response(place, name, images.tissue)) / mean)[one.kept]
               for name in SURROUNDS}
    return Measured(noise.reshape(VOLUMES, -1)[:, one.kept.ravel()] / mean[one.kept], planted)


@cache
def model() -> tuple[FloatArray, FloatArray, FloatArray]:
    """Regressor without drift (peak 1), what takes drift away, and what gives the effect of a series."""
    times = (np.arange(VOLUMES) + 0.5) * TR_S
    course = train_response(times, (5 + PAUSE_S * np.arange(EVENTS)).tolist(), [EVENT_S] * EVENTS)
    drift = np.cos(np.pi * np.outer(np.arange(VOLUMES) + 0.5, np.arange(4)) / VOLUMES)
    clean = np.eye(VOLUMES) - drift @ np.linalg.pinv(drift)
    course = clean @ course
    return course, clean, course / (course @ course)


def linear_summaries(fill: FloatArray) -> dict[str, FloatArray | None]:
    """The factors of each linear summary over the kept voxels; None where it has no voxel."""
    touched = fill > 0
    half = fill >= 0.5 - 1e-6
    best = np.zeros(len(fill))
    best[np.argmax(fill)] = 1.0

    inside = np.zeros(len(fill))
    inside[touched] = partial_volume_weights(fill[touched])
    return {"majority": half / half.sum() if half.any() else None,
            "mean": touched / touched.sum(),
            "weighted_mean": fill / fill.sum(),
            "squared": fill**2 / (fill**2).sum(), "peak": best, "silent_fit": fill / (fill**2).sum(),
            "partial_volume": inside,
            "ring_fit": partial_volume_weights(fill)}


def values(one: Draw, seen: Measured) -> Iterator[tuple[str, str, float, float]]:
    """Surround, summary, and the value with the noise and with its mirror image."""
    course, clean, effect = model()
    factors = linear_summaries(one.fill)
    touched = one.fill > 0
    fill, series, noise = one.fill[touched], clean @ seen.noise[:, touched], effect @ seen.noise
    others: dict[str, Callable[[FloatArray, int], float]] = {
        "median": lambda true, sign: summarise_voxels(true + sign * noise[touched], fill, "median"),
        "eigenvariate": lambda true, sign: float(effect @ eigenvariate(np.outer(course, true) + sign * series))}
    for surround, true in seen.planted.items():
        for name in SUMMARIES:
            if name in others:
                yield surround, name, others[name](true[touched], 1), others[name](true[touched], -1)
            elif (q := factors[name]) is None:
                yield surround, name, np.nan, np.nan
            else:
                yield surround, name, float(q @ true + q @ noise), float(q @ true - q @ noise)


def seeded(number: int, size: float, i: int) -> np.random.Generator:
    """The random numbers of one draw of one case."""
    return np.random.default_rng([SEED, number, round(10 * size), i])


@threadpool_limits.wrap(limits=1)
def compare(draws: int, cases: tuple[Case, ...] = CASES) -> pd.DataFrame:
    """The comparison.

    Returns
    -------
    DataFrame
        One row per definition, resolution, images, surround and summary; in % of the planted response: ``bias`` and
        its standard error ``bias_se``, ``grid_sd`` (SD between grids), ``noise_sd`` (SD by noise); ``empty`` is the
        share of grids (%) without a value. Rounded to 0.01.
    """
    found: dict[tuple[object, ...], list[tuple[float, float]]] = defaultdict(list)
    for number, case in enumerate(cases):
        places = [anatomy(case, side) for side in "LR"]
        for size in RESOLUTIONS:
            for i in range(draws):
                rng = seeded(number, size, i)
                one = draw(places[i % 2], draw_grid(places[i % 2], size, rng), rng)
                for name, images in IMAGES.items():
                    for surround, summary, up, down in values(one, measure(places[i % 2], one, images)):
                        found[case.definition, size, name, surround, summary].append((up, down))
    rows = [dict(zip(KEY, key, strict=True)) | _cell(np.array(pairs)) for key, pairs in found.items()]
    return pd.DataFrame(rows).round(2)


def count_voxels(draws: int, cases: tuple[Case, ...] = CASES) -> pd.DataFrame:
    """What the VTA is on the same grids, one row per definition and resolution."""
    rows = []
    for number, case in enumerate(cases):
        places = [anatomy(case, side) for side in "LR"]
        volume = float(np.mean([place.vta.sum() for place in places]))
        for size in RESOLUTIONS:
            fills = [fill_fractions(place.native.weights, place.native.affine,
                                    draw_grid(place, size, seeded(number, size, i)))[1]
                     for i in range(draws) for place in (places[i % 2],)]
            rows.append({"definition": case.definition, "resolution_mm": size, "volume_mm3": volume,
                         **_grid_row(fills)})
    return pd.DataFrame(rows)


def _grid_row(fills: list[FloatArray]) -> dict[str, float]:
    half = np.array([(fill >= 0.5 - 1e-6).sum() for fill in fills])
    return {"touched": float(np.mean([fill.size for fill in fills])),
            "effective": float(np.mean([fill.sum() for fill in fills])),
            "half_filled": float(half.mean()), "none_half_filled": 100 * float((half == 0).mean()),
            "largest_fill": float(np.mean([fill.max() for fill in fills])),
            "recovered": 100 * float(np.mean([fill @ fill / fill.sum() for fill in fills])),
            "gain_weighted_mean": float(np.mean([np.linalg.norm(f / f.sum()) for f in fills])),
            "gain": float(np.mean([np.linalg.norm(partial_volume_weights(fill)) for fill in fills])),
            "gain_largest": float(np.max([np.linalg.norm(partial_volume_weights(f)) for f in fills]))}


def _cell(pairs: FloatArray) -> dict[str, float]:
    there = ~np.isnan(pairs[:, 0])
    middle, noise = pairs[there].mean(axis=1) / PLANTED, (pairs[there, 0] - pairs[there, 1]) / 2 / PLANTED
    n = len(middle)
    empty = 100 * (1 - float(there.mean()))
    if n < 2:
        return dict.fromkeys(("bias", "bias_se", "grid_sd", "noise_sd"), np.nan) | {"empty": empty}
    return {"bias": 100 * (middle.mean() - 1), "bias_se": 100 * middle.std(ddof=1) / np.sqrt(n),
            "grid_sd": 100 * middle.std(), "noise_sd": 100 * np.sqrt((noise**2).mean()), "empty": empty}


def ranking(cells: pd.DataFrame) -> pd.DataFrame:
    """Mean over definitions and surrounds, per images, resolution and summary.

    ``size`` and ``worst`` are the mean and the largest size of the bias, ``noise`` the SD by noise of one person's
    value, ``error_1`` and ``error_20`` the root mean square error of the value of one person and of the mean of 20 on
    one grid, all in % of the planted response; ``signal`` is the mean value over its SD by noise where nothing else
    responds.
    """
    frame = cells.assign(size=cells["bias"].abs(), silent=cells["surround"] == "silent",
                         ratio=(100 + cells["bias"]) / cells["noise_sd"])
    for people in (1, PEOPLE):
        frame[f"error_{people}"] = np.sqrt(
            frame["bias"] ** 2 + frame["grid_sd"] ** 2 + frame["noise_sd"] ** 2 / people)
    by = ["images", "resolution_mm", "summary"]
    out = frame.groupby(by).agg(size=("size", "mean"), worst=("size", "max"), noise=("noise_sd", "mean"),
                                error_1=("error_1", "mean"), error_20=(f"error_{PEOPLE}", "mean"))
    for name in ("silent", "equal"):
        out[f"signal_{name}"] = frame[frame["surround"] == name].groupby(by)["ratio"].mean()
    return out


def pages(cells: pd.DataFrame, grids: pd.DataFrame, draws: int) -> str:
    """The tables, as Markdown."""
    rank = ranking(cells)
    best = rank["size"].groupby("summary").mean().sort_values().index
    parts = [f"Simulated data: {draws} grids per definition and resolution, seed {SEED}.",
             "### The VTA on a grid", grid_table(grids),
             "### Size of the bias", _wide(rank, best, lambda row: f"{row['size']:.0f} ({row['worst']:.0f})"),
             "### Noise of one person's value", _wide(rank, best, lambda row: f"{row['noise']:.0f}"),
             f"### Error of the value of one person, and of the mean of {PEOPLE} people",
             _wide(rank, best, lambda row: f"{row['error_1']:.0f} / {row['error_20']:.0f}"),
             "### Value over its noise, when nothing else responds / when all around responds equally",
             _wide(rank, best, lambda row: f"{row['signal_silent']:.1f} / {row['signal_equal']:.1f}"),
             "### Bias by definition and surround"]
    for images in ("ideal", "displaced"):
        parts += [f"Images: {images}.", _detail(cells, images)]
    return "\n\n".join(parts)


def _markdown(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def grid_table(grids: pd.DataFrame) -> str:
    """What the VTA is on a grid."""
    head = ["definition", "mm", "mm³", "voxels touched", "effective voxels (Σ fill)", "at least half filled",
            "grids with none half filled", "largest fill", "share of a lone response in the weighted mean",
            "noise gain: weighted mean", "noise gain: partial_volume, mean (largest)"]
    return _markdown(head, [[
        row.definition, f"{row.resolution_mm:g}", f"{row.volume_mm3:.0f}", f"{row.touched:.1f}", f"{row.effective:.1f}",
        f"{row.half_filled:.1f}", f"{row.none_half_filled:.0f} %", f"{row.largest_fill:.2f}", f"{row.recovered:.0f} %",
        f"{row.gain_weighted_mean:.2f}", f"{row.gain:.2f} ({row.gain_largest:.2f})"] for row in grids.itertuples()])


def _wide(rank: pd.DataFrame, order: pd.Index, text: Callable[[pd.Series], str]) -> str:
    columns = [(images, size) for images in IMAGES for size in RESOLUTIONS]
    head = ["summary", *(f"{images} {size:g} mm" for images, size in columns)]
    return _markdown(head, [[f"`{name}`", *(text(rank.loc[images, size, name]) for images, size in columns)]
                            for name in order])


def _detail(cells: pd.DataFrame, images: str) -> str:
    table = cells[cells["images"] == images].set_index(KEY)["bias"]
    shown = ("partial_volume", "majority", "weighted_mean")
    rows = [[definition, f"{size:g}", *(" / ".join(_signed(table[definition, size, images, surround, name])
                                                  for name in shown) for surround in SURROUNDS)]
            for definition in cells["definition"].unique() for size in RESOLUTIONS]
    return _markdown(["definition", "mm", *SURROUNDS], rows)


def _signed(value: float) -> str:
    """Rounded, with its sign; 0 without."""
    return f"{value:+.0f}" if abs(value) >= 0.5 else "0"


def with_tables(page: str, tables: str) -> str:
    """The page with the tables between its two marks."""
    before, rest = page.split(START)
    return f"{before}{START}\n\n{tables}\n\n{END}{rest.split(END)[1]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=GRIDS, help="grids per definition and resolution")
    parser.add_argument("--write", action="store_true", help="write docs/vta.md and docs/vta.tsv")
    options = parser.parse_args()
    start = time.perf_counter()
    cells = compare(options.draws)
    tables = pages(cells, count_voxels(options.draws), options.draws)
    print(tables)
    print(f"\n{time.perf_counter() - start:.0f} s")
    if options.write:
        cells.to_csv(CELLS, sep="\t", index=False, float_format="%.2f", na_rep="n/a")
        PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main()
