"""Write docs/region-comparison.md and docs/pictures: all regions of the library, drawn and compared.

Run from the checkout, with all extras installed: ``python scripts/region_docs.py``. Only definitions that come with a
package, and spheres, are on the page; those that nilearn downloads are named at its end.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from deltaroi import atlas
from deltaroi.masks import grid_for
from deltaroi.pipeline.library import MARKS, SPACE, Readable, definition_order, read_regions, region_names
from deltaroi.pipeline.library_compare import Comparison, compare_read
from deltaroi.pipeline.library_pictures import agreement_of, plain_title, sheet_of
from deltaroi.report.figures.agreement import agreement
from deltaroi.report.figures.contact_sheet import contact_sheet
from deltaroi.report.figures.style import to_file_bytes
from deltaroi.types import camel

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE = DOCS / "region-comparison.md"
PICTURES = DOCS / "pictures"
SIDES = ("L", "R")
FAR_MM = 10.0
# Why atlases lie that far apart: exactly the regions that do.
REASONS = {
    "AI": "`hcpex` is the lower front of it (AVI, AAIC), `neuromorphometrics` reaches further back",
    "dmPFC": "`harvard_oxford` has a stand-in, the paracingulate gyrus",
    "dlPFC": "areas 46 and 9-46 in `hcpex`; the whole middle frontal gyrus, back to the premotor cortex, in the others",
    "NAcc": "`tian` is drawn by function and lies mostly in what the other atlases call caudate nucleus",
    "IPC": "the angular gyrus, further forward in `harvard_oxford`, or areas PG and PFm (`hcpex`, `juelich`)",
    "IFG": "areas 44 and 45 lie lower in `hcpex` than in `juelich`",
    "pSTS": "a stand-in, the superior temporal gyrus, in `aal3`, `harvard_oxford` and `neuromorphometrics`",
    "TPJ": "a stand-in, the supramarginal gyrus, in `aal3`, `harvard_oxford` and `neuromorphometrics`",
    "aMCC": "a stand-in, the whole midcingulate cortex, in `aal3` and `neuromorphometrics`",
    "PI": "`juelich` is only the hindmost insula",
    "ACC": "that of `harvard_oxford` and `hcpex` includes midcingulate cortex",
    "mPFC": "it holds ACC, which in `harvard_oxford` and `hcpex` includes midcingulate cortex",
    "vmPFC": "`harvard_oxford` and `neuromorphometrics` reach further back, into the subcallosal area",
    "PCC": "`aal3` is only a small part behind the splenium",
    "SMA": "`hcpex` turns over the edge of the hemisphere",
    "fusiform": "`hcpex` leaves out the front",
    "precentral": "a stand-in, areas 4a and 4p, in `juelich`",
}
_WORDS = {"L": "left", "R": "right"}
_DPI, _COLOURS = 96, 128
_INTRO = """# The regions compared

This page is written by `python scripts/region_docs.py`; a test holds its numbers against the code.

How much the definitions of a region differ decides what an ROI result means. Here every region of the library is
drawn in all definitions that come with an installed package or are spheres, and compared on the 1 mm grid of
MNI152NLin2009cAsym. `deltaroi regions compare REGION` does the same for one region with what is on your machine,
`deltaroi regions picture REGION` draws its page.

- **Dice** is 2 |A ∩ B| ÷ (|A| + |B|) of the voxels filled to at least one half. For probabilistic definitions the
  definition's own threshold comes first.
- **Distance** is that of the weighted centres of mass, in mm. **Volume** is that of the definition on its own grid,
  in mm³.
- † marks a definition that is drawn in another template which an analysis may use here, ‡ one that an analysis
  refuses to mix with MNI152NLin2009cAsym. They are compared at their own coordinates: the distance between the
  templates is part of their numbers.
- In the tables Dice stands above the diagonal, the distance below it.
"""
_SHEET = """## The library on one sheet

