"""ROI values from contrast maps that exist already."""

from deltaroi.measuring.maps import measure
from deltaroi.measuring.options import MeasureOptions
from deltaroi.measuring.result import MeasureResult

__all__ = ["MeasureOptions", "MeasureResult", "measure"]
