"""Power curves: one line per effect, or per number of subjects, with Monte-Carlo bands and the 80 % line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deltaroi.report.figures.style import GREY, INK, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LEAST, _PER_LINE = 2.6, 0.19  # inches: the plot's height, and a line of its key


@dataclass(frozen=True)
class PowerLine:
    """One curve: its name in the key, places on the axis, power and the ends of its interval (0 to 1)."""

    label: str
    places: tuple[float, ...]
    power: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def power_curves(lines: Sequence[PowerLine], xlabel: str, key: str, ticks: Sequence[float] = ()) -> Figure:
    """Draw power curves.

    Parameters
    ----------
    lines : sequence of PowerLine
        In the order of the key, from the lowest curve to the highest.
    xlabel : str
        What the axis measures.
    key : str
        Heading of the key.
    ticks : sequence of float
        Places of the axis that are named; empty: matplotlib's choice.

    Returns
    -------
    Figure
        Dots are simulated; bands are 95 % Monte-Carlo intervals; the dashed line is 80 %.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    height = max(_LEAST, 0.6 + _PER_LINE * len(lines))
    with styled():
        figure = Figure(figsize=(4.6, height))
        axes = figure.add_axes((0.56 / 4.6, 0.47 / height, 2.85 / 4.6, 1 - 0.6 / height))
        axes.axhline(0.8, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        shades = mpl.colormaps["viridis"]
        for i, line in enumerate(lines):
            shade = shades(0.82 * (1 - i / max(len(lines) - 1, 1)))
            axes.fill_between(line.places, line.low, line.high, color=shade, alpha=0.18, linewidth=0, zorder=2)
            axes.plot(line.places, line.power, color=shade, linewidth=1.4, marker="o", markersize=3.6, zorder=3,
                      label=line.label, clip_on=False)
            if len(line.places) == 1:
                axes.vlines(line.places, line.low, line.high, color=shade, linewidth=3, alpha=0.3, zorder=2)
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1], ["0", ".2", ".4", ".6", ".8", "1"])
        axes.set_ylabel("Power")
        axes.set_xlabel(xlabel)
        if len(ticks):
            axes.set_xticks(list(ticks), [f"{tick:g}" for tick in ticks])
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], title=key, loc="upper left", bbox_to_anchor=(1.03, 1.02),
                    frameon=False, fontsize=7.5, title_fontsize=7.5, alignment="left", labelcolor=INK, borderpad=0)
    return figure
