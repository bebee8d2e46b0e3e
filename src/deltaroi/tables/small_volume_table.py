"""The table of the tests inside the ROIs."""

from __future__ import annotations

from deltaroi.tables.schema import STATUS, Schema, columns

SMALL_VOLUME = Schema("small_volume", columns(f"""
    specification | text! | | name of the analysis specification
    contrast | text! | | name of the contrast
    region | text! | | region name
    hemisphere | text! | | L, R or B
    definition | text! | | how the region was drawn
    model | text! | | ancova, change, paired, two_sample or one_sample
    term | text! | | the tested term
    comparison | text! | | what is compared with what, e.g. A-B with post-pre
    se_kind | text! | | hc2_welch, welch, hc3 or classical
    {STATUS}
    n | count! | | subjects in the tests
    n_voxels | count! | | voxels of the ROI on the grid
    n_voxels_shared | count! | | voxels that every subject has in every session that is compared
    n_voxels_tested | count! | | voxels with a test; in the other shared ones values are missing or do not vary
    statistic | number! | | value of the statistic at the peak, the voxel with the largest one
    statistic_kind | text! | | t or F
    df | number! | | error degrees of freedom at the peak
    estimate | number | see unit | the effect at the peak; n/a for F
    unit | text! | | unit of the estimate
    x_mm | number! | mm | the peak: centre of its voxel
    y_mm | number! | mm | the peak: centre of its voxel
    z_mm | number! | mm | the peak: centre of its voxel
    p_peak | number! | | p of the peak, corrected over the voxels of the ROI by max-T
    p_holm | number! | | p_peak corrected over the ROIs of the family by Holm's method
    family_size | count! | | ROIs in the family
    n_voxels_significant | count! | | voxels whose p corrected over the ROI is below .05
    extent_mm3 | number! | mm3 | their volume
    grid_digest | text! | | short hash of the grid
    reading | text! | | one plain sentence
"""), ("specification", "contrast", "region", "hemisphere", "definition", "model", "term", "comparison", "se_kind"))
