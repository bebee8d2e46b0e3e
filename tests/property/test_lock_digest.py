"""The digest of a lock: every field of the study file is in it or in the committed list of those that are not.

The order of keys and the places of files are not in it.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from deltaroi.config.read import parse_study, read_study
from deltaroi.config.study import Study
from deltaroi.pipeline.lock_items import NOT_LOCKED, digest_of, lock_items
from deltaroi.specs import RegionChoice
from helpers import load_module

ROOT = Path(__file__).resolve().parents[2]
DECLARED = load_module(ROOT / "tests" / "unit" / "pipeline" / "test_declared.py")  # a changed value for every field
ONE_VALUE = {"schema_version", "dataset.maps"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study file's place, with the files that the cases name beside it."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("m.nii", "n.nii", "l.nii", "l.tsv", "k.tsv"):
        (folder / name).write_text(f"content of {name}")
    return folder / "study.yaml"


def measured(study: Study, path: str) -> Study:
    """The study, measuring the custom ROI that the path is about; a threshold is one of probabilities."""
    parts = path.split(".")
    include = list(study.regions.include)
    if parts[:2] == ["regions", "custom"] and parts[2] not in include:
        include.append(parts[2])
    if path in ("regions.threshold", "regions.include.2.threshold"):
        include = [one.model_copy(update={"definition": "pauli2017"}) if isinstance(one, RegionChoice) else one
                   for one in include]
    return study.model_copy(update={"regions": study.regions.model_copy(update={"include": include})})


def digest(study: Study, file: Path) -> str:
    return digest_of(lock_items(study, file))


@pytest.mark.parametrize("path", DECLARED.CASES)
def test_every_field_is_locked_or_in_the_list(file: Path, path: str) -> None:
    before = measured(DECLARED.change("description", "before"), path)
    after = measured(DECLARED.change(path, DECLARED.CASES[path][0]), path)
    listed = any(path == place or path.startswith(f"{place}.") for place in NOT_LOCKED)
    assert (digest(before, file) == digest(after, file)) == listed


@pytest.mark.parametrize("place", NOT_LOCKED)
def test_the_list_names_fields_of_the_schema(place: str) -> None:
    assert any(path == place or path.startswith(f"{place}.") for path in DECLARED.fields(Study) | ONE_VALUE)


def test_a_simulation_and_the_execution_are_not_locked(file: Path) -> None:
    plain = digest(DECLARED.change("description", "x"), file)
    assert digest(DECLARED.change("execution", {"jobs": 7, "on_error": "stop"}), file) == plain
    assert digest(DECLARED.change("simulation", {"seed": 99}), file) == plain


def shuffled(data: Any, random: Random) -> Any:
    if isinstance(data, dict):
        keys = list(data)
        random.shuffle(keys)
        return {key: shuffled(data[key], random) for key in keys}
    return [shuffled(one, random) for one in data] if isinstance(data, list) else data


@settings(max_examples=30, deadline=None)
@given(random=st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_matter(random: Random) -> None:
    file = Path("study.yaml")
    data = json.loads(DECLARED.change("contrasts", {"x": "a - b", "y": "b"}).model_dump_json())
    text = yaml.safe_dump(shuffled(data, random), sort_keys=False)
    assert digest(parse_study(text), file) == digest(parse_study(yaml.safe_dump(data)), file)


def test_a_contrast_written_differently_is_the_same(file: Path) -> None:
    written = {text: digest(DECLARED.change("contrasts", {"x": text, "y": "b"}), file)
               for text in ("1 * a - (b)", "a - b", "b - a")}
    assert written["1 * a - (b)"] == written["a - b"] != written["b - a"]


def test_places_do_not_matter_and_contents_do(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    (one / "roi.nii").write_text("voxels")
    text = ("schema_version: 1\nname: s\ndataset: {{bids_dir: {place}, task: t, sessions: [pre, post]}}\n"
            "regions: {{include: [mine], custom: {{mine: {{mask: {mask}, space: MNI152NLin2009cAsym}}}}}}\n"
            "contrasts: {{x: a}}\n")
    (one / "study.yaml").write_text(text.format(place="bids", mask="roi.nii"))
    shutil.copytree(one, other)
    (other / "masks").mkdir()
    (other / "roi.nii").rename(other / "masks" / "renamed.nii")
    (other / "study.yaml").write_text(text.format(place="/elsewhere/bids", mask=other / "masks" / "renamed.nii"))
    digests = [digest(read_study(folder / "study.yaml"), folder / "study.yaml") for folder in (one, other)]
    assert digests[0] == digests[1]
    (other / "masks" / "renamed.nii").write_text("other voxels")
    assert digest(read_study(other / "study.yaml"), other / "study.yaml") != digests[0]
