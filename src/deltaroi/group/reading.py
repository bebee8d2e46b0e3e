"""One plain sentence per effect, true to its numbers."""

from __future__ import annotations

import math

from deltaroi.group.families import Row
from deltaroi.group.phases import changed, course, in_phase
from deltaroi.types import CIRCULAR, RoiKey

ALPHA = 0.05
CIRCULAR_NOTE = ("Circular: the voxels were chosen with the data that are tested here; the estimate is inflated and p "
                 "means nothing.")
"""How every reading of a circular ROI ends."""
_FEW = 10
ERRORS = {"hc2_welch": "HC2 errors and Welch's degrees of freedom", "cr2_welch": "CR2 errors and Welch's degrees of "
          "freedom", "hc3": "HC3 errors", "welch": "Welch's test", "classical": "classical errors",
          "satterthwaite": "Satterthwaite's degrees of freedom"}
UNSAID = ("n/a", "as given", "")


def sentence(row: Row, levels: tuple[str, ...], sessions: tuple[str, ...]) -> str:
    """The reading of a row.

    Notes
    -----
    A claim is made from the p value corrected over the family (max-T where computed, else Holm). Absence is claimed
    only from the equivalence test. Nothing is said about a difference between groups from effects within groups.
    Of a circular ROI nothing is claimed.
    """
    said = _said(row, levels, sessions)
    return f"{said} {CIRCULAR_NOTE}" if row.block.rois[row.roi].definition == CIRCULAR else said


def _said(row: Row, levels: tuple[str, ...], sessions: tuple[str, ...]) -> str:
    test, place = row.numbers.test, place_of(row.block.rois[row.roi])
    if math.isnan(test.p):
        return _flat(f"{place}: not tested, because {test.problem or 'the test is not defined'}"
                     f"{_counts(row, levels)}.")
    what = row.words or (_joint(row, levels, sessions) if test.kind == "F" else _effect(row, levels, sessions))
    parts = [f"{what}: {_verdict(row)}"]
    parts += row.remarks
    few = [n for n in (row.numbers.n_first, row.numbers.n_second) if n is not None and n < _FEW]
    if few:
        parts.append(f"few subjects{_counts(row, levels)}")
    return _flat("; ".join(parts) + ".")


def corrected_p(row: Row) -> tuple[float, str]:
    """The p value that claims rest on, and its name."""
    if math.isfinite(row.p_fwe):
        return row.p_fwe, "max-T"
    return row.p_holm, "Holm"


def unit_of(row: Row) -> str:
    """The unit of a row's estimate; that of a trend is per session, or per unit of the times that were given."""
    unit = row.block.units[row.roi]
    if row.question.columns and not row.question.joint and unit not in UNSAID:
        return f"{unit} per unit of {row.question.term.partition(':')[2]}"
    sloping = row.question.mixed in ("trend", "slope", "slopes")
    return f"{unit} per {row.question.per}" if sloping and unit not in UNSAID else unit


def amount(value: float, unit: str) -> str:
    """A number with its unit."""
    text = f"{value:.3g}"
    return text if unit in UNSAID else f"{text} {unit}"


def p_text(p: float) -> str:
    """A p value as people write it; near .05 with a digit more, so that the side is seen."""
    if abs(p - ALPHA) < 0.0005:
        return f"p = {p:.4f}"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.0995 else f"p = {p:.2f}"


def _effect(row: Row, levels: tuple[str, ...], sessions: tuple[str, ...]) -> str:
    """Direction, groups, size and interval."""
    question, test, unit = row.question, row.numbers.test, unit_of(row)
    place = place_of(row.block.rois[row.roi])
    size, way = amount(abs(test.estimate), unit), "higher" if test.estimate > 0 else "lower"
    interval = f"(95 % CI {test.ci_low:.3g} to {amount(test.ci_high, unit)})"
    last = sessions[question.last]
    if question.columns:
        return f"The slope of {_outcome(row, sessions)} on {question.term.partition(':')[2]}, within groups, was " \
            f"{amount(test.estimate, unit)} {interval} with {ERRORS[row.kind]}"
    if question.model == "lmm":
        return _mixed(row, levels, sessions, f"{size} {way}", interval)
    if question.model == "one_sample":
        return f"The mean of {place} was {amount(test.estimate, unit)} {interval}"
    if question.model == "paired":
        who = "" if len(levels) == 1 and levels[0] == "all" else f" within {levels[question.groups[0]]} alone"
        if question.before is not None:
            what = _capital(changed(question.span, place, sessions))
            return f"{what} was {amount(test.estimate, unit)}{who} {interval}"
        return f"{place} was {size} {way} at {last} than at {sessions[question.first or 0]}" \
            f"{in_phase(question.phase)}{who} {interval}"
    pair = f"in {levels[question.groups[0]]} than in {levels[question.groups[-1]]} {interval}"
    how = f"{ERRORS.get(row.kind, row.kind)}" + (", adjusted for covariates" if question.adjusted else "")
    if question.model == "ancova":
        late = ", whose baseline came after groups were treated" if question.first else ""
        given = f"At {last}{in_phase(question.phase)}, given the value at {sessions[question.first or 0]}"
        return f"{given}, {place} was {size} {way} {pair} by ANCOVA with {how}{late}"
    if question.term == "group_at_baseline":
        return f"Before, at {last}, {place} was {size} {way} {pair} by {how}"
    if question.first is not None:
        return f"{_capital(changed(question.span, place, sessions))} was {size} {way} {pair} by {how}"
    return f"{place} was {size} {way} {pair} by {how}"


