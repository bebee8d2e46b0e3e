"""The page: complete, self-contained, accessible, safe, and the same bytes every time."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from deltaroi.errors import DataError, TableError
from deltaroi.io.tsv import read_table
from deltaroi.report import write_report
from deltaroi.tables import EFFECTS

NAMES = ("usual", "pooled", "one_group", "no_sessions", "many", "one_roi", "nothing_known", "no_effects", "evil")
VOID = {"meta", "link", "br", "img", "use", "path", "image", "rect"}


class Page(HTMLParser):
    """Everything a test asks of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.headings: list[int] = []
        self.cells: dict[str, list[list[str]]] = {}
        self._table, self._inside, self._cell = "", Counter(), False
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside[tag] += tag not in VOID
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self._table = dict(attrs)["id"]
            self.cells[self._table] = []
        if tag == "tr":
            self.cells[self._table].append([])
        if tag in ("td", "th"):
            self._cell = True
            self.cells[self._table][-1].append("")

    def handle_startendtag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag) -> None:
        self._inside[tag] -= 1
        if tag in ("td", "th"):
            self._cell = False

    def handle_data(self, data) -> None:
        if self._inside["script"] or self._inside["style"]:
            return
        self.words.append(data)
        if self._cell:
            self.cells[self._table][-1][-1] += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def reports(folder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("reports")
    return {name: write_report(folder.build(root / name, folder.VARIANTS[name])) for name in NAMES}


@pytest.fixture(params=NAMES)
def report(request: pytest.FixtureRequest, reports: dict[str, Path]) -> Path:
    return reports[request.param]


@pytest.fixture
def page(report: Path) -> Page:
    return Page(report.read_text())


def read(reports: dict[str, Path], name: str) -> Page:
    return Page(reports[name].read_text())


def test_page_asks_for_nothing_else(page: Page) -> None:
    asked = [value for _, attrs in page.tags for key, value in attrs.items()
             if key in ("src", "href", "xlink:href", "data", "action", "poster") and value]
    assert [value for value in asked if not value.startswith(("#", "data:"))] == []
    assert {tag for tag, _ in page.tags} & {"iframe", "object", "embed", "img", "base", "form"} == set()


def test_no_style_asks_for_anything(report: Path) -> None:
    text = report.read_text()
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    assert "@import" not in text


def test_headings_in_order(page: Page) -> None:
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(page.headings, page.headings[1:], strict=False))


