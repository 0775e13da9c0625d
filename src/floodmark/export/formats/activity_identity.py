"""What an activity is, who takes part, and whom to ask; its status and dates stand in `activity_status`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from floodmark.export.formats.base import Links, Part, Remarks
from floodmark.export.formats.xml import (
    attribute,
    code,
    escape,
    flag,
    illegal,
    is_blank,
    narrative,
    plain,
    quoted,
    texts,
    without_illegal,
)
from floodmark.export.rows.activity import Contact, OtherIdentifier, ParticipatingOrg, Project
from floodmark.export.rows.pages import ActivityRows

PROJECT = "rsr_project"
PARTNERSHIP = "rsr_partnership"

DESCRIPTIONS = (
    ("subtitle", ' type="1" akvo:type="4"'),
    ("project_plan_summary", ' type="1" akvo:type="5"'),
    ("background", ' type="1" akvo:type="6"'),
    ("project_plan", ' type="1" akvo:type="7"'),
    ("current_status", ' type="1" akvo:type="9"'),
    ("sustainability", ' type="1" akvo:type="10"'),
    ("goals_overview", ' type="2" akvo:type="8"'),
    ("target_group", ' type="3" akvo:type="3"'),
)
"""RSR's texts in the order of publication, with IATI's and Akvo's type of description."""


class ReportingOrg(NamedTuple):
    """Who reports an activity. `ref` is the IATI identifier of the organisation."""

    ref: str | None
    type: int
    name: str
    secondary: bool = False


@dataclass(slots=True)
class Activity:
    """A project on its way to XML: its row, the readers of what hangs on it, and where remarks go.

    `publisher` reports where the project names no reporting organisation.
    """

    project: Project
    rows: ActivityRows
    remarks: Remarks
    links: Links
    publisher: ReportingOrg | None
    reporting: ReportingOrg | None = None

    def long_text(
        self, where: tuple[str, str, int], element: str, opened: str, escaped: Callable[[str], str], closed: str
    ) -> Iterator[Part]:
        """What is too long to be read with its row (table, column, id), between two pieces of markup; else nothing.

        What XML cannot hold goes here: once the parts are joined, a slice without its markup would not tell where it was.
        """
        table, _, row = where
        before = opened
        for text in self.rows.long_text(*where):
            if letters := [letter for _, letter in illegal(text)]:
                self.remarks.illegal(letters, table, row, element)
                text = without_illegal(text)
            yield before + escaped(text), table, row
            before = ""
        if not before:
            yield closed, table, row

    def remark(self, rule: str, element: str) -> None:
        """A remark on the project's own row."""
        self.remarks.add(rule, PROJECT, self.project.id, element)


def opening(activity: Activity) -> str:
    """The start tag of iati-activity."""
    project = activity.project
    where = (PROJECT, project.id)
    language = activity.remarks.language(project.language, *where, "iati-activity/@xml:lang")
    stamp = activity.remarks.stamp(project.last_modified_at, *where, "iati-activity/@last-updated-datetime")
    return (
        f"<iati-activity{attribute('last-updated-datetime', stamp)}{attribute('xml:lang', language)}"
        f"{attribute('default-currency', project.currency)}{attribute('hierarchy', str(project.hierarchy or ''))}"
        f"{flag('humanitarian', project.humanitarian)}>"
    )


def reporting_org(activity: Activity) -> ReportingOrg | None:
    """Who reports this activity: its reporting partner, without one the publisher of the file."""
    project = activity.project
    if project.reporting_id is None:
        return activity.publisher
    return ReportingOrg(
        project.reporting_ref,
        project.reporting_type or 0,
        project.reporting_name or "",
        bool(project.reporting_secondary),
    )


def reporting_org_xml(reporting: ReportingOrg) -> str:
    """A reporting-org; type 0 is written too, for the schema demands one."""
    return (
        f'<reporting-org ref="{quoted(reporting.ref or "")}" secondary-reporter="{reporting.secondary:d}"'
        f' type="{reporting.type}">{narrative(reporting.name)}</reporting-org>'
    )


