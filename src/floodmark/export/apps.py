"""The Django app of the export."""

from __future__ import annotations

from django.apps import AppConfig


class ExportConfig(AppConfig):
    """Label `export`; RSR's integer keys stay integer."""

    name = "floodmark.export"
    label = "export"
    default_auto_field = "django.db.models.AutoField"
