"""Every page of the dashboard in a real browser: light, dark, at phone width, by keyboard, live, without script."""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from email.message import Message
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from floodmark.dashboard import words
from floodmark.dashboard.attempts import Attempts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

PAGES = ("", "service/shop/", "incidents/", "alerts/", "actions/", "targets/", "sources/")


@pytest.fixture(scope="module")
def site(stage_of_module: Callable[..., Any]) -> Iterator[Any]:
    made = stage_of_module("http://127.0.0.1:1/nobody-listens")
    made.leak.touch()
    made.start_traffic()
    made.start_watch()
    made.wait_for("select * from action where status = 'would'", 120)
    yield made
    made.close()


def paths(site: Any) -> list[str]:
    number = site.rows("select id from incident where service = 'shop'")[0]["id"]
    return [*PAGES, f"incidents/{number}/"]


def opened(browser: Browser, url: str, **how: Any) -> tuple[Page, list[str]]:
    """A page, and what its console complained of."""
    page = browser.new_context(**how).new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    return page, said


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [375, 1440])
def test_every_page_fits_and_complains_of_nothing(site: Any, browser: Browser, scheme: Any, width: int) -> None:
    for path in paths(site):
        page, said = opened(browser, site.url + path, color_scheme=scheme, viewport={"width": width, "height": 900})
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
        assert page.locator("h1").count() == 1, path
        assert said == [], path
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        dark = sum(int(part) for part in background.strip("rgb()").split(",")[:3]) < 384
        assert dark is (scheme == "dark")
        page.context.close()


def test_a_page_shows_the_leak_its_route_and_what_would_be_done(site: Any, browser: Browser) -> None:
    page, _ = opened(browser, site.url + "service/shop/")
    # The page is live: it may first say, on a busy machine, that the cause is not known yet.
    assert page.locator(".cause.culprit code").first.inner_text(timeout=90_000) == "/report/{id}/"
    assert page.locator("canvas").count() == 1
    assert "would send HUP" in page.locator("main").inner_text()
    page.context.close()


def test_pages_are_live(site: Any, browser: Browser) -> None:
    page, _ = opened(browser, site.url)
    first = page.locator("#live").inner_text()
    page.wait_for_function(
        "(first) => document.getElementById('live').textContent !== first", arg=first, timeout=20_000
    )
    page.context.close()


def test_pages_can_be_read_without_a_script(site: Any, browser: Browser) -> None:
    page, _ = opened(browser, site.url + "service/shop/", java_script_enabled=False)
    assert page.locator("svg.chart polyline").count() >= 1
    assert page.locator("svg.chart").get_attribute("aria-label").startswith("memory in MB")  # type: ignore[union-attr]
    assert "UTC" in page.locator("footer").inner_text()
    page.context.close()


def test_a_silence_is_made_and_ended_by_keyboard(site: Any, browser: Browser) -> None:
    page, _ = opened(browser, site.url + "alerts/")
    page.focus("select[name=service]")
    page.keyboard.type("shop")
    page.focus("input[name=reason]")
    page.keyboard.type("known, the fix is out")
    page.keyboard.press("Enter")
    page.wait_for_selector("form.row")
    assert "shop, every rule" in page.locator("form.row").inner_text()
    site.wait_for("select * from decision where reason like 'silenced by%'", 30)
    page.reload()
    page.focus("form.row button")
    page.keyboard.press("Enter")
    page.wait_for_selector("form.row", state="detached")
    page.context.close()


