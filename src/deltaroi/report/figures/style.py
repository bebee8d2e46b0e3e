"""One look for all figures, and their bytes as inline SVG."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, GREY, PALE, ALARM = "#1b2733", "#66727f", "#e8ecf0", "#b3261e"
# Okabe & Ito's palette for people with any colour vision, without yellow and black.
GROUPS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#4a9fd0")
REGIONS = ("#e69f00", "#56b4e9", "#009e73", "#d55e00", "#d46aa8", "#6a51c7", "#0b5fc0", "#8fbf1f", "#8c5a2b",
           "#00c2c7", "#c2185b", "#808000")
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none", "text.parse_math": False, "font.family": ["DejaVu Sans"], "font.size": 8.0,
    "axes.edgecolor": GREY, "axes.labelcolor": INK, "axes.linewidth": 0.7, "axes.titlesize": 8.5,
    "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False, "axes.spines.right": False,
    "text.color": INK, "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5, "ytick.labelsize": 7.5, "xtick.major.size": 3, "ytick.major.size": 3,
    "xtick.major.width": 0.7, "ytick.major.width": 0.7, "axes.unicode_minus": True, "figure.facecolor": "none",
    "axes.facecolor": "none", "savefig.facecolor": "none", "image.composite_image": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's defaults plus the report's look, whatever the user's own settings; left as found."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)  # type: ignore[arg-type]
        yield


def colour(palette: tuple[str, ...], index: int) -> str:
    """A palette's colour, again from the start when it runs out."""
    return palette[index % len(palette)]


def to_svg(figure: Figure, name: str) -> str:
    """The figure as an ``<svg>`` element for a page.

    Parameters
    ----------
    figure : Figure
        What to save.
    name : str
        Name of the figure on the page; salts the ids, so that figures on one page do not share any.

    Returns
    -------
    str
        No XML header, no dates; the same figure and name give the same text. Its width and height are in its
        ``viewBox``; the page scales it.
    """
    import matplotlib

    buffer = io.StringIO()
    with styled(), matplotlib.rc_context({"svg.hashsalt": f"deltaroi-{name}"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _tidy(buffer.getvalue())


def to_file_bytes(figure: Figure, kind: str, name: str, dpi: int = 200) -> bytes:
    """The figure as a file.

    Parameters
    ----------
    figure : Figure
        What to save.
    kind : {"png", "svg", "pdf"}
        Format.
    name : str
        Salts the ids of an SVG.
    dpi : int
        Pixels per inch of a PNG and of the images inside the other formats.

    Returns
    -------
    bytes
        No dates and no names of programs: the same figure gives the same bytes.
    """
    import matplotlib

    nothing: dict[str, dict[str, None]] = {
        "png": {"Software": None}, "svg": {"Date": None, "Creator": None, "Format": None, "Type": None},
        "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    }
    settings = {"svg.hashsalt": f"deltaroi-{name}", "pdf.fonttype": 42}
    buffer = io.BytesIO()
    with styled(), matplotlib.rc_context(settings):  # type: ignore[arg-type]
        figure.savefig(buffer, format=kind, dpi=dpi, facecolor="white", metadata=nothing[kind])
    return buffer.getvalue()


def _tidy(text: str) -> str:
    """Only what a page needs: no prolog, metadata, comments, group ids, page-wide style, unseen boxes, turns by 0."""
    text = text[text.index("<svg"):]
    unneeded = r"<metadata>.*?</metadata>|<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>"
    text = re.sub(unneeded, "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'<path d="[^"]*" style="fill: none"/>', "", text)
    text = re.sub(r'<svg[^>]*?(viewBox="[^"]*")[^>]*>', r'<svg class="plot" aria-hidden="true" \1>', text, count=1)
    text = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", text)
    text = re.sub(r"<(?:path|use|image|text)[^>]*>", lambda tag: _round(tag.group()), text)
    text = re.sub(r">\s+<", "><", text)
    text = re.sub(r"<g([^>]*)>((?:<use [^>]*/>){2,})</g>", _once, text)
    return re.sub(r"<g>(?:</g>)", "", text).strip().replace("xlink:href", "href")


def _once(group: re.Match[str]) -> str:
    """The style of many equal marks said once, by their group; not where marks show through, which a group does not."""
    own, marks = group.groups()
    styles = set(re.findall(r' style="([^"]*)"', marks))
    if len(styles) != 1 or "style=" in own or re.search(r"(?<![-\w])opacity", *styles):
        return group.group()
    return f'<g{own} style="{styles.pop()}">' + re.sub(r' style="[^"]*"', "", marks) + "</g>"


def _round(tag: str) -> str:
    """Two decimals of a point are finer than any screen."""
    def shape(match: re.Match[str]) -> str:
        return re.sub(r"-?\d+\.\d+", lambda n: f"{float(n.group()):.2f}".rstrip("0").rstrip("."),
                      " ".join(match.group().split()).join((" ", "")))
    return re.sub(r'\s(?:d|x|y)="[^"]*"', shape, tag)


def width_px(figure: Figure) -> int:
    """Natural width of a figure on a page, CSS pixels (96 per inch)."""
    return round(figure.get_size_inches()[0] * 96)
