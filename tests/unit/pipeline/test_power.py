"""`deltaroi power`: every design, options and their errors, the same bytes whatever the jobs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from deltaroi.cli.main import entry
from deltaroi.config.read import parse_study
from deltaroi.io.tsv import read_table
from deltaroi.pipeline.power import DRAWS, DRAWS_MIXED, PowerOptions, power
from deltaroi.pipeline.power_assumptions import family_size
from deltaroi.tables import POWER

STUDY: dict[str, Any] = {
    "schema_version": 1, "name": "planned", "dataset": {"bids_dir": "b", "task": "t", "sessions": ["pre", "post"]},
    "groups": {"column": "group", "levels": ["A", "B"], "assignment": "randomised"},
    "regions": {"include": ["amygdala", "VTA"]}, "contrasts": {"x": "a - b"},
    "power": {"n": [12, [20, 16]], "effects": [0, 1.0], "sd": 0.3, "correlation": 0.5, "roi_correlation": 0.3,
              "draws": 100}}


def written(folder: Path, **sections: Any) -> Path:
    path = folder / "study.yaml"
    data = {**STUDY, **sections}
    path.write_text(yaml.safe_dump({key: value for key, value in data.items() if value is not None}))
    return path


def with_power(**fields: Any) -> dict[str, Any]:
    return {"power": {key: value for key, value in {**STUDY["power"], **fields}.items() if value is not None}}


def ended(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        entry(words)
    told = capsys.readouterr()
    return int(caught.value.code or 0), told.out, told.err


def test_the_table_and_the_page(tmp_path: Path) -> None:
    result = power(written(tmp_path), tmp_path / "out")
    table = read_table(tmp_path / "out" / "power.tsv", POWER)
    pd.testing.assert_frame_equal(table, result.table, rtol=1e-9)
    assert len(table) == 2 * 2 * 2
    assert set(table["n_per_group"]) == {"12/12", "20/16"}
    np.testing.assert_allclose(table["effect"], 0.3 * table["effect_d"])
    assert ((table["power_low"] <= table["power"]) & (table["power"] <= table["power_high"])).all()
    assert (set(table["rois"]), set(table["draws"]), set(table["unit"])) == ({4}, {100}, {"% signal change"})
    said = json.loads((tmp_path / "out" / "power.json").read_text())
    assert said["n_first"]["Description"]
    assert said["Power"]["Assumed"]["correlation"] == 0.5
    page = result.page.read_text()
    assert page.count('<svg class="plot"') == 4
    assert not re.search(r"(src|href)=\"https?:", page)
    for sentences in result.answers.values():
        assert all(sentence.split(" (")[0] in page for sentence in sentences)


def test_the_number_of_jobs_changes_no_byte(tmp_path: Path) -> None:
    study = written(tmp_path)
    for jobs in (1, 2):
        power(study, tmp_path / str(jobs), jobs=jobs)
    for name in ("power.tsv", "power.json", "power.html"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


@pytest.mark.parametrize(("sections", "model", "kind"), [
    ({"groups": None}, "paired", "classical"),
    ({"groups": {**STUDY["groups"], "assignment": "preexisting"}}, "change", "welch"),
    ({"groups": {**STUDY["groups"], "covariates": ["age"], "strata": "site"}}, "ancova", "hc2_welch"),
    ({"groups": {**STUDY["groups"], "levels": ["A", "B", "C"]}}, "ancova", "hc2_welch"),
    ({"dataset": {**STUDY["dataset"], "sessions": []}}, "two_sample", "welch"),
    ({"dataset": {**STUDY["dataset"], "sessions": []}, "groups": None}, "one_sample", "classical"),
    ({"dataset": {**STUDY["dataset"], "sessions": ["a", "b", "c"]}}, "lmm", "cr2_welch")])
def test_every_design(tmp_path: Path, sections: dict[str, Any], model: str, kind: str) -> None:
    study = written(tmp_path, **sections, **with_power(n=[16]))
    table = power(study, tmp_path / "out").table
    assert set(table["model"]) == {model}
    assert set(table["se_kind"]) == {kind}
    rates = table[table["criterion"] == "uncorrected"].set_index("effect_d")["power"]
    assert rates[0.0] < 0.15 < 0.4 < rates[1.0]


def test_mixed_models_have_fewer_draws_and_it_is_said(tmp_path: Path) -> None:
    short = with_power(n=[6], effects=[1.0], draws=None, criteria=["uncorrected"])
    sessions = {"dataset": {**STUDY["dataset"], "sessions": ["a", "b", "c"]}}
    mixed = power(written(tmp_path, **sessions, **short), tmp_path / "mixed")
    usual = power(written(tmp_path, **short), tmp_path / "usual")
    assert (set(mixed.table["draws"]), set(usual.table["draws"])) == ({DRAWS_MIXED}, {DRAWS})
    assert "fewer than usual" in mixed.notes[0]
    assert "fewer than usual" not in usual.notes[0]


def test_options_take_the_place_of_the_section(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = ended(["power", str(written(tmp_path)), "--out", str(tmp_path / "out"), "--n", "10,14/12",
                          "--effects", "0.8", "--criteria", "uncorrected", "--draws", "120"], capsys)
    table = read_table(tmp_path / "out" / "power.tsv", POWER)
    assert code == 0
    assert list(table["n_per_group"]) == ["10/10", "14/12"]
    assert (set(table["effect_d"]), set(table["draws"])) == ({0.8}, {120})
    assert "Power, p ≤ .05, uncorrected:" in out
    assert "groups of 14/12 subjects" in out


def test_raw_effects_and_sds_by_group(tmp_path: Path) -> None:
    sd = {"A": {"pre": 0.3, "post": 1}, "B": 0.4}
    study = written(tmp_path, **with_power(effects_in="raw", effects=[0.5], sd=sd))
    table = power(study, tmp_path / "out").table
    assert set(table["effect"]) == {0.5}
    np.testing.assert_allclose(table["effect_d"], 0.5 / np.sqrt((0.3**2 + 0.4**2) / 2))


def test_a_pilot_needs_no_section(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(1)
    rows = [(f"{i:02d}", session, region, "AB"[i % 2], rng.normal(0, 2)) for i in range(20)
            for session in ("pre", "post") for region in ("amygdala", "VTA")]
    pilot = tmp_path / "values.tsv"
    pd.DataFrame(rows, columns=["subject", "session", "region", "group", "value"]).to_csv(pilot, sep="\t", index=False)
    code, out, err = ended(["power", str(written(tmp_path, power=None)), "--out", str(tmp_path / "out"), "--pilot",
                            str(pilot), "--n", "12", "--effects", "1", "--draws", "100"], capsys)
    assert code == 0, err
    assert re.search(r"SD of A, pre: [\d.]+ \[[\d.]+, [\d.]+\] as given\.", out)
    assert "Correlation of two sessions of a subject" in out
    assert "upper end of its interval" in out


@pytest.mark.parametrize(("fields", "says"), [
    ({"n": [1]}, "power.n: found 1, expected 2 to 5000 subjects in each group"),
    ({"n": [[9, 9, 9]]}, "power.n: found [9, 9, 9], expected one number for each of 2 group(s): A, B"),
    ({"n": None}, "power.n: no number of subjects is given"),
    ({"effects": [-0.5]}, "power.effects: found -0.5, expected 0 or more"),
    ({"effects": None}, "power.effects: no effect is given"),
    ({"sd": None}, "power.sd: the SD of the values is not given"),
    ({"sd": 0.0}, "power.sd: found 0.0, expected SDs above 0"),
    ({"sd": {"pre": 1.0}}, "power.sd: found the keys pre, expected the sessions pre, post"),
    ({"sd": {"A": 1.0, "C": 1.0}}, "power.sd: found the keys A, C, expected the groups A, B"),
    ({"correlation": None}, "power.correlation: the correlation of two sessions of a subject is not given"),
    ({"correlation": 1.5}, "power.correlation: found 1.5"),
    ({"roi_correlation": None}, "power.roi_correlation: the correlation of two ROIs of a subject is not given"),
    ({"affected": 9}, "power.affected: found 9, expected at most 4"),
    ({"criteria": ["holms"]}, "did you mean 'holm'?"),
    ({"efects": [1]}, "did you mean 'effects'?")])
def test_what_the_section_says_wrong(tmp_path: Path, fields: dict[str, Any], says: str,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    study = written(tmp_path, **with_power(**fields))
    code, _, err = ended(["power", str(study), "--out", str(tmp_path / "out")], capsys)
    assert code == 3
    assert str(study) in err
    assert says in err
    assert "hint: " in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("words", "says"), [
    (["--n", "ten"], "--n: found 'ten', expected whole numbers"), (["--n", "9/9/9"], "--n: found [9, 9, 9]"),
    (["--n", "1"], "--n: found 1, expected 2 to 5000"), (["--effects", "-1"], "--effects: found -1"),
    (["--effects", "big"], "--effects: found 'big'"), (["--criteria", "fdr"], "--criteria: "),
    (["--draws", "5"], "--draws: ")])
def test_what_an_option_says_wrong(tmp_path: Path, words: list[str], says: str,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(["power", str(written(tmp_path)), "--out", str(tmp_path / "out"), *words], capsys)
    assert code == 2
    assert says in err


def test_without_section_and_pilot(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ended(["power", str(written(tmp_path, power=None)), "--out", str(tmp_path / "out")], capsys)
    assert code == 3
    assert "no section power, and no --pilot" in err


@pytest.mark.parametrize(("regions", "contrasts", "size"), [
    ({"include": ["amygdala", "VTA"]}, 1, 4), ({"include": ["amygdala"], "definition": ["hcpex", "aal3"]}, 1, 2),
    ({"include": ["amygdala", {"region": "VTA", "definition": ["hcpex", "aal3"]}]}, 1, 6),
    ({"include": ["amygdala", "VTA"], "family": "all_contrasts"}, 3, 12)])
def test_how_many_rois_are_corrected_together(regions: dict[str, Any], contrasts: int, size: int) -> None:
    data = {**STUDY, "regions": regions, "contrasts": {f"c{k}": "a - b" for k in range(contrasts)}}
    assert family_size(parse_study(yaml.safe_dump(data))) == size


def test_options_are_not_needed(tmp_path: Path) -> None:
    first, second = (power(written(tmp_path), tmp_path / name, given).table
                     for name, given in (("a", None), ("b", PowerOptions())))
    pd.testing.assert_frame_equal(first, second)
