"""The frozen options that stages take; each is one section of the study file.

A result carries the spec that made it. Every field is described; the JSON Schema is generated from these models.
"""

from deltaroi.specs.associations import Association, about, misfits
from deltaroi.specs.base import SIDES, Hemisphere, Name, Point, Scalar, Spec
from deltaroi.specs.behaviour import Measure, measure_misfits
from deltaroi.specs.claims import Claim, ClaimTable, Plant
from deltaroi.specs.connectivity import Connectivity, RoiChoice
from deltaroi.specs.design import Design, DesignGroup, NotStated
from deltaroi.specs.execution import ADDRESS, Cluster, Execution
from deltaroi.specs.factorial import Factorial, factorial_misfits
from deltaroi.specs.group import Groups, GroupStats, Summary
from deltaroi.specs.multiverse import MAIN, Multiverse, Specification, axes_of, specifications
from deltaroi.specs.phases import phase_misfits
from deltaroi.specs.power import Power, Spread
from deltaroi.specs.regions import (
    LARGEST_RADIUS_MM,
    Combine,
    CombineRoi,
    CustomRoi,
    Functional,
    FunctionalRoi,
    LabelsRoi,
    MaskRoi,
    RegionChoice,
    Regions,
    Rule,
    SphereRoi,
    Threshold,
)
from deltaroi.specs.signal import HRF, Condition, Confounds, FirstLevel
from deltaroi.specs.simulation import Coupled, Noise, Planted, Score, SimulatedEvents, Simulation

__all__ = ["ADDRESS", "HRF", "LARGEST_RADIUS_MM", "MAIN", "SIDES", "Association", "Claim", "ClaimTable", "Cluster",
           "Combine", "CombineRoi", "Condition", "Confounds", "Connectivity", "Coupled", "CustomRoi", "Design",
           "DesignGroup", "Execution", "Factorial", "FirstLevel", "Functional", "FunctionalRoi", "GroupStats", "Groups",
           "Hemisphere", "LabelsRoi", "MaskRoi", "Measure", "Multiverse", "Name", "Noise", "NotStated", "Plant",
           "Planted", "Point", "Power", "RegionChoice", "Regions", "RoiChoice", "Rule", "Scalar", "Score",
           "SimulatedEvents", "Simulation", "Spec", "Specification", "SphereRoi", "Spread", "Summary", "Threshold",
           "about", "axes_of", "factorial_misfits", "measure_misfits", "misfits", "phase_misfits", "specifications"]
