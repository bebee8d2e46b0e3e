"""From responses to effects: the group stage."""

from deltaroi.group.analysis import analyse
from deltaroi.group.behaviour import Behaviour, analyse_behaviour, behaviour_values
from deltaroi.group.compare import compare
from deltaroi.group.design import GroupDesign, GroupResult
from deltaroi.group.multiverse import Explored, explore
from deltaroi.group.options import CompareOptions
from deltaroi.group.quality import quality
from deltaroi.group.reliability import reliability
from deltaroi.group.small_volume import SmallVolume, VoxelMap, small_volume

__all__ = ["Behaviour", "CompareOptions", "Explored", "GroupDesign", "GroupResult", "SmallVolume", "VoxelMap",
           "analyse", "analyse_behaviour", "behaviour_values", "compare", "explore", "quality", "reliability",
           "small_volume"]
