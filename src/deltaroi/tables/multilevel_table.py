"""The table of the multilevel model over ROIs."""

from __future__ import annotations

from deltaroi.tables.schema import STATUS, Schema, columns

ALL_ROIS = "all ROIs"
"""What stands in the column ``region`` of the row about the mean of the ROIs' effects."""

MULTILEVEL = Schema("multilevel", columns(f"""
    specification | text! | | name of the analysis specification
    contrast | text! | | name of the contrast
    summary | text! | | how voxels became one value
    region | text! | | region name; "all ROIs" for the mean of the distribution that the ROIs' effects come from
    hemisphere | text | | L, R or B; n/a for all ROIs
    definition | text! | | how the region was drawn; for all ROIs their definitions
    comparison | text! | | what is compared with what, as in effects.tsv
    model | text! | | ancova, change, paired, two_sample or one_sample
    term | text! | | the effect, as in effects.tsv
    {STATUS}
    n | count! | | subjects with a value of this ROI; for all ROIs with any
    n_rois | count! | | ROIs in the model
    unit | text! | | unit of the estimates
    estimate | number | see unit | the effect after partial pooling: posterior mean
    sd | number | see unit | posterior standard deviation
    ci_low | number | see unit | lower end of the 95 % credible interval
    ci_high | number | see unit | upper end of the 95 % credible interval
    p_direction | number | | posterior probability of the direction that is more probable
    unpooled | number | see unit | the effect of this ROI alone, from effects.tsv
    unpooled_low | number | see unit | lower end of its 95 % confidence interval
    unpooled_high | number | see unit | upper end of its 95 % confidence interval
    tau | number | see unit | SD of the effects over ROIs: posterior median
    tau_low | number | see unit | lower end of its 95 % credible interval
    tau_high | number | see unit | upper end of its 95 % credible interval
    rhat | number | | split R-hat of the estimate; 1 when the chains agree
    ess | number | | effective number of draws behind the estimate
    divergent | count! | | draws of the model at which the sampler lost its way
    reading | text! | | one plain sentence
"""), ("specification", "contrast", "summary", "region", "hemisphere", "definition", "comparison"))