def identity(activity: Activity) -> Iterator[Part]:
    """From iati-identifier to description."""
    project, reporting = activity.project, activity.reporting
    assert reporting is not None
    if project.reporting_id is None:
        activity.remark("reporting-org", "reporting-org")
    # A blank one would pass the schema, and no reader takes it for an identifier: our own import refuses it.
    identifier = project.iati_activity_id or ""
    if is_blank(identifier):
        activity.remark("identifier", "iati-identifier")
        identifier = f"{reporting.ref}-RSR-{project.id}"
    if not reporting.type:
        activity.remark("reporting-org-type", "reporting-org/@type")
    if not project.title:
        activity.remark("title", "title")
    yield (
        f"{plain('iati-identifier', identifier)}{reporting_org_xml(reporting)}"
        f"<title>{narrative(project.title)}</title>",
        PROJECT,
        project.id,
    )
    written = chain.from_iterable(description(activity, column, types) for column, types in DESCRIPTIONS)
    first = next(written, None)
    if first is None:
        activity.remark("description", "description")
        first = "<description><narrative/></description>", PROJECT, project.id
    yield first
    yield from written


def description(activity: Activity, column: str, types: str) -> Iterator[Part]:
    """One of the texts of the project; a long one in parts."""
    text = getattr(activity.project, column)
    opened, closed = f"<description{types}><narrative>", "</narrative></description>"
    if text:
        yield f"{opened}{escape(text)}{closed}", PROJECT, activity.project.id
    elif text is None:
        where = PROJECT, column, activity.project.id
        yield from activity.long_text(where, "description/narrative", opened, escape, closed)


def participating_orgs(activity: Activity) -> Iterator[Part]:
    """The partners with one of IATI's roles."""
    row: ParticipatingOrg
    for row in activity.rows.participating_orgs.take(activity.project.id):
        yield (
            f"<participating-org{attribute('ref', row.ref)}{attribute('type', str(row.type or ''))}"
            f' role="{row.iati_organisation_role}"{attribute("activity-id", row.iati_activity_id)}>'
            f"{narrative(row.name)}</participating-org>",
            PARTNERSHIP,
            row.id,
        )


def partner_in_default(activity: Activity) -> Iterator[Part]:
    """The one partner of an activity that names none: whoever reports on its own activity answers for it.

    A secondary reporter does not take part. The schema demands a role and no name, so what is written then says no more
    than is certain: that somebody implements the activity.
    """
    reporting = activity.reporting
    assert reporting is not None
    if reporting.secondary:
        activity.remark("participating-org-none", "participating-org")
        xml = '<participating-org role="4"/>'
    else:
        activity.remark("participating-org", "participating-org")
        xml = (
            f"<participating-org{attribute('ref', reporting.ref)}{attribute('type', str(reporting.type or ''))}"
            f' role="2">{narrative(reporting.name)}</participating-org>'
        )
    yield xml, PROJECT, activity.project.id


def other_identifiers(activity: Activity) -> Iterator[Part]:
    """The project's id in RSR, then what partners call it."""
    project = activity.project
    # RSR's exporter names Akvo as the owner of every project's id.
    yield (
        f'<other-identifier ref="{project.id}" type="B9"><owner-org ref="NL-KVK-27327087">'
        "<narrative>Akvo Foundation</narrative></owner-org></other-identifier>",
        PROJECT,
        project.id,
    )
    row: OtherIdentifier
    for row in activity.rows.other_identifiers.take(project.id):
        # A1 is the reporting organisation's own number; for all others RSR writes B9.
        kind = "A1" if row.id == project.reporting_id else "B9"
        yield (
            f'<other-identifier ref="{quoted(row.internal_id)}" type="{kind}"><owner-org{attribute("ref", row.ref)}>'
            f"{narrative(row.name)}</owner-org></other-identifier>",
            PARTNERSHIP,
            row.id,
        )


def contacts(activity: Activity) -> Iterator[Part]:
    """The contact-infos, and the activity-scope after them."""
    row: Contact
    for row in activity.rows.contacts.take(activity.project.id):
        if any(row[2:]):
            website = activity.remarks.uri(row.website, "rsr_projectcontact", row.id, "contact-info/website")
            yield (
                f"<contact-info{attribute('type', row.type)}>{texts('organisation', row.organisation)}"
                f"{texts('department', row.department)}{texts('person-name', row.person_name)}"
                f"{texts('job-title', row.job_title)}{plain('telephone', row.telephone)}{plain('email', row.email)}"
                f"{plain('website', website)}{texts('mailing-address', row.mailing_address)}</contact-info>",
                "rsr_projectcontact",
                row.id,
            )
    if activity.project.project_scope:
        yield code("activity-scope", activity.project.project_scope), PROJECT, activity.project.id
