"""The evidence tables: names, places and numbers against the review; the page against the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import ModuleType

import pytest

from deltaroi import atlas
from deltaroi.evidence import read_evidence, read_statements
from deltaroi.evidence.regions import places_of
from deltaroi.tables import EVIDENCE, STATEMENTS
from helpers import load_module

CHECKOUT = Path(__file__).resolve().parents[2]
STUDIES = ["klimecki2013", "klimecki2014", "leung2018", "desbordes2012", "weng2013", "mascaro2013", "lutz2008"]
REVIEW = Path("literature") / "kamal2025_compassion_scoping_review.md"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return load_module(CHECKOUT / "scripts" / "evidence_docs.py")


@pytest.fixture(scope="module")
def places(shared: Path) -> dict[str, str]:
    """The review's text by place: heading, heading of the discussion, table, row of a table."""
    found: dict[str, list[str]] = {}
    section, table, row = "", "", 0
    for line in (shared / REVIEW).read_text(encoding="utf-8").splitlines():
        heading = re.fullmatch(r"#+ +\**(.*?)\**", line.strip())
        title = heading[1] if heading else ""
        if title.startswith("Table"):
            table, row = title[:7], row if "Continued" in title else 0
            found.setdefault(f"{table}, title", []).append(title)
        elif title and not title.isdigit():
            inside = "Discussion" in found and "Conclusion" not in {title, *found}
            section, table = f"Discussion: {title}" if inside else title, ""
            found[section] = []
        elif table and "\t" in line:
            number = re.match(r"(\d)(?:\t| [A-Z]|\s)", line)
            row = int(number[1]) if number else row
            found.setdefault(f"{table}, row {row}" if row else f"{table}, header", []).append(line)
        elif table and re.match(r"A[IB]", line):
            found.setdefault(f"{table}, caption", []).append(line)
        elif section and line.strip():
            found[section].append(line)
    return {place: plain("\n".join(lines)) for place, lines in found.items()}


def plain(text: str) -> str:
    """Without mark-up, and with one kind of minus."""
    return re.sub(r"</?(?:i|b|sup)>|[$*\\]", "", text).replace("\N{MINUS SIGN}", "-").replace("\N{EN DASH}", "-")


def test_the_review_is_read_into_places(places: dict[str, str]) -> None:
    """What the tests below look up is there, each part with its own text."""
    for place, inside in (("Amygdala", "MAT group"), ("Discussion: Amygdala", "limbic"), ("Table 1, row 4", "CBCT"),
                          ("Table 1, row 7", "Novices"), ("Table 2, row 7", "PCC"), ("Table 1, caption", "IFC"),
                          ("Medial prefrontal cortex (mPFC)", "highly coupled"), ("References", "Weng HY")):
        assert inside in places[place], place
    assert "Amygdala" not in places["Table 1, row 5"]
    assert len([place for place in places if place.startswith("Table 1, row")]) == 7


def test_ids_and_studies() -> None:
    evidence = read_evidence()
    assert evidence["id"].is_unique
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in evidence["id"])
    assert set(evidence["study"]) == set(STUDIES)
    assert set(read_statements()["study"]) == {*STUDIES, "review"}
    for row in evidence.to_dict("records"):
        assert row["id"].startswith(f"{row['study']}_")
        assert row["study"].endswith(str(row["year"]))


def test_words_are_those_that_are_declared() -> None:
    evidence = read_evidence()
    allowed = {"kind": {"activation", "roi_list", "correlation", "connectivity", "behaviour"},
               "hemisphere": {"L", "R", "B", "n/a"},
               "direction": {"increase", "decrease", "positive", "negative", "none", "not stated"},
               "claim": {"significant", "not significant", "trend", "reported", "n/a"},
               "statistic_kind": {"t", "F", "z", "r", "percent", "ratio", "none"},
               "effect_size_kind": {"eta2", "semipartial_r", "mean_change", "n/a"},
               "value_relation": {"=", "<", ">", "n/a"}, "p_relation": {"=", "<", ">", "n/a"}}
    for column, words in allowed.items():
        assert set(evidence[column]) <= words, column
    for name in ("value", "p", "effect_size"):
        assert (evidence[name].notna() == evidence[f"{name}_decimals"].notna()).all()


