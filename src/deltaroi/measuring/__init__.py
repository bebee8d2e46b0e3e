"""ROI values from contrast maps that exist already."""

from deltaroi.measuring.maps import about_maps, measure
from deltaroi.measuring.options import MeasureOptions
from deltaroi.measuring.result import MeasureResult
from deltaroi.measuring.subject import map_grid, measure_subject
from deltaroi.measuring.table import MapRow, read_maps

__all__ = ["MapRow", "MeasureOptions", "MeasureResult", "about_maps", "map_grid", "measure", "measure_subject",
           "read_maps"]
