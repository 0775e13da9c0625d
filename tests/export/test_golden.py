"""What RSR's own exporter wrote for the same rows, node by node.

`Corrector` turns RSR's output into what ours must be: each correction is one rule of docs/validity.md, made from
RSR's tree (and from the row behind it, where the tree has lost it), never from ours. The outcome must equal ours exactly.
"""

from __future__ import annotations

import gzip
from collections import Counter
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from lxml import etree
from psycopg.rows import dict_row

from floodmark.export.build import Options, pieces
from floodmark.export.datasets import Dataset
from floodmark.export.formats.base import Links
from floodmark.export.report import BuildReport

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "rsr" / "golden"
GENERATED = datetime(2025, 8, 27, 7, 30, tzinfo=UTC)
AKVO = "{http://akvo.org/iati-activities}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RECORDED = "The activity has no date of its own; this is the day on which it was recorded."
UNORDERED = ("participating-org", "other-identifier", "related-activity")
"""RSR writes partners with equal roles, and children, in the order of chance."""

pytestmark = pytest.mark.skipif(not GOLDEN.exists(), reason="../shared/rsr/golden is not here")


def tree_of(name: str) -> etree._Element:
    """A golden file without the white space between elements."""
    data = (GOLDEN / name).read_bytes()
    root = etree.fromstring(gzip.decompress(data) if name.endswith(".gz") else data)
    for element in root.iter():
        if len(element) and not (element.text or "").strip():
            element.text = None
        if not (element.tail or "").strip():
            element.tail = None
    return root


def built(kind: str, organisation_id: int, base_url: str = "http://rsr.akvo.org") -> tuple[etree._Element, BuildReport]:
    """Our file of the same rows."""
    report = BuildReport()
    made = pieces(Dataset(kind, organisation_id), report, generated=GENERATED, options=Options(Links(base_url)))
    return etree.fromstring(b"".join(piece.data for piece in made)), report


def canonical(element: etree._Element) -> str:
    """An element in canonical form, without the namespace declaration that RSR repeats."""
    element = deepcopy(element)
    element.tail = None
    text = etree.tostring(element, method="c14n").decode()
    return text.replace(' xmlns:akvo="http://akvo.org/iati-activities"', "")


def children(activity: etree._Element) -> list[str]:
    """The children in canonical form, in order; those without an order of their own sorted where they stand."""
    found: list[tuple[str, str]] = [(child.tag, canonical(child)) for child in activity]
    for tag in UNORDERED:
        places = [index for index, (name, _) in enumerate(found) if name == tag]
        for index, text in zip(places, sorted(found[place][1] for place in places), strict=True):
            found[index] = (tag, text)
    return [text for _, text in found]


def project_id(activity: etree._Element) -> int:
    """The project behind an activity: its first other-identifier."""
    return int(activity.find("other-identifier").get("ref"))


