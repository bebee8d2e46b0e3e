"""The table of a replication: one row per claim, reported beside new."""

from __future__ import annotations

from deltaroi.tables.schema import Schema, columns

CARD = Schema("card", columns("""
    claim | text! | | id of the reported result in evidence.tsv
    study | text! | | first author and year of the report
    groups | text! | | who, as reported; of two groups the first minus the second
    region | text | | region, as reported; n/a for behaviour
    hemisphere | text | | L, R or B, as reported; n/a where not stated
    partner | text | | second region of a connectivity
    measure | text | | behavioural outcome, or what is correlated
    contrast | text | | stimuli or states compared, as reported
    comparison | text! | | within group, between groups, pre-post, correlation, or several of them
    place | text! | | headings and table rows of the review where it stands
    wording | text | | significant, not significant, trend or reported (no such word)
    direction | text! | | as reported: increase, decrease, positive, negative, none or not stated
    statistic | text | | the numbers as reported
    reported | number | see reported_kind | the reported effect; positive: first > second group, later > earlier session
    reported_kind | text | | g (two groups), g_z (change within one group), r or semipartial_r
    reported_low | number | see reported_kind | lower end of its 95 % confidence interval
    reported_high | number | see reported_kind | upper end of its 95 % confidence interval
    reported_n_first | count | | people of the first group, as reported
    reported_n_second | count | | people of the second group, as reported
    reported_note | text | | why there is no reported effect, or what is doubtful about it
    new | number | see new_kind | the new effect, with the sign of the report's order of groups and sessions
    new_kind | text | | g, g_z or r
    new_low | number | see new_kind | lower end of its 95 % confidence interval
    new_high | number | see new_kind | upper end of its 95 % confidence interval
    new_n_first | count | | people of the first group
    new_n_second | count | | people of the second group
    new_p | number | | two-sided p of the row that answers, not corrected over claims
    table | text | | table of the run in which the answer stands
    row | text | | its key there
    turned | flag! | | whether the sign of that row was turned, because the study lists the other way round
    row_note | text | | what was taken for what
    direction_agrees | text | | yes or no; n/a where no direction is reported or there is no new effect
    new_ci_holds_reported | text | | yes or no; n/a where sizes were not compared
    prediction_low | number | see new_kind | lower end of the 95 % prediction interval of the new effect
    prediction_high | number | see new_kind | upper end of the 95 % prediction interval
    prediction_method | text | | noncentral_t, fisher_z or normal
    prediction_holds_new | text | | yes or no; n/a where there is no prediction interval
    bf_r0 | number | | replication Bayes factor: the original's effect over no effect
    bf_method | text | | noncentral_t, exact_r or normal
    d33 | number | see new_kind | the effect that gave the original one third power; of the population, uncorrected
    p_small_telescopes | number | | one-sided p of the new effect being smaller than d33
    detectable_80 | number | see new_kind | the effect that the original had 80 % power for
    equivalence_bound | number | see new_kind | claims of no effect: the bound, in SDs of the tested quantity
    p_equivalence | number | | p of the two one-sided tests that the new effect lies within it
    planted | number | see planted_unit | what a simulation planted; n/a for data of people
    planted_unit | text | | SD (of the tested quantity) or r
    verdict | text! | | fixed in docs/replication.md beforehand
    sentence | text! | | the verdict and the numbers behind it
    problem | text | | why nothing can be said, or why sizes were not compared
"""), ("claim",))