def test_the_first_tab_leads_past_the_header(site: Any, browser: Browser) -> None:
    page, _ = opened(browser, site.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.context.close()


def ask(site: Any, path: str, method: str = "GET", body: str = "", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(site.url).netloc, timeout=10)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace")
    connection.close()
    return answer.status, dict(answer.headers.items()), text


def test_no_write_goes_without_a_csrf_token(site: Any) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, _ = ask(site, "/alerts/silence/", "POST", "service=shop&reason=x&hours=2", **form)
    assert status == 403
    assert ask(site, "/alerts/silence/")[0] == 405


def test_a_name_of_another_site_is_not_answered(site: Any) -> None:
    assert ask(site, "/", Host="evil.example")[0] == 400


def test_pages_load_nothing_from_elsewhere(site: Any) -> None:
    _, headers, text = ask(site, "/")
    assert headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_what_is_not_known_is_a_dash_and_never_zero() -> None:
    for word in (words.mb, words.rate, words.figure, words.percent, words.hours):
        for unknown in (None, "", float("nan")):
            assert word(unknown) == "–"
    assert (words.mb(12_345.0), words.rate(-3.2), words.hours(72.0)) == ("12.3 GB", "-3", "3 days")


@pytest.mark.parametrize(("word", "given", "said"), [
    (words.rate, -0.2, "0"), (words.rate, 0.51, "+1"), (words.duration, 1800, "30 min"), (words.duration, 100, "100 s"),
    (words.duration, 0.982, "982 ms"), (words.duration, 7200, "2 h"), (words.milliseconds, 0.059, "< 1 ms"),
])  # fmt: skip
def test_figures_are_as_exact_as_a_person_needs_them(word: Callable[[float], str], given: float, said: str) -> None:
    assert word(given) == said


@pytest.mark.parametrize("path", [
    "/static/../server.py", "/static/%2e%2e%2fserver.py", "/incidents/x/..%2f..%2fstate.sqlite", "/service/nobody/",
    "/incidents/none/", "/nothing",
])  # fmt: skip
def test_what_is_not_there_is_404_and_leads_out_of_no_folder(site: Any, path: str) -> None:
    assert ask(site, path)[0] == 404


def test_the_reports_of_an_incident_can_be_read(site: Any) -> None:
    number = site.rows("select id from incident where service = 'shop'")[0]["id"]
    # What would be done is written down by a thread of its own, perhaps before the report of that round is.
    for _ in range(60):
        status, headers, text = ask(site, f"/incidents/{number}/report.html")
        if status == 200:
            break
        time.sleep(0.5)
    assert status == 200
    assert "script-src" not in headers["Content-Security-Policy"]
    assert "shop" in text
    assert json.loads(ask(site, f"/incidents/{number}/incident.json")[2])["schema"] == "floodmark.incident/1"


def test_the_watch_tells_prometheus_of_itself(site: Any) -> None:
    _, headers, text = ask(site, "/metrics")
    assert headers["Content-Type"].startswith("text/plain")
    for name in (
        "floodmark_watch_rounds",
        "floodmark_watch_memory_bytes",
        'floodmark_service_memory_bytes{service="shop"}',
    ):
        assert f"\n{name} " in text
    assert ask(site, "/healthz")[0] == 200


def test_a_dashboard_that_others_can_reach_wants_a_password(stage_of: Callable[..., Any]) -> None:
    stage = stage_of("http://127.0.0.1:1/", settings={"watch_bind": "0.0.0.0:0"})
    stage.start_watch()
    assert stage.watch.wait(30) == 2
    assert "set watch_user and watch_password" in stage.said()
    stage.close()
    secret = {"watch_bind": "0.0.0.0:0", "watch_user": "mia", "watch_password": "hunter2"}
    stage = stage_of("http://127.0.0.1:1/", settings=secret)
    stage.start_watch()
    url = stage.url
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(url + "metrics", timeout=5)
    request = urllib.request.Request(url + "metrics")
    request.add_header("Authorization", "Basic " + base64.b64encode(b"mia:hunter2").decode())
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(url + "incidents/", timeout=5) as answer:
        assert answer.url.endswith("/sign-in/")
    assert "hunter2" not in stage.said()
    stage.close()


@pytest.fixture(scope="module")
def locked(stage_of_module: Callable[..., Any]) -> Iterator[Any]:
    """A dashboard with a password behind a proxy with TLS."""
    made = stage_of_module("http://127.0.0.1:1/", settings={
        "watch_user": "mia", "watch_password": "hunter2", "watch_public_url": "https://watch.example.org",
        "trusted_proxies": "127.0.0.1",
    })  # fmt: skip
    made.start_watch()
    yield made
    made.close()


class Visitor:
    """A browser's cookies and forms, without the browser."""

    def __init__(self, site: Any, address: str) -> None:
        self.site, self.address, self.cookies = site, address, SimpleCookie()

    def ask(self, path: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, Message, str]:
        cookie = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        headers = {"Host": "watch.example.org", "X-Forwarded-For": self.address, "Cookie": cookie, **headers}
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": "https://watch.example.org"}
        place = urlsplit(self.site.url)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=5)
        with closing(connection):
            body = None if form is None else urlencode(form)
            connection.request("GET" if form is None else "POST", path, body, headers)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                self.cookies.load(line)
            return answer.status, answer.headers, answer.read().decode()

    def sign_in(self, password: str) -> int:
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.ask("/sign-in/")[2])
        assert token
        form = {"csrfmiddlewaretoken": token[1], "user": "mia", "password": password}
        return self.ask("/sign-in/", form)[0]


