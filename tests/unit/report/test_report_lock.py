"""The report of a study with a preregistration lock."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from deltaroi.errors import DataError
from deltaroi.io.files import write_json
from deltaroi.io.tsv import write_table
from deltaroi.report import write_report
from deltaroi.report.answer import headline, verdicts
from deltaroi.report.data import Output, read_output
from deltaroi.report.listing import all_effects, primary_tables
from deltaroi.report.locked import counts, tag
from deltaroi.report.pictures import clouds, forests
from deltaroi.tables import EFFECTS

DIGEST = "ab" * 32
EVIL = "<script>alert(1)</script>"


def frozen(out: Path, explored: set[str], **record: Any) -> Output:
    """A lock in an output folder, with the primary rows of these regions exploratory."""
    output = read_output(out)
    table = output.effects
    good = table["primary"] & ~table["region"].isin(explored)
    write_table(table.assign(status=["confirmatory" if one else "exploratory" for one in good]), EFFECTS,
                output.layout.table("effects"))
    lock = {"frozen": "2026-02-03T04:05:06Z", "deltaroi": "0.1.0", "digest": DIGEST, "history": [], "results": [],
            **record.pop("lock", {})}
    write_json(output.layout.frozen, {"frozen_after_results": "", "corrected_apart": 0, "differences": [], "lock": lock,
                                      **record})
    return read_output(out)


@pytest.fixture
def out(folder: ModuleType, tmp_path: Path) -> Path:
    variant = folder.Variant(regions=("amygdala", "AI"), hemispheres=("L", "R"), per_group=6)
    return folder.build(tmp_path / "out", variant)


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.split("<main")[0].split("</header>")[1]).split())


def test_without_a_lock_nothing_is_said(out: Path) -> None:
    page = write_report(out).read_text()
    for word in ("FROZEN", 'id="frozen"', "exploratory", "confirmatory", ">Status<"):
        assert word not in page
    assert "Preregistration" not in (out / "methods.md").read_text() + (out / "cobidas.json").read_text()


def test_as_frozen(out: Path) -> None:
    output = frozen(out, set())
    page = write_report(out).read_text()
    assert "FROZEN on 2026-02-03T04:05:06Z, digest abababababab. 4 of 4 primary effects are confirmatory; nothing " \
           "differs" in text_of(page)
    assert "The study as run is as frozen." in page
    assert "†" not in page
    assert "exploratory" not in headline(output)
    assert counts(output.primary) == (4, 0)
    assert f"digest {DIGEST}" in (out / "methods.md").read_text()
    item = json.loads((out / "cobidas.json").read_text())["Preregistration"]
    assert (item["Digest"], item["ConfirmatoryEffects"], item["ExploratoryEffects"]) == (DIGEST, 4, 0)


def test_what_differs_is_listed_and_rows_are_labelled(out: Path) -> None:
    difference = {"place": "regions.AI-L_hcpex", "frozen": "not there", "now": "source 0123", "touches": "its own rows"}
    seed = {"place": "group.seed", "frozen": "1", "now": "2", "touches": "every row"}
    output = frozen(out, {"AI"}, differences=[difference, seed], corrected_apart=2)
    page = write_report(out).read_text()
    assert "2 of 4 primary effects are confirmatory; 2 things differ" in text_of(page)
    (table,) = primary_tables(output)
    assert table.columns[:2] == ("ROI", "Status")
    assert {row[0]: row[1] for row in table.rows} == {
        "amygdala L": "confirmatory", "amygdala R": "confirmatory", "AI L": "exploratory", "AI R": "exploratory"}
    assert {table.columns[i] for i in table.numeric} >= {"n", "p", "Effect size [CI]"}
    assert "Status" in all_effects(output).columns
    (forest,) = forests(output)
    assert forest.caption.endswith("(† exploratory)")
    assert forest.svg.count("†") == 2
    (panel,) = clouds(output)
    assert panel.heading.endswith("(† exploratory)")
    assert [picture.svg.count("†") for picture in panel.pictures] == [0, 0, 1, 1]
    assert "2 primary effects are exploratory" in headline(output)
    said = [sentence for one in verdicts(output) for _, sentence in one.sentences]
    assert sum(sentence.startswith("Exploratory: AI") for sentence in said) == 2
    assert sum(sentence.startswith("amygdala") for sentence in said) == 2
    methods = (out / "methods.md").read_text().replace("\\", "")
    for words in ("regions.AI-L_hcpex: not in the lock -> source 0123 (its own rows)", "group.seed: 1 -> 2 (every row)",
                  "2 primary effects are confirmatory", "2 are exploratory", "2 tests are not in the lock"):
        assert words in methods
    for words in ("not in the lock", "source 0123", "group.seed", "every row"):
        assert f">{words}<" in page
    items = json.loads((out / "cobidas.json").read_text())
    assert [one["Place"] for one in items["Preregistration"]["Differences"]] == ["regions.AI-L_hcpex", "group.seed"]
    assert {row["status"] for row in items["TestedEffects"]} == {"confirmatory", "exploratory"}


def test_frozen_after_results(out: Path) -> None:
    before = {"frozen": "2025-01-01T00:00:00Z", "digest": "cd" * 32}
    output = frozen(out, {"AI", "amygdala"}, frozen_after_results="responses were first computed without a lock",
                    lock={"history": [before], "results": [{"folder": "old", "found": "effects"}]})
    page = write_report(out).read_text()
    assert "FROZEN AFTER RESULTS EXISTED on 2026-02-03" in text_of(page)
    assert ("Frozen after results existed: responses were first computed without a lock. Every row is "
            "exploratory.") in page
    assert "replaced 1 earlier one: 2025-01-01T00:00:00Z, digest cdcdcdcdcdcd" in page
    assert tag(output.primary) == " (exploratory)"
    item = json.loads((out / "cobidas.json").read_text())["Preregistration"]
    assert item["FrozenAfterResults"] == "responses were first computed without a lock"
    assert item["ReplacedLocks"] == [{"Frozen": before["frozen"], "Digest": before["digest"]}]
    assert item["LookedForResultsIn"] == [{"Folder": "old", "Found": "effects"}]


def test_an_exploratory_row_that_holds_is_counted(out: Path) -> None:
    output = frozen(out, {"AI"})
    table = output.effects.assign(p_fwe=0.001)
    write_table(table, EFFECTS, output.layout.table("effects"))
    assert headline(read_output(out)).endswith("2 primary effects are exploratory: not as frozen; 2 of these hold.")


def test_every_text_is_escaped(out: Path) -> None:
    frozen(out, set(), frozen_after_results=EVIL, lock={"frozen": EVIL, "digest": EVIL, "deltaroi": EVIL},
           differences=[dict.fromkeys(("place", "frozen", "now", "touches"), EVIL)])
    assert EVIL not in write_report(out).read_text()


@pytest.mark.parametrize("text", ["{", "[]", '{"lock": {}}'])
def test_a_damaged_copy_is_refused(out: Path, text: str) -> None:
    output = frozen(out, set())
    output.layout.frozen.write_text(text)
    with pytest.raises(DataError, match="the lock in the output folder cannot be read"):
        write_report(out)


def test_a_tag_needs_something_exploratory() -> None:
    for statuses, expected in ((["n/a"], ""), (["confirmatory"], ""), (["exploratory"], " (exploratory)"),
                               (["confirmatory", "exploratory"], " († exploratory)")):
        assert tag(pd.DataFrame({"status": statuses})) == expected
