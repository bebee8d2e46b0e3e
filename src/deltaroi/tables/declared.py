"""The tables that deltaroi writes."""

from __future__ import annotations

from deltaroi.tables.association_tables import ASSOCIATIONS, POINTS, RELIABILITY, RUN_VALUES, SLOPES
from deltaroi.tables.schema import STATUS, Schema, columns

RESPONSES = Schema("responses", columns("""
    specification | text! | | name of the analysis specification; main without a multiverse
    subject | text! | | BIDS subject label
    session | text | | BIDS session label; n/a in a study without sessions
    task | text | | BIDS task label; n/a for ready-made maps without one
    region | text! | | region name
    hemisphere | text! | | L, R or B (both as one ROI)
    definition | text! | | how the region was drawn
    contrast | text! | | name of the contrast in the study file
    summary | text! | | how voxels became one value
    group | text | | group of the subject; n/a with one group
    value | number | see unit | the response: the ROI summary of the contrast
    unit | text! | | unit of value
    variance | number | unit squared | variance of the response from the same GLM on the ROI's mean time series
    dof | number | | error degrees of freedom, summed over runs
    n_runs | count | | runs that contribute; n/a for ready-made maps
    n_voxels | count! | | voxels of the ROI on this grid
    n_voxels_used | count! | | voxels inside every contributing run's mask, not constant, and chosen if functional
    n_voxels_effective | number | | sum of the ROI weights over used voxels
    coverage | number | | weight of used voxels over weight of all voxels of the ROI
    tsnr | number | | median over used voxels of mean over residual SD, averaged over runs
    mean_fd_mm | number | mm | mean framewise displacement over runs
    censored_fraction | number | | censored volumes over all volumes of the contributing runs
"""), ("specification", "subject", "session", "task", "region", "hemisphere", "definition", "contrast", "summary"))

EFFECTS = Schema("effects", columns(f"""
    specification | text! | | name of the analysis specification
    contrast | text! | | name of the contrast
    summary | text! | | how voxels became one value
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    model | text! | | ancova, change, mixed_anova, lmm, paired, two_sample, one_sample or association
    term | text! | | the tested term
    comparison | text! | | what is compared with what, e.g. A-B with post-pre
    se_kind | text! | | hc2_welch, welch, cr2_welch, hc3, classical or satterthwaite
    primary | flag! | | true for the one row per ROI and contrast that answers the study's question
    {STATUS}
    n | count! | | subjects in the fit
    n_first | count | | subjects of the first-listed group
    n_second | count | | subjects of the second-listed group
    estimate | number | see unit | the effect
    unit | text! | | unit of the estimate
    se | number | see unit | standard error of the estimate
    df | number | | error degrees of freedom
    statistic | number | | value of the statistic
    statistic_kind | text! | | t or F
    p | number | | two-sided p value
    ci_low | number | see unit | lower end of the 95 % confidence interval
    ci_high | number | see unit | upper end of the 95 % confidence interval
    p_fwe | number | | p by max-T over the family: permutations, or sign flips (group.arrangements)
    p_step_down | number | | the same, step-down; never above p_fwe
    p_holm | number | | p by Holm's method over the family
    q_fdr | number | | q by Benjamini and Hochberg's method over the family
    family | text | | name of the family of ROIs
    family_size | count | | number of tests in the family
    effect_size | number | | standardised effect size
    effect_size_kind | text | | d_ppc2, d_av, d_rm, d_z, g, partial_eta2 or partial_r
    es_ci_low | number | | lower end of the effect size's confidence interval
    es_ci_high | number | | upper end of the effect size's confidence interval
    bf10 | number | | JZS Bayes factor for the alternative
    equivalence_bound | number | see unit | bound of the equivalence test
    p_equivalence | number | | p of the two one-sided tests
    loo_min | number | see unit | smallest estimate when one subject is left out
    loo_max | number | see unit | largest estimate when one subject is left out
    mde_80 | number | see unit | smallest effect detectable with 80 % power at this standard error
    reading | text! | | one plain sentence
"""), ("specification", "contrast", "summary", "region", "hemisphere", "definition", "model", "term", "comparison",
       "se_kind"))