def _outcome(row: Row, sessions: tuple[str, ...]) -> str:
    """What a linear model of several groups explains."""
    question, place = row.question, place_of(row.block.rois[row.roi])
    if question.first is None:
        return place
    first, last = sessions[question.first], sessions[question.last]
    return f"{place} at {last}, given the value at {first}," if question.model == "ancova" else \
        changed(question.span, place, sessions)


def _mixed(row: Row, levels: tuple[str, ...], sessions: tuple[str, ...], amount_: str, interval: str) -> str:
    """An effect of a linear mixed model."""
    question, place = row.question, place_of(row.block.rois[row.roi])
    how = f"by a linear mixed model with {ERRORS[row.kind]}{', adjusted for covariates' if question.adjusted else ''}"
    first, last = sessions[question.first or 0], sessions[question.last]
    if len(question.groups) == 1:
        who = "" if levels == ("all",) else f" within {levels[question.groups[0]]} alone"
        if question.mixed == "trend":
            return f"The linear trend of {place} over sessions was {amount_} than level{who} {interval} {how}"
        return f"{place} was {amount_} at {last} than at {first}{in_phase(question.phase)}{who} {interval} {how}"
    pair = f"in {levels[question.groups[0]]} than in {levels[question.groups[-1]]} {interval}"
    if question.mixed == "constrained":
        return f"At {last}, with one mean for all groups at {first}, {place} was {amount_} {pair} {how}"
    if question.mixed == "trend":
        return f"The linear trend of {place} over sessions was {amount_} {pair} {how}"
    return f"{_capital(changed(question.span, place, sessions))} was {amount_} {pair} {how}"


def _joint(row: Row, levels: tuple[str, ...], sessions: tuple[str, ...]) -> str:
    question, test = row.question, row.numbers.test
    place = place_of(row.block.rois[row.roi])
    f = f"F({test.df_between:.0f}, {test.df:.4g}) = {test.statistic:.3g}"
    if question.columns:
        return f"Differences of {_outcome(row, sessions)} between the categories of " \
            f"{question.term.partition(':')[2]}, within groups, {f} with {ERRORS[row.kind]}"
    who = f"between {', '.join(levels[k] for k in question.groups)}"
    if question.model == "lmm":
        over = f"over {', '.join(sessions)}" if question.mixed == "any" else \
            "of its linear trend" if question.mixed == "trend" else \
            course(question.span, sessions)
        alone = "" if levels == ("all",) else f" within {levels[question.groups[0]]} alone"
        text = f"Changes of {place} {over}{alone}" if len(question.groups) == 1 else \
            f"Differences of the course of {place} {over} {who}"
        return f"{text}, {f} by a linear mixed model with {ERRORS[row.kind]}"
    if question.first is None:
        return f"Differences of {place} {who}, {f} with {ERRORS[row.kind]}"
    first, last = sessions[question.first], sessions[question.last]
    if question.model == "ancova":
        return f"Differences of {place} at {last}, given the value at {first}, {who}, {f} with {ERRORS[row.kind]}"
    return f"Differences of {changed(question.span, place, sessions)} {who}, {f} with {ERRORS[row.kind]}"


def _verdict(row: Row) -> str:
    """What the numbers allow to say."""
    test, numbers, unit = row.numbers.test, row.numbers, row.block.units[row.roi]
    if row.block.rois[row.roi].definition == CIRCULAR:
        return "nothing can be concluded"
    p, method = corrected_p(row)
    one = row.family_size == 1
    alone_by = " by permutation" if method == "max-T" else ""
    said = p_text(p) + (alone_by if one else f" corrected over {row.family_size} tests by {method}")
    small = math.isfinite(numbers.p_equivalence) and numbers.p_equivalence < ALPHA
    bound = f"the equivalence bound of {amount(numbers.bound, unit)} (equivalence {p_text(numbers.p_equivalence)})"
    question = row.question
    if p < ALPHA:
        change = question.model == "paired" or question.term.startswith("session_within")
        kind = "a mean other than zero" if question.model == "one_sample" else \
            "an association" if question.columns or question.mixed == "slope" else \
            "a change" if change and question.before is None else "a difference"
        text = f"evidence for {kind}, {said}"
        return f"{text}, yet smaller than {bound}" if small else text
    if small:
        return f"the effect, if any, is smaller than {bound}; {said}"
    plain = f"by the {test.kind} test" if one else "before correction"
    alone = f" ({p_text(test.p)} {plain})" if test.p < ALPHA else ""
    return f"no evidence either way, {said}{alone}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _counts(row: Row, levels: tuple[str, ...]) -> str:
    numbers, groups = row.numbers, row.question.groups
    if numbers.n_second is not None and len(groups) == 2:
        return f" ({numbers.n_first} in {levels[groups[0]]}, {numbers.n_second} in {levels[groups[1]]})"
    return f" (n = {numbers.n})"


def place_of(roi: RoiKey) -> str:
    """What people call an ROI."""
    if roi.definition in UNSAID:
        return roi.region if roi.hemisphere == "B" else f"{roi.region}-{roi.hemisphere}"
    return f"{roi.region}-{roi.hemisphere} ({roi.definition})"


def _flat(text: str) -> str:
    """One line, whatever labels hold."""
    return " ".join(text.split())
