"""The status and the dates of an activity, and what stands in for them: the schema demands both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from floodmark.export.formats.activity_identity import PROJECT, Activity
from floodmark.export.formats.base import Part
from floodmark.export.formats.values import is_date
from floodmark.export.formats.xml import code, narrative

DATES = (
    ("date_start_planned", "1"),
    ("date_start_actual", "2"),
    ("date_end_planned", "3"),
    ("date_end_actual", "4"),
)
"""RSR's dates with IATI's type of activity date."""

STATUS_OF = {"H": "1", "A": "2", "C": "4", "L": "5"}
"""RSR's own status where it says an IATI one: needs funding, active, complete, cancelled."""

PLANNED, UNDER_WAY, CLOSED = "1", "2", "4"

OF_ITS_PARTS = "The activity has no date of its own; this is the earliest of its money and results."
RECORDED = "The activity has no date of its own; this is the day on which it was recorded."
"""What a date that stands in says of itself. The import knows it by these words, and does not take it for a plan."""


def is_day(value: str | None) -> TypeGuard[str]:
    """Whether it is a date of the calendar, neither missing nor infinite."""
    return value is not None and is_date(value)


def dates(activity: Activity) -> list[str]:
    """The activity-dates that are dates."""
    project = activity.project
    return [
        f'<activity-date iso-date="{value}" type="{kind}"/>'
        for column, kind in DATES
        if (value := activity.remarks.date(getattr(project, column), PROJECT, project.id, "activity-date/@iso-date"))
    ]


def date_in_default(activity: Activity) -> tuple[str, str, str] | None:
    """Rule, date and narrative of what stands in where an activity has no date; None where nothing can.

    It is published as a planned start, the one type of which IATI's ruleset asks nothing; and it says what it is, for
    neither a payment nor a record tells when an activity was to begin.
    """
    project = activity.project
    if is_day(project.earliest_date):
        return "activity-date", project.earliest_date, OF_ITS_PARTS
    if is_day(project.recorded):
        return "activity-date-recorded", project.recorded, RECORDED
    return None


def status(activity: Activity) -> tuple[str, str | None]:
    """The IATI status, and the rule by which it was found where the row has none."""
    project = activity.project
    # The ends are not compared with today: then the same rows would give another file tomorrow, and every harvester it anew.
    if project.iati_status:
        return project.iati_status, None
    if project.status in STATUS_OF:
        return STATUS_OF[project.status], "activity-status"
    if is_day(project.date_end_actual):
        return CLOSED, "activity-status-dates"
    if is_day(project.date_start_actual) or project.has_transactions:
        return UNDER_WAY, "activity-status-dates"
    return PLANNED, "activity-status-none"


def status_and_dates(activity: Activity, written: list[str]) -> Iterator[Part]:
    """The activity-status and the activity-dates; `written` are those that the row holds."""
    found, rule = status(activity)
    if rule:
        activity.remark(rule, "activity-status/@code")
    if not written:
        standing_in = date_in_default(activity)
        assert standing_in is not None  # else the activity was left out
        rule, value, words = standing_in
        activity.remark(rule, "activity-date")
        # The words are English whatever the language of the activity.
        said = narrative(words).replace("<narrative>", '<narrative xml:lang="en">')
        written = [f'<activity-date iso-date="{value}" type="1">{said}</activity-date>']
    yield f"{code('activity-status', found)}{''.join(written)}", PROJECT, activity.project.id
