"""From files to models: reading voxels, smoothing, conditions, confounds, design matrices, the GLM."""

from deltaroi.signal.conditions import ConditionEvents, build_conditions
from deltaroi.signal.confounds import ConfoundColumns, load_confounds
from deltaroi.signal.design import DesignMatrix, design
from deltaroi.signal.glm import GlmFit, fit_series
from deltaroi.signal.heights import event_height, heights
from deltaroi.signal.runfit import RunFit, load_fit, save_fit

__all__ = ["ConditionEvents", "ConfoundColumns", "DesignMatrix", "GlmFit", "RunFit", "build_conditions", "design",
           "event_height", "fit_series", "heights", "load_confounds", "load_fit", "save_fit"]
