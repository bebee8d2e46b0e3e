"""The tables of a multiverse: its specifications, and their curve."""

from __future__ import annotations

from deltaroi.tables.schema import STATUS, Schema, columns

SPECIFICATIONS = Schema("specifications", columns("""
    specification | text! | | name of the analysis specification: its choices that are not those of main
    definition | text | | definition of the regions that have none of their own; n/a where the study has several
    smoothing_fwhm_mm | number! | mm | full width at half maximum of the Gaussian kernel
    scaling | text! | | percent, percent_per_unit or none
    confounds | text! | | name of the strategy for confounds; main is that of first_level.confounds
    summary | text! | | how voxels become one value; auto follows each ROI's resampling rule
    noise | text! | | noise model: ar1 or ols
    fit | text! | | the fit that it uses: smoothing, confounds and noise; specifications with the same share it
    model | text! | | the fit with its scaling, which is one artefact of each run
"""), ("specification",))

SPECIFICATION_CURVE = Schema("specification_curve", columns(f"""
    contrast | text! | | name of the contrast
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region is drawn in the main specification
    model | text! | | model of the effects
    term | text! | | the tested term
    comparison | text! | | what is compared with what
    se_kind | text! | | the errors that lead
    {STATUS}
    n_specifications | count! | | specifications that measure the ROI
    n_tested | count! | | those whose effect could be tested; the numbers below are over these
    n_subjects | count! | | subjects in at least one of them
    median | number | see unit | median of the estimates; of their z where the specifications have several units
    unit | text | | unit of the median
    share_sign | number | | share of the estimates that have the predominant sign
    share_significant | number | | share with that sign and a two-sided p below .05
    mean_z | number | | mean of z (Stouffer's average): the normal deviate of each p with the sign of its estimate
    main_estimate | number | see main_unit | the estimate of the main specification
    main_unit | text! | | its unit
    main_rank | count | | how many of the tested estimates (or z, as for the median) are no larger than the main one
    p_median | number | | joint permutation p of the distance of the median from 0
    p_share | number | | joint permutation p of share_significant
    p_stouffer | number | | joint permutation p of the distance of mean_z from 0
    arrangements | count | | arrangements of subjects that were compared, the data themselves among them
    note | text | | how subjects were rearranged, or why there is no p
"""), ("contrast", "region", "hemisphere", "definition", "term", "comparison"))
