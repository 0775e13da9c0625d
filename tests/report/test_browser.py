"""The page in a real browser: it fits, it can be read, it loads nothing, it prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from floodmark.diagnosis.incident import Incident
from floodmark.report import html
from floodmark.report.document import plain

WIDTHS = (375, 768, 1440)
SCHEMES = ("light", "dark")

OVERFLOWING = """() => {
  const wide = document.documentElement.clientWidth;
  return [...document.querySelectorAll('body *')]
    .filter(one => !one.closest('svg') && !one.closest('.skip') && getComputedStyle(one).position !== 'absolute')
    .filter(one => one.getBoundingClientRect().right > wide + 1)
    .map(one => one.tagName + '.' + one.className + ' ' + one.textContent.slice(0, 40));
}"""

FAINT = """() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => {
    const f = v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b);
  };
  const behind = one => {
    for (; one; one = one.parentElement) {
      const colour = parts(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const faint = [];
  const walker = document.createTreeWalker(document.querySelector('.page'), NodeFilter.SHOW_TEXT);
  for (let node; node = walker.nextNode();) {
    const one = node.parentElement;
    if (!node.textContent.trim() || one.closest('svg')) continue;
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) faint.push(ratio.toFixed(2) + ' ' + one.className + ' ' + node.textContent.trim().slice(0, 40));
  }
  return [...new Set(faint)];
}"""

COLLIDING = """() => {
  const boxes = [...document.querySelectorAll('.plot')].flatMap(plot =>
    [...plot.querySelectorAll('span.x')].filter(one => one.offsetWidth)
      .map(one => [plot, one.textContent, one.getBoundingClientRect()]));
  return boxes.flatMap(([plot, text, box], k) => boxes.slice(k + 1)
    .filter(([other, , next]) => other === plot && box.right > next.left && next.right > box.left)
    .map(([, next]) => text + ' / ' + next));
}"""


def opened(browser: Browser, tmp_path: Path, incident: Incident, width: int = 1440, scheme: str = "light") -> Page:
    path = tmp_path / "report.html"
    path.write_text(html.render(plain(incident)), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(path.as_uri())
    return page


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(browser: Browser, tmp_path: Path, incident: Incident, width: int) -> None:
    page = opened(browser, tmp_path, incident, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.evaluate(OVERFLOWING) == []
    page.context.close()


@pytest.mark.parametrize("width", WIDTHS)
def test_even_hostile_text_is_not_wider_than_the_screen(
    browser: Browser, tmp_path: Path, hostile: Incident, width: int
) -> None:
    page = opened(browser, tmp_path, hostile, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_text_stands_out_from_its_ground(
    browser: Browser, tmp_path: Path, incident: Incident, scheme: str
) -> None:
    page = opened(browser, tmp_path, incident, scheme=scheme)
    assert page.evaluate(FAINT) == []
    page.context.close()


def test_dark_is_dark_and_light_is_light(browser: Browser, tmp_path: Path, incident: Incident) -> None:
    grounds = []
    for scheme in SCHEMES:
        page = opened(browser, tmp_path, incident, scheme=scheme)
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        grounds.append(sum(int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")))
        page.context.close()
    assert grounds[0] > 600
    assert grounds[1] < 150


@pytest.mark.parametrize("width", WIDTHS)
def test_labels_of_an_axis_do_not_run_into_each_other(
    browser: Browser, tmp_path: Path, incident: Incident, width: int
) -> None:
    page = opened(browser, tmp_path, incident, width)
    assert page.evaluate(COLLIDING) == []
    page.context.close()


def test_the_page_asks_the_network_for_nothing_and_runs_no_script(
    browser: Browser, tmp_path: Path, hostile: Incident
) -> None:
    path = tmp_path / "report.html"
    path.write_text(html.render(plain(hostile)), encoding="utf-8")
    page = browser.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_load_state("networkidle")
    assert asked == [path.as_uri()]
    assert said == []
    page.close()


def test_a_citation_takes_the_reader_to_its_source(browser: Browser, tmp_path: Path, incident: Incident) -> None:
    page = opened(browser, tmp_path, incident)
    page.locator("#causes .chain a").first.click()
    assert page.url.endswith("#source-0")
    assert page.locator("#source-0").is_visible()
    page.context.close()


def test_the_page_prints_in_light_colours_without_its_contents_list(
    browser: Browser, tmp_path: Path, incident: Incident
) -> None:
    page = opened(browser, tmp_path, incident, scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("nav.contents").is_visible()
    colour = page.evaluate("getComputedStyle(document.querySelector('h1')).color")
    assert colour == "rgb(22, 35, 43)"
    assert page.pdf().startswith(b"%PDF-")
    page.context.close()
