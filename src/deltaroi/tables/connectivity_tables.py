"""The tables of connectivity: values, and those of the group stage with seed and target in the place of the ROI."""

from __future__ import annotations

from deltaroi.tables.association_tables import ASSOCIATIONS, POINTS, SLOPES
from deltaroi.tables.declared import EFFECTS
from deltaroi.tables.schema import Schema, columns

_PAIR = """
    seed_region | text! | | region of the seed
    seed_hemisphere | text! | | its hemisphere: L, R or B
    seed_definition | text! | | how the seed was drawn
    target_region | text! | | region of the target
    target_hemisphere | text! | | its hemisphere: L, R or B
    target_definition | text! | | how the target was drawn"""
_NAMED = """
    specification | text! | | name of the analysis specification
    name | text! | | name of the connection in the study file
    method | text! | | gppi or beta_series"""
PAIR = tuple(f"{end}_{part}" for end in ("seed", "target") for part in ("region", "hemisphere", "definition"))
"""The columns of seed and target."""

CONNECTIVITY = Schema("connectivity", columns(_NAMED + """
    subject | text! | | BIDS subject label
    session | text | | BIDS session label; n/a in a study without sessions
    task | text | | BIDS task label""" + _PAIR + """
    contrast | text! | | name of the contrast in the study file
    group | text | | group of the subject; n/a with one group
    value | number | see unit | gppi: contrast of the interactions; beta_series: weighted sum of Fisher's z
    unit | text! | | unit of value
    variance | number | unit squared | gppi: from the model; beta_series: of Fisher's z with independent trials
    dof | number | | error degrees of freedom, summed over runs (gppi) or conditions (beta_series)
    n_runs | count | | runs that contribute
    n_trials | count | | trials of the contrast's conditions in these runs
    seed_coverage | number | | share of the seed that is used
    target_coverage | number | | share of the target that is used
    mean_fd_mm | number | mm | mean framewise displacement over runs
    censored_fraction | number | | censored volumes over all volumes of the contributing runs
"""), ("specification", "name", "method", "subject", "session", "task", *PAIR, "contrast"))


def _of_connections(schema: Schema) -> Schema:
    """A table of the group stage with name, method, seed and target instead of summary and ROI."""
    gone = ("specification", "summary", "region", "hemisphere", "definition")
    kept = tuple(column for column in schema.columns if column.name not in gone)
    key = ("specification", "name", "method", *PAIR, *(name for name in schema.key if name not in gone))
    return Schema(f"connectivity_{schema.name}", (*columns(_NAMED + _PAIR), *kept), key)


CONNECTIVITY_EFFECTS = _of_connections(EFFECTS)
CONNECTIVITY_ASSOCIATIONS = _of_connections(ASSOCIATIONS)
CONNECTIVITY_SLOPES = _of_connections(SLOPES)
CONNECTIVITY_POINTS = _of_connections(POINTS)
OF_CONNECTIVITY = (CONNECTIVITY, CONNECTIVITY_EFFECTS, CONNECTIVITY_ASSOCIATIONS, CONNECTIVITY_SLOPES,
                   CONNECTIVITY_POINTS)
"""All of them; the last three are there where associations are of connectivity."""

COUPLED = Schema("coupled", columns("""
    subject | text! | | BIDS subject label
    session | text | | BIDS session label
    group | text | | group of the subject
    seed_region | text! | | region of the seed
    target_region | text! | | region of the target
    hemisphere | text! | | side of both
    definition | text! | | whose shapes carry the signals
    condition | text! | | condition during which the coupling differs
    strength | number! | | by how much the slope of target on seed, before the response, is larger while it lasts
    baseline | number! | | the slope outside the conditions
    fluctuation_percent | number! | % of the voxel's mean | SD of the seed's own activity, as its response shows it
"""), ("subject", "session", "seed_region", "target_region", "hemisphere", "definition", "condition"))
"""What a simulation planted between regions."""
