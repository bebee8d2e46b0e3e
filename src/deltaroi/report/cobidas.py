"""The items that COBIDAS asks for, machine readable (Nichols et al., 2017, doi:10.1038/nn.4500)."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from deltaroi.report.connectivity import connectivity_items
from deltaroi.report.data import Output, Row, records
from deltaroi.report.independence import functional_words, independent
from deltaroi.report.locked import lock_item
from deltaroi.report.methods_signal import generators, people
from deltaroi.specs import LabelsRoi, MaskRoi
from deltaroi.types import CIRCULAR, FUNCTIONAL, NA, RoiKey, is_own


def cobidas_items(output: Output) -> dict[str, Any]:
    """All items.

    Parameters
    ----------
    output : Output
        The output folder.

    Returns
    -------
    dict
        JSON-ready; None where the study or the record does not say.
    """
    study = output.study
    groups = study.groups
    return {
        "Source": "COBIDAS checklist, doi:10.1038/nn.4500",
        "Study": {"Name": study.name, "Question": study.description or None, "SimulatedData": output.run.simulated},
        "Participants": {
            "Analysed": people(output) if groups else sum(people(output).values()),
            "Assignment": groups.assignment if groups else None,
            "ExclusionRows": len(output.exclusions),
            "ExclusionReasons": dict(sorted(Counter(output.exclusions["reason"]).items())),
        },
        "Data": {"Task": study.dataset.task, "Sessions": study.dataset.sessions, "Space": study.dataset.space,
                 "PreprocessedBy": [{"Name": name, "Version": version}
                                    for name, version in dict.fromkeys(generators(output.run.inputs))]},
        "FirstLevel": None if study.dataset.maps is not None else study.first_level.model_dump(mode="json"),
        "RegionsOfInterest": [_region(output, roi) for roi in output.rois],
        "Contrasts": {name: study.contrasts.get(name) for name in output.contrasts},
        "Units": sorted(set(output.responses["unit"]) | set(output.effects["unit"])),
        "GroupModel": _model(output),
        "MultipleTesting": _correction(output),
        **({"Preregistration": lock_item(output.locked, output.primary)} if output.locked else {}),
        "TestedEffects": [_effect(row) for row in records(output.effects)],
        **connectivity_items(output),
        "SoftwareVersions": dict(sorted(output.run.versions.items())),
    }


def _region(output: Output, roi: RoiKey) -> dict[str, Any]:
    frame = output.regions
    rows = frame[(frame["region"] == roi.region) & (frame["hemisphere"] == roi.hemisphere)
                 & (frame["definition"] == roi.definition)]
    custom = output.study.regions.custom.get(roi.region)
    own_image = isinstance(custom, (MaskRoi, LabelsRoi)) and is_own(roi.definition)
    item: dict[str, Any] = {"Region": roi.region, "Hemisphere": roi.hemisphere, "Definition": roi.definition}
    if rows.empty:
        return {**item, "Type": None}
    row = rows.iloc[0]
    functional = roi.definition in (FUNCTIONAL, CIRCULAR)
    kind = "functional" if functional else "custom image" if own_image else "sphere" if row["sha256"] == NA else "atlas"
    return {
        **item, "Type": kind, "PublicAtlas": kind == "atlas", "Source": row["source"],
        "SourceVersion": _text(row["source_version"]), "Licence": row["licence"], "Citation": row["citation"],
        **({"ChosenVoxels": functional_words(output.functional[roi.region])} if functional else {}),
        "IndependentOfTheData": independent(output, roi),
        "VolumeMm3": {str(r["grid"]): float(r["volume_mm3"]) for r in records(rows)},
        "SpaceRelation": row["space_relation"],
    }


def _model(output: Output) -> dict[str, Any] | None:
    primary = output.primary
    if primary.empty:
        return None
    groups = output.study.groups
    return {"PrimaryModel": sorted(set(primary["model"])), "PrimaryTerm": sorted(set(primary["term"])),
            "VarianceStructure": sorted(set(primary["se_kind"])), "Covariates": groups.entering if groups else [],
            "Strata": groups.strata if groups else None,
            "OtherModels": sorted(set(output.effects["model"]) - set(primary["model"]))}


def _correction(output: Output) -> dict[str, Any] | None:
    primary, stats = output.primary, output.study.group
    columns = {"p_fwe": "max-T permutation", "p_holm": "Holm", "q_fdr": "Benjamini-Hochberg"}
    methods = [name for column, name in columns.items() if primary[column].notna().any()]
    if not methods:
        return None
    permuted = "max-T permutation" in methods
    return {"Methods": methods, "Family": output.study.regions.family,
            "FamilySizes": sorted({int(n) for n in primary["family_size"] if math.isfinite(n)}),
            "Families": sorted(set(primary["family"]) - {NA}),
            "PermutationsAskedFor": stats.permutations if permuted else None, "Seed": stats.seed if permuted else None}


def _effect(row: Row) -> dict[str, Any]:
    names = ("contrast", "region", "hemisphere", "definition", "model", "term", "comparison", "se_kind", "primary")
    status = {} if row["status"] == NA else {"status": row["status"]}
    return {name: row[name] for name in names} | status


def _text(value: str) -> str | None:
    return None if value == NA else value
