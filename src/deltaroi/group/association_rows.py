"""Rows of the tables of associations: correlations, slopes by group, points with lines."""

from __future__ import annotations

import numpy as np

from deltaroi.group.association_words import difference_words, region_words, simple_slope_words
from deltaroi.group.blocks import Array, Block, Sample
from deltaroi.group.reading import CIRCULAR_NOTE, UNSAID
from deltaroi.group.scored import Asked, Scored
from deltaroi.stats import association, bootstrap, correlation, evidence, linear
from deltaroi.stats.correlation import Correlation
from deltaroi.stats.record import Test
from deltaroi.types import CIRCULAR, NA

Fields = dict[str, object]


def correlation_rows(asked: Asked, block: Block, roi: int, cases: Scored, seed: int) -> list[Fields]:
    """Pearson's, the partial and Spearman's correlation, and the robust slope."""
    base = {**_key(asked, block, roi), "score": asked.spec.score, "outcome": asked.spec.outcome,
            "adjusted_for": ", ".join(asked.adjusted_for) or NA, "groups": ", ".join(asked.levels),
            "n": cases.score.size, "unit": _unit(asked, block, roi)}
    y, x, nothing = cases.outcome, cases.score, np.empty((cases.score.size, 0))
    slopes = {"pearson": association.associate(y, x, nothing, "classical").slope,
              "partial": association.associate(y, x, cases.given, "classical").slope}
    boots = {"pearson": bootstrap.r_interval(y, x, seed=seed),
             "partial": bootstrap.r_interval(y, x, cases.given, cases.group, seed)}
    found = (correlation.pearson(y, x), correlation.partial(y, x, cases.given), correlation.spearman(y, x))
    rows = []
    for r in found:
        rows.append({**base, "kind": r.kind, "df": r.df, "r": r.r, "ci_low": r.low, "ci_high": r.high, "p": r.p,
                     "note": r.problem or NA})
        if r.kind in boots:
            boot = boots[r.kind]
            rows[-1] |= {"boot_low": boot.low, "boot_high": boot.high, **_slope(slopes[r.kind]), **_bayes(r),
                         "note": r.problem or boot.problem or NA}
    mm = association.associate_robust(y, x, cases.given, seed)
    rows.append({**base, "kind": "robust", "df": mm.df, **_slope(mm), "p": mm.p, "note": mm.problem or NA})
    return rows


def _slope(test: Test) -> Fields:
    return {"slope": test.estimate, "slope_low": test.ci_low, "slope_high": test.ci_high}


def _bayes(r: Correlation) -> Fields:
    """Under three priors; a partial correlation has as many fewer subjects as variables are partialled out."""
    return {f"bf10_{factor.prior}": factor.bf10 for factor in evidence.r_sensitivity(r.r, r.df + 2)}


def slope_rows(asked: Asked, block: Block, roi: int, cases: Scored, what: str) -> list[Fields]:
    """The slope of every group, their differences from the reference, and where along the score groups differ."""
    rows: list[Fields] = []
    unit = block.units[roi]
    for kind in association.KINDS:
        base = {**_key(asked, block, roi), "unit": _unit(asked, block, roi), "se_kind": kind,
                "leading": kind == asked.slope.leading}
        if len(asked.levels) == 1 or not cases.score.size:
            test = association.associate(cases.outcome, cases.score, cases.given, kind, cases.group).slope
            tests, pairs = tuple(test for _ in asked.levels), tuple(test for _ in asked.levels[1:])
        else:
            found = association.compare_slopes(cases.lines(kind), cases.n_groups - 1)
            tests, pairs = found.slopes, found.differences
        for k, (level, test) in enumerate(zip(asked.levels, tests, strict=True)):
            rows.append({**base, "what": "slope", "groups": level, **_numbers(test),
                         **_scores(cases.score[cases.group == k]),
                         "reading": simple_slope_words(asked, level, test, what, unit)})
        for k, test in enumerate(pairs if asked.moderation else ()):
            names = (asked.levels[k], asked.levels[-1])
            both = np.isin(cases.group, (k, cases.n_groups - 1))
            rows.append({**base, "what": "difference", "groups": "-".join(names), **_numbers(test),
                         **_scores(cases.score[both]),
                         "reading": difference_words(asked, names, test, what, unit)})
            rows.append({**base, "what": "johnson_neyman", "groups": "-".join(names), **_scores(cases.score[both]),
                         **_region(asked, cases, kind, k, what)})
    if block.rois[roi].definition == CIRCULAR:
        rows = [{**row, "reading": f"{row['reading']} {CIRCULAR_NOTE}"} for row in rows]
    return rows