def test_regions_are_those_of_the_library() -> None:
    evidence = read_evidence()
    known = {region for definition in atlas.library() for region in definition.regions}
    assert {*evidence["region"], *evidence["partner"]} - {"n/a"} <= known


def test_statements_that_concern_a_result_name_it() -> None:
    ids = set(read_evidence()["id"])
    named = {concerns for concerns in read_statements()["concerns"] if re.match(r"[a-z]+\d{4}_", concerns)}
    assert named
    assert named <= ids


@pytest.mark.parametrize(("name", "schema"), [("evidence", EVIDENCE), ("evidence_statements", STATEMENTS)])
def test_sidecars(name: str, schema: object) -> None:
    assert json.loads((CHECKOUT / "configs" / f"{name}.json").read_text()) == schema.sidecar()


def test_every_place_is_in_the_review(places: dict[str, str]) -> None:
    for row in read_evidence().to_dict("records"):
        named = places_of(row["place"])
        assert set(named) <= places.keys(), row["id"]
        assert {*places_of(row["statistic_place"])} - {"n/a"} <= {*named}, row["id"]
        assert (row["statistic_place"] == "n/a") == (row["value"] != row["value"] and row["p"] != row["p"]), row["id"]
    wholes = {"Table 1", "Table 2"}
    for place in read_statements()["place"]:
        parts = place.split(", ")
        heads = {", ".join(parts[: n + 1]) for n in range(len(parts))}
        assert heads & (places.keys() | wholes), place


def test_every_number_is_where_its_row_says(places: dict[str, str]) -> None:
    """Each printed number, with its decimals, at its place: the statistic at each that has it; n in Table 1."""
    checked = 0
    for row in read_evidence().to_dict("records"):
        everywhere = [" ".join(places[place] for place in places_of(row["place"]))]
        statistic = [places[place] for place in places_of(row["statistic_place"]) if place != "n/a"]
        for name in ("value", "p", "effect_size", "df2", "cluster_size"):
            if row[name] != row[name]:
                continue
            printed = f"{row[name]:.{int(row.get(f'{name}_decimals', 0))}f}"
            zero = "0?" if printed.startswith("0.") else ""
            pattern = rf"(?<![\d.-]){zero}{re.escape(printed.removeprefix('0') if zero else printed)}(?!\d)"
            for text in everywhere if name == "effect_size" else statistic:
                assert re.search(pattern, text), f"{row['id']}: {name} {printed} is not where it should be"
                checked += 1
        table = places[f"Table 1, row {STUDIES.index(row['study']) + 1}"]
        for name in ("n_first", "n_second"):
            if row[name] == row[name]:
                assert re.search(rf"\t\s*{int(row[name])}\s*\t", table), f"{row['id']}: {name}"
                checked += 1
    assert checked > 100


def test_every_stated_number_is_where_its_row_says(places: dict[str, str]) -> None:
    """Likewise of the statements whose place is a heading or a row; counted and spelt-out ones are words there."""
    spelt = {"1": "one|a day|a week", "2": "two", "3": "three", "6": "six", "7": "seven"}
    statements = read_statements()
    for row in statements[statements["form"] == "number"].to_dict("records"):
        head = next((place for place in (row["place"], row["place"].split(", ")[0],
                                         ", ".join(row["place"].split(", ")[:2])) if place in places), None)
        if head is None or row["quantity"] in ("practices_allowed", "practices") or row["value"] == "not stated":
            continue
        number = row["value"].lstrip("<> ")
        pattern = rf"(?<![\d.]){re.escape(number)}(?!\d)|{spelt.get(number, number)}"
        assert re.search(pattern, places[head], flags=re.IGNORECASE), f"{row['study']} {row['quantity']}: {number}"


def test_the_page_is_what_the_code_computes(script: ModuleType) -> None:
    assert script.PAGE.read_text(encoding="utf-8") == script.page(), "run scripts/evidence_docs.py"


def test_the_page_names_every_rule(script: ModuleType) -> None:
    from deltaroi import evidence

    kinds = set(evidence.check(read_evidence(), read_statements())["kind"])
    text = script.PAGE.read_text(encoding="utf-8")
    rules = {kind.strip() for cell in re.findall(r"^\| ([^|]+) \|", text[: text.index("### ")], flags=re.MULTILINE)
             for kind in cell.split(",")}
    assert kinds <= rules, kinds - rules
