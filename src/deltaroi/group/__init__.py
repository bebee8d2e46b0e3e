"""From responses to effects: the group stage."""

from deltaroi.group.analysis import analyse
from deltaroi.group.compare import CompareOptions, compare
from deltaroi.group.design import GroupDesign, GroupResult
from deltaroi.group.quality import quality
from deltaroi.group.reliability import reliability

__all__ = ["CompareOptions", "GroupDesign", "GroupResult", "analyse", "compare", "quality", "reliability"]