def _region(asked: Asked, cases: Scored, kind: str, group: int, what: str) -> Fields:
    """Where along the score a group differs from the reference, among scores that both have."""
    reference = cases.n_groups - 1
    own, theirs = (cases.score[cases.group == k] for k in (group, reference))
    names = (asked.levels[group], asked.levels[reference])
    seen = (max(float(own.min()), float(theirs.min())), min(float(own.max()), float(theirs.max()))) \
        if own.size and theirs.size else (0.0, 0.0)
    lines = cases.lines(kind)
    if seen[0] < seen[1]:
        found = association.johnson_neyman(lines, group, reference, seen)
    else:
        found = association.Region(problem="there is no range of scores that both groups have")
    higher = [names[association.difference_at(lines, group, reference, (a + b) / 2).estimate < 0]
              for a, b in found.inside]
    return {"region_kind": found.kind, "region_low": found.low, "region_high": found.high,
            "region_inside": "; ".join(f"{a:.6g} to {b:.6g}" for a, b in found.inside) or NA,
            "reading": region_words(asked, names, found, seen, higher, what)}


def point_rows(asked: Asked, block: Block, roi: int, cases: Scored, sample: Sample) -> list[Fields]:
    """Every subject's score and adjusted outcome, with its group's line there."""
    if not cases.score.size:
        return []
    base = {**_key(asked, block, roi), "unit": block.units[roi]}
    lines = cases.lines(asked.slope.leading)
    adjusted = cases.outcome - cases.others @ lines.model.beta[2 * lines.groups:]
    fitted: list[Test] = [Test()] * cases.score.size
    if np.abs(linear.centred(cases.score)).max() > 0:
        for k in np.unique(cases.group):
            at = np.flatnonzero(cases.group == k)
            for i, test in zip(at, lines.at(int(k), cases.score[at]), strict=True):
                fitted[i] = test
    one = sample.levels == ("all",)
    return [{**base, "subject": sample.subjects[s], "group": NA if one else asked.levels[k], "score": x, "outcome": y,
             "line": line.estimate if np.isfinite(line.se) else np.nan, "line_low": line.ci_low,
             "line_high": line.ci_high}
            for s, k, x, y, line in zip(cases.subjects, cases.group, cases.score, adjusted, fitted, strict=True)]


def _numbers(test: Test) -> Fields:
    return {"estimate": test.estimate, "se": test.se, "df": test.df, "statistic": test.statistic, "p": test.p,
            "ci_low": test.ci_low, "ci_high": test.ci_high}


def _scores(scores: Array) -> Fields:
    if not scores.size:
        return {"n": 0}
    return {"n": scores.size, "score_low": scores.min(), "score_high": scores.max(), "score_mean": scores.mean()}


def _key(asked: Asked, block: Block, roi: int) -> Fields:
    key = block.rois[roi]
    return {"specification": block.specification, "contrast": block.contrast, "summary": block.summaries[roi],
            "region": key.region, "hemisphere": key.hemisphere, "definition": key.definition,
            "association": asked.name}


def _unit(asked: Asked, block: Block, roi: int) -> str:
    unit = block.units[roi]
    return unit if unit in UNSAID else f"{unit} per unit of {asked.spec.score}"