EXCLUSIONS = Schema("exclusions", columns("""
    stage | text! | | inputs, masks, first-level, responses, effects, behaviour, connectivity or small-volume
    subject | text | | BIDS subject label
    session | text | | BIDS session label
    run | text | | BIDS run label
    region | text | | region, ROI or contrast concerned
    reason | text! | | why it is not in the numbers
    value | text | | what was found
    threshold | text | | what was asked for
"""), ("stage", "subject", "session", "run", "region", "reason", "value", "threshold"))

REGIONS = Schema("regions", columns("""
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    grid | text! | | shape and voxel size of the grid, e.g. 65x77x65 3x3x3 mm
    grid_digest | text! | | short hash of shape, affine and space
    space | text! | | template space of the grid
    rule | text! | | majority or fill_weight
    n_voxels | count! | | voxels on the grid
    n_voxels_effective | number! | | sum of voxel weights
    fill | number! | | mean voxel weight: effective voxels over voxels
    purity | number | | mean fill of the voxels, weighted as in the ROI's mean: the share of a lone response it shows
    grade | text! | | how badly few effective voxels limit the ROI: none (> 15), mild (> 9), medium (> 4) or severe
    volume_mm3 | number! | mm3 | sum of voxel weights times voxel volume
    x_mm | number | mm | weighted centre of mass
    y_mm | number | mm | weighted centre of mass
    z_mm | number | mm | weighted centre of mass
    source | text! | | where the region comes from
    source_version | text | | version of the source
    source_space | text! | | template space of the source
    licence | text! | | licence of the source; a vertical bar stands between several
    citation | text! | | what to cite; a vertical bar stands between several
    sha256 | text | | hash of the source image; n/a for spheres
    native_volume_mm3 | number! | mm3 | volume in the source
    space_relation | text! | | same, compatible, override or not stated
    warning | text | | what to know before trusting this ROI
"""), ("region", "hemisphere", "definition", "grid_digest"))

QUALITY = Schema("quality", columns("""
    measure | text! | | coverage or tsnr
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    term | text! | | group_x_session, session or group
    n | count! | | subjects in the test
    estimate | number | | difference of differences (first group minus second, last session minus first)
    df | number | | degrees of freedom
    statistic | number | | t
    p | number | | two-sided p value
"""), ("measure", "region", "hemisphere", "definition", "term"))

SELECTIONS = Schema("selections", columns("""
    specification | text! | | name of the analysis specification
    subject | text! | | BIDS subject label
    session | text | | session that is measured in these voxels; n/a where they serve all sessions
    run | text | | run that is measured in these voxels; n/a where they serve all runs
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | functional, or circular where the same data choose and are tested
    contrast | text! | | localiser contrast that chose the voxels
    select_from | text! | | data that chose: other_runs, other_sessions, other_subjects, runs, task or same_data
    n_choosing | count! | | runs that chose; with other_subjects the subjects that chose
    n_candidates | count! | | voxels to choose from: inside the ROI and used in all runs of the subject
    n_chosen | count! | | voxels that were chosen; 0 where the rule could not be followed
    threshold_t | number | | smallest t among the chosen voxels
    x_mm | number | mm | weighted centre of the chosen voxels
    y_mm | number | mm | weighted centre of the chosen voxels
    z_mm | number | mm | weighted centre of the chosen voxels
    overlap | number | | Dice overlap with the first set of this subject and ROI; n/a for that first one
"""), ("specification", "subject", "session", "run", "region", "hemisphere", "definition"))

TRUTH = Schema("truth", columns("""
    subject | text! | | BIDS subject label
    session | text | | BIDS session label
    group | text | | group of the subject
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | definition whose shape carried the signal
    condition | text! | | condition of the events
    percent | number! | % | planted peak height of one event's response, over the voxel's mean
"""), ("subject", "session", "region", "hemisphere", "definition", "condition"))

SCHEMAS = {s.name: s for s in (RESPONSES, EFFECTS, EXCLUSIONS, REGIONS, QUALITY, SELECTIONS, TRUTH, ASSOCIATIONS,
                             SLOPES, POINTS, RUN_VALUES, RELIABILITY)}
