"""The string writer against lxml: what a parser gives back is what the row held."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from rsr_rows import GENERATED

from floodmark.export.formats.base import Links, Pieces, Remarks, stamp
from floodmark.export.formats.values import is_date, is_language, is_number, is_token, is_uri
from floodmark.export.formats.xml import (
    attribute,
    choose_escape,
    escape,
    escape_slowly,
    is_legal,
    narrative,
    without_illegal,
)
from floodmark.export.report import BuildReport, Remark

ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
LEGAL = ANY_TEXT.map(without_illegal)
SCHEMA = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="v" type="xs:{}"/></xs:schema>'


def pieces_of(*xml: str, piece_chars: int = 64_000) -> tuple[list[bytes], list[dict]]:
    """Parts as they are published, and the report on them."""
    lines = io.StringIO()
    maker = Pieces(Remarks(BuildReport(lines), 5), piece_chars)
    data = list(maker.of((text, "rsr_x", number) for number, text in enumerate(xml)))
    return data, [json.loads(line) for line in lines.getvalue().splitlines()]


@given(LEGAL)
def test_text_comes_back_from_lxml_as_it_was(text):
    (data,), remarks = pieces_of(f"<a>{narrative(text)}</a>")
    assert (etree.fromstring(data).findtext("narrative") or "") == text
    assert remarks == []


@given(LEGAL)
def test_an_attribute_comes_back_from_lxml_as_it_was(text):
    (data,), _ = pieces_of(f"<a{attribute('x', text)}/>")
    assert etree.fromstring(data).get("x", "") == text


@given(LEGAL.filter(bool))
def test_elements_are_in_canonical_form_what_lxml_writes(text):
    element = etree.Element("a", x=text)
    etree.SubElement(element, "narrative").text = text
    (data,), _ = pieces_of(f"<a{attribute('x', text)}>{narrative(text)}</a>")
    assert etree.tostring(etree.fromstring(data), method="c14n") == etree.tostring(element, method="c14n")


@given(ANY_TEXT)
def test_both_ways_of_escaping_say_the_same(text):
    assert escape(text) == escape_slowly(text)


@pytest.mark.parametrize("broken", [None, lambda text: text, lambda text: text.encode(), lambda text: 1 / 0])
def test_a_private_function_that_changed_is_not_used(broken):
    assert choose_escape(broken) is escape_slowly


def test_the_fast_escape_is_in_use_here():
    assert escape is not escape_slowly


@given(ANY_TEXT)
def test_illegal_is_what_lxml_refuses(text):
    try:
        etree.Element("a").text = text
        accepted = True
    except ValueError:
        accepted = False
    # lxml lets U+FFFE and U+FFFF pass in some versions; XML 1.0 does not.
    accepted = accepted and not set(text) & {"\ufffe", "\uffff"}
    assert is_legal(text.encode()) is accepted
    assert is_legal(without_illegal(text).encode())


@given(st.lists(ANY_TEXT, min_size=1), st.integers(1, 50))
def test_illegal_characters_are_removed_and_every_row_that_had_some_is_named(texts, piece_chars):
    data, remarks = pieces_of(*(f"<d>{narrative(text)}</d>" for text in texts), piece_chars=piece_chars)
    root = etree.fromstring(b"<r>" + b"".join(data) + b"</r>")
    assert [one.findtext("narrative") or "" for one in root] == [without_illegal(text) for text in texts]
    named = [number for number, text in enumerate(texts) if text != without_illegal(text)]
    assert [remark["row"] for remark in remarks] == named
    assert {remark["element"] for remark in remarks} <= {"d/narrative"}


def test_a_remark_on_characters_names_the_element_the_attribute_and_the_characters():
    (data,), remarks = pieces_of('<a><b x="1"/><c u="2" v="p\x01q"><d/>\x02</c>', "</a>")
    assert data == b'<a><b x="1"/><c u="2" v="pq"><d/></c></a>'
    assert [(remark["element"], remark["problem"]) for remark in remarks] == [
        ("a/c/@v", "characters that XML cannot hold: U+0001"),
        ("a/c", "characters that XML cannot hold: U+0002"),
    ]


@given(st.lists(st.integers(0, 300), max_size=20), st.integers(1, 500))
def test_pieces_are_cut_where_they_are_full_and_hold_everything(lengths, piece_chars):
    parts = ["x" * length for length in lengths]
    data, _ = pieces_of(*parts, piece_chars=piece_chars)
    assert b"".join(data).decode() == "".join(parts)
    assert all(len(piece) < piece_chars + 300 for piece in data)


def judge(kind: str) -> etree.XMLSchema:
    """The schema of one type alone."""
    return etree.XMLSchema(etree.fromstring(SCHEMA.format(kind)))


URIS = st.one_of(
    ANY_TEXT,
    st.from_regex(r"(https?|ftp|urn):(//)?[a-z.:@\[\]0-9-]{0,12}(/[a-zA-Z0-9%_ .~?=&#|-]{0,10})?", fullmatch=True),
    st.from_regex(r"https?://[A-Za-z0-9.-]+(/[A-Za-z0-9._~/=&?,;+-]*)?", fullmatch=True),
)


@settings(max_examples=400)
@given(st.sampled_from([("anyURI", is_uri), ("language", is_language), ("NMTOKEN", is_token)]), URIS)
def test_a_value_is_taken_exactly_where_the_schema_takes_it(kind, text):
    element = etree.Element("v")
    element.text = without_illegal(text)
    name, ours = kind
    assert ours(text) == judge(name).validate(element)


@given(st.dates())
def test_every_date_of_four_digit_years_is_a_date(day):
    assert is_date(day.isoformat())


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("infinity", False),
        ("-infinity", False),
        ("0044-03-15 BC", False),
        ("12000-02-28", True),
        ("5874897-12-31", True),
    ],
)
def test_what_else_postgresql_calls_a_date_is_judged_as_the_schema_does(text, valid):
    element = etree.Element("v")
    element.text = text
    assert is_date(text) == valid == judge("date").validate(element)


@pytest.mark.parametrize(("text", "valid"), [("0.00", True), ("-12.5", True), ("NaN", False), ("Infinity", False)])
def test_a_numeric_is_a_decimal_unless_it_is_none(text, valid):
    element = etree.Element("v")
    element.text = text
    assert is_number(text) == valid == judge("decimal").validate(element)


def test_a_path_under_the_media_folder_is_encoded_as_django_does():
    links = Links("http://rsr.example.org/", "")
    path = "db/project/99/Project photo é&99.jpg"
    assert links.media(path) == "http://rsr.example.org/media/db/project/99/Project%20photo%20%C3%A9%2699.jpg"
    assert Links(media_url="https://bucket.example/x/").media("/a") == "https://bucket.example/x/a"
    assert links.update(5, 6) == "http://rsr.example.org/project/5/update/6/"


def test_a_stamp_has_always_twenty_characters():
    assert stamp(GENERATED) == "2025-08-27T07:30:00Z"
    assert stamp(GENERATED.replace(year=2, microsecond=5)) == "0002-08-27T07:30:00Z"


def test_a_report_beyond_its_limit_only_counts_and_says_so():
    lines = io.StringIO()
    report = BuildReport(lines, max_lines=2)
    for number in range(5):
        report.add(Remark("text", 1, "rsr_x", number, "title", "no text é", "published an empty narrative"))
    report.close()
    first, second, last = map(json.loads, lines.getvalue().splitlines())
    assert first == {
        "rule": "text", "project": 1, "table": "rsr_x", "row": 0, "element": "title", "problem": "no text é",
        "done": "published an empty narrative",
    }  # fmt: skip
    assert second["row"] == 1
    assert last == {"only counted": 3}
    assert (report.total, report.counts["text"]) == (5, 5)
