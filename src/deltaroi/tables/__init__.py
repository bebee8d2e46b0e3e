"""The declared tables: what a table is, which there are, and exclusions as rows."""

from deltaroi.tables import declared
from deltaroi.tables.declared import (
    EFFECTS,
    EXCLUSIONS,
    QUALITY,
    REGIONS,
    RESPONSES,
    SELECTIONS,
    TRUTH,
)
from deltaroi.tables.exclusions import exclusion_frame, exclusion_rows
from deltaroi.tables.group_tables import ASSUMPTIONS, BAYES, BESIDE, EFFECT_SIZES, RESIDUALS
from deltaroi.tables.power_table import POWER
from deltaroi.tables.schema import Column, Schema, columns_hint, conform
from deltaroi.tables.small_volume_table import SMALL_VOLUME

SCHEMAS = {**declared.SCHEMAS, **{schema.name: schema for schema in (*BESIDE, POWER, SMALL_VOLUME)}}
"""Every table by its name."""

__all__ = ["ASSUMPTIONS", "BAYES", "BESIDE", "EFFECTS", "EFFECT_SIZES", "EXCLUSIONS", "POWER", "QUALITY", "REGIONS",
           "RESIDUALS", "RESPONSES", "SCHEMAS", "SELECTIONS", "SMALL_VOLUME", "TRUTH", "Column", "Schema",
           "columns_hint", "conform", "exclusion_frame", "exclusion_rows"]
