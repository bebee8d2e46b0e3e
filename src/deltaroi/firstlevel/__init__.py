"""The first level: one run in, one artefact out."""

from deltaroi.firstlevel.fit import Wanted, fit_run, fit_runs
from deltaroi.firstlevel.model import FirstLevelTask
from deltaroi.signal.runfit import RunFit, load_fit, save_fit

__all__ = ["FirstLevelTask", "RunFit", "Wanted", "fit_run", "fit_runs", "load_fit", "save_fit"]
