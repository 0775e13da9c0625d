"""What the two reports show: every figure from the document, every text escaped, the same bytes every time."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from hypothesis import given as with_any
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from floodmark.diagnosis.incident import Incident, Summary
from floodmark.report import figures, html, markdown
from floodmark.report.document import plain, to_json

Render = Callable[[dict], str]
BOTH = pytest.mark.parametrize("render", [html.render, markdown.render], ids=["html", "markdown"])

SAID_ALOUD = ("aria-label", "alt", "title", "datetime", "content", "data-label")
VOID = {"meta", "br", "wbr", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """What a reader of the page meets: texts, elements with their attributes, and whether all is closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.misplaced: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "wbr":
            return
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag != "meta":
            self.texts += [value or "" for name, value in attrs if name in SAID_ALOUD]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.misplaced.append(tag)

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def all(self, *tags: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.elements if tag in tags]


def numbers(text: str) -> set[Decimal]:
    """Every number in a text; commas in large ones are no more than how they are shown."""
    joined = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text)
    return {Decimal(one) for one in re.findall(r"\d+(?:\.\d+)?", joined)}


def shown(render: Render, document: dict) -> str:
    text = render(document)
    return text if render is markdown.render else " ".join(Page(text.replace("<wbr>", "")).texts)


# ---------------------------------------------------------------- figures


@BOTH
def test_every_figure_of_the_reports_stands_in_the_file(render: Render, incident: Incident) -> None:
    missing = numbers(shown(render, plain(incident))) - numbers(to_json(incident))
    assert missing == set()


def test_the_check_of_figures_would_find_one_that_is_made_up(incident: Incident) -> None:
    page = shown(html.render, plain(incident)) + " 777777.5 MB"
    assert numbers(page) - numbers(to_json(incident)) == {Decimal("777777.5")}


def test_the_templates_hold_no_figure_of_their_own() -> None:
    for name in ("report.html.j2", "macros.html.j2", "report.md.j2"):
        source = (files("floodmark.report") / "templates" / name).read_text(encoding="utf-8")
        text = re.sub(r"\{[{%].*?[%}]\}", " ", source, flags=re.DOTALL)
        said = " ".join(Page(text).texts) if name.endswith("html.j2") else text
        assert re.findall(r"\d", re.sub(r"</?h\d", "", said)) == [], name


@BOTH
def test_figures_that_matter_are_shown(render: Render, incident: Incident) -> None:
    text = " ".join(shown(render, plain(incident)).split())
    for figure in ("212", "180 to 241", "461", "2.14", "1.72 to 2.61", "48,210", "41.2 s", "6.4 h"):
        assert figure in text, figure


@BOTH
def test_equal_documents_give_equal_bytes(render: Render, incident: Incident) -> None:
    assert render(plain(incident)) == render(plain(incident))


# ---------------------------------------------------------------- content


SECTIONS = (
    "Summary", "Impact", "Timeline", "Growth by service", "Causes", "Refused figures", "Patterns in logs", "Alerts",
    "Targets", "Actions", "Method", "Sources",
)  # fmt: skip


@BOTH
def test_the_sections_stand_in_the_same_order_in_both(render: Render, incident: Incident) -> None:
    text = render(plain(incident))
    found = re.findall(r"<h2 id=[^>]*>([^<]*)</h2>" if render is html.render else r"^## (.*)$", text, re.MULTILINE)
    assert tuple(found) == SECTIONS


@BOTH
def test_every_sentence_of_the_document_is_in_the_report(render: Render, incident: Incident) -> None:
    text = " ".join(shown(render, plain(incident)).replace("\\", "").split())
    said = [
        *incident.summary.sentences, *incident.summary.not_known,  # type: ignore[union-attr]
        *(one.reason for one in incident.services), *(one.text for one in incident.timeline),
        *(one.text for cause in incident.causes for one in cause.evidence),
        *(one.would_decide for cause in incident.causes for one in cause.rivals),
        *(one.explanation for one in incident.metric_problems), *(one.text for one in incident.patterns),
        *(one.text for one in incident.alerts), *(one.text for one in incident.targets),
        *(one.reason for one in incident.actions), *incident.method, *(one.remark for one in incident.sources),
    ]  # fmt: skip
    assert [one for one in map(figures.prose, said) if one not in text] == []


