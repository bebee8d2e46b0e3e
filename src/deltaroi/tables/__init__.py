"""The declared tables: what a table is, which there are, and exclusions as rows."""

from deltaroi.tables import declared
from deltaroi.tables.association_tables import ASSOCIATIONS, POINTS, RELIABILITY, RUN_VALUES, SLOPES
from deltaroi.tables.behaviour_tables import BEHAVIOUR, BEHAVIOUR_EFFECTS, BEHAVIOUR_SIZES, BEHAVIOUR_TABLES
from deltaroi.tables.card_table import CARD
from deltaroi.tables.connectivity_tables import (
    CONNECTIVITY,
    CONNECTIVITY_ASSOCIATIONS,
    CONNECTIVITY_EFFECTS,
    CONNECTIVITY_POINTS,
    CONNECTIVITY_SLOPES,
    COUPLED,
    OF_CONNECTIVITY,
)
from deltaroi.tables.declared import (
    EFFECTS,
    EXCLUSIONS,
    QUALITY,
    REGIONS,
    RESPONSES,
    SELECTIONS,
    TRUTH,
)
from deltaroi.tables.evidence_tables import EVIDENCE, EVIDENCE_SIZES, FINDINGS, POOLED, STATEMENTS
from deltaroi.tables.exclusions import exclusion_frame, exclusion_rows, failures
from deltaroi.tables.factorial_table import FACTORIAL
from deltaroi.tables.group_tables import ASSUMPTIONS, BAYES, BESIDE, EFFECT_SIZES, RESIDUALS
from deltaroi.tables.multilevel_table import ALL_ROIS, MULTILEVEL
from deltaroi.tables.multiverse_tables import SPECIFICATION_CURVE, SPECIFICATIONS
from deltaroi.tables.planted_table import PLANTED
from deltaroi.tables.power_table import POWER
from deltaroi.tables.schema import CONFIRMATORY, EXPLORATORY, Column, Schema, columns_hint, conform
from deltaroi.tables.small_volume_table import SMALL_VOLUME

WHERE_ASKED = (ASSOCIATIONS, SLOPES, POINTS, RELIABILITY, MULTILEVEL, FACTORIAL, SPECIFICATION_CURVE)
"""The tables that the group stage writes where the study has something for them."""
PUBLISHED = (EVIDENCE, STATEMENTS, FINDINGS, EVIDENCE_SIZES, POOLED)
"""The tables about published results."""
_ALONE = (CARD, PLANTED, POWER, RUN_VALUES, SMALL_VOLUME, COUPLED, SPECIFICATIONS)
SCHEMAS = {**declared.SCHEMAS, **{one.name: one for one in (*BESIDE, *WHERE_ASKED, *BEHAVIOUR_TABLES, *OF_CONNECTIVITY,
                                                            *PUBLISHED, *_ALONE)}}
"""Every table by its name."""

__all__ = ["ALL_ROIS", "ASSOCIATIONS", "ASSUMPTIONS", "BAYES", "BEHAVIOUR", "BEHAVIOUR_EFFECTS", "BEHAVIOUR_SIZES",
           "BEHAVIOUR_TABLES", "BESIDE", "CARD", "CONFIRMATORY", "CONNECTIVITY", "CONNECTIVITY_ASSOCIATIONS",
           "CONNECTIVITY_EFFECTS", "CONNECTIVITY_POINTS", "CONNECTIVITY_SLOPES", "COUPLED", "EFFECTS", "EFFECT_SIZES",
           "EVIDENCE", "EVIDENCE_SIZES", "EXCLUSIONS", "EXPLORATORY", "FACTORIAL", "FINDINGS", "MULTILEVEL",
           "OF_CONNECTIVITY", "PLANTED", "POINTS", "POOLED", "POWER", "PUBLISHED", "QUALITY", "REGIONS",
           "RELIABILITY", "RESIDUALS", "RESPONSES", "RUN_VALUES", "SCHEMAS", "SELECTIONS", "SLOPES", "SMALL_VOLUME",
           "SPECIFICATIONS", "SPECIFICATION_CURVE", "STATEMENTS", "TRUTH", "WHERE_ASKED", "Column", "Schema",
           "columns_hint", "conform", "exclusion_frame", "exclusion_rows", "failures"]
