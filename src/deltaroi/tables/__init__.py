"""The declared tables: what a table is, which there are, and exclusions as rows."""

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
from deltaroi.tables.multilevel_table import ALL_ROIS, MULTILEVEL
from deltaroi.tables.schema import Column, Schema, columns_hint, conform

__all__ = ["ALL_ROIS", "EFFECTS", "EXCLUSIONS", "MULTILEVEL", "QUALITY", "REGIONS", "RESPONSES", "SCHEMAS",
           "SELECTIONS", "TRUTH", "Column", "Schema", "columns_hint", "conform", "exclusion_frame", "exclusion_rows"]
