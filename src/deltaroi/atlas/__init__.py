"""The region library: definitions as data files, their native weights, and which template fits which."""

from deltaroi.atlas.combine import ImageShape, combine, one_side
from deltaroi.atlas.definitions import Definition
from deltaroi.atlas.library import canonical_definition, definition_names, fit_of, library, variants
from deltaroi.atlas.native import NativeRegion, draw, native_weights, unrecorded_files
from deltaroi.atlas.places import fetch, fingerprint, obstacle
from deltaroi.atlas.source import (
    CombineShape,
    LabelShape,
    ProbabilityShape,
    RegionSource,
    SphereShape,
    find,
    is_probabilistic,
    placed,
    sides_of,
)
from deltaroi.atlas.spaces import TALAIRACH, SpaceRelation, canonical_space, space_relation
from deltaroi.atlas.talairach import CONVERSION, talairach_to_mni
from deltaroi.types import NOT_STATED

__all__ = ["CONVERSION", "NOT_STATED", "TALAIRACH", "CombineShape", "Definition", "ImageShape", "LabelShape",
           "NativeRegion", "ProbabilityShape", "RegionSource", "SpaceRelation", "SphereShape",
           "canonical_definition", "canonical_space", "combine", "definition_names", "draw", "fetch",
           "find", "fingerprint", "fit_of", "is_probabilistic", "library", "native_weights", "obstacle",
           "one_side", "placed", "sides_of", "space_relation", "talairach_to_mni", "unrecorded_files",
           "variants"]
