"""The table of factorial designs."""

from __future__ import annotations

from deltaroi.tables.schema import STATUS, Schema, columns

FACTORIAL = Schema("factorial", columns(f"""
    specification | text! | | name of the analysis specification
    factorial | text! | | name of the factorial in the study file
    summary | text! | | how voxels became one value
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    term | text! | | factors that interact, joined by colons, e.g. group:state:valence
    within_group | text | | the group of a simple effect; n/a where all groups are in the test
    comparison | text! | | groups and levels that are compared, e.g. experts-novices with compassion-rest
    se_kind | text! | | classical (mixed analysis of variance, type III) or welch (groups of unequal variance)
    leading | flag! | | whether this kind of standard error leads
    {STATUS}
    n | count! | | subjects with every cell
    n_first | count | | of these in the first of two groups
    n_second | count | | of these in the second of two groups
    estimate | number | see unit | the effect, of terms with one degree of freedom
    unit | text! | | unit of the estimate
    se | number | see unit | standard error of the estimate
    ci_low | number | see unit | lower end of the 95 % confidence interval
    ci_high | number | see unit | upper end of the 95 % confidence interval
    statistic | number | | value of the statistic
    statistic_kind | text! | | F or t
    df1 | number | | numerator degrees of freedom, before the correction for sphericity; 1 for t
    df2 | number | | error degrees of freedom, before the correction for sphericity
    gg_epsilon | number | | Greenhouse and Geisser's epsilon, with which both are multiplied; n/a for welch
    p_sphericity | number | | p without that correction
    p | number | | p with it; two-sided for t
    p_fwe | number | | p by max-T over the family
    p_step_down | number | | the same, step-down
    p_holm | number | | p by Holm's method over the family
    q_fdr | number | | q by Benjamini and Hochberg's method over the family
    family | text | | name of the family of ROIs
    family_size | count | | number of tests in the family
    effect_size | number | | standardised effect size
    effect_size_kind | text | | partial_eta2 (90 % interval), g or d_z
    es_ci_low | number | | lower end of the effect size's interval
    es_ci_high | number | | upper end of the effect size's interval
    equivalence_bound | number | see unit | bound of the equivalence test of a difference between two groups, or in one
    p_equivalence | number | | p of the two one-sided tests
    reading | text! | | one plain sentence
"""), ("specification", "factorial", "summary", "region", "hemisphere", "definition", "term", "comparison", "se_kind"))
