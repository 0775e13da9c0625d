"""What is done with rows that cannot be published as they are: one rule a name, each a heading of docs/validity.md.

A part that the schema demands and the row lacks is completed where the database holds an honest value; otherwise the
smallest part that can go is left out. Either way a remark in the build report names the row.
"""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """What is wrong, and what was done about it."""

    problem: str
    done: str


RULES = {
    # the export
    "export-given-up": Rule("RSR's own exporter failed at this export and called it cancelled", "published it"),
    # the activity
    "identifier": Rule("no IATI identifier", "published as the reporting organisation's reference, -RSR- and the id"),
    "reporting-org": Rule("no reporting organisation", "took the organisation whose export this is"),
    "reporting-org-ref": Rule("no reporting organisation with an IATI identifier", "left the activity out"),
    "reporting-org-type": Rule("type of the reporting organisation is 0", "published as 0"),
    "title": Rule("no title", "published an empty narrative"),
    "description": Rule("no description", "published an empty narrative"),
    "participating-org": Rule("no participating organisation", "took the reporting organisation as accountable"),
    "participating-org-none": Rule(
        "no participating organisation, and the reporting one is a secondary reporter",
        "published an implementing one without a name",
    ),
    "activity-status": Rule("no activity status", "took it from RSR's own status"),
    "activity-status-dates": Rule("no activity status, nor a status in RSR that says it", "took it from its dates"),
    "activity-status-none": Rule("nothing says that it has begun", "published as 1, pipeline"),
    "activity-date": Rule("no date of any kind", "took the earliest of its money and results, and said so in it"),
    "activity-date-recorded": Rule(
        "no date of any kind, nor in its money and results", "took the day it was recorded, and said so in it"
    ),
    "activity-date-none": Rule("no date of any kind, nor a day it was recorded", "left the activity out"),
    # any value
    "illegal-character": Rule("characters that XML cannot hold", "removed them"),
    "uri": Rule("not a URI", "left it out"),
    "language": Rule("not a language code", "left it out"),
    "number": Rule("not a number", "left it out"),
    "date": Rule("not a date of the calendar", "left it out"),
    "token": Rule("not a single token", "left it out"),
    "negative": Rule("negative", "left it out"),
    "text": Rule("no text", "published an empty narrative"),
    "code": Rule("no code", "left it out"),
    "code-vocabulary": Rule("no code or no vocabulary", "left it out"),
    # parts
    "point": Rule("not two coordinates", "left the point out"),
    "country-budget-vocabulary": Rule("no vocabulary of the country's budget items", "left it out"),
    "humanitarian-scope": Rule("no type, vocabulary or code", "left it out"),
    "period": Rule("no start or no end", "left it out"),
    "value": Rule("no value", "left it out"),
    "value-date": Rule("no value date", "took the date the value belongs to"),
    "transaction-type": Rule("no transaction type", "left it out"),
    "transaction-date": Rule("no transaction date", "took the value date"),
    "transaction-date-none": Rule("no transaction date and no value date", "left it out"),
    "transaction-region": Rule("a vocabulary without a region", "left it out"),
    "document-url": Rule("no usable URL", "left it out"),
    "document-format": Rule("no format", "took it from the file name, else application/octet-stream"),
    "document-category": Rule("no category", "took A12, as RSR gives every link"),
    "legacy-name": Rule("no name", "left it out"),
    "legacy-value": Rule("no value", "published an empty value"),
    "condition-type": Rule("no type", "left it out"),
    "result-type": Rule("no type", "published as 9, other"),
    "measure": Rule("no measure", "published as 1, unit"),
    "baseline-year": Rule("no year", "left it out"),
    "other-flags": Rule("no code or no significance", "left it out"),
    "loan-status": Rule("no year or no value date", "left it out"),
    "fss": Rule("no extraction date", "left it out"),
    "forecast": Rule("no value or no year", "left it out"),
    # the organisation
    "organisation-identifier": Rule("no IATI identifier", "left the organisation out"),
    "recipient-region": Rule("no region", "published an empty recipient-region"),
    "recipient-country": Rule("no country", "left it out"),
}