def test_one_signs_in_through_a_proxy_with_tls_and_the_cookie_goes_no_other_way(locked: Any) -> None:
    visitor = Visitor(locked, "192.0.2.1")
    assert visitor.ask("/")[0] == 302
    assert visitor.sign_in("hunter2") == 302
    cookie = visitor.cookies["floodmark"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Strict")
    assert visitor.ask("/")[0] == 200


def test_guessing_the_password_is_stopped_for_the_one_who_guesses(locked: Any) -> None:
    guesser = Visitor(locked, "192.0.2.2")
    assert [guesser.sign_in(f"guess-{number}") for number in range(10)] == [403] * 10
    status, headers, _ = guesser.ask("/metrics", Authorization="Basic " + base64.b64encode(b"mia:hunter2").decode())
    assert (status, int(headers["Retry-After"]) > 200) == (429, True)
    assert guesser.sign_in("hunter2") == 429
    assert Visitor(locked, "192.0.2.3").sign_in("hunter2") == 302


def test_a_cookie_that_was_made_up_opens_nothing(locked: Any) -> None:
    visitor = Visitor(locked, "192.0.2.4")
    visitor.cookies.load("floodmark=Im1pYSI:1abcde:made-up")
    assert visitor.ask("/alerts/")[0] == 302


def test_a_forged_form_changes_nothing_and_is_told_why(locked: Any) -> None:
    visitor = Visitor(locked, "192.0.2.5")
    visitor.sign_in("hunter2")
    form = {"rule": "growth", "reason": "x", "hours": "2", "csrfmiddlewaretoken": "a" * 64}
    status, _, text = visitor.ask("/alerts/silence/", form)
    assert (status, "watch_public_url" in text) == (403, True)
    assert locked.rows("select * from silence") == []


@pytest.mark.parametrize("path", ["/sign-in/", "/healthz", "/static/dashboard.js", "/no-such-page/"])
def test_every_answer_has_the_headers_that_browsers_heed(locked: Any, path: str) -> None:
    _, headers, _ = Visitor(locked, "192.0.2.6").ask(path)
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "unsafe" not in headers["Content-Security-Policy"]


def test_what_is_counted_of_guessers_is_bounded() -> None:
    now = [0.0]
    attempts = Attempts(most=3, seconds=60, addresses=5, clock=lambda: now[0])
    for number in range(15):
        attempts.count(f"address-{number}")
    assert len(attempts._wrong) == 5
    for _ in range(2):
        attempts.count("mallory")
    assert attempts.wait("mallory") == 0
    attempts.count("mallory")
    assert attempts.wait("mallory") == 60
    now[0] += 60
    assert attempts.wait("mallory") == 0
