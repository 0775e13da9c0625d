"""Which projects an organisation's activity file holds."""

from __future__ import annotations

from typing import Any

from django.db import models

from floodmark.export.models.fields import Timestamped
from floodmark.export.models.project import Project


class IatiExport(Timestamped):
    """An export; its projects are the content of the file. The newest row of an organisation is the dataset."""

    version = models.CharField(max_length=4, default="2.03", blank=True)
    status = models.PositiveSmallIntegerField(default=1)
    iati_file = models.CharField(max_length=100, blank=True)
    reporting_organisation = models.ForeignKey("Organisation", models.CASCADE, related_name="iati_exports")
    user_id = models.IntegerField(default=0)  # RSR's user; 0 where Floodmark made the row
    latest = models.BooleanField(default=False)
    projects: models.ManyToManyField[Project, Any] = models.ManyToManyField("Project", related_name="iati_exports")

    class Meta:
        db_table = "rsr_iatiexport"


class IatiActivityExport(Timestamped):
    """How far RSR came with one project of an export."""

    status = models.PositiveSmallIntegerField(default=1)
    iati_export = models.ForeignKey(IatiExport, models.CASCADE, related_name="activity_exports")
    project = models.ForeignKey("Project", models.SET_NULL, null=True, blank=True, related_name="activity_exports")

    class Meta:
        db_table = "rsr_iatiactivityexport"
