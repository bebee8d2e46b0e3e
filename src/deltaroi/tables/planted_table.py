"""The table of what a simulated published study plants for each reported result."""

from __future__ import annotations

from deltaroi.tables.schema import Schema, columns

PLANTED = Schema("planted", columns("""
    claim | text! | | id of the reported result in evidence.tsv
    direction | text! | | direction as reported
    reported | number | see reported_kind | reported effect size; n/a where none can be computed
    reported_kind | text | | g (two groups), g_z (change within a group), r or semipartial_r
    source | text! | | reported, default (no size is reported), no effect, none (--null), not planted or untestable
    planted | number | see planted_unit | the effect in the simulated truth
    planted_unit | text | | SD (of the tested quantity, between subjects of a group) or r
    sd | number | see unit | that SD, measurement error included
    percent | number | see unit | what was added where it was planted: a response's peak, a score, or a coupling
    unit | text | | %, % per SD of the score, the score's own unit, or slope of the target on the seed
    table | text | | table of the run in which the answer stands
    region | text | | region
    hemisphere | text | | L, R or B
    definition | text | | how the region was drawn
    carrier | text | | condition(s), score or connection that carry it
    group | text | | group that shows it
    session | text | | session in which it shows
    note | text | | what to know
"""), ("claim",))
