"""Sample data: what `generate` puts into the tables."""

from __future__ import annotations

from floodmark.export.models import IatiExport, Project


def test_every_reporter_has_a_newest_export_with_all_its_projects(sample_database):
    newest = IatiExport.objects.filter(latest=True).order_by("reporting_organisation_id")
    assert [(export.reporting_organisation_id, export.projects.count()) for export in newest] == [(1, 100), (2, 100)]
    assert Project.objects.count() == 200
