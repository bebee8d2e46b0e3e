"""The published designs: which there are, what a simulation plants for their results, and where answers stand."""

from deltaroi.studies.answers import Answer, answer
from deltaroi.studies.library import published, published_path, study_names
from deltaroi.studies.planting import Planting, Reported, plant

__all__ = ["Answer", "Planting", "Reported", "answer", "plant", "published", "published_path", "study_names"]
