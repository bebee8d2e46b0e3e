"""How numbers and terms are written."""

from __future__ import annotations

import math
from collections.abc import Iterable

from deltaroi.types import CIRCULAR, NA

LONG_UNITS = {"percent": "% signal change", "none": "raw units"}
UNITS = {"percent": "%", "% signal change": "%", "percent_per_unit": "% per unit regressor", "none": "raw units"}
MODELS = {
    "ancova": "ANCOVA (last session given the first)", "change": "change score",
    "mixed_anova": "mixed ANOVA", "lmm": "linear mixed model", "paired": "paired t test",
    "two_sample": "two-sample comparison", "one_sample": "one-sample t test",
    "association": "association with a score", "factorial": "mixed analysis of variance",
}
ERRORS = {"hc2_welch": "HC2, Welch's df", "cr2_welch": "CR2, Welch's df", "hc3": "HC3", "welch": "Welch",
          "classical": "classical", "satterthwaite": "Satterthwaite"}
EFFECT_SIZES = {"d_ppc2": "d_ppc2", "d_av": "d_av", "d_rm": "d_rm", "d_z": "d_z", "g": "Hedges' g",
                "partial_eta2": "partial η²", "partial_omega2": "partial ω²", "adjusted_d": "adjusted d",
                "partial_r": "partial r"}
METHODS = {"morris": "Morris' variance", "bca_bootstrap": "bootstrap (BCa)", "mover": "recovered variances (MOVER)",
           "large_sample": "large-sample variance", "noncentral_t": "noncentral t", "noncentral_f": "noncentral F"}
TERMS = {"group_difference": "difference between groups", "group_x_session": "group × session",
         "group_at_baseline": "difference between groups at baseline", "session": "change over sessions",
         "mean": "mean response", "group": "difference between groups at the first session"}
PREFIXES = {"session_within": "change within", "covariate": "covariate", "association": "association with"}


def number(value: float, decimals: int = 2) -> str:
    """A number with a typographic minus; ``n/a`` when missing."""
    if value is None or not math.isfinite(value):
        return NA
    text = f"{value:.{decimals}f}"
    if float(text) == 0.0:
        text = text.lstrip("-")
    return text.replace("-", "\N{MINUS SIGN}")


def interval(low: float, high: float, decimals: int = 2) -> str:
    """``[low, high]``, or nothing when both ends are missing."""
    if not (math.isfinite(low) or math.isfinite(high)):
        return ""
    return f"[{number(low, decimals)}, {number(high, decimals)}]"


def p_value(value: float) -> str:
    """A probability to three decimals, ``<.001`` below; ``n/a`` when missing."""
    if value is None or not math.isfinite(value):
        return NA
    if value < 0.001:
        return "<.001"
    return f"{value:.3f}".removeprefix("0")


def degrees(value: float) -> str:
    """Degrees of freedom: whole where they are whole."""
    return number(value, 0 if math.isfinite(value) and float(value).is_integer() else 1)


def count(value: float) -> str:
    """A count; ``n/a`` when missing."""
    return number(value, 0)


def decimals_for(widths: Iterable[float]) -> int:
    """Decimals that show two digits of the median interval width."""
    known = sorted(w for w in widths if math.isfinite(w) and w > 0)
    if not known:
        return 2
    return min(max(1 - math.floor(math.log10(known[len(known) // 2])), 0), 6)


def unit(name: str) -> str:
    """A unit as it is printed after a number."""
    return UNITS.get(name, name)


def long_unit(name: str) -> str:
    """A unit as it stands at an axis."""
    return LONG_UNITS.get(name, name)


def term(name: str) -> str:
    """A term of the effects table in words."""
    head, _, tail = name.partition(":")
    if tail and head in PREFIXES:
        return f"{PREFIXES[head]} {tail}"
    return TERMS.get(name, name.replace("_", " "))


def plural(n: int, noun: str, many: str = "") -> str:
    """``1 subject``, ``2 subjects``."""
    return f"{n} {noun}" if n == 1 else f"{n} {many or noun + 's'}"


def listed(items: Iterable[str]) -> str:
    """``a, b and c``."""
    words = list(items)
    return " and ".join(words) if len(words) < 3 else ", ".join(words[:-1]) + " and " + words[-1]


def shorten(text: str, length: int) -> str:
    """At most ``length`` characters; what is cut is replaced by an ellipsis. That an ROI is circular is never cut."""
    if len(text) <= length:
        return text
    mark = next((end for end in (f" ({CIRCULAR})", f" {CIRCULAR}") if text.endswith(end)), "")
    return text.removesuffix(mark)[: max(length - len(mark) - 1, 1)].rstrip() + "…" + mark
