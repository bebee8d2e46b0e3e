"""The first level: one run in, one artefact out."""

from deltaroi.firstlevel.fit import fit_run
from deltaroi.firstlevel.model import FirstLevelTask
from deltaroi.signal.runfit import RunFit, load_fit, save_fit

__all__ = ["FirstLevelTask", "RunFit", "fit_run", "load_fit", "save_fit"]
