"""Pages as people meet them: full, empty, refused, with long and hostile names, at every width, by keyboard."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PAGES = ("", "service/rsr-backend/", "incidents/", "alerts/", "actions/", "targets/", "sources/", "nothing/")
SHOWCASE = Path(__file__).with_name("showcase.py")


@pytest.fixture(scope="module")
def site_of(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Starts a dashboard; its address. All are ended with the module."""
    with ExitStack() as stack:

        def start(scene: str, **settings: object) -> str:
            command = [sys.executable, str(SHOWCASE), str(tmp_path_factory.mktemp(scene)), scene, json.dumps(settings)]
            process = stack.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            assert process.stdin
            assert process.stdout
            stack.callback(process.stdin.close)
            return process.stdout.readline().strip()

        yield start


@pytest.fixture(scope="module")
def full(site_of: Callable[..., str]) -> str:
    return site_of("full")


@pytest.fixture(scope="module")
def empty(site_of: Callable[..., str]) -> str:
    return site_of("empty")


@pytest.fixture(scope="module")
def locked(site_of: Callable[..., str]) -> str:
    return site_of("locked", watch_user="mia", watch_password="hunter2", watch_wrong_passwords=2)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context()
    yield context.new_page()
    context.close()


def text_of(page: Page) -> str:
    return page.locator("main").inner_text()


def every_page(page: Page, site: str) -> list[str]:
    page.goto(site + "incidents/")
    incidents = [one.get_attribute("href") or "" for one in page.locator("main th a").all()]
    return [site + path for path in PAGES] + [site.rstrip("/") + path for path in incidents]


