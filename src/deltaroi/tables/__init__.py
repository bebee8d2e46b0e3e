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
from deltaroi.tables.schema import Column, Schema, columns_hint, conform
from deltaroi.tables.small_volume_table import SMALL_VOLUME

__all__ = ["EFFECTS", "EXCLUSIONS", "QUALITY", "REGIONS", "RESPONSES", "SCHEMAS", "SELECTIONS", "SMALL_VOLUME", "TRUTH",
           "Column", "Schema", "columns_hint", "conform", "exclusion_frame", "exclusion_rows"]
