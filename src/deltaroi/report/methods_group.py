"""The methods text from the responses on: models, corrections, effect sizes."""

from __future__ import annotations

import math

import pandas as pd

from deltaroi.report import words
from deltaroi.report.data import Output
from deltaroi.specs import GroupStats
from deltaroi.types import CIRCULAR, NA


def group_text(output: Output) -> str:
    """The group models that were fitted."""
    primary = output.primary
    if primary.empty:
        return ""
    covariates = output.study.groups.entering if output.study.groups else []
    parts = [f"{_model(str(model))} {words.listed(_errors(part))}."
             for model, part in primary.groupby("model", sort=True)]
    text = "Primary: " + " ".join(parts)
    if covariates:
        text += f" Covariates: {words.listed(covariates)}."
    beside = [words.MODELS.get(m, m) for m in sorted(set(output.effects["model"]) - set(primary["model"]))]
    if beside:
        text += f" Beside it: {words.listed(beside)}."
    return f"{text} {reason(output)} Claims about groups come from the group term only."


def _model(model: str) -> str:
    texts = {
        "ancova": "the last session's response was compared between groups by ANCOVA, with the same ROI's first "
                  "session as covariate [@vickers2001] and",
        "change": "the change from the first to the last session was compared between groups with",
        "paired": "the change from the first to the last session was tested against zero with",
        "one_sample": "the mean response was tested against zero with",
        "two_sample": "responses were compared between groups with",
        "lmm": "responses were modelled by group and session with a random intercept per subject and",
        "mixed_anova": "responses were modelled by a mixed analysis of variance with",
    }
    return texts.get(model, f"{model} with")


def _errors(frame: pd.DataFrame) -> list[str]:
    texts = {"hc2_welch": "HC2 standard errors and the degrees of freedom that the groups' variances afford "
                          "[@bell2002;imbens2016]",
             "hc3": "HC3 standard errors and a t reference [@mackinnon1985;long2000]",
             "welch": "Welch's unequal variances [@welch1947]", "classical": "classical standard errors",
             "cr2_welch": "CR2 standard errors, from the residuals of whole subjects, and the degrees of freedom that "
                          "the groups' variances afford [@bell2002;pustejovsky2018]",
             "satterthwaite": "Satterthwaite's degrees of freedom [@satterthwaite1946]"}
    return [texts.get(kind, kind) for kind in sorted(set(frame["se_kind"]))]


def reason(output: Output) -> str:
    """Why the primary estimator is what it is."""
    if output.study.group.primary != "auto":
        return f"The study file asks for this estimator ({output.study.group.primary})."
    models = set(output.primary["model"])
    assigned = output.study.groups.assignment if output.study.groups else None
    if models == {"ancova"} and assigned == "randomised":
        return "Groups were randomised, so adjusting for the first session is unbiased and the most precise."
    if models == {"change"} and assigned == "preexisting":
        return ("Groups were not randomised, so change scores are primary: adjusting for the first session would "
                "bias the comparison [@lord1967].")
    if models == {"paired"}:
        return "There is one group, so its change is the question."
    if models == {"lmm"}:
        return "The model follows from the number of sessions."
    return "The estimator follows from the design."


def corrections_text(output: Output) -> str:
    """How many tests were accounted for."""
    primary, groups = output.primary, output.study.groups
    covaried = groups is not None and (bool(groups.entering) or len(groups.levels) > 2)
    if primary.empty or primary[["p_fwe", "p_holm", "q_fdr"]].isna().all(axis=None):
        return ""
    sizes = sorted({int(n) for n in primary["family_size"] if math.isfinite(n)})
    across = "all contrasts" if output.study.regions.family == "all_contrasts" else "one contrast"
    mixed = primary.groupby("family")["definition"].nunique().max() > 1
    text = (f"A family holds the ROIs of {across} of one {'' if mixed else 'definition, '}model and comparison (size "
            f"{words.listed(str(n) for n in sizes) or 'not recorded'}).")
    if output.circular and not (primary["definition"] == CIRCULAR).all():
        text += " Circular ROIs are families of their own."
    if primary["p_fwe"].notna().any():
        pairs = primary[["model", "se_kind"]].drop_duplicates().sort_values(["model", "se_kind"])
        what = words.listed(dict.fromkeys(_rearranged(str(m), str(s), covaried, output.study.group)
                                          for m, s in pairs.to_numpy()))
        strata = f", within strata ({groups.strata})" if groups is not None and groups.strata is not None else ""
        text += (" Family-wise p values come from the family's largest statistic [@westfall1993;winkler2014] under "
                 f"{what}, whole subjects together{strata}; {output.study.group.permutations} arrangements were asked "
                 f"for (seed {output.study.group.seed}).")
    beside = []
    if primary["p_holm"].notna().any():
        beside.append("Holm's [@holm1979]")
    if primary["q_fdr"].notna().any():
        beside.append("Benjamini and Hochberg's [@benjamini1995]")
    return text + (f" {words.listed(beside)} {'corrections stand' if len(beside) > 1 else 'correction stands'} beside "
                   "them." if beside else "")


def _rearranged(model: str, se_kind: str, covaried: bool, spec: GroupStats) -> str:
    """How subjects were rearranged; ``covaried``: there are covariates, or some of several groups are compared."""
    if model in ("paired", "one_sample"):
        return "sign flips"
    own = ", given each ROI's own first session [@freedman1983]" if model == "ancova" else " [@freedman1983]"
    if spec.flips(model, se_kind):
        return f"sign flips of residuals{own}, which leave each subject's variance in place [@davidson2008]"
    if model != "ancova" and (se_kind == "welch" or not covaried):
        return "permutation of group labels"
    return f"permutation of Freedman–Lane residuals{own}"


def effects_text(output: Output) -> str:
    """Effect sizes and tests of absence that were computed."""
    frame = output.effects
    parts = []
    sources = {"d_ppc2": " [@morris2008]", "d_av": " [@lakens2013]"}
    kinds = sorted(set(frame.loc[frame["effect_size"].notna(), "effect_size_kind"]) - {NA})
    if kinds:
        named = (words.EFFECT_SIZES.get(k, k) + sources.get(k, "") for k in kinds)
        parts.append(f"Standardised effect sizes: {words.listed(named)}.")
    if frame["p_equivalence"].notna().any():
        parts.append(f"Absence of an effect was tested by two one-sided tests [@schuirmann1987] with bounds of "
                     f"±{output.study.group.equivalence_bounds_d:g} pooled baseline standard deviations.")
    if frame["bf10"].notna().any():
        parts.append("Bayes factors use the JZS prior [@rouder2009].")
    if frame["loo_min"].notna().any():
        parts.append("Influence: the range of the estimate when each subject is left out.")
    return " ".join(parts)
