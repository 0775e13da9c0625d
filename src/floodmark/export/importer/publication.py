"""Into which dataset an imported activity comes: that of its reporting organisation."""

from __future__ import annotations

from django.db import connections

from floodmark.export import catalogue
from floodmark.export.importer.rows import Rows
from floodmark.export.models import IatiExport

PENDING = 1
MAX_KNOWN = 10_000


class Publication:
    """Puts projects into exports; remembers each organisation's."""

    def __init__(self, alias: str, rows: Rows) -> None:
        self.alias, self.rows = alias, rows
        self._exports: dict[int, int] = {}

    def publish(self, project: int, organisation: int) -> None:
        """Into the organisation's export that counts, and out of those that imports made for other organisations."""
        export = self._export(organisation)
        with connections[self.alias].cursor() as cursor:
            # Nobody else can have made an export of user 0.
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