class Corrector:
    """RSR's activity as ours must be, with how often each rule was needed."""

    def __init__(self, database: psycopg.Connection, publisher: dict[str, str]) -> None:
        self.database, self.publisher = database, publisher
        self.used: Counter[str] = Counter()
        self.activity: etree._Element = etree.Element("none")

    def rows(self, table: str, order: str = "id", key: str = "project_id") -> list[dict]:
        """The rows of a table behind the activity."""
        statement = f"SELECT * FROM {table} WHERE {key} = %s ORDER BY {order}"
        with self.database.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(statement, [project_id(self.activity)]).fetchall()

    def drop(self, rule: str, element: etree._Element) -> None:
        """Leave out a part."""
        self.used[rule] += 1
        element.getparent().remove(element)

    def give(self, rule: str, element: etree._Element, name: str, value: str) -> None:
        """Complete an attribute."""
        self.used[rule] += 1
        element.set(name, value)

    def narrate(self, rule: str, parent: etree._Element, index: int, tag: str | None = None) -> None:
        """Put in an element with an empty narrative, or the narrative alone."""
        self.used[rule] += 1
        narrative = etree.Element("narrative")
        if tag:
            element = etree.Element(tag)
            element.append(narrative)
            narrative = element
        parent.insert(index, narrative)

    def correct(self, activity: etree._Element) -> etree._Element:
        """RSR's activity as ours must be."""
        self.activity = deepcopy(activity)
        for step in (
            self.identity, self.description, self.partner, self.status_and_date, self.classification, self.budgets,
            self.planned_disbursements, self.transactions,
            self.documents, self.conditions, self.results, self.donors,
        ):  # fmt: skip
            step()
        return self.activity

    def identity(self) -> None:
        """identifier, reporting-org, title: what RSR leaves out when it is empty."""
        activity = self.activity
        if activity.find("reporting-org") is None:
            self.used["reporting-org"] += 1
            fields = {"ref": self.publisher["ref"], "secondary-reporter": "0", "type": self.publisher["type"]}
            element = etree.Element("reporting-org", fields)
            etree.SubElement(element, "narrative").text = self.publisher["name"]
            activity.insert(len(activity.findall("iati-identifier")), element)
        if activity.find("iati-identifier") is None:
            self.used["identifier"] += 1
            element = etree.Element("iati-identifier")
            element.text = f"{activity.find('reporting-org').get('ref')}-RSR-{project_id(activity)}"
            activity.insert(0, element)
        if activity.find("title") is None:
            self.narrate("title", activity, 2, "title")

    def before(self, *tags: str) -> int:
        """The place of the first child that has none of these tags."""
        return next(index for index, child in enumerate(self.activity) if child.tag not in tags)

    def description(self) -> None:
        """description."""
        if self.activity.find("description") is None:
            self.narrate("description", self.activity, self.before("iati-identifier", "reporting-org", "title"),
                         "description")  # fmt: skip

    def partner(self) -> None:
        """participating-org: whoever reports on its own activity is accountable for it."""
        if self.activity.find("participating-org") is not None:
            return
        reporting = self.activity.find("reporting-org")
        if reporting.get("secondary-reporter") == "1":
            self.used["participating-org-none"] += 1
            partner = etree.Element("participating-org", role="4")
        else:
            self.used["participating-org"] += 1
            partner = etree.Element("participating-org", ref=reporting.get("ref"), type=reporting.get("type"), role="2")
            partner.append(deepcopy(reporting.find("narrative")))
        self.activity.insert(self.before("iati-identifier", "reporting-org", "title", "description"), partner)

    def status_and_date(self) -> None:
        """activity-status and activity-date: RSR's database has neither dates nor money nor results for these."""
        place = self.activity.index(self.activity.findall("other-identifier")[-1]) + 1
        if self.activity.find("activity-status") is None:
            self.used["activity-status-none"] += 1
            self.activity.insert(place, etree.Element("activity-status", code="1"))
        if self.activity.find("activity-date") is None:
            self.used["activity-date-recorded"] += 1
            (row,) = self.rows("rsr_project", key="id")
            date = etree.Element("activity-date", {"iso-date": f"{row['created_at']:%Y-%m-%d}", "type": "1"})
            etree.SubElement(date, "narrative", {LANG: "en"}).text = RECORDED
            self.activity.insert(place + 1, date)

    def classification(self) -> None:
        """location and country-budget-items."""
        for location in self.activity.findall("location"):
            identifier = location.find("location-id")
            if identifier is not None and not (identifier.get("code") and identifier.get("vocabulary")):
                self.drop("code-vocabulary", identifier)
            for division in location.findall("administrative"):
                if not (division.get("code") and division.get("vocabulary")):
                    self.drop("code-vocabulary", division)
        wrapper = self.activity.find("country-budget-items")
        if wrapper is None:
            return
        if not wrapper.get("vocabulary"):
            wrapper.getparent().remove(wrapper)
            self.used["country-budget-vocabulary"] += len(self.rows("rsr_countrybudgetitem"))
            return
        for item in wrapper:
            for joined in item.findall("description")[1:]:
                self.drop("code", joined)  # the description of a row without a code

    def complete_value(self, parent: etree._Element, date: str) -> bool:
        """Complete the value date of a value; drop its parent where there is no value."""
        value = parent.find("value")
        if value is None:
            self.drop("value", parent)
            return False
        if not value.get("value-date"):
            self.give("value-date", value, "value-date", date)
        return True

    def budgets(self) -> None:
        """budget."""
        for budget in self.activity.findall("budget"):
            start, end = budget.find("period-start"), budget.find("period-end")
            if start is None or end is None:
                self.drop("period", budget)
            else:
                self.complete_value(budget, start.get("iso-date"))

    def planned_disbursements(self) -> None:
        """planned-disbursement: RSR puts the currency of a row without a value on the row before."""
        found = self.activity.findall("planned-disbursement")
        rows = self.rows("rsr_planneddisbursement")
        assert len(found) == len(rows)
        for element, row in zip(found, rows, strict=True):
            value = element.find("value")
            if value is not None and value.get("currency") != (row["currency"] or None):
                self.give("currency-of-the-row", value, "currency", row["currency"])
            if element.find("period-start") is None:
                self.drop("period", element)
            else:
                self.complete_value(element, element.find("period-start").get("iso-date"))

    def transactions(self) -> None:
        """transaction: RSR writes a region's code only beside a vocabulary URI, and the code even where it is empty."""
        found = self.activity.findall("transaction")
        rows = self.rows("rsr_transaction")
        assert len(found) == len(rows)
        for element, row in zip(found, rows, strict=True):
            region = element.find("recipient-region")
            if region is not None and not row["recipient_region"]:
                self.drop("transaction-region", region)
            elif region is not None and not region.get("code"):
                self.give("transaction-region-code", region, "code", row["recipient_region"])
                for name in ("vocabulary", "vocabulary-uri"):
                    if text := row["recipient_region_" + name.replace("-", "_")]:
                        region.set(name, text)
            date = element.find("transaction-date")
            self.complete_value(element, date.get("iso-date"))

    def documents(self) -> None:
        """document-link."""
        for link in self.activity.findall("document-link"):
            if not link.get("format"):
                url = link.get("url")
                ending = url.rsplit(".", 1)[-1]
                known = {"pdf": "application/pdf"}
                self.give("document-format", link, "format", known.get(ending, "application/octet-stream"))
            if link.find("category") is None:
                self.used["document-category"] += 1
                link.insert(1, etree.Element("category", code="A12"))

    def conditions(self) -> None:
        """condition: RSR puts the text of a row without a type on the row before."""
        for condition in self.activity.iterfind("conditions/condition"):
            for joined in condition.findall("narrative")[1:]:
                self.drop("condition-type", joined)

    def results(self) -> None:
        """result."""
        for result in self.activity.findall("result"):
            if not result.get("type"):
                self.give("result-type", result, "type", "9")
            if result.find("title") is None:
                self.narrate("text", result, 0, "title")
            for indicator in result.findall("indicator"):
                self.indicator(indicator)

    def indicator(self, indicator: etree._Element) -> None:
        """indicator, with its baseline and periods."""
        if not indicator.get("measure"):
            self.give("measure", indicator, "measure", "1")
        if indicator.find("title") is None:
            self.narrate("text", indicator, 0, "title")
        for reference in indicator.findall("reference"):
            if not (reference.get("code") and reference.get("vocabulary")):
                self.drop("code-vocabulary", reference)
        for baseline in indicator.findall("baseline"):
            if not baseline.get("year"):
                self.drop("baseline-year", baseline)
        for period in indicator.findall("period"):
            if period.find("period-start") is None or period.find("period-end") is None:
                self.drop("period", period)

    def donors(self) -> None:
        """crs-add and fss."""
        for flags in self.activity.iterfind("crs-add/other-flags"):
            if not (flags.get("code") and flags.get("significance")):
                self.drop("other-flags", flags)
        for forecast in self.activity.iterfind("fss/forecast"):
            if not forecast.get("year"):
                self.drop("forecast", forecast)


