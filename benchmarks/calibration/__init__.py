"""Error rates and coverage of the group statistics on simulated data; see :mod:`benchmarks.calibration.__main__`."""
