"""`init` writes a file that parses for any dataset; the template knows every key."""

from __future__ import annotations

import types
import typing
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from deltaroi.config.expression import parse_contrast
from deltaroi.config.read import parse_study, read_study
from deltaroi.config.study import Study
from deltaroi.errors import DataError
from deltaroi.io.expectations import in_time_order
from deltaroi.pipeline.check import check
from deltaroi.pipeline.init_look import in_group_order
from deltaroi.pipeline.init_study import init_study
from deltaroi.resources import resource

HEAD = "onset\tduration\t"


def made(trees: Any, **options: Any) -> Study:
    return parse_study(init_study(trees.bids, base=trees.root, **options))


def test_everything_is_found(trees: Any) -> None:
    for subject in ("01", "02"):
        for session in ("post", "pre"):
            trees.run(subject, session, task="faces")
    trees.run("01", "pre", task="rest", events=None)
    trees.participants("participant_id\tgroup\tage\nsub-01\tcontrol\t20\nsub-02\tmeditation\t30\n")
    trees.derived("dataset_description.json", {"GeneratedBy": [{"Name": "fMRIPrep", "Version": "23.2.1"}]})
    text = init_study(trees.bids, base=trees.root)
    study = parse_study(text)
    assert (study.dataset.bids_dir, study.dataset.derivatives) == ("bids", "fmriprep")
    assert (study.dataset.task, study.dataset.sessions) == ("faces", ["pre", "post"])
    assert study.groups is not None
    assert (study.groups.column, study.groups.levels) == ("group", ["meditation", "control"])
    assert parse_contrast(next(iter(study.contrasts.values()))) == {"a": 1.0, "b": -1.0}
    assert "fMRIPrep 23.2.1" in text
    assert text.count("CHECK") >= 5


def test_the_file_passes_check(trees: Any) -> None:
    for subject in ("01", "02"):
        for session in ("pre", "post"):
            trees.run(subject, session)
    trees.participants("participant_id\tgroup\nsub-01\tcontrol\nsub-02\ttraining\n")
    path = trees.root / "study.yaml"
    path.write_text(init_study(trees.bids, base=trees.root))
    result = check(path)
    assert result.exit_code == 0
    assert len(result.runs) == 4


def test_a_bare_dataset(trees: Any) -> None:
    trees.raw("sub-01/anat/sub-01_T1w.nii.gz", "x")
    study = made(trees)
    assert study.groups is None
    assert study.dataset.derivatives is None


def test_events_without_trial_type_give_conditions(trees: Any) -> None:
    trees.run("01", events=f"{HEAD}amount\tchoseAccept\r\n" + "".join(f"{i}\t4\t{i}\t{i % 2}\r\n" for i in range(30)))
    study = made(trees)
    assert {name: condition.where for name, condition in study.conditions.items()} == {
        "choseAccept_1": {"choseAccept": 1}, "choseAccept_0": {"choseAccept": 0}}
    assert parse_contrast(study.contrasts["choseAccept_1_vs_choseAccept_0"]) == {
        "choseAccept_1": 1.0, "choseAccept_0": -1.0}


@pytest.mark.parametrize("types", [("1", "2"), ("Negative (old)", "neutral"), ("a`b", "c"), ("no", "yes"),
                                   ("#x", "y: z"), ("only",), ("été", '"q"')])
def test_odd_trial_types(trees: Any, types: tuple[str, ...]) -> None:
    trees.run("01", events=HEAD + "trial_type\n" + "".join(f"{i}\t1\t{name}\n" for i, name in enumerate(types)))
    study = made(trees)
    named = set(parse_contrast(next(iter(study.contrasts.values()))))
    assert named == {name.replace("`", "") for name in types}


@pytest.mark.parametrize("cells", [("1", "2"), ("yes", "no"), ("a b", "a_b"), ("-1.5", "0")])
def test_odd_values_of_a_column(trees: Any, cells: tuple[str, str]) -> None:
    trees.run("01", events=HEAD + "my column\n" + "".join(f"{i}\t1\t{cell}\n" for i, cell in enumerate(cells * 2)))
    study = made(trees)
    path = trees.root / "study.yaml"
    path.write_text(init_study(trees.bids, base=trees.root))
    assert len(study.conditions) == 2
    assert check(path).exit_code == 0


