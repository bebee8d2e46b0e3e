"""From files to models: reading voxels, smoothing, conditions, confounds, design matrices, the GLM."""

from deltaroi.signal.conditions import ConditionEvents, build_conditions
from deltaroi.signal.confounds import ConfoundColumns, load_confounds
from deltaroi.signal.design import DesignMatrix, design
from deltaroi.signal.gather import Gathered, VoxelSet, gather, gather_sets
from deltaroi.signal.glm import GlmFit, fit_series
from deltaroi.signal.header import ImageHeader
from deltaroi.signal.heights import event_height, heights
from deltaroi.signal.runfit import RunFit, load_fit, save_fit
from deltaroi.signal.stream import read_header

__all__ = ["ConditionEvents", "ConfoundColumns", "DesignMatrix", "Gathered", "GlmFit", "ImageHeader", "RunFit",
           "VoxelSet", "build_conditions", "design", "event_height", "fit_series", "gather", "gather_sets", "heights",
           "load_confounds", "load_fit", "read_header", "save_fit"]
