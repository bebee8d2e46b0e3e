"""Connectivity between ROIs, from the first-level artefacts alone."""

from deltaroi.connectivity.as_responses import as_connections, as_responses, coupling
from deltaroi.connectivity.asked import Connection, connections
from deltaroi.connectivity.connect import SubjectConnectivity, connect
from deltaroi.connectivity.gppi import LEAST_DOF
from deltaroi.connectivity.series import Roi

__all__ = ["LEAST_DOF", "Connection", "Roi", "SubjectConnectivity", "as_connections", "as_responses", "connect",
           "connections", "coupling"]
