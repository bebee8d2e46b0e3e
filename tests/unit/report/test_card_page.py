"""The page of a replication: what it says, that it asks for nothing, and that names stay text."""

from __future__ import annotations

import itertools
import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from card_tables import effect, effects, folder, judged, mascaro
from deltaroi.errors import DataError
from deltaroi.io.tsv import read_table
from deltaroi.report.card_page import write_card_page
from deltaroi.report.card_words import caveats, headline
from deltaroi.stats.verdicts import MEANINGS
from deltaroi.tables import CARD

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "report" / "card.txt"
EVIL = "<script>alert('x')</script> & \"co\""


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return judged("mascaro2013", {"effects": mascaro()})


def words_of(page: str) -> str:
    """The page as plain text, a line per element; figures as their alt text."""
    body = page[page.index("<body>"):]
    body = re.sub(r"<script>.*?</script>|<svg.*?</svg>", "", body, flags=re.DOTALL)
    body = re.sub(r'<div role="img" aria-label="([^"]*)"[^>]*>', r"\n[figure] \1\n", body)
    text = re.sub(r"<[^>]+>", "\n", body)
    return "\n".join(line.strip() for line in text.splitlines() if line.strip()) + "\n"


def test_the_words_of_a_page(table: pd.DataFrame, tmp_path: Path) -> None:
    text = words_of(write_card_page(folder(tmp_path, table)).read_text())
    if os.environ.get("DELTAROI_REPLACE_GOLDEN") == "1":
        GOLDEN.write_text(text)
    assert text == GOLDEN.read_text()


def test_the_page_stands_alone_and_is_described(table: pd.DataFrame, tmp_path: Path) -> None:
    page = write_card_page(folder(tmp_path, table)).read_text()
    assert set(re.findall(r"(?:src|href)=\"([^\"#])", page)) <= {"d"}  # data: only
    assert set(re.findall(r"url\((.)", page)) <= {"#"}
    assert page.count("<svg") == page.count('role="img"') == 2
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    levels = [int(n) for n in re.findall(r"<h([1-6])", page)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert re.findall(r"\b(nan|NaN|None|inf)\b", words_of(page)) == []


def test_the_same_folder_gives_the_same_bytes(table: pd.DataFrame, tmp_path: Path) -> None:
    made = [write_card_page(folder(tmp_path / name, table)).read_bytes() for name in ("a", "b")]
    assert made[0] == made[1]


def test_every_verdict_is_shown_with_its_meaning(table: pd.DataFrame, tmp_path: Path) -> None:
    page = words_of(write_card_page(folder(tmp_path, table)).read_text())
    for word in set(table["verdict"]):
        assert MEANINGS[word] in page


def test_simulated_is_said_everywhere(table: pd.DataFrame, tmp_path: Path) -> None:
    plain = words_of(write_card_page(folder(tmp_path / "a", table)).read_text())
    assert "simulated" not in plain.casefold()
    how = {"resolution_mm": 4.0, "seed": 7, "null": True, "scale": 3.0}
    page = write_card_page(folder(tmp_path / "b", table, Simulated=True, Simulation=how)).read_text()
    text = words_of(page)
    assert "SIMULATED DATA." in text
    assert "3 times the published number of people, seed 7, nothing planted." in text
    assert "(simulated)</title>" in page
    assert page.count('<span class="chip">simulated</span>') == 2  # on each of the two claims


def test_names_stay_text(table: pd.DataFrame, tmp_path: Path) -> None:
    evil = table.assign(place=EVIL, groups=EVIL, row=EVIL, problem=EVIL, sentence=EVIL)
    page = write_card_page(folder(tmp_path, evil, Description=EVIL, Groups={EVIL: 3}, Warnings=[EVIL])).read_text()
    assert page.count("<script>") == 1
    assert "&lt;script&gt;alert" in page


def test_nothing_tested(tmp_path: Path) -> None:
    table = judged("mascaro2013", {})
    page = words_of(write_card_page(folder(tmp_path, table)).read_text())
    assert "None of the 4 claims could be tested." in page
    assert "Claim by claim" not in page


def test_a_report_on_another_scale_is_not_drawn_on_the_new_one(tmp_path: Path) -> None:
    table = judged("mascaro2013", {"effects": mascaro()})
    table["reported_kind"] = "r"
    page = write_card_page(folder(tmp_path, table)).read_text()
    drawn = re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL)
    assert all("no size" in one for one in drawn)
    assert "1.07 [0.15, 1.97] (r)" in words_of(page)


@pytest.mark.parametrize(("study", "claim", "t", "n", "words"), [
    ("klimecki2014", "klimecki2014_mofc_training", 3.0, (40, 40), "picked as the highest of many voxels"),
    ("desbordes2012", "desbordes2012_mat_amygdala_neutral", 0.1, (30, 0), "bound of ± 0.3 SDs"),
    ("mascaro2013", "mascaro2013_dmpfc_rmet", 3.0, (30, 30), "not stated and were assumed"),
])
def test_caveats(study: str, claim: str, t: float, n: tuple[float, float], words: str) -> None:
    table = judged(study, {"effects": effects(effect(study, claim, t, n))})
    said = {"Simulated": False, "EquivalenceBound": 0.3, "ExitCode": 0}
    assert any(words in text for text in caveats(table, said))
    assert any("Selection" in text for text in caveats(table, said))


def test_headline(table: pd.DataFrame) -> None:
    assert headline(table) == ("2 of 4 claims could be tested. 1 of 2 new effects has the reported sign. The new "
                               "interval excludes 0 in the reported direction in 1 of them.")


def test_a_folder_that_is_not_whole(table: pd.DataFrame, tmp_path: Path) -> None:
    place = folder(tmp_path, table)
    (place / "card.json").write_text("{}")
    with pytest.raises(DataError, match="cannot be read"):
        write_card_page(place)


def test_the_sidecar_and_the_table_are_read_back(table: pd.DataFrame, tmp_path: Path) -> None:
    place = folder(tmp_path, table)
    back = read_table(place / "card.tsv", CARD).set_index("claim", drop=False)
    pd.testing.assert_frame_equal(back, table, check_exact=False, rtol=1e-8)
    described = json.loads((place / "card.json").read_text())
    assert set(CARD.names) | {"Replication"} == set(described)