@BOTH
def test_a_victim_is_never_named_as_a_cause(render: Render, incident: Incident) -> None:
    text = render(plain(incident)).replace("<wbr>", "")
    victims = text.index("Victims, not causes")
    assert "results.xlsx" in text[victims : victims + 900]
    overview = text[: text.index("Impact")]
    assert "overview.pdf" in overview
    assert "results.xlsx" not in overview


@BOTH
def test_where_no_cause_is_known_the_report_says_so(render: Render, incident: Incident) -> None:
    document = plain(replace(incident, causes=()))
    assert "the evidence does not single one out" in render(document)
    quiet = replace(incident, causes=(), services=incident.services[2:])
    assert "nothing leaks" in render(plain(quiet))


@BOTH
def test_of_very_many_files_those_with_something_to_tell_are_listed_and_the_rest_is_pointed_to(
    render: Render, incident: Incident
) -> None:
    plain_one = next(one for one in incident.sources if not one.remark and not one.rejected and not one.damaged)
    many = [replace(plain_one, path=f"pods/{n}.log") for n in range(700)]
    many[650] = replace(many[650], remark="the archive is cut")
    said = render(plain(replace(incident, sources=tuple(many))))
    assert "pods/650.log" in said
    assert "the archive is cut" in said
    assert sum(f"pods/{n}.log" in said for n in range(700)) == 500
    assert f"There are more files of {plain_one.kind}" in said


@BOTH
def test_an_empty_incident_is_a_whole_report(render: Render) -> None:
    empty = Incident(None, (), (), (), (), (), (), (), (), (), summary=Summary("Nothing could be used", (), ()))
    text = render(plain(empty))
    assert "Nothing could be used" in text
    assert "nothing with a time could be read" in text
    assert "Nothing. No verdict here justifies an immediate action." in text


def test_every_citation_leads_to_its_source(incident: Incident) -> None:
    page = Page(html.render(plain(incident)))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    links = [attributes["href"] for attributes in page.all("a")]
    assert len(ids) == len(set(ids))
    assert [link for link in links if (link or "").removeprefix("#") not in ids] == []
    assert sum("#source-" in (link or "") for link in links) >= 8


# ---------------------------------------------------------------- the page


def test_the_page_loads_nothing_and_runs_nothing(incident: Incident) -> None:
    text = html.render(plain(incident))
    page = Page(text)
    assert not page.all("script", "link", "img", "iframe", "object", "embed", "form", "base")
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    links = [attributes.get(name) or "" for _, attributes in page.elements for name in ("href", "src", "action")]
    assert not [one for one in links if one and not one.startswith("#")]
    assert "url(" not in text
    assert "@import" not in text
    policy = next(one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy")
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"


def test_the_page_is_well_formed_and_its_headings_leave_no_level_out(incident: Incident) -> None:
    page = Page(html.render(plain(incident)))
    assert page.misplaced == []
    assert page.open == []
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1


def test_the_page_is_for_readers_of_all_kinds(incident: Incident) -> None:
    text = html.render(plain(incident))
    page = Page(text)
    assert page.all("html")[0]["lang"] == "en-GB"
    assert [one for one in page.all("th") if one.get("scope") not in ("col", "row")] == []
    charts = [one for one in page.all("svg") if one.get("role") == "img"]
    assert charts
    assert all(one.get("aria-labelledby") for one in charts)
    assert [one for one in page.all("svg") if not one.get("role") and one.get("aria-hidden") != "true"] == []
    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text


def test_a_chart_has_its_restarts_deploys_kills_and_alerts_drawn_in(incident: Incident) -> None:
    text = html.render(plain(incident))
    chart = text[text.index('id="service-0"') : text.index('id="service-1"')]
    for part in ('class="rule restart"', 'class="rule oom-kill"', 'class="alert alert-critical"', 'class="floor"',
                 'class="growth-band"', 'class="limit-line"', ">212 MB/h<"):  # fmt: skip
        assert part in chart, part


# ---------------------------------------------------------------- hostile text


def test_no_text_of_the_evidence_becomes_an_element_of_the_page(tame: Incident, hostile: Incident) -> None:
    page = Page(html.render(plain(hostile)))
    assert not page.all("script", "img", "textarea")
    assert [attributes for _, attributes in page.elements if any(name.startswith("on") for name in attributes)] == []
    assert page.misplaced == []
    known = [(tag, sorted(attributes)) for tag, attributes in Page(html.render(plain(tame))).elements]
    assert [(tag, sorted(attributes)) for tag, attributes in page.elements] == known


def blocks(text: str) -> list[Token]:
    """The Markdown as a reader's program would read it, tables and HTML included."""
    found = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text)
    return [*found, *(child for one in found for child in one.children or ())]


