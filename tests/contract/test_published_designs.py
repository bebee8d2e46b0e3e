"""The seven published designs: they read, every reported result has its claim, their numbers stand in the review."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from deltaroi.config.expression import parse_contrast
from deltaroi.config.study import Study
from deltaroi.evidence import read_evidence
from deltaroi.io.tsv import read_tsv
from deltaroi.masks import roi_keys
from deltaroi.pipeline.published import catalogue
from deltaroi.pipeline.reported import reported_results
from deltaroi.studies import plant, published, study_names
from deltaroi.tables import SCHEMAS

NAMES = ("desbordes2012", "klimecki2013", "klimecki2014", "leung2018", "lutz2008", "mascaro2013", "weng2013")
PEOPLE = {"desbordes2012": 36, "klimecki2013": 104, "klimecki2014": 53, "leung2018": 20, "lutz2008": 30,
          "mascaro2013": 21, "weng2013": 41}


def test_the_list_is_frozen() -> None:
    assert study_names() == NAMES
    table = catalogue().set_index("study")
    assert {name: int(n) for name, n in table["n"].items()} == PEOPLE


@pytest.fixture(params=NAMES)
def study(request: pytest.FixtureRequest) -> Study:
    return published(request.param)


def test_the_page_shows_the_list_as_it_is_printed() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "studies.md").read_text()
    shown = re.search(r"<!-- output: studies list -->\n```text\n(.*?)```", page, flags=re.DOTALL)
    assert shown is not None
    words = [sys.executable, "-m", "deltaroi", "studies", "list"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == shown.group(1)


def test_the_mean_of_all_valences_is_what_the_page_says() -> None:
    study = published("desbordes2012")
    table = plant(study, reported_results(study.claims)).table.set_index("claim")
    assert f"{table.loc['desbordes2012_mat_amygdala_all', 'planted']:.2f}" == "-0.45"


def test_every_reported_result_is_claimed(study: Study) -> None:
    evidence = read_evidence()
    mine = set(evidence.loc[evidence["id"].str.startswith(f"{study.name}_"), "id"])
    assert mine
    assert set(study.claims) == mine


def test_it_names_no_data_and_is_complete(study: Study) -> None:
    assert study.dataset.bids_dir is None
    assert study.design is not None
    assert study.simulation is not None
    assert study.design.not_stated
    assert roi_keys(study.regions, study.dataset.space)
    assert study.groups is not None
    assert set(study.groups.levels) <= set(study.design.groups)
    known = set(study.simulation.events.conditions)
    for text in study.contrasts.values():
        assert set(dict(parse_contrast(text))) <= known


def test_claims_name_columns_of_their_tables_and_rois_of_the_study(study: Study) -> None:
    keys = {(key.region, key.hemisphere, key.definition) for key in roi_keys(study.regions, study.dataset.space)}
    for name, claim in study.claims.items():
        if claim.table is None:
            continue
        if claim.table in SCHEMAS:
            assert set(claim.where) <= set(SCHEMAS[claim.table].names), name
        if "region" in claim.where:
            assert tuple(claim.where[part] for part in ("region", "hemisphere", "definition")) in keys, name
        if "contrast" in claim.where:
            assert claim.where["contrast"] in study.contrasts, name


def test_what_is_reported_is_planted_in_its_direction(study: Study) -> None:
    told = reported_results(study.claims)
    table = plant(study, told).table.set_index("claim")
    for name, claim in study.claims.items():
        row = table.loc[name]
        if claim.plant is None:
            continue
        sign = {"increase": 1, "positive": 1, "decrease": -1, "negative": -1}.get(told[name].direction, 0)
        if told[name].significance == "not significant" and row["source"] == "no effect":
            sign = 0
        assert row["planted"] * sign > 0 or (sign == 0 and row["planted"] == 0), name
        if row["source"] == "reported":
            assert row["planted"] == pytest.approx(told[name].size, rel=1e-6), name


def table_cells(review: Path) -> list[list[str]]:
    """The rows of Table 1, cell by cell."""
    text = review.read_text()
    part = text[text.index("## Table 1."):text.index("#### Table 2.")]
    return [line.split("\t") for line in part.splitlines() if "\t" in line]


def test_the_numbers_of_the_design_stand_in_the_review(study: Study, shared: Path) -> None:
    cells = {re.sub(r"[\s$]|\\pm", lambda m: "±" if "pm" in m.group() else "", cell)
             for row in table_cells(shared / "literature" / "kamal2025_compassion_scoping_review.md") for cell in row}
    assert study.design is not None
    for label, group in study.design.groups.items():
        for number in (group.n, group.male_percent):
            assert number is None or f"{number:g}" in cells, (label, number)
        if group.age_mean is not None:
            assert group.age_sd is not None
            ages = {f"{group.age_mean:{spec}}±{group.age_sd:g}" for spec in ("g", ".1f")}
            assert ages & cells, (label, ages)


def test_the_citation_stands_in_the_review(study: Study, shared: Path) -> None:
    text = (shared / "literature" / "kamal2025_compassion_scoping_review.md").read_text()
    plain = re.sub(r"\s+", " ", text.replace("*", "")).replace("–", "-")
    assert study.design is not None
    if study.name == "lutz2008":  # the paper of these authors and year in the references is another one
        assert "attention" in next(line for line in text.splitlines() if "Lutz A" in line).lower()
        return
    first, rest = study.design.citation.split("(", 1)
    assert first.split(" ")[0] in plain
    assert rest.split(").", 1)[1].strip().rstrip(".") in plain
    assert study.design.doi is None or study.design.doi in text


def test_planted_tables_name_ids_of_the_evidence() -> None:
    ids = set(read_tsv(Path(__file__).resolve().parents[2] / "configs" / "evidence.tsv")["id"])
    assert {name for study in NAMES for name in published(study).claims} == ids
