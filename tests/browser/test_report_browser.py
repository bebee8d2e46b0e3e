"""The report in a real browser, at desktop and phone width."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from deltaroi.report import write_report

pytestmark = pytest.mark.browser
NAMES = ("usual", "many", "no_sessions", "nothing_known", "one_roi", "evil", "no_effects")
WIDTHS = (1280, 390)
WIDE = """
  return [...document.querySelectorAll("main *, header *, nav, footer *")].filter(e => {
    const r = e.getBoundingClientRect();
    return r.right > innerWidth + 1 && !e.closest(".scroll, .pan, pre, nav, svg");
  }).map(e => e.outerHTML.slice(0, 120));
"""


@pytest.fixture(scope="module")
def reports(folder: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("reports")
    return {name: write_report(folder.build(root / name, folder.VARIANTS[name])) for name in NAMES}


def show(browser: webdriver.Chrome, path: Path, width: int) -> None:
    """Open a page at a width, with the logs of earlier pages read away."""
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(path.as_uri())


def open_all(browser: webdriver.Chrome) -> None:
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")


@pytest.fixture(params=[(name, width) for name in NAMES for width in WIDTHS], ids=lambda p: f"{p[0]}-{p[1]}")
def shown(request: pytest.FixtureRequest, browser: webdriver.Chrome, reports: dict[str, Path]) -> webdriver.Chrome:
    name, width = request.param
    show(browser, reports[name], width)
    return browser


def test_page_is_quiet_fits_and_shows_all_figures(shown: webdriver.Chrome) -> None:
    for state in ("as opened", "unfolded"):
        if state == "unfolded":
            open_all(shown)
        page, window = shown.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert page <= window, state
        assert shown.execute_script(WIDE) == [], state
    for figure in shown.find_elements(By.CSS_SELECTOR, "figure svg"):
        size = figure.rect
        assert size["width"] > 150, size
        assert size["height"] > 40, size
    messages = [json.loads(entry["message"])["message"] for entry in shown.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(("file://", "data:"))} == set()
    assert len({url.partition("#")[0] for url in asked if url.startswith("file://")}) == 1
    assert shown.get_log("browser") == []


def test_figures_use_the_width_of_a_phone(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    show(browser, reports["usual"], 390)
    open_all(browser)
    places = [figure.rect for figure in browser.find_elements(By.CSS_SELECTOR, "#responses figure")]
    assert {round(place["x"]) for place in places} == {16}  # one column
    assert min(place["width"] for place in places) > 340
    smallest = browser.execute_script("""
      return Math.min(...[...document.querySelectorAll("figure svg text")].map(t => {
        const svg = t.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        return parseFloat(getComputedStyle(t).fontSize) * scale; }))""")
    assert smallest >= 6.5


def test_small_multiples_stand_side_by_side_on_a_desktop(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    show(browser, reports["usual"], 1280)
    places = [figure.rect for figure in browser.find_elements(By.CSS_SELECTOR, "#responses figure")]
    assert len({round(place["x"]) for place in places}) == 3


def test_folds_open_and_tables_sort_by_keyboard(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    show(browser, reports["usual"], 1280)
    fold = next(d for d in browser.find_elements(By.CSS_SELECTOR, "#effects details"))
    table = fold.find_element(By.TAG_NAME, "table")
    assert not table.is_displayed()
    fold.find_element(By.TAG_NAME, "summary").send_keys(Keys.ENTER)
    assert table.is_displayed()
    column = 5  # p
    cells = "return [...document.querySelectorAll('#primary-1 tbody tr')].map(r => r.cells[arguments[0]].textContent)"
    button = browser.find_elements(By.CSS_SELECTOR, "#primary-1 thead button")[column]
    button.send_keys(Keys.ENTER)
    up = browser.execute_script(cells, column)
    values = [0.0 if text.startswith("<") else float(text) for text in up]
    assert values == sorted(values)
    button.send_keys(Keys.ENTER)
    down = browser.execute_script(cells, column)
    assert [0.0 if text.startswith("<") else float(text) for text in down] == sorted(values, reverse=True)
    head = browser.find_elements(By.CSS_SELECTOR, "#primary-1 thead th")[column]
    assert head.get_attribute("aria-sort") == "descending"


def test_scrolling_tables_can_be_reached_by_keyboard(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    show(browser, reports["usual"], 390)
    open_all(browser)
    boxes = browser.find_elements(By.CSS_SELECTOR, ".scroll")
    assert boxes
    assert {box.get_attribute("tabindex") for box in boxes} == {"0"}
    inner = browser.execute_script("const s = document.querySelector('.scroll'); return s.scrollWidth > s.clientWidth")
    assert inner  # the wide table scrolls inside its own box


def test_no_name_runs(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    show(browser, reports["evil"], 1280)
    assert browser.execute_script("return document.querySelectorAll('script').length") == 1
    assert browser.execute_script("return document.querySelectorAll('img').length") == 0
    assert "<script>alert('x')</script>" in browser.find_element(By.TAG_NAME, "main").text


def test_readable_without_scripts(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        show(browser, reports["usual"], 1280)
        text = browser.find_element(By.CSS_SELECTOR, "#primary-1").text
        assert "amygdala L" in text
        assert browser.find_elements(By.CSS_SELECTOR, "#primary-1 button") == []
        browser.find_element(By.CSS_SELECTOR, "#effects summary").click()
        assert browser.find_element(By.CSS_SELECTOR, "#all-effects").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_printing_unfolds_everything(browser: webdriver.Chrome, reports: dict[str, Path]) -> None:
    show(browser, reports["usual"], 1280)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.find_element(By.CSS_SELECTOR, "#all-effects tbody td").rect["height"] > 0
        assert not browser.find_element(By.TAG_NAME, "nav").is_displayed()
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