IN_RSR_TOO = {"point"}
"""Rules for what RSR does not write either, so that its tree shows nothing of it."""
WITHOUT_REMARK = {"transaction-region-code", "currency-of-the-row"}
"""Corrections that complete what the row holds: nothing to remark."""


@pytest.mark.parametrize(("letter", "organisation_id"), [("B", 42), ("F", 46)])
def test_every_valid_node_of_rsrs_activities_is_in_ours_and_nothing_else(rsr_source, letter, organisation_id):
    golden = tree_of(f"org{letter}.tree.xml.gz")
    ours, _ = built("activities", organisation_id)
    with rsr_source.connect() as connection:
        corrector = Corrector(connection, publisher(letter))
        expected = [corrector.correct(activity) for activity in golden]
    assert [project_id(activity) for activity in ours] == [project_id(activity) for activity in expected]
    for theirs, our in zip(expected, ours, strict=True):
        assert dict(theirs.attrib) == dict(our.attrib)
        assert children(theirs) == children(our)


@pytest.mark.parametrize(("letter", "organisation_id"), [("B", 42), ("F", 46)])
def test_the_report_counts_each_difference_and_no_other(rsr_source, letter, organisation_id):
    _, report = built("activities", organisation_id)
    with rsr_source.connect() as connection:
        corrector = Corrector(connection, publisher(letter))
        for activity in tree_of(f"org{letter}.tree.xml.gz"):
            corrector.correct(activity)
    needed = {rule: count for rule, count in corrector.used.items() if rule not in WITHOUT_REMARK}
    reported = {rule: count for rule, count in report.counts.items() if rule not in IN_RSR_TOO}
    assert reported == needed
    assert report.left_out == 0


def publisher(letter: str) -> dict[str, str]:
    """The organisation whose export it is."""
    return {"ref": f"NL-KVK-2732{letter}", "type": "21", "name": f"Reporting Organisation {letter} & Söhne <{letter}>"}


@pytest.mark.parametrize(("letter", "organisation_id"), [("B", 42), ("C", 43)])
def test_rsrs_organisation_file_is_ours(rsr_source, letter, organisation_id):
    golden = tree_of(f"org{letter}.iati-org.tree.xml")
    dropped = [
        budget for budget in golden.iterfind("iati-organisation/total-budget") if budget.find("period-start") is None
    ]
    for budget in dropped:
        budget.getparent().remove(budget)
    ours, report = built("organisation", organisation_id, base_url="https://rsr.akvo.org")
    assert [canonical(element) for element in golden[0]] == [canonical(element) for element in ours[0]]
    assert dict(golden[0].attrib) == dict(ours[0].attrib)
    assert report.counts == ({"period": len(dropped)} if dropped else {})
    assert letter != "B" or dropped


def test_all_five_poison_projects_are_published(rsr_source):
    ours, report = built("activities", 45)
    assert [project_id(activity) for activity in ours] == [685, 684, 683, 682, 681]
    assert report.left_out == 0
    assert (
        ours[4].find("description[@{http://akvo.org/iati-activities}type='6']/narrative").text == "vertical tab  here"
    )
