"""What the input datasets say about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.io.places import Place, top_file
from deltaroi.io.sidecars import read_json


def described_inputs(study: Study, places: Mapping[str, Place]) -> dict[str, Any]:
    """What the datasets of a study say about themselves; ``places`` has them by their role."""
    found = {name: described(place) for name, place in places.items()}
    maps = study.dataset.maps
    return found if maps is None else {**found, "maps": {"Name": Path(maps).name}}


def described(place: Place) -> dict[str, Any]:
    """Name, DOI and makers of a dataset, from its description; nothing that depends on where it lies."""
    try:
        path = top_file(place, "dataset_description.json")
        data = read_json(path) if path else None
    except DataError:
        data = None
    if data is None:
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