![Nuclei on the left, cortex on the right: rows are regions, columns are definitions.](pictures/contact-sheet.png)
"""


def packaged() -> tuple[str, ...]:
    """The definitions that need no download."""
    kinds: dict[str, bool] = {}
    for d in atlas.library():
        files = [] if d.kind == "spheres" else list(d.images.values())
        kinds[d.name] = kinds.get(d.name, True) and all(hasattr(file, "package") for file in files)
    return tuple(name for name in definition_order() if kinds[name])


def read_all() -> tuple[Readable, ...]:
    """Every region that at least one packaged definition has, in the order of the library."""
    names = packaged()
    having = {name: {r for d in atlas.variants(name) for r in d.regions} for name in names}
    wanted = {r: [n for n in names if r in having[n]] for r in region_names() if any(r in h for h in having.values())}
    return read_regions(wanted, SPACE)


def compare_all(regions: tuple[Readable, ...]) -> tuple[Comparison, ...]:
    """The definitions of each region that have a left or a right side, compared."""
    grid = grid_for(SPACE, 1.0)
    sided = [replace(r, rois={key: roi for key, roi in r.rois.items() if key[1] in SIDES}) for r in regions]
    return tuple(compare_read(r, SIDES, grid, whole.definitions) for r, whole in zip(sided, regions, strict=True))


def page(regions: tuple[Readable, ...]) -> str:
    """The text of the page."""
    comparisons = compare_all(regions)
    parts = [_INTRO, "\n".join(_far_apart(comparisons)), _SHEET]
    parts += ["\n".join(_region(result)) for result in comparisons if len(result.table)]
    lone = {c.region for c in comparisons if not len(c.table)}
    alone = [f"`{r.region}` ({plain_title(r)}: {', '.join(r.definitions)})" for r in regions if r.region in lone]
    parts.append("## Regions without a second definition on the same side\n\n" + ", ".join(alone) + ".\n")
    lacking = [name for name in definition_order() if name not in packaged()]
    parts.append("## Not on this page\n\nDefinitions whose files nilearn downloads (`deltaroi regions fetch "
                 "DEFINITION`): " + ", ".join(f"`{name}`" for name in lacking) + ".\n")
    return "\n".join(parts)


def _far_apart(comparisons: tuple[Comparison, ...]) -> Iterator[str]:
    """The regions whose atlases, or whose spheres and atlases, lie over FAR_MM apart."""
    spheres = {d.name for d in atlas.library() if d.kind == "spheres"}
    pairs = pd.concat([result.table for result in comparisons], ignore_index=True)
    of = pairs["definition_a"].isin(spheres).astype(int) + pairs["definition_b"].isin(spheres)
    yield "## Where definitions of one name lie far apart\n"
    yield f"The two atlases of each region that lie farthest apart, where that is over {FAR_MM:.0f} mm, and why."
    yield "`deltaroi regions show REGION` has the labels.\n"
    yield _row("region", "farthest apart", "mm", "Dice", "why")
    yield _row("---", "---", "---:", "---:", "---")
    for pair in _farthest(pairs[of == 0]):
        yield _row(pair["region"], f"{pair['definition_a']}, {pair['definition_b']} ({_WORDS[pair['hemisphere']]})",
                   _number(pair["distance_mm"], 1), _number(pair["dice"], 2), REASONS[pair["region"]])
    yield "\nSpheres stand where studies found activity, not in the middle of a structure."
    yield f"The largest distances from an atlas over {FAR_MM:.0f} mm, in mm:"
    yield ", ".join(f"{pair['region']} {_number(pair['distance_mm'], 1)}" for pair in _farthest(pairs[of == 1])) + ".\n"


def _farthest(pairs: pd.DataFrame) -> list[dict]:
    """The pair of each region that is farthest apart, over FAR_MM; in the order of the page."""
    rounded = pairs["distance_mm"].round(3)  # of two drawings that are alike the first is named
    rows = pairs.loc[rounded.groupby(pairs["region"], sort=False).idxmax()]
    return [row for row in rows.to_dict("records") if row["distance_mm"] > FAR_MM]


def _region(result: Comparison) -> Iterator[str]:
    title = plain_title(result.readable)
    yield f"## {result.region}" + (f": {title}" if title != result.region else "") + "\n"
    yield f"![Definitions of {result.region} on three slices, and their agreement.]({_picture(result)})\n"
    yield _row("definition", "template", *(f"{x} {s}" for s in SIDES for x in ("mm³", "centre")))
    yield _row("---", "---", *["---:"] * 4)
    rows = {(r["hemisphere"], r["definition"]): r for r in result.sizes.to_dict("records")}
    for name in dict.fromkeys(result.sizes["definition"]):
        own = [rows.get((side, name)) for side in SIDES]
        space = next(r["space"] for r in own if r)
        cells = [cell for r in own for cell in _size(r)]
        yield _row(f"{name} {MARKS[next(r['relation'] for r in own if r)]}".strip(), space, *cells)
    yield ""
    for side in SIDES:
        names = result.definitions(side)
        if len(names) > 1:
            dice, distance = result.matrix(side, "dice"), result.matrix(side, "distance_mm")
            yield _row(f"{_WORDS[side]}: Dice \\ mm", *names)
            yield _row("---", *["---:"] * len(names))
            for i, name in enumerate(names):
                yield _row(name, *("" if i == j else _number(dice[i, j], 2) if j > i else _number(distance[i, j], 1)
                                   for j in range(len(names))))
            yield ""
    notes = [note for note in result.notes if note[0] not in "".join(MARKS.values())]
    if notes:
        yield "; ".join(notes) + ".\n"


def _picture(result: Comparison) -> str:
    return f"pictures/comparison-{camel(result.region)}.png"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _size(row: dict | None) -> tuple[str, str]:
    if row is None:
        return "", ""
    return f"{row['volume_mm3']:.0f}", ", ".join(_number(row[f"{a}_mm"], 1) for a in "xyz")


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}" if np.isfinite(value) else "n/a"


def small_png(figure: object, name: str) -> bytes:
    """A figure as a PNG with few colours."""
    from PIL import Image

    image = Image.open(io.BytesIO(to_file_bytes(figure, "png", name, _DPI))).convert("RGB")
    buffer = io.BytesIO()
    few = image.quantize(_COLOURS, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
    few.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main() -> None:
    """Write the page and its pictures; pictures of regions that are gone are removed."""
    regions = read_all()
    comparisons = compare_all(regions)
    PICTURES.mkdir(exist_ok=True)
    kept = {PICTURES / "contact-sheet.png"}
    (PICTURES / "contact-sheet.png").write_bytes(
        small_png(contact_sheet(sheet_of(regions)), "contact-sheet"))
    for result in comparisons:
        if len(result.table):
            path = DOCS / _picture(result)
            path.write_bytes(small_png(agreement(agreement_of(result)), path.stem))
            kept.add(path)
    for path in set(PICTURES.glob("comparison-*.png")) - kept:
        path.unlink()
    PAGE.write_text(page(regions), encoding="utf-8")
    print(f"{PAGE.name}, {len(kept)} pictures, {sum(path.stat().st_size for path in kept) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
