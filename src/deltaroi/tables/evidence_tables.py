"""The tables about published results: what a review reports, what it states, where it contradicts itself, how large."""

from __future__ import annotations

from deltaroi.tables.schema import Schema, columns

EVIDENCE = Schema("evidence", columns("""
    id | text! | | name of the result: study, region or measure, what; lower case
    study | text! | | first author and year
    year | count! | | year of publication
    kind | text! | | activation, roi_list (a region named beforehand), correlation, connectivity or behaviour
    groups | text! | | who; of two groups the first minus the second
    n_first | count | | people of the first group in the review's Table 1; n/a where not stated
    n_second | count | | people of the second group; n/a where not stated or with one group
    region | text | | region, in the library's words where it has one; n/a for behaviour
    hemisphere | text | | L, R or B; n/a where not stated
    partner | text | | the second region of a connectivity
    measure | text | | behavioural outcome, or what is correlated
    contrast | text | | stimuli or states compared
    comparison | text! | | within group, between groups, pre-post, correlation, or several of them
    direction | text! | | increase, decrease, positive, negative, none, not stated; first - second, later - earlier
    claim | text | | its wording: significant, not significant, trend or reported (no such word); n/a for a list
    statistic_kind | text! | | t, F, z, r, percent, ratio or none
    value_relation | text | | = > or <
    value | number | see statistic_kind | the statistic as stated
    value_decimals | count | | its decimals as printed
    df1 | count | | numerator degrees of freedom of F; n/a where not stated
    df2 | count | | error degrees of freedom; n/a where not stated
    p_relation | text | | = > or <
    p | number | | p as stated
    p_decimals | count | | its decimals as printed
    effect_size | number | see effect_size_kind | effect size as stated
    effect_size_kind | text | | eta2, semipartial_r or mean_change (in the unit of the response)
    effect_size_decimals | count | | its decimals as printed
    cluster_size | count | voxels | cluster size as stated
    correction | text! | | correction for multiple tests as stated
    place | text! | | headings and table rows of the review where it stands; a semicolon stands between several
    statistic_place | text | | which of them has the statistic, or p where there is none; n/a without either
    note | text | | what to know
"""), ("id",))

STATEMENTS = Schema("evidence_statements", columns("""
    study | text! | | the study concerned, or review
    quantity | text! | | what is stated
    concerns | text | | the group, the region or the result (an id of evidence.tsv) it is stated of
    place | text! | | heading or table row of the review, then after a comma where in it
    form | text! | | number (with < or > in front of a bound), word, or set (a semicolon stands between its members)
    value | text! | | what is stated, in few words
    note | text | | what to know
"""), ("study", "quantity", "concerns", "place"))

FINDINGS = Schema("findings", columns("""
    study | text! | | the study concerned, or review
    kind | text! | | the rule that was applied (docs/evidence.md)
    quantity | text! | | what is compared
    concerns | text | | the group, region or result
    place_1 | text! | | where the first number or word stands
    stated_1 | text! | | what stands there
    place_2 | text! | | where the second stands, or what was computed
    stated_2 | text! | | what stands there, or what comes out
    arithmetic | text! | | the calculation written out
    verdict | text! | | contradiction, omission, within rounding, consistent or cannot be checked
    finding | text! | | one plain sentence
"""), ("study", "kind", "quantity", "concerns", "place_1", "place_2", "stated_1", "stated_2"))

EVIDENCE_SIZES = Schema("evidence_sizes", columns("""
    id | text! | | the result in evidence.tsv
    effect_size | number | | the effect; its sign is that of the stated direction
    kind | text | | g (two groups), g_z (change within one group), r or semipartial_r
    ci_low | number | | lower end of the 95 % confidence interval
    ci_high | number | | upper end of the 95 % confidence interval
    variance | number | | sampling variance: of the effect, for r of Fisher's z
    n_first | count | | people of the first group
    n_second | count | | people of the second group
    formula | text | | how it was computed
    reason | text | | why there is no effect size or no interval, or what is doubtful about it
"""), ("id",))

POOLED = Schema("evidence_pooled", columns("""
    region | text! | | region
    kind | text! | | kind of the effect sizes
    comparison | text! | | comparison of the pooled results
    rows | count! | | results pooled
    samples | count! | | different groups of people among them
    estimate | number! | | mean effect of the random-effects model
    ci_low | number! | | lower end of its 95 % confidence interval (Knapp and Hartung)
    ci_high | number! | | upper end of its 95 % confidence interval
    prediction_low | number! | | lower end of the 95 % prediction interval of a new study's effect
    prediction_high | number! | | upper end of the 95 % prediction interval
    tau2 | number! | | variance between results (Paule and Mandel)
    q | number! | | Cochran's Q
    p_heterogeneity | number! | | p of Q by chi squared
    ids | text! | | the results pooled
"""), ("region", "kind", "comparison"))
