"""The declared tables: what a table is, which there are, and exclusions as rows."""

from deltaroi.tables.association_tables import ASSOCIATIONS, POINTS, RELIABILITY, RUN_VALUES, SLOPES
from deltaroi.tables.declared import (
    EFFECTS,
    EXCLUSIONS,
    QUALITY,
    REGIONS,
    RESPONSES,
    SCHEMAS,
    SELECTIONS,
    TRUTH,
)
from deltaroi.tables.exclusions import exclusion_frame, exclusion_rows
from deltaroi.tables.schema import Column, Schema, columns_hint, conform

__all__ = ["ASSOCIATIONS", "EFFECTS", "EXCLUSIONS", "POINTS", "QUALITY", "REGIONS", "RELIABILITY", "RESPONSES",
           "RUN_VALUES", "SCHEMAS", "SELECTIONS", "SLOPES", "TRUTH", "Column", "Schema", "columns_hint", "conform",
           "exclusion_frame", "exclusion_rows"]
