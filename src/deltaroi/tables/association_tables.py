"""The tables of associations with scores, and of reliability."""

from __future__ import annotations

from deltaroi.tables.schema import STATUS, Schema, columns

_ROI = """
    specification | text! | | name of the analysis specification
    contrast | text! | | name of the contrast
    summary | text! | | how voxels became one value
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn"""
_KEY = ("specification", "contrast", "summary", "region", "hemisphere", "definition")

ASSOCIATIONS = Schema("associations", columns(_ROI + f"""
    association | text! | | name of the association in the study file
    score | text! | | column of participants.tsv, or the difference of two
    outcome | text! | | change, baseline or last: what is held against the score
    adjusted_for | text | | what partial and robust are adjusted for; pearson and spearman are adjusted for nothing
    groups | text! | | groups whose subjects are in it
    kind | text! | | pearson, partial, spearman or robust (MM regression)
    {STATUS}
    n | count! | | subjects
    df | number | | degrees of freedom
    r | number | | correlation; n/a for robust
    ci_low | number | | lower end of the 95 % interval of r by Fisher's z
    ci_high | number | | upper end of the 95 % interval of r by Fisher's z
    boot_low | number | | lower end of the 95 % bootstrap interval of r (BCa, subjects drawn within groups)
    boot_high | number | | upper end of the 95 % bootstrap interval of r
    slope | number | see unit | change of the outcome per unit of the score; n/a for spearman
    slope_low | number | see unit | lower end of the 95 % interval of the slope
    slope_high | number | see unit | upper end of the 95 % interval of the slope
    unit | text! | | unit of the slope
    p | number | | two-sided p, not corrected
    bf10_medium | number | | Bayes factor for an association, stretched beta prior of width 1/3
    bf10_wide | number | | the same with width 1/sqrt(3)
    bf10_ultrawide | number | | the same with width 1, a uniform prior
    note | text | | why numbers are missing
"""), (*_KEY, "association", "kind"))

SLOPES = Schema("slopes", columns(_ROI + f"""
    association | text! | | name of the association in the study file
    what | text! | | slope: of one group; difference: of two slopes; johnson_neyman: where groups differ
    groups | text! | | the group, or the compared ones, first minus second
    se_kind | text! | | hc2_welch, hc3 or classical
    leading | flag! | | whether this kind of standard error leads
    {STATUS}
    n | count! | | subjects of the groups
    estimate | number | see unit | the slope, or the difference of slopes
    unit | text! | | unit of the slope
    se | number | see unit | standard error
    df | number | | degrees of freedom
    statistic | number | | t
    p | number | | two-sided p, not corrected
    ci_low | number | see unit | lower end of the 95 % confidence interval
    ci_high | number | see unit | upper end of the 95 % confidence interval
    score_low | number | | smallest score of the subjects
    score_high | number | | largest score of the subjects
    score_mean | number | | mean score of the subjects
    region_kind | text | | johnson_neyman: outside low and high, between them, everywhere, somewhere or nowhere
    region_low | number | | johnson_neyman: lower score at which p is .05; n/a with hc2_welch
    region_high | number | | johnson_neyman: upper score at which p is .05; n/a with hc2_welch
    region_inside | text | | johnson_neyman: scores with p < .05 among those seen, as low to high; low to high
    reading | text! | | one plain sentence
"""), (*_KEY, "association", "what", "groups", "se_kind"))

POINTS = Schema("association_points", columns(_ROI + """
    association | text! | | name of the association in the study file
    subject | text! | | BIDS subject label
    group | text | | group of the subject; n/a with one group
    score | number! | | the subject's score
    outcome | number! | see unit | the subject's change or response, adjusted to the mean of what is adjusted for
    line | number | see unit | the line of the subject's group at this score
    line_low | number | see unit | lower end of the line's 95 % interval at this score
    line_high | number | see unit | upper end of the line's 95 % interval at this score
    unit | text! | | unit of the outcome
"""), (*_KEY, "association", "subject"))

RUN_VALUES = Schema("run_values", columns("""
    specification | text! | | name of the analysis specification
    subject | text! | | BIDS subject label
    session | text | | BIDS session label
    run | text | | BIDS run label
    task | text | | BIDS task label
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    contrast | text! | | name of the contrast
    summary | text! | | how voxels became one value
    value | number | see unit | the response of this run alone, in the voxels of the session's response
    unit | text! | | unit of value
"""), ("specification", "subject", "session", "run", "task", "region", "hemisphere", "definition", "contrast",
       "summary"))

RELIABILITY = Schema("reliability", columns(_ROI + """
    measure | text! | | icc_3_1 (across sessions), split_half (odd and even runs) or change
    session | text | | session of a split half; n/a where sessions are compared
    group | text! | | group of the subjects, or all
    trusted | flag! | | whether no training effect and no difference between groups is in it
    n | count! | | subjects
    k | count | | measurements of each subject: sessions, or halves
    value | number | | reliability: share of variance that is the subjects' own
    ci_low | number | | lower end of the 95 % interval
    ci_high | number | | upper end of the 95 % interval
    seen_of_50 | number | | correlation with a perfect score that is seen when the true one is .50
    true_of_30 | number | | true correlation with a perfect score behind a seen one of .30; above 1: none can be
    note | text! | | what it means, or why it is missing
"""), (*_KEY, "measure", "session", "group"))
