"""Small activity files by hypothesis: known elements with values that fit, do not fit, or are no values at all."""

from __future__ import annotations

from hypothesis import strategies as st
from lxml import etree

XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
AKVO = "{http://akvo.org/iati-activities}"

letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co"))
texts = st.one_of(st.sampled_from(["Text", " two  words ", "x" * 2500, ""]), st.text(letters, max_size=60))
codes = st.sampled_from(["1", "2", "10", "99", "", "A02", "X" * 30, "é"])
names = st.sampled_from(["One", "Two", "N" * 45 + "1", "N" * 45 + "2", "L" * 120, "", " "])
refs = st.sampled_from(["", "XM-A", "XM-B", " XM-A", "R" * 80])
numbers = st.sampled_from(["0", "1", "-5", "12.50", "0.04", "33.333", "1e3", "9" * 15, "many", "", " 7 "])
dates = st.sampled_from(["2020-01-31", "2021-12-01", "2020-02-31", "2020-01-01Z", "", "soon"])
flags = st.sampled_from(["0", "1", "true", "false", "", "maybe"])
languages = st.sampled_from([None, None, "en", "fr", "en-GB"])
uris = st.sampled_from(["", "https://example.org/a", "https://example.org/" + "p" * 300, "http://[bad", "a b"])

VALUES = {"code": codes, "ref": refs, "type": codes, "percentage": numbers, "iso-date": dates, "vocabulary": codes,
          "vocabulary-uri": uris, "value-date": dates, "currency": st.sampled_from(["EUR", "", "EURO"]), "url": uris,
          "role": st.sampled_from(["1", "4", "5", ""]), "year": numbers, "humanitarian": flags, "attached": flags,
          "significance": codes, "level": numbers, "priority": flags, "ascending": flags, "srsName": uris,
          "aggregation-status": flags, "secondary-reporter": flags, "iati-equivalent": texts}  # fmt: skip

STANDING_IN = (
    "The activity has no date of its own; this is the day on which it was recorded.",
    "The activity has no date of its own; this is the earliest of its money and results.",
)

DAYS = ("2019-05-06", "2018-07-08")
"""No values of others: the day stays with the project, and a later example that loses the same day has lost it."""

NARRATED = "|"
"""Stands for: one to three narratives."""

ORG = {"@": "ref type", NARRATED: {}}
VALUE = {"@": "currency value-date", "#": numbers}
DAY = {"@": "iso-date"}
CODE = {"@": "code"}
PARTY = {"@": "ref type provider-activity-id receiver-activity-id", NARRATED: {}}
COMMENT = {NARRATED: {}}
FIGURE = {"@": "value", "location": {"@": "ref"}, "comment": COMMENT, "dimension": {"@": "name value"}}

