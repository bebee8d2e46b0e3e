"""Whether ROIs were drawn without the data that are tested in them, in words."""

from __future__ import annotations

from deltaroi.masks.references import own_parts
from deltaroi.report import words
from deltaroi.report.data import Output
from deltaroi.specs import CombineRoi, Functional, FunctionalRoi, Regions
from deltaroi.types import CIRCULAR, RoiKey, is_own


def functional_words(spec: Functional) -> str:
    """Which voxels were chosen, where, by what and from which data."""
    rule = f"the {words.plural(spec.strongest, 'voxel')} with the largest t" if spec.strongest is not None else \
        f"the voxels with t above {spec.above_t:g}"
    data = {
        "other_runs": "for each run from the same subject's other runs, in any session",
        "other_sessions": "for each session from the same subject's other sessions",
        "other_subjects": "for each subject from the other subjects (one-sample t over their mean effects in all "
                          "sessions and groups)",
        "runs": f"from the same subject's runs labelled {words.listed(spec.runs)}, which were not tested in them",
        "task": f"from the same subject's runs of the task '{spec.task}'",
        "same_data": "from all runs of the same subject, those that were tested in them included",
    }[spec.select_from]
    return f"{rule} of the contrast {spec.contrast} within {spec.within}, chosen {data}"


def independence_text(output: Output) -> str:
    """How functional ROIs were chosen, and which ROIs are independent of the tested data, as far as is known here."""
    text = "".join(f" {name} is {functional_words(spec)}"
                   f"{' [@esterman2010]' if spec.select_from == 'other_subjects' else ''}."
                   for name, spec in output.functional.items())
    honest = [name for name in output.functional if name not in output.circular]
    if honest:
        text += f" The data that chose the voxels of {words.listed(honest)} were not tested in them."
    if output.circular:
        text += (f" The voxels of {words.listed(output.circular)} were chosen with the tested data: this is circular, "
                 "so the estimates are inflated and their p values mean nothing [@kriegeskorte2009].")
    own = list(dict.fromkeys(roi.region for roi in output.rois if independent(output, roi) is None))
    if own:
        text += (f" {words.listed(own)} {'rests' if len(own) == 1 else 'rest'} on images or coordinates of the study "
                 "file; whether they were drawn independently of the tested data is for the authors to state.")
    other = "other " if output.circular or own else ""
    return f"{text} No {other}ROI was drawn from the tested data by this analysis."


def independent(output: Output, roi: RoiKey) -> bool | None:
    """Whether an ROI was drawn without the data that are tested in it; None where nobody here can know."""
    if roi.definition == CIRCULAR:
        return False
    return None if is_own(roi.definition) and _brought(roi.region, output.study.regions) else True


def _brought(name: str, regions: Regions) -> bool:
    """Whether an ROI rests on an image or on coordinates that the study file brings."""
    if isinstance(regions.custom.get(name), (CombineRoi, FunctionalRoi)):
        return any(_brought(part, regions) for part in own_parts(name, regions))
    return True