def test_no_text_of_the_evidence_becomes_markdown_or_html(tame: Incident, hostile: Incident) -> None:
    known, wild = ([one.type for one in blocks(markdown.render(plain(one)))] for one in (tame, hostile))
    for kind in ("html_block", "html_inline", "link_open", "image", "fence", "code_block", "blockquote_open"):
        assert wild.count(kind) == 0, kind
    for kind in ("heading_open", "table_open", "tr_open", "td_open"):
        assert wild.count(kind) == known.count(kind), kind
    assert not re.search(r"[\x00\x1b\u202e]", markdown.render(plain(hostile)))


@BOTH
def test_a_template_in_a_log_line_is_not_run(render: Render, hostile: Incident) -> None:
    assert "49" not in numbers(render(plain(hostile)))
    assert "{{" in render(plain(hostile))


def test_rows_of_markdown_tables_keep_their_number_of_cells(hostile: Incident) -> None:
    rows: list[int] = []
    for line in [*markdown.render(plain(hostile)).splitlines(), ""]:
        if line.startswith("|"):
            rows.append(len(re.findall(r"(?<!\\)\|", line)))
        else:
            assert len(set(rows)) <= 1, line
            rows = []


@with_any(st.text(max_size=60))
def test_code_in_markdown_holds_any_text_on_one_line(text: str) -> None:
    fenced = markdown.code(text)
    fence = re.match(r"`+", fenced).group()  # type: ignore[union-attr]
    inside = fenced[len(fence) : -len(fence)]
    assert fenced.endswith(fence)
    assert "\n" not in fenced
    assert not re.search(rf"(?<!`){fence}(?!`)", inside)


@with_any(st.one_of(st.integers(0, 10**12), st.floats(-1e9, 1e9, allow_nan=False)))
def test_a_shown_number_is_the_number_of_the_file(value: float) -> None:
    assert float(figures.number(value).replace(",", "")) == float(value)


def test_numbers_times_and_words() -> None:
    assert figures.number(212.0) == "212"
    assert figures.number(1e-05) == "0.00001"
    assert figures.number(None) == "not known"
    assert [figures.number(value) for value in (999, 48210, -48210, 1234567.5)] == [
        "999",
        "48,210",
        "-48,210",
        "1,234,567.5",
    ]
    assert figures.moment("2025-08-05T02:30:59Z") == "5 Aug 02:30"
    assert figures.moment("2025-08-05T02:30:59Z", year=True, seconds=True) == "5 Aug 2025 02:30:59"
    assert figures.sentence("oom-kill") == "OOM kill"


# ---------------------------------------------------------------- what a designer would miss


def test_a_line_of_a_log_keeps_its_digits_where_sentences_have_commas(incident: Incident) -> None:
    line = "upstream timed out after 60000 ms of 81614"
    pattern = replace(incident.patterns[0], text="Met 81614 times", examples=(line,))
    page = html.render(plain(replace(incident, patterns=(pattern,))))
    assert "Met 81,614 times" in page
    assert line in page


def test_figures_stay_in_one_line_with_their_units(incident: Incident) -> None:
    impact = replace(incident.impact[0], name="Requests over 10 s")
    assert "Requests over 10\u00a0s" in html.render(plain(replace(incident, impact=(impact,))))


def test_of_many_files_of_one_kind_one_stands_for_all_and_the_others_are_folded(incident: Incident) -> None:
    many = tuple(replace(incident.sources[0], path=f"nginx/{number}.log") for number in range(6))
    page = html.render(plain(replace(incident, sources=many)))
    before, _, folded = page.partition("The other files of nginx-access")
    assert "nginx/0.log" in before
    assert not any(f"<code>nginx/{number}.log</code></th>" in before for number in range(1, 6))
    assert all(f"nginx/{number}.log" in folded for number in range(1, 6))