ELEMENTS: dict[str, dict[str, object]] = {
    "title": {NARRATED: {}},
    "description": {"@": f"type {AKVO}type", NARRATED: {}},
    "participating-org": {"@": "ref type role activity-id", NARRATED: {}},
    "other-identifier": {"@": "ref type", "owner-org": {"@": "ref", NARRATED: {}}},
    "activity-date": {"@": "iso-date type", NARRATED: {}},
    "contact-info": {"@": "type", "organisation": COMMENT, "telephone": {"#": texts}, "website": {"#": uris}},
    "activity-scope": CODE,
    "recipient-country": {"@": "code percentage", NARRATED: {}},
    "recipient-region": {"@": "code vocabulary vocabulary-uri percentage", NARRATED: {}},
    "location": {
        "@": "ref", "location-reach": CODE, "location-id": {"@": "code vocabulary"}, "name": COMMENT,
        "administrative": {"@": "code vocabulary level"},
        "point": {"@": "srsName", "pos": {"#": st.sampled_from(["1.5 2", "x y", "1", ""])}}, "exactness": CODE,
    },
    "sector": {"@": "code vocabulary vocabulary-uri percentage", NARRATED: {}},
    "tag": {"@": "code", NARRATED: {}},
    "country-budget-items": {"@": "vocabulary", "budget-item": {"@": "code percentage", "description": COMMENT}},
    "humanitarian-scope": {"@": "type vocabulary vocabulary-uri code", NARRATED: {}},
    "policy-marker": {"@": "vocabulary vocabulary-uri code significance", NARRATED: {}},
    "collaboration-type": CODE,
    "default-aid-type": {"@": "code vocabulary"},
    "budget": {"@": "type status", "period-start": DAY, "period-end": DAY, "value": VALUE},
    "planned-disbursement": {
        "@": "type", "period-start": DAY, "period-end": DAY, "value": VALUE, "provider-org": PARTY,
        "receiver-org": PARTY,
    },
    "capital-spend": {"@": "percentage"},
    "transaction": {
        "@": "ref humanitarian", "transaction-type": CODE, "transaction-date": DAY, "value": VALUE,
        "description": COMMENT, "provider-org": PARTY, "disbursement-channel": CODE,
        "sector": {"@": "code vocabulary", NARRATED: {}}, "recipient-country": {"@": "code", NARRATED: {}},
        "recipient-region": {"@": "code vocabulary"}, "aid-type": {"@": "code vocabulary"}, "tied-status": CODE,
    },
    "document-link": {
        "@": "url format", "title": COMMENT, "description": COMMENT, "category": CODE, "language": CODE,
        "document-date": DAY,
    },
    "related-activity": {"@": "ref type"},
    "legacy-data": {"@": "name value iati-equivalent"},
    "conditions": {"@": "attached", "condition": {"@": "type", NARRATED: {}}},
    "result": {
        "@": "type aggregation-status", "title": COMMENT, "indicator": {
            "@": "measure ascending", "title": COMMENT, "reference": {"@": "code vocabulary indicator-uri"},
            "baseline": {"@": "year value iso-date", "comment": COMMENT},
            "period": {"period-start": DAY, "period-end": DAY, "target": FIGURE, "actual": FIGURE},
        },
    },
    "crs-add": {
        "other-flags": {"@": "code significance"}, "loan-terms": {"@": "rate-1", "repayment-type": CODE},
        "loan-status": {"@": "year currency value-date", "interest-received": {"#": numbers}},
        "channel-code": {"#": codes},
    },
    "fss": {"@": "extraction-date priority phaseout-year", "forecast": {"@": "year value-date", "#": numbers}},
}  # fmt: skip


@st.composite
def elements(draw, name: str, shape: dict[str, object]) -> etree._Element:
    """An element of that name: some of its attributes, some of its children, some of them twice."""
    element = etree.Element(name)
    for attribute in str(shape.get("@", "")).split():
        if draw(st.integers(0, 9)):
            value = draw(dates if attribute.endswith("date") else VALUES.get(attribute, codes))
            element.set(attribute, value)
    if "#" in shape:
        element.text = draw(shape["#"])
    for child, inner in shape.items():
        if child == NARRATED:
            for _ in range(draw(st.integers(0, 2))):
                narrative = etree.SubElement(element, "narrative")
                narrative.text = draw(names if "org" in name else texts)
                if language := draw(languages):
                    narrative.set(XML_LANG, language)
        elif child not in "@#":
            for _ in range(draw(st.sampled_from([0, 1, 1, 1, 2]))):
                element.append(draw(elements(child, inner)))
    return element


@st.composite
def activities(draw, identifier: str) -> bytes:
    """A file with one activity that names a reporting organisation."""
    root = etree.Element("iati-activities", version="2.03", nsmap={"akvo": AKVO.strip("{}")})
    item = etree.SubElement(root, "iati-activity")
    for name, value in (("hierarchy", numbers), ("humanitarian", flags), ("default-currency", VALUES["currency"])):
        if draw(st.booleans()):
            item.set(name, draw(value))
    if language := draw(languages):
        item.set(XML_LANG, language)
    etree.SubElement(item, "iati-identifier").text = identifier
    # Its ref, type and name are no values of ours: an export completed from them must not look like what was lost.
    reporting = etree.SubElement(item, "reporting-org", ref="XM-T", type="40")
    etree.SubElement(reporting, "narrative").text = "Reporter"
    # Without them the export says when it was recorded; and that, imported, must not become a plan.
    if draw(st.booleans()):
        etree.SubElement(item, "activity-status", code="2")
    if draw(st.booleans()):
        etree.SubElement(item, "activity-date", {"type": "2", "iso-date": "2020-01-01"})
    elif draw(st.booleans()):
        recorded = etree.SubElement(item, "activity-date", {"type": "1", "iso-date": draw(st.sampled_from(DAYS))})
        etree.SubElement(recorded, "narrative", {XML_LANG: "en"}).text = draw(st.sampled_from(STANDING_IN))
    chosen = draw(st.lists(st.sampled_from(sorted(ELEMENTS)), max_size=8))
    for name in sorted(chosen, key=list(ELEMENTS).index):
        item.append(draw(elements(name, ELEMENTS[name])))
    # An element a line, so that a loss can be told by its line.
    return etree.tostring(root, encoding="utf-8", pretty_print=True)
