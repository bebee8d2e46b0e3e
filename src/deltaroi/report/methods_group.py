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
    phase = output.study.group.primary_phase
    span = output.study.group.phases.get(phase, []) if phase else []
    parts = [f"{_of_phase(str(model), span) or _model(str(model))} {words.listed(_errors(part))}."
             for model, part in primary.groupby("model", sort=True)]
    text = "Primary: " + " ".join(parts)
    if covariates:
        text += f" Covariates: {words.listed(covariates)}."
    beside = [words.MODELS.get(m, m) for m in sorted(set(output.effects["model"]) - set(primary["model"])
                                                  - {"association"})]
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


def _of_phase(model: str, span: list[str]) -> str:
    """The same where a phase is primary; empty without one."""
    if not span:
        return ""
    first, last = span
    return {"ancova": f"the response at {last} was compared between groups by ANCOVA, with the same ROI's value at "
                      f"{first} as covariate [@vickers2001] and",
            "change": f"the change from {first} to {last} was compared between groups with",
            "paired": f"the change from {first} to {last} was tested against zero with"}.get(model, "")


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
    if output.study.group.primary_phase:
        return f"The study file asks for the phase {output.study.group.primary_phase}."
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
    frame = output.effects[output.effects["model"] != "association"]
    parts = []
    kinds = {str(kind) for kind in frame.loc[frame["effect_size"].notna(), "effect_size_kind"]}
    sizes = output.beside["effect_sizes"]
    kinds |= {str(kind) for kind in sizes.loc[sizes["value"].notna(), "kind"]}
    if kinds - {NA}:
        parts.append(f"Standardised effect sizes: {words.listed(_SIZES.get(k, k) for k in sorted(kinds - {NA}))}.")
    if (sizes["method"].eq("bca_bootstrap") & sizes["ci_low"].notna()).any():
        parts.append(f"d_ppc2 also has a bias-corrected and accelerated bootstrap interval [@efron1987] "
                     f"({int(sizes['replicates'].max())} resamples of whole subjects within groups, seed "
                     f"{output.study.group.seed}).")
    if frame["p_equivalence"].notna().any():
        parts.append(f"Absence of an effect was tested by two one-sided tests [@schuirmann1987] with bounds of "
                     f"±{output.study.group.equivalence_bounds_d:g} pooled baseline standard deviations.")
    bayes = output.beside["bayes"]
    if frame["bf10"].notna().any() or bayes["bf10"].notna().any():
        widths = words.listed(f"{width:.3g}" for width in sorted(set(bayes["width"])))
        under = f" with Cauchy priors of the widths {widths}" if widths else ""
        parts.append(f"Bayes factors use the JZS prior [@rouder2009]{under}.")
    if frame["loo_min"].notna().any():
        parts.append("Influence: the range of the estimate when each subject is left out.")
    return " ".join(parts)


_SIZES = {"d_ppc2": "d_ppc2 [@morris2008]",
          "adjusted_d": "the adjusted difference over the pooled standard deviation of the first session (interval by "
                        "recovery of variance estimates [@zou2008])",
          "d_av": "d_av [@lakens2013;bonett2008]", "d_rm": "d_rm [@morris2002]", "d_z": "d_z", "g": "Hedges' g",
          "partial_eta2": "partial η² (90 % interval [@steiger2004])", "partial_omega2": "partial ω² (90 % interval)"}


def assumptions_text(output: Output) -> str:
    """What was looked at of the primary models' assumptions."""
    frame = output.beside["assumptions"]
    if frame.empty:
        return ""
    parts = ["Assumptions of the primary models were described, not used to choose a test: skewness, kurtosis, the "
             "Shapiro–Wilk [@shapiro1965] and the studentised Breusch–Pagan test [@koenker1981] of the residuals of "
             "least squares, and Cook's distances [@cook1977]."]
    if set(frame["residuals_of"]) != set(frame["model"]):
        parts.append("The residuals are those of the change from the first to the last session on complete cases.")
    if frame["baseline_standardised"].notna().any():
        parts.append("Differences between groups before are stated in units of the average standard deviation, with "
                     "intervals [@bonett2008], and not tested [@senn1994].")
    if frame["slope_p"].notna().any():
        parts.append("The slopes of ANCOVA were compared between groups.")
    return " ".join(parts)