@pytest.mark.parametrize("width", [390, 1280])
def test_long_and_hostile_names_fit_every_page(full: str, page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for url in every_page(page, full):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, url
        tall = page.evaluate("[...document.querySelectorAll('main button')].map(one => one.offsetHeight)")
        assert all(height < 60 for height in tall), f"{url}: the words of a button are broken into lines"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_every_page_stand_out_from_what_is_behind_them(full: str, browser: Browser, scheme: Any) -> None:
    page = browser.new_context(color_scheme=scheme).new_page()
    for url in every_page(page, full):
        page.goto(url)
        worst = page.evaluate(CONTRAST)
        assert worst["ratio"] >= 4.5, (url, worst)
    page.context.close()


CONTRAST = """() => {
  const parts = (text) => text.match(/[\\d.]+/g).map(Number);
  const linear = (v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => [r, g, b].map((v, i) => linear(v / 255) * [.2126, .7152, .0722][i])
    .reduce((sum, v) => sum + v, 0);
  const behind = (node) => {
    for (; node; node = node.parentElement) {
      const c = parts(getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] === 1) return c;
    }
    return [255, 255, 255];
  };
  let worst = { ratio: 99 };
  for (const node of document.querySelectorAll("main *, header *, footer *")) {
    if (![...node.childNodes].some((one) => one.nodeType === 3 && one.textContent.trim())) continue;
    if (node.tagName === "OPTION" || node.tagName === "SELECT") continue;
    const a = light(parts(getComputedStyle(node).color)), b = light(behind(node));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < worst.ratio) worst = { ratio, text: node.textContent.trim().slice(0, 60), tag: node.className };
  }
  return worst;
}"""


def test_whatever_the_keyboard_reaches_is_seen_to_be_reached(full: str, page: Page) -> None:
    for path in ("actions/", "alerts/", "service/rsr-backend/"):
        page.goto(full + path)
        reached = 0
        for _ in range(60):
            page.keyboard.press("Tab")
            active = page.evaluate(FOCUSED)
            if active is None:
                break
            assert active["outline"], (path, active)
            reached += 1
        assert reached > 8, path


FOCUSED = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one);
  return { outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2, text: one.outerHTML.slice(0, 80) };
}"""


def test_the_figures_of_a_chart_can_be_read_on_a_phone_without_a_script(full: str, browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 800}).new_page()
    page.goto(full + "service/rsr-backend/")
    box = page.locator("svg.chart text").last.bounding_box()
    assert box
    assert box["height"] >= 8
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.context.close()


def test_an_unknown_figure_has_no_unit(full: str, page: Page) -> None:
    page.goto(full + "targets/")
    cells = [cell.strip() for cell in page.locator("main td.number").all_inner_texts()]
    assert "–" in cells
    assert not [cell for cell in cells if cell.startswith("– ")]


def test_both_ends_of_a_month_are_shown_as_the_worst_of_some_targets_is_the_lowest(full: str, page: Page) -> None:
    page.goto(full + "targets/")
    row = page.locator("section[aria-labelledby=kept] tr", has_text="export-success")
    low, high = (float(word) for word in row.locator("td").last.inner_text().removesuffix(" %").split(" to "))
    assert 90 <= low < 92 < 97 < high <= 99


def test_the_targets_of_a_month_stand_in_the_order_of_those_now(full: str, page: Page) -> None:
    page.goto(full + "targets/")
    now = page.locator("section[aria-labelledby=now] tbody th").all_inner_texts()
    assert page.locator("section[aria-labelledby=kept] tbody th").all_inner_texts() == now


def test_actions_tell_what_was_done_from_what_would_have_been(full: str, page: Page) -> None:
    page.goto(full + "actions/")
    tags = page.locator("table.actions .tag").all_inner_texts()
    assert {"verified", "withheld", "dry run", "failed"} <= set(tags)
    assert page.locator("ul.plain").inner_text().count("30 min apart") == 2
    assert page.locator(".outcome").all_inner_texts()[-1].startswith("memory came back")


def test_the_worst_service_is_shown_however_many_there_are(site_of: Callable[..., str], page: Page) -> None:
    page.goto(site_of("full", watch_page_rows=2))
    assert page.locator("tbody th a").first.inner_text() == "rsr-backend"
    assert page.locator("tbody tr").count() == 2
    assert "4 more services" in text_of(page)


def test_an_empty_watch_says_what_to_do_next(empty: str, page: Page) -> None:
    page.goto(empty)
    assert "floodmark watch --discover" in text_of(page)
    for path in PAGES:
        page.goto(empty + path)
        assert page.locator("h1").count() == 1


def test_a_page_that_is_not_there_is_called_by_its_address(full: str, page: Page) -> None:
    page.goto(full + "no-such-page/")
    assert "There is no page /no-such-page/" in text_of(page)
    assert "URLPattern" not in page.content()


def test_a_name_that_is_not_the_dashboards_is_told_the_setting(full: str, page: Page) -> None:
    answer = page.request.get(full, headers={"Host": "watch.example.org"})
    assert answer.status == 400
    assert "watch_public_url" in answer.text()
    assert "Round" not in answer.text()


def test_a_watch_that_makes_no_rounds_is_not_healthy(site_of: Callable[..., str], full: str, page: Page) -> None:
    answer = page.request.get(site_of("late") + "healthz")
    assert (answer.status, answer.text()) == (503, "late: no round for too long\n")
    assert page.request.get(full + "healthz").status == 200


def test_a_viewer_too_many_is_told_to_come_back(site_of: Callable[..., str]) -> None:
    place = urlsplit(site_of("empty", watch_viewers=1)).netloc
    first, second = (http.client.HTTPConnection(place, timeout=20) for _ in range(2))
    first.request("GET", "/events")
    assert first.getresponse().status == 200
    second.request("GET", "/events")
    refused = second.getresponse()
    assert (refused.status, refused.headers["Retry-After"], refused.read()) == (503, "30", b"too many viewers\n")
    first.close()
    second.close()


def test_who_has_not_signed_in_sees_nothing_of_the_watch(locked: str, page: Page) -> None:
    page.goto(locked + "actions/")
    assert page.locator("h1").inner_text() == "Sign in"
    assert page.locator("nav").count() == 0
    assert page.locator("footer").count() == 0


def test_who_guesses_too_often_is_told_when_to_try_again(locked: str, page: Page) -> None:
    for _ in range(3):
        page.goto(locked)
        page.fill("input[name=user]", "mia")
        page.fill("input[name=password]", "guess")
        with page.expect_navigation():
            page.locator("main button").click()
    assert "Try again in 5 min" in text_of(page)


def test_a_number_of_hours_longer_than_python_reads_is_refused_as_any_other(full: str, page: Page) -> None:
    page.goto(full + "alerts/")
    token = page.locator("form.silence input[name=csrfmiddlewaretoken]").get_attribute("value") or ""
    for hours in ("9" * 5000, "337", "0", "²", "-1"):
        form = {"csrfmiddlewaretoken": token, "service": "nginx", "reason": "x", "hours": hours}
        answer = page.request.post(full + "alerts/silence/", form=form)
        assert (answer.status, "from 1 to 336 hours" in answer.text()) == (400, True), hours[:5]


def test_a_page_is_not_fetched_again_for_the_round_that_it_shows(full: str, page: Page) -> None:
    refreshed: list[str] = []
    page.on("request", lambda request: refreshed.append(request.url) if "x-refresh" in request.headers else None)
    with page.expect_request("**/events"):
        page.goto(full)
    # A stream says its first round at once.
    page.wait_for_timeout(2_500)
    assert refreshed == []
