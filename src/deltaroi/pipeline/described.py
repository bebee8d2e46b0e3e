"""What the input datasets say about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deltaroi.config.read import resolve
from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.io.sidecars import read_json


def described_inputs(study: Study, study_path: str | Path) -> dict[str, Any]:
    """What the datasets of a study say about themselves."""
    dataset = study.dataset
    named = {"raw": dataset.bids_dir, "derivatives": dataset.derivatives}
    found = {name: described(resolve(study_path, text)) for name, text in named.items() if text is not None}
    return found if dataset.maps is None else {**found, "maps": {"Name": Path(dataset.maps).name}}


def described(folder: Path) -> dict[str, Any]:
    """Name, DOI and makers of a dataset, from its description; nothing that depends on where it lies."""
    try:
        data = read_json(folder / "dataset_description.json")
    except DataError:
        return {"Description": "no readable dataset_description.json"}
    makers = data.get("GeneratedBy") or data.get("PipelineDescription") or []
    makers = [one for one in (makers if isinstance(makers, list) else [makers]) if isinstance(one, dict)]
    wanted = [key for key in ("Name", "DatasetDOI", "BIDSVersion", "DatasetType") if key in data]
    kept: dict[str, Any] = {key: str(data[key]) for key in wanted}
    return {**kept, "GeneratedBy": [{key: str(one[key]) for key in ("Name", "Version") if key in one}
                                    for one in makers]}


def simulated(inputs: Mapping[str, Any]) -> bool:
    """Whether a dataset says that it is simulated."""
    names = [maker.get("Name", "") for one in inputs.values() for maker in one.get("GeneratedBy", [])]
    return any("simulator" in name.lower() for name in names)


