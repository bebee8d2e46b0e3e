"""From the fits of one subject's runs to responses."""

from deltaroi.responses.choosers import LEAST_SUBJECTS, Part, Seen, contrast_name, parts
from deltaroi.responses.functional import Localisers
from deltaroi.responses.others import VoxelEffects, load_effects, save_effects, subject_effects
from deltaroi.responses.summarise import SubjectResponses, summarise

__all__ = ["LEAST_SUBJECTS", "Localisers", "Part", "Seen", "SubjectResponses", "VoxelEffects", "contrast_name",
           "load_effects", "parts", "save_effects", "subject_effects", "summarise"]
