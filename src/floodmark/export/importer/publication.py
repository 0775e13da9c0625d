"""Into which dataset an imported activity comes: that of its reporting organisation."""

from __future__ import annotations

from django.db import connections
from django.db.models import Q

from floodmark.export import catalogue
from floodmark.export.formats.xml import is_blank
from floodmark.export.importer.rows import Rows
from floodmark.export.models import IatiExport, Project

PENDING = 1
MAX_KNOWN = 10_000
REPORTING = 101
"""RSR's role of a partnership that is IATI's reporting-org."""


class Publication:
    """Puts projects into exports; remembers each organisation's."""

    def __init__(self, alias: str, rows: Rows) -> None:
        self.alias, self.rows = alias, rows
        self._exports: dict[int, int] = {}

    def publish(self, project: int, organisation: int, *, is_known: bool) -> None:
        """Into the organisation's export that counts, and out of those that imports made for other organisations."""
        export = self._export(organisation)
        with connections[self.alias].cursor() as cursor:
            if is_known:
                # Nobody else makes exports of user 0.
                cursor.execute(
                    "DELETE FROM rsr_iatiexport_projects p USING rsr_iatiexport e WHERE p.project_id = %s"
                    " AND e.id = p.iatiexport_id AND e.user_id = 0 AND e.reporting_organisation_id <> %s",
                    [project, organisation],
                )
            cursor.execute(
                "INSERT INTO rsr_iatiexport_projects (iatiexport_id, project_id) SELECT %s, %s WHERE NOT EXISTS"
                " (SELECT FROM rsr_iatiexport_projects WHERE iatiexport_id = %s AND project_id = %s)",
                [export, project, export, project],
            )

    def failed(self) -> None:
        """An export made in the transaction that failed is gone with it."""
        self._exports.clear()

    def _export(self, organisation: int) -> int:
        if organisation not in self._exports:
            if len(self._exports) >= MAX_KNOWN:
                self._exports.clear()
            with connections[self.alias].cursor() as cursor:
                cursor.execute(catalogue.EXPORT_OF, [organisation])
                row = cursor.fetchone()
            self._exports[organisation] = row[0] if row else self._new(organisation)
        return self._exports[organisation]

    def _new(self, organisation: int) -> int:
        values = {"reporting_organisation_id": organisation, "status": PENDING, "version": "2.03", "user_id": 0}
        number = self.rows.add(IatiExport, values)
        self.rows.flush()
        return number


def known_project(alias: str, identifier: str) -> int | None:
    """The project of an activity: by its identifier, or by the one that the export makes where it has none."""
    # Not .first(): its ORDER BY makes the planner walk the primary key instead of looking the identifier up.
    projects = Project.objects.using(alias)
    found = next(iter(projects.filter(iati_activity_id=identifier).values_list("id", flat=True)[:1]), None)
    ref, separator, number = identifier.rpartition("-RSR-")
    if found is not None or not separator or not number.isascii() or not number.isdigit() or len(number) > 9:
        return found
    reported = Q(partnerships__iati_organisation_role=REPORTING, partnerships__organisation__iati_org_id=ref)
    listed = Q(iati_exports__reporting_organisation__iati_org_id=ref)
    own = projects.filter(reported | listed, id=int(number)).values_list("id", "iati_activity_id")
    return next((id_ for id_, identifier in own[:1] if is_blank(identifier)), None)
