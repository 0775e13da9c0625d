"""The check of finished files: it says what lxml's own validator says of the whole, with bounded memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from floodmark.export import validity
from floodmark.export.formats.rules import RULES
from floodmark.export.validity import Checker, check
from floodmark.export.validity_schema import repeats_of, run_schema, schema_of

DOCS = Path(__file__).resolve().parents[2] / "docs" / "validity.md"
START = (
    "<iati-activity><iati-identifier>x</iati-identifier>"
    '<reporting-org ref="a" type="1"><narrative/></reporting-org><title><narrative/></title>'
    '<description><narrative/></description><participating-org role="1"/><activity-status code="1"/>'
    '<activity-date type="1" iso-date="2020-01-01"/>'
)
TRANSACTION = (
    '<transaction><transaction-type code="1"/><transaction-date iso-date="2020-01-01"/>'
    '<value value-date="2020-01-01">1</value><sector code="1"/><sector code="2"/><sector code="3"/></transaction>'
)
RESULT = '<result type="1"><title><narrative/></title><indicator measure="1"><title><narrative/></title>'
PERIOD = (
    '<period><period-start iso-date="2020-01-01"/><period-end iso-date="2020-01-01"/><actual value="1"/>'
    '<actual value="2"/><actual value="3"/></period>'
)
ENDS = "</indicator></result>"
BAD_PERIOD = PERIOD.replace('<period-end iso-date="2020-01-01"/>', "")


def file_of(*activities: str) -> bytes:
    """A file of these activities, each given from its first optional element on."""
    items = "".join(f"{START}{rest}</iati-activity>" for rest in activities)
    return f'<?xml version="1.0"?>\n<iati-activities version="2.03">{items}</iati-activities>'.encode()


@pytest.fixture
def small(monkeypatch):
    """Items count as large from the first byte, and runs are short."""
    monkeypatch.setattr(validity, "LARGE_BYTES", 0)
    monkeypatch.setattr(validity, "RUN_ELEMENTS", 3)
    monkeypatch.setattr(validity, "READ_BYTES", 200)


PARTS = st.sampled_from([
    TRANSACTION, TRANSACTION.replace('code="1"/><tr', 'kode="1"/><tr'), "<budget/>", RESULT + PERIOD * 5 + ENDS,
    RESULT + PERIOD * 4 + BAD_PERIOD + PERIOD * 4 + ENDS, RESULT + ENDS, '<conditions attached="1"/>',
    '<sector code="1"/>', "<sector/>", "<nonsense/>", '<sector code="1" percentage="NaN"/>',
    '<transaction ref="only"/>', PERIOD, '<x:y xmlns:x="urn:x"/>',
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(PARTS, max_size=6).map("".join), max_size=3), st.integers(50, 300))
def test_a_file_is_valid_for_us_exactly_where_it_is_for_lxml(activities, read_bytes):
    data = file_of(*activities)
    expected = schema_of("iati-activities").validate(etree.fromstring(data))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("LARGE_BYTES", 0), ("RUN_ELEMENTS", 2), ("READ_BYTES", read_bytes)):
            patch.setattr(validity, name, value)
        assert (check([data]) == []) == expected
    assert (check([data]) == []) == expected


@pytest.mark.parametrize("position", [0, 1, 500, 998, 999])
def test_one_bad_element_among_a_thousand_is_found_wherever_it_stands(small, position):
    periods = [PERIOD] * 1000
    periods[position] = BAD_PERIOD
    (problem,) = check([file_of(RESULT + "".join(periods) + ENDS)])
    assert problem == ("line 2: Element 'actual': This element is not expected. Expected is ( period-end ).")


def test_a_run_that_is_interrupted_by_what_may_not_stand_there_is_found(small):
    (problem,) = check([file_of(TRANSACTION * 50 + '<sector code="1"/>' + TRANSACTION * 50)])
    assert "Element 'sector': This element is not expected" in problem


def test_every_element_that_may_repeat_has_a_schema_of_its_own():
    for root in ("iati-activities", "iati-organisations"):
        for route in repeats_of(root):
            empty = etree.Element("run")
            assert run_schema(root, route).validate(empty)
            etree.SubElement(empty, "nonsense")
            assert not run_schema(root, route).validate(empty)
    assert ("iati-activity", "result", "indicator", "period", "actual") in repeats_of("iati-activities")
    assert ("iati-organisation", "total-budget", "budget-line") in repeats_of("iati-organisations")
    assert ("iati-activity", "result", "document-link", "category") in repeats_of("iati-activities")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not well-formed: no element found"),
        (b"<iati-activities", "not well-formed: "),
        (b"<html/>", "the root element is html, not iati-activities or iati-organisations"),
        (b'<iati-activities version="2.03"/>', "Missing child element(s). Expected is ( iati-activity )."),
        (b"<iati-activities>" + file_of("").split(b">", 2)[2], "The attribute 'version' is required but missing."),
        (file_of("").replace(b"\n<iati", b"<!DOCTYPE iati-activities><iati"), "it has a DOCTYPE"),
        (file_of("")[:-10], "not well-formed: "),
        (file_of("") + b"<x/>", "not well-formed: "),
    ],
)
def test_what_is_no_iati_file_is_said_in_one_line(data, said):
    assert any(said in problem for problem in check([data]))


def test_problems_are_listed_up_to_a_limit():
    assert len(check([file_of(*(f'<sector code="1" x{number}="1"/>' for number in range(50)))], max_problems=7)) == 7


def test_a_path_an_open_file_and_bytes_are_all_taken(tmp_path):
    path = tmp_path / "file.xml"
    path.write_bytes(file_of(TRANSACTION))
    with path.open("rb") as file:
        assert check(path) == check(file) == check([path.read_bytes()]) == []


GIANT = """
import sys
from floodmark.export.validity import Checker, READ_BYTES
from test_validity import START, TRANSACTION, RESULT, PERIOD, ENDS
def rss(name):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(name)) / 1000
def feed(count):
    checker = Checker()
    checker.feed(b'<iati-activities version="2.03">' + START.encode())
    for _ in range(count):
        checker.feed(TRANSACTION.encode() * 100)
    checker.feed(RESULT.encode())
    for _ in range(count):
        checker.feed(PERIOD.encode() * 100)
    checker.feed((ENDS + "</iati-activity></iati-activities>").encode())
    assert checker.close() == []
feed(20)
before = rss("VmHWM")
feed(400)
print(rss("VmHWM") - before)
"""


def test_memory_does_not_depend_on_the_size_of_an_activity():
    run = subprocess.run(
        [sys.executable, "-c", GIANT], capture_output=True, text=True, check=True, cwd=Path(__file__).parent
    )
    assert float(run.stdout) < 5


def test_the_docs_have_a_heading_for_each_rule_with_its_words():
    text = DOCS.read_text(encoding="utf-8")
    headings = re.findall(r"^### `([a-z-]+)`$", text, re.MULTILINE)
    assert sorted(headings) == sorted(RULES)
    for name, rule in RULES.items():
        section = text.split(f"### `{name}`\n")[1].split("\n### ")[0].split("\n## ")[0]
        assert f"{rule.problem}: {rule.done}" in " ".join(section.split()), name


def test_a_checker_can_be_fed_any_cut_of_a_file():
    data = file_of(TRANSACTION * 3, RESULT + PERIOD + ENDS)
    for size in (1, 7, 10_000):
        checker = Checker()
        for start in range(0, len(data), size):
            checker.feed(data[start : start + size])
        assert checker.close() == []
