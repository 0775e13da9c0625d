"""IATI activities 2.03: the sections of an activity in the order of the schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain

from floodmark.export.formats import activity_classification as classification
from floodmark.export.formats import activity_documents as documents
from floodmark.export.formats import activity_donor as donor
from floodmark.export.formats import activity_identity as identity
from floodmark.export.formats import activity_money as money
from floodmark.export.formats import activity_status
from floodmark.export.formats.activity_identity import PROJECT, Activity, ReportingOrg
from floodmark.export.formats.activity_results import results
from floodmark.export.formats.base import Links, Part, Pieces, Remarks, stamp
from floodmark.export.report import BuildReport
from floodmark.export.rows.activity import Project
from floodmark.export.rows.pages import ActivityRows

SECTIONS: tuple[Callable[[Activity], Iterator[Part]], ...] = (
    identity.contacts,
    classification.recipient_countries,
    classification.recipient_regions,
    classification.locations,
    classification.sectors,
    classification.country_budget_items,
    classification.humanitarian_scopes,
    classification.policy_markers,
    classification.defaults,
    money.budgets,
    money.planned_disbursements,
    money.capital_spend,
    money.transactions,
    documents.document_links,
    documents.related_activities,
    documents.legacy_data,
    documents.conditions,
    results,
    donor.crs_add,
    donor.fss,
)
"""What follows the mandatory part of an activity."""


class Activities:
    """The format of an activity file; its items are projects."""

    def __init__(
        self, rows: ActivityRows, report: BuildReport, links: Links, publisher: ReportingOrg | None, piece_chars: int
    ) -> None:
        self.rows, self.report, self.links, self.publisher = rows, report, links, publisher
        self.piece_chars = piece_chars

    def begin(self, generated: datetime) -> bytes:
        """The declaration and the open root. The file is 2.03 whatever version an export row says."""
        # The bulk service takes a file only if its root follows the declaration within 6,000 characters, and no DOCTYPE.
        return (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<iati-activities generated-datetime="{stamp(generated)}"'
            ' version="2.03" xmlns:akvo="http://akvo.org/iati-activities">'
        ).encode()

    def item(self, item: Project) -> Iterator[bytes]:
        """An activity; nothing where it lacks what the schema demands and nothing in the database can stand in."""
        remarks = Remarks(self.report, item.id)
        activity = Activity(item, self.rows, remarks, self.links, self.publisher)
        parts = activity_parts(activity)
        if parts is None:
            self.report.left_out += 1
            return iter(())
        return Pieces(remarks, self.piece_chars).of(parts)

    def end(self) -> bytes:
        """The closed root."""
        return b"</iati-activities>\n"


def activity_parts(activity: Activity) -> Iterator[Part] | None:
    """The parts of an activity, or None if it has to be left out: then every reason is in the report."""
    project = activity.project
    activity.reporting = identity.reporting_org(activity)
    partners = identity.participating_orgs(activity)
    first = next(partners, None)
    written_dates = activity_status.dates(activity)
    reasons = list(lacking(activity, written_dates))
    for rule, element in reasons:
        activity.remark(rule, element)
    if reasons:
        return None
    return chain(
        ((identity.opening(activity), PROJECT, project.id),),
        identity.identity(activity),
        chain((first,), partners) if first else identity.partner_in_default(activity),
        identity.other_identifiers(activity),
        activity_status.status_and_dates(activity, written_dates),
        chain.from_iterable(section(activity) for section in SECTIONS),
        (("</iati-activity>", PROJECT, project.id),),
    )


def lacking(activity: Activity, written_dates: list[str]) -> Iterator[tuple[str, str]]:
    """Rule and element of each mandatory part that the database holds nothing for."""
    if activity.reporting is None or not activity.reporting.ref:
        yield "reporting-org-ref", "reporting-org/@ref"
    if not written_dates and activity_status.date_in_default(activity) is None:
        yield "activity-date-none", "activity-date"
