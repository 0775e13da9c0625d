"""The index page: what a person sees, hostile names harmless, nothing foreign, readable on a phone and in the dark."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from lxml import html
from playwright.sync_api import sync_playwright

from floodmark.export.artifacts.build import Build, Rules
from floodmark.export.artifacts.entry import Artifact, Entry, File
from floodmark.export.index_page import ORGANISATIONS_A_PAGE, ago, page_of, size
from floodmark.export.storage import LocalStorage

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script> & "Söhne" ' + "Langername" * 20
NO_DATABASE = "postgresql://nobody@127.0.0.1:1/none"
CHROMIUM = "/usr/bin/chromium"


def entry(slug: str, title: str = "", size_bytes: int = 7_059_063, activities: int = 630) -> Entry:
    whole = Artifact(File("x", size_bytes, "0" * 64), File("y", size_bytes // 9, "1" * 64), "", NOW, activities)
    return Entry(slug, whole, NOW + timedelta(hours=2), title=title, left_out=3)


def test_sizes_are_said_in_powers_of_ten_with_their_unit() -> None:
    said = [
        size(n) for n in (0, 999, 1000, 1499, 99_949, 999_499, 999_500, 7_059_063, 40_000_000, 1_300_000_000, 10**16)
    ]
    assert said == [
        "0 bytes",
        "999 bytes",
        "1.0 kB",
        "1.5 kB",
        "99.9 kB",
        "999 kB",
        "1.0 MB",
        "7.1 MB",
        "40.0 MB",
        "1.3 GB",
        "10000 TB",
    ]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (2640, "44 min ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (200_000, "2 days ago"),
    ],
)
def test_how_long_ago_is_said_in_one_unit(seconds: int, said: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_the_sums_count_each_activity_once() -> None:
    page = page_of(
        [entry("41/activities", "A"), entry("41/organisation", "A", 20_000, 1), entry("42/activities")], 1, NOW
    )
    assert (page.total_organisations, page.total_files, page.total_activities) == (2, 3, "1,260")
    assert [organisation.name for organisation in page.organisations] == ["A", "Organisation 42"]


def test_many_organisations_are_shown_in_pages_and_no_page_number_is_an_error() -> None:
    entries = [entry(f"{number}/activities") for number in range(1, 2 * ORGANISATIONS_A_PAGE + 2)]
    seen = [o.number for number in (1, 2, 3) for o in page_of(entries, number, NOW).organisations]
    assert seen == list(range(1, 2 * ORGANISATIONS_A_PAGE + 2))
    assert page_of(entries, 99, NOW).number == 3
    assert page_of([], 5, NOW).organisations == ()
    assert (page_of(entries, 2, NOW).before, page_of(entries, 2, NOW).after) == (1, 3)


@pytest.fixture(scope="module")
def server(serve, invented):
    running = serve("--no-worker", database_url=NO_DATABASE, web_workers=1)
    storage, rules = LocalStorage(running.folder / "artifacts"), Rules(200_000, timedelta(hours=1))
    for number, title in ((41, "Foundation A"), (42, HOSTILE)):
        made = invented(dict.fromkeys(range(1, 201), "title " * 500), remarks=number - 41)
        Build(storage, f"{number}/activities", NOW, rules, lambda blocks: None, title=title).run(made)
        small = invented({number: "organisation"})
        Build(storage, f"{number}/organisation", NOW, rules, lambda blocks: None, title=title).run(small)
    return running


def test_every_file_and_segment_is_listed_under_its_address(server) -> None:
    answer = server.ask("/")
    assert answer["Content-Type"] == "text/html; charset=utf-8"
    page = html.fromstring(answer.body)
    for link in page.xpath("//main//a/@href"):
        assert server.ask(link, "HEAD").status == 200, link
    assert len(page.xpath("//main//article")) == 4
    assert len(page.xpath("//details//li")) >= 6
    text = " ".join(page.xpath("string(//body)").split())
    for words in ("Foundation A", "1 remark", "valid 2.03", "23 Nov 2026, 12:00 UTC", "Organisations2"):
        assert words in text


def test_names_are_text_and_nothing_comes_from_elsewhere(server) -> None:
    answer = server.ask("/")
    page = html.fromstring(answer.body)
    assert page.xpath("//script") == []
    assert HOSTILE[:40] in page.text_content()
    assert page.xpath("//link | //img | //iframe | //@onclick") == []
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]+'; base-uri 'none'", answer["Content-Security-Policy"]
    )
    assert server.ask("/", If_None_Match=answer["ETag"]).status == 304


def test_without_a_file_the_page_says_what_to_do(serve) -> None:
    empty = serve("--no-worker", database_url=NO_DATABASE, web_workers=1)
    assert "No file has been built yet" in empty.ask("/").text
    assert empty.ask("/?page=x").status == empty.ask("/?page=99999999999").status == 200
    empty.stop()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_in_a_browser_nothing_is_cut_and_text_can_be_read(server, scheme, width) -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(f"http://127.0.0.1:{server.port}/")
        page.locator("summary").first.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert complaints == [], "the style sheet is let through by the policy"
        ratios = page.evaluate(CONTRASTS)
        browser.close()
    assert len(ratios) > 20
    assert min(ratios) >= 4.5


CONTRASTS = """() => {
  const rgb = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (; element; element = element.parentElement) {
      const colour = rgb(getComputedStyle(element).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("h1,h2,h3 a,p,dt,dd,small,a,code,span,summary,footer")]
    .filter(element => element.textContent.trim() && element.offsetParent)
    .map(element => {
      const [a, b] = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05);
    });
}"""
