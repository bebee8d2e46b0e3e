"""The region library: definitions as data files, their native weights, and which template fits which."""

from deltaroi.atlas.definitions import Definition, library
from deltaroi.atlas.native import NativeRegion, native_weights
from deltaroi.atlas.source import LabelShape, RegionSource, SphereShape, find, sides_of
from deltaroi.atlas.spaces import NOT_STATED, SpaceRelation, canonical_space, space_relation

__all__ = ["NOT_STATED", "Definition", "LabelShape", "NativeRegion", "RegionSource", "SpaceRelation", "SphereShape",
           "canonical_space", "find", "library", "native_weights", "sides_of", "space_relation"]
