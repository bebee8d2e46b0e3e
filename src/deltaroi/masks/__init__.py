"""From ROIs to voxels and weights on any grid."""

from deltaroi.masks.build import build_regions
from deltaroi.masks.grids import grid_for, grid_of_image
from deltaroi.masks.inputs import MISSING_FILE, library_state, region_files, roi_contents
from deltaroi.masks.keys import roi_keys, roi_notes
from deltaroi.masks.records import RegionSet, RoiVoxels
from deltaroi.masks.rules import as_threshold
from deltaroi.masks.store import load_regions, save_regions, write_roi_images

__all__ = ["MISSING_FILE", "RegionSet", "RoiVoxels", "as_threshold", "build_regions", "grid_for", "grid_of_image",
           "library_state", "load_regions", "region_files", "roi_contents", "roi_keys", "roi_notes", "save_regions",
           "write_roi_images"]
