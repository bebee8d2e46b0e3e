"""The tables beside the effects: effect sizes, Bayes factors, and what the models assume."""

from __future__ import annotations

from deltaroi.tables.schema import STATUS, Schema, columns

_PLACE = """
    specification | text! | | name of the analysis specification
    contrast | text! | | name of the contrast
    summary | text! | | how voxels became one value
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
""".strip()
_EFFECT = f"""{_PLACE}
    model | text! | | model of the row of effects
    term | text! | | its term
    comparison | text! | | its comparison
    se_kind | text! | | its se_kind: the one that leads
    primary | flag! | | true where that row of effects is primary
    {STATUS}
""".strip()
_PLACE_KEY = ("specification", "contrast", "summary", "region", "hemisphere", "definition")
_EFFECT_KEY = (*_PLACE_KEY, "model", "term", "comparison")

EFFECT_SIZES = Schema("effect_sizes", columns(f"""{_EFFECT}
    kind | text! | | d_ppc2, adjusted_d, d_av, d_rm, d_z, g, partial_eta2 or partial_omega2
    method | text! | | method of the interval: morris, bca_bootstrap, mover, large_sample, noncentral_t or noncentral_f
    n | count! | | subjects it is computed from
    value | number | | the effect size; those of the d family with Hedges' correction
    ci_low | number | | lower end of the interval
    ci_high | number | | upper end of the interval
    level | number! | | confidence level of the interval
    replicates | count | | resamples that a bootstrap interval is made of
    note | text | | why a number is missing, or what was not adjusted for
"""), (*_EFFECT_KEY, "kind", "method"))

BAYES = Schema("bayes", columns(f"""{_EFFECT}
    prior | text! | | medium, wide or ultrawide
    width | number! | | scale of the Cauchy prior on the standardised effect
    n | count! | | subjects
    statistic | number | | Student's t: paired, of one sample, or with pooled variance
    df | number | | its degrees of freedom
    bf10 | number | | JZS Bayes factor for an effect against none
    note | text | | why it is missing
"""), (*_EFFECT_KEY, "prior"))

ASSUMPTIONS = Schema("assumptions", columns(f"""{_PLACE}
    model | text! | | model of the primary row of effects
    comparison | text! | | its comparison
    residuals_of | text! | | model whose residuals are described: ancova, change, paired, two_sample or one_sample
    n | count! | | subjects in it
    skewness | number | | skewness of the residuals; 0 under normality
    kurtosis | number | | excess kurtosis of the residuals; 0 under normality
    shapiro_p | number | | Shapiro and Wilk's p, for information
    spread_p | number | | p of the studentised Breusch-Pagan test that the variance is constant, for information
    variance_ratio | number | | largest over smallest variance of the residuals of a group
    widest | text | | the group of the largest variance
    narrowest | text | | the group of the smallest variance
    cook | number | | largest Cook's distance
    cook_subject | text | | whose it is
    leverage | number | | largest leverage
    leverage_subject | text | | whose it is
    estimate | number | see unit | the estimate by least squares
    estimate_without | number | see unit | the estimate without the subject who moves it most
    moves_most | text | | that subject
    unit | text! | | unit of the estimates and the baseline difference
    baseline_first | text | | group whose first session is compared
    baseline_second | text | | with that of this one; of several groups, the one furthest from the reference
    baseline_difference | number | see unit | mean of the first minus that of the second before
    baseline_standardised | number | | the same over the average SD of both groups
    baseline_low | number | | lower end of its 95 % confidence interval
    baseline_high | number | | upper end of its 95 % confidence interval
    baseline_sd_ratio | number | | SD of the first over that of the second
    slope_difference | number | | ANCOVA, two groups: slope on the first session, first-listed minus second-listed group
    slope_low | number | | lower end of its 95 % confidence interval
    slope_high | number | | upper end of its 95 % confidence interval
    slope_statistic | number | | t, or F over several groups, that the slopes are equal
    slope_df_between | number | | numerator degrees of freedom; 1 for t
    slope_df | number | | error degrees of freedom
    slope_p | number | | p, for information
    slope_se_kind | text | | hc3 or classical
    reading | text! | | one plain sentence
"""), _PLACE_KEY)

RESIDUALS = Schema("residuals", columns(f"""{_PLACE}
    subject | text! | | BIDS subject label
    group | text | | group of the subject; n/a with one group
    fitted | number | see unit | fitted value of the primary model by least squares
    residual | number | see unit | value minus fitted value
    standardised | number | | residual over its standard error: s times the root of 1 - leverage
    leverage | number | | diagonal of the hat matrix
    cook | number | | Cook's distance
    estimate_without | number | see unit | the estimate without this subject; n/a for joint tests
    unit | text! | | unit of the values
"""), (*_PLACE_KEY, "subject"))

BESIDE = (EFFECT_SIZES, BAYES, ASSUMPTIONS, RESIDUALS)
"""The tables that the group stage writes beside the effects."""
