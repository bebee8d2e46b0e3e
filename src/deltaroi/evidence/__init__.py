"""The published results of the seven studies: reading, checking against each other, sizing and pooling them."""

from deltaroi.evidence.check import check
from deltaroi.evidence.finding import VERDICTS
from deltaroi.evidence.pooled import FEWEST, pool
from deltaroi.evidence.read import choose, read_evidence, read_statements
from deltaroi.evidence.sizes import effect_sizes

__all__ = ["FEWEST", "VERDICTS", "check", "choose", "effect_sizes", "pool", "read_evidence", "read_statements"]
