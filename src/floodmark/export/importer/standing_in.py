"""What the export wrote into an activity because the schema demands it: an import takes none of it for data.

A date that stands in says so in its narrative, and the partner of a secondary reporter has a role and no name
(docs/validity.md). What is left out here comes out again by the same rule; where it would not, it is reported.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from floodmark.export.formats.activity_status import OF_ITS_PARTS, RECORDED
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import XML_LANG, Node
from floodmark.export.rows.activity import EARLIEST_DATE, RECORDED_DATE

NAMELESS = {"role": "4"}
# By way of a date: what `::text` makes of one depends on the session's datestyle.
_DATES = (
    f"SELECT to_char(({EARLIEST_DATE})::date, 'YYYY-MM-DD'), to_char(({RECORDED_DATE})::date, 'YYYY-MM-DD')"  # noqa: S608
    " FROM rsr_project t WHERE t.id = %s"
)


@dataclass
class StandingIn:
    """What was met of it in one activity: place, line and, for a date, which."""

    partner: tuple[str, int | None] | None = None
    date: tuple[str, int | None, str] | None = None
    is_recorded: bool = False
    recorded: datetime | None = field(default=None)
    """The day on which the activity was recorded: its row gets it, so that it comes out as the same again."""

    def take(self, node: Node) -> bool:
        """Whether this is such an element, the first of its kind; it is empty then."""
        if node.path == "participating-org":
            if self.partner or dict(node.element.attrib) != NAMELESS or len(node.element):
                return False
            self.partner = node.path, node.line
        elif self.date or not self._take_date(node):
            return False
        node.element.clear()
        return True

    def _take_date(self, node: Node) -> bool:
        said, attributes = list(node.element), dict(node.element.attrib)
        day = attributes.pop("iso-date", "")
        if len(said) != 1 or attributes != {"type": "1"} or dict(said[0].attrib) != {XML_LANG: "en"}:
            return False
        if said[0].text not in (OF_ITS_PARTS, RECORDED):
            return False
        try:
            found = date.fromisoformat(day)
        except ValueError:
            return False
        if said[0].text == RECORDED:
            self.is_recorded, self.recorded = True, datetime(found.year, found.month, found.day, tzinfo=UTC)
        self.date = node.path, node.line, day
        return True

    def report(self, connection: Any, project_id: int, reporter: Reporter, *, is_alone: bool) -> None:
        """Report what does not come out again; the rows are in the tables. `is_alone`: a secondary one reports alone."""
        if self.partner and not is_alone:
            reporter.lost(*self.partner, "names no organisation", "left out")
        if self.date is None:
            return
        with connection.cursor() as cursor:
            cursor.execute(_DATES, [project_id])
            of_its_parts, recorded = cursor.fetchone()
        place, line, day = self.date
        # The export takes the parts first: `recorded` comes out only where they have no date.
        if (None if self.is_recorded else day) != of_its_parts or (self.is_recorded and day != recorded):
            reporter.lost(place, line, "not the date that its own parts or its record give", "left out", day)
