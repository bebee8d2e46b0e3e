"""The tables of behaviour: values, and effects and effect sizes as the responses have them."""

from __future__ import annotations

from deltaroi.tables.declared import EFFECTS
from deltaroi.tables.group_tables import EFFECT_SIZES
from deltaroi.tables.schema import Schema, columns

PLACE = ("specification", "contrast", "summary", "region", "hemisphere", "definition")
"""The columns of the effects that name a value of the brain; ``measure`` stands in their place."""
_MEASURE = columns("measure | text! | | name of the measure in the study file")

BEHAVIOUR = Schema("behaviour", (*_MEASURE, *columns("""
    subject | text! | | BIDS subject label
    session | text | | BIDS session label; n/a in a study without sessions
    group | text | | group of the subject; n/a with one group
    value | number | see unit | the subject's value
    unit | text! | | unit of value
    column | text! | | column of participants.tsv that holds it
""")), ("measure", "subject", "session"))


def _of_measures(schema: Schema, name: str) -> Schema:
    """The same table with a measure in place of an ROI and contrast."""
    return Schema(name, (*_MEASURE, *(c for c in schema.columns if c.name not in PLACE)),
                  ("measure", *(part for part in schema.key if part not in PLACE)))


BEHAVIOUR_EFFECTS = _of_measures(EFFECTS, "behaviour_effects")
BEHAVIOUR_SIZES = _of_measures(EFFECT_SIZES, "behaviour_effect_sizes")
BEHAVIOUR_TABLES = (BEHAVIOUR, BEHAVIOUR_EFFECTS, BEHAVIOUR_SIZES)
"""What the behaviour step writes where the study has measures."""
