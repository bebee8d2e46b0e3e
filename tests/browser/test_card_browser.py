"""The replication card in a real browser, at desktop and phone width and on paper."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from card_tables import folder, judged, mascaro
from deltaroi.report.card_page import write_card_page

pytestmark = pytest.mark.browser
WIDE = """
  return [...document.querySelectorAll("main *, header *, nav, footer *")].filter(e => {
    const r = e.getBoundingClientRect();
    return r.right > innerWidth + 1 && !e.closest(".scroll, .pan, pre, nav, svg");
  }).map(e => e.outerHTML.slice(0, 120));
"""


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    how = {"resolution_mm": 4.0, "seed": 7, "null": False, "scale": 3.0}
    table = judged("mascaro2013", {"effects": mascaro()})
    return write_card_page(folder(tmp_path_factory.mktemp("card"), table, Simulated=True, Simulation=how))


@pytest.mark.parametrize("width", [1280, 390])
def test_the_card_is_quiet_and_fits(browser: webdriver.Chrome, card: Path, width: int) -> None:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
        "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600})
    browser.get("about:blank")
    browser.get_log("performance")
    browser.get_log("browser")
    browser.get(card.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    page, window = browser.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert page <= window
    assert browser.execute_script(WIDE) == []
    sizes = [figure.rect for figure in browser.find_elements(By.CSS_SELECTOR, "article figure svg")]
    assert len(sizes) == 2
    assert all(size["width"] > 280 and size["height"] > 50 for size in sizes)
    smallest = browser.execute_script("""
      return Math.min(...[...document.querySelectorAll("figure svg text")].map(t => {
        const svg = t.ownerSVGElement, scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
        return parseFloat(getComputedStyle(t).fontSize) * scale; }))""")
    assert smallest >= 6.5
    messages = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = {m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"}
    assert {url for url in asked if not url.startswith(("file://", "data:"))} == set()
    assert browser.get_log("browser") == []


def test_paper_shows_what_is_folded(browser: webdriver.Chrome, card: Path) -> None:
    browser.get(card.as_uri())
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert browser.find_element(By.CSS_SELECTOR, "article details dd").rect["height"] > 0
        assert "SIMULATED" in browser.find_element(By.CSS_SELECTOR, ".banner").text
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