def test_ids_are_unique_and_links_lead_somewhere(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert [name for name, n in Counter(ids).items() if n > 1] == []
    named = [attrs.get("aria-labelledby", "") for _, attrs in page.tags if "aria-labelledby" in attrs]
    links = [value[1:] for _, attrs in page.tags if (value := attrs.get("href") or "").startswith("#")]
    assert set(links) | set(named) <= set(ids)


def test_figures_and_tables_are_described(page: Page) -> None:
    pictures = [attrs for attrs in page.all("div") if attrs.get("role") == "img"]
    assert len(pictures) == len(page.all("svg")) == len(page.all("figure"))
    assert all(len(attrs["aria-label"]) > 15 for attrs in pictures)
    assert len(page.all("caption")) == len(page.all("table"))
    assert {attrs.get("scope") for attrs in page.all("th")} == {"col", "row"}
    assert page.all("html")[0]["lang"] == "en"


def test_missing_is_said_and_never_nan(page: Page) -> None:
    assert re.findall(r"\b(nan|NaN|None|inf|Undefined)\b", page.text.replace("None.", "").replace("None of", "")
                      .replace("None hold", "").replace("None holds", "")) == []


def test_no_percent_without_a_unit_in_the_estimates(reports: dict[str, Path]) -> None:
    rows = read(reports, "usual").cells["primary-1"]
    assert rows[0][2].startswith("Estimate")
    assert all(re.fullmatch(r"−?\d\.\d\d % \[−?\d\.\d\d, −?\d\.\d\d\]", row[2]) for row in rows[1:])
    assert len(rows) == 15


def test_same_folder_same_bytes_wherever_it_is(reports: dict[str, Path], tmp_path: Path) -> None:
    source = reports["usual"].parent
    copy = Path(shutil.copytree(source, tmp_path / "elsewhere"))
    before = {name: (source / name).read_bytes() for name in ("report.html", "methods.md", "cobidas.json")}
    for name in before:
        (copy / name).unlink()
    write_report(copy)
    assert {name: (copy / name).read_bytes() for name in before} == before
    for data in before.values():
        assert str(source.parent).encode() not in data
        assert re.search(rb"20\d\d-\d\d-\d\dT|\b20\d\d-\d\d-\d\d\b", data) is None


def test_simulated_is_said_first_and_only_then(reports: dict[str, Path]) -> None:
    usual, other = read(reports, "usual").text, read(reports, "many").text
    assert usual.index("SIMULATED DATA") < usual.index("The answer")
    assert "imulated" not in other


def test_losses_are_said(reports: dict[str, Path]) -> None:
    usual = read(reports, "usual")
    assert "Finished with losses" in usual.text
    assert "Finished with losses" not in read(reports, "many").text
    failed = [row for row in usual.cells["exclusions-table"] if row[-1] == "failure"]
    assert [row[:3] for row in failed] == [["1004", "pre", "2"]]
    summary = {row[0]: row[1:] for row in usual.cells["exclusion-summary"]}
    assert summary["coverage below the minimum"] == ["responses", "2", "2", "–"]
    assert summary["the BOLD image is truncated"] == ["first-level", "1", "1", "1"]


def test_nothing_excluded_is_said(reports: dict[str, Path]) -> None:
    assert "Nothing was excluded." in read(reports, "many").text
    assert "Nothing was excluded." not in read(reports, "usual").text


def test_absent_tables_are_said_not_read_as_empty(reports: dict[str, Path], tmp_path: Path) -> None:
    copy = Path(shutil.copytree(reports["one_roi"].parent, tmp_path / "out"))
    for name in ("exclusions.tsv", "quality.tsv", "run.json"):
        (copy / "group" / name).unlink()
    text = Page(write_report(copy).read_text()).text
    assert "Nothing was excluded." not in text
    assert "what was left out is not known" in text
    for name in ("exclusions.tsv", "quality.tsv", "run.json"):
        assert f"group/{name} is not in the output folder" in text


def test_claims_come_first(reports: dict[str, Path]) -> None:
    text = read(reports, "usual").text
    order = [text.index(part) for part in ("4 of 14 primary effects hold", "Holds after correction over",
                                           "Equivalent to no effect", "Neither an effect")]
    assert order == sorted(order)


def test_names_are_only_names(reports: dict[str, Path]) -> None:
    page = read(reports, "evil")
    assert len(page.all("script")) == 1
    assert [key for _, attrs in page.tags for key in attrs if key.startswith("on")] == []
    assert "<script>alert('x')</script> & {{ 7 * 7 }} [@nobody]" in page.text
    assert "`<img src=x onerror=alert(1)>` - `$\\alpha$`" in page.text
    methods = reports["evil"].with_name("methods.md").read_text()
    assert re.search(r"(?<!\\)<", methods) is None


def test_every_group_session_contrast_and_definition_is_there(reports: dict[str, Path]) -> None:
    page = read(reports, "many")
    for name in ("training", "active control", "waitlist", "followup", "all_faces", "VTA R (aal3)"):
        assert name in page.text
    panels = [attrs["aria-label"] for attrs in page.all("div")
              if (attrs.get("aria-label") or "").startswith("Responses of")]
    assert len(panels) == 3 * 2 * 2 * 3  # regions, hemispheres, definitions, contrasts
    assert len([name for name in page.cells if name.startswith("primary-")]) == 3


def test_the_smallest_detectable_effect_stands_in_every_primary_row(reports: dict[str, Path]) -> None:
    page = Page(reports["usual"].read_text())
    effects = read_table(reports["usual"].parent / "group" / "effects.tsv", EFFECTS)
    primary = effects[effects["primary"]]
    shown = []
    for name, cells in page.cells.items():
        if name.startswith("primary-"):
            at = cells[0].index("Detectable")
            shown += [row[at].split()[0] for row in cells[1:]]
    known = primary["mde_80"].dropna()
    assert len(shown) == len(primary)
    assert sum(cell != "n/a" for cell in shown) == len(known) > 0
    places = len(shown[0].partition(".")[2])
    assert sorted(cell for cell in shown if cell != "n/a") == sorted(f"{value:.{places}f}" for value in known)
    text = " ".join(page.words)
    assert "the smallest true effect that a study with this row's standard error would find" in text
    assert "not power computed from the observed effect" in text


def test_one_group_and_no_sessions_are_named_so(reports: dict[str, Path]) -> None:
    assert "one group, n = 9" in read(reports, "one_group").text
    assert "one session per subject" in read(reports, "no_sessions").text


def test_the_multilevel_model_is_shown_where_there_is_one(reports: dict[str, Path]) -> None:
    page = read(reports, "pooled")
    labels = [attrs.get("aria-label") or "" for attrs in page.all("div")]
    assert "Shrinkage plot for negative_vs_neutral: 14 ROIs, alone and pooled." in labels
    rows = page.cells["pooled"]
    assert [row[0] for row in rows[1:4]] == ["All ROIs", "amygdala L", "amygdala R"]
    assert rows[1][4:8] == ["0.10 % [0.01, 0.19]", ">.999", "n/a", "0.11 % [0.02, 0.24]"]
    assert rows[-1][0] == "VTA R"
    assert rows[-1][4] == "n/a"
    methods = reports["pooled"].with_name("methods.md").read_text()
    assert "largest split R-hat 1.001, smallest effective number 2150" in methods
    assert "Chen G. et al. (2019)" in methods
    assert "All ROIs at once" not in read(reports, "usual").text
    assert "multilevel" not in reports["usual"].with_name("methods.md").read_text()


def test_a_multilevel_model_that_was_asked_for_and_is_not_there_is_said(folder: ModuleType, tmp_path: Path) -> None:
    out = folder.build(tmp_path, folder.VARIANTS["pooled"])
    (out / "group" / "multilevel.tsv").unlink()
    assert "group/multilevel.tsv is not in the output folder" in write_report(out).read_text()


def test_empty_effects_are_said(reports: dict[str, Path]) -> None:
    text = read(reports, "no_effects").text
    assert "No effect was tested." in text
    assert "there is no image of them in the output folder" in text


def test_all_missing_is_said(reports: dict[str, Path]) -> None:
    page = read(reports, "nothing_known")
    assert "None of the 4 primary effects could be estimated." in page.text
    assert "Could not be estimated" in page.text
    assert {row[2] for row in page.cells["primary-1"][1:]} == {"n/a"}


def test_usual_report_is_light(reports: dict[str, Path]) -> None:
    assert reports["usual"].stat().st_size < 1_500_000


@pytest.mark.parametrize("name", ["sixty_rois", "two_hundred"])
@pytest.mark.long
def test_large_reports_stay_light(name: str, folder: ModuleType, tmp_path: Path) -> None:
    report = write_report(folder.build(tmp_path, folder.VARIANTS[name]))
    assert report.stat().st_size < 4_000_000


def test_a_missing_study_is_an_error_with_a_place(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        write_report(tmp_path)
    assert "group/study.json" in caught.value.where
    assert caught.value.hint


@pytest.mark.parametrize(("name", "text"), [
    ("group/study.json", "{"), ("group/study.json", '{"schema_version": 1}'), ("group/run.json", "[1,"),
    ("group/effects.tsv", "contrast\nx\n"), ("group/responses.tsv", "")])
def test_a_broken_file_is_an_error_with_its_name(name: str, text: str, folder: ModuleType, tmp_path: Path) -> None:
    out = folder.build(tmp_path, folder.VARIANTS["one_roi"])
    (out / name).write_text(text)
    with pytest.raises((DataError, TableError)) as caught:
        write_report(out)
    assert name.rpartition("/")[2] in caught.value.where
    assert not (out / "report.html").exists()


def test_a_truncated_roi_image_is_an_error_with_its_name(folder: ModuleType, tmp_path: Path) -> None:
    out = folder.build(tmp_path, folder.VARIANTS["one_roi"])
    (image,) = out.rglob("*.nii.gz")
    image.write_bytes(image.read_bytes()[:200])
    with pytest.raises(DataError) as caught:
        write_report(out)
    assert image.name in caught.value.where


@pytest.mark.parametrize("record", ["{}", "[]", '{"versions": 3, "warnings": "x", "counts": null, "inputs": [1]}',
                                    '{"exit_code": "5", "simulated": "no", "failures": [1, {"subject": 3}]}'])
def test_the_record_may_lack_anything(record: str, folder: ModuleType, tmp_path: Path) -> None:
    out = folder.build(tmp_path, folder.VARIANTS["one_roi"])
    (out / "group" / "run.json").write_text(record)
    text = Page(write_report(out).read_text()).text
    assert "SIMULATED" not in text
    assert "Finished with losses" not in text
