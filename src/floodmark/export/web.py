"""The part of Django's settings that serving and jobs need; bootstrap adds it to the databases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

APPS = ["django_tasks_db"]

DJANGO: dict[str, Any] = {
    "ROOT_URLCONF": "floodmark.export.urls",
    "MIDDLEWARE": ["floodmark.export.middleware.measured"],
    # No answer depends on the host that a request names, so there is nothing to protect here.
    "ALLOWED_HOSTS": ["*"],
    "DEBUG": False,
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "DIRS": [Path(__file__).parent / "templates"],
            "APP_DIRS": False,
            "OPTIONS": {"string_if_invalid": ""},
        }
    ],
    "TASKS": {"default": {"BACKEND": "django_tasks_db.DatabaseBackend", "QUEUES": []}},
    "DATA_UPLOAD_MAX_MEMORY_SIZE": 0,
}
