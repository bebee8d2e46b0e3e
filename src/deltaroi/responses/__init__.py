"""From the fits of one subject's runs to responses."""

from deltaroi.responses.choosers import CHOOSES, LEAST_SUBJECTS, TOO_FEW, Part, Seen, contrast_name, is_named, parts
from deltaroi.responses.functional import Localisers
from deltaroi.responses.others import VoxelEffects, load_effects, save_effects, subject_effects
from deltaroi.responses.places import places
from deltaroi.responses.session_maps import session_maps
from deltaroi.responses.specifications import Asked, SpecificationResponses, summarise_each
from deltaroi.responses.summarise import SubjectResponses, summarise

__all__ = ["CHOOSES", "LEAST_SUBJECTS", "TOO_FEW", "Asked", "Localisers", "Part", "Seen", "SpecificationResponses",
           "SubjectResponses", "VoxelEffects", "contrast_name", "is_named", "load_effects", "parts", "places",
           "save_effects", "session_maps", "subject_effects", "summarise", "summarise_each"]
