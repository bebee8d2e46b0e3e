"""The table of a power analysis."""

from __future__ import annotations

from deltaroi.tables.schema import Schema, columns

POWER = Schema("power", columns("""
    n_per_group | text! | | complete subjects of each group, in the order of the study's groups
    n | count! | | complete subjects
    n_first | count! | | of the first-listed group
    n_second | count | | of the second-listed group; n/a with one group
    effect | number! | see unit | the simulated effect: how much more the first group changes
    effect_d | number! | | the same in SDs of the first session (root mean square over groups)
    unit | text! | | unit of effect
    criterion | text! | | which p must not exceed alpha: uncorrected, holm or max_t over the family of ROIs
    alpha | number! | | that level
    power | number! | | share of simulated studies that find the effect in a given affected ROI (at effect 0: errors)
    power_low | number! | | lower end of the 95 % Monte-Carlo interval (Wilson)
    power_high | number! | | upper end of the 95 % Monte-Carlo interval (Wilson)
    draws | count! | | simulated studies
    coverage | number | | share of 95 % confidence intervals that hold the effect; n/a for F tests
    model | text! | | the study's primary model
    term | text! | | the tested term
    comparison | text! | | what is compared with what
    se_kind | text! | | hc2_welch, welch, cr2_welch, hc3, classical or satterthwaite
    rois | count! | | ROIs of the family
    affected | count! | | how many of them have the effect
"""), ("n", "n_per_group", "effect", "criterion"))