@pytest.mark.parametrize("table", [
    "participant_id\tgroup\nsub-01\ton\nsub-02\toff\n",
    "participant_id\tgroup\nsub-01\t1\nsub-02\t2\n",
    "participant_id\tcondition: x #1\nsub-01\t[a]\nsub-02\t'b'\n",
    "participant_id\tage_group\tarm\nsub-01\tOA\tx\nsub-02\tYA\ty\n",
    "participant_id\tgroup\nsub-01\tn/a\nsub-02\ta\n",
])
def test_odd_participants(trees: Any, table: str) -> None:
    for subject in ("01", "02"):
        trees.run(subject)
    trees.participants(table)
    study = made(trees)
    if "arm" in table:
        assert study.groups is not None
        assert study.groups.column == "arm"


def test_unsure_labels_are_no_levels(trees: Any) -> None:
    for subject in ("01", "02", "03"):
        trees.run(subject)
    trees.participants("participant_id\tcondition\nsub-01\tIntervention\nsub-02\tControl\nsub-03\tUnknown\n")
    study = made(trees)
    assert study.groups is not None
    assert study.groups.levels == ["Intervention", "Control"]


def test_spaces_and_resolutions(trees: Any) -> None:
    stem = trees.run("01", space="space-MNI152NLin6Asym_res-1")
    trees.derived(f"{stem}_space-MNI152NLin6Asym_res-2_desc-preproc_bold.nii.gz", "x")
    trees.derived(f"{stem}_space-T1w_desc-preproc_bold.nii.gz", "x")
    study = made(trees)
    assert (study.dataset.space, study.dataset.resolution) == ("MNI152NLin6Asym", "1")


def test_derivatives_inside_the_dataset(trees: Any) -> None:
    trees.run("01")
    (trees.bids / "derivatives").mkdir()
    trees.derivatives.rename(trees.bids / "derivatives" / "fmriprep-23.2")
    assert made(trees).dataset.derivatives == "bids/derivatives/fmriprep-23.2"


@pytest.mark.parametrize(("labels", "order"), [
    (("post", "pre"), ("pre", "post")), (("T2", "T10", "T1"), ("T1", "T2", "T10")),
    (("followup", "baseline", "posttest"), ("baseline", "posttest", "followup")),
    (("scan2", "scan1"), ("scan1", "scan2")), (("02", "01"), ("01", "02")), (("m6", "bl", "m12"), ("bl", "m6", "m12")),
])
def test_time_order(labels: tuple[str, ...], order: tuple[str, ...]) -> None:
    assert in_time_order(labels) == order


def test_group_order() -> None:
    assert in_group_order(["waitlist", "MBSR"]) == ("MBSR", "waitlist")
    assert in_group_order(["decrease_HRV", "increase_HRV"]) == ("increase_HRV", "decrease_HRV")


def test_no_dataset() -> None:
    with pytest.raises(DataError, match="does not exist"):
        init_study("nowhere")


def fields(model: type[BaseModel]) -> set[str]:
    """Names of all fields of a model and of the models in it."""
    found = set(model.model_fields)
    for field in model.model_fields.values():
        found |= {name for inner in models(field.annotation) for name in fields(inner)}
    return found


def models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return [annotation] if issubclass(annotation, BaseModel) else []
    return [model for inner in typing.get_args(annotation) for model in models(inner)]


def test_the_template_knows_every_key() -> None:
    path = Path(resource("configs", "template.yaml"))
    text = path.read_text()
    lacking = {name for name in fields(Study) if f"{name}:" not in text}
    assert not lacking
    read_study(path)


def test_the_template_shows_the_defaults() -> None:
    """Every section without required keys holds exactly what leaving it out would give."""
    study = read_study(Path(resource("configs", "template.yaml")))
    for section in ("first_level", "group", "execution", "summary", "description"):
        field = Study.model_fields[section]
        assert getattr(study, section) == field.get_default(call_default_factory=True), section
    assert study.simulation is not None
    bare = type(study.simulation)().model_dump(exclude={"planted", "coupled", "scores"})
    assert study.simulation.model_dump(exclude={"planted", "coupled", "scores"}) == bare
