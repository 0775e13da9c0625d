"""The Tasks API by its one name here: `django.tasks` from Django 6 on, the `django-tasks` package before."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django_tasks_db.compat import TaskResultStatus, task_finished, task_started

_api: Any = import_module("django.tasks" if find_spec("django.tasks") else "django_tasks")
task: Any = _api.task

READY = TaskResultStatus.READY
RUNNING = TaskResultStatus.RUNNING
FAILED = TaskResultStatus.FAILED
SUCCESSFUL = TaskResultStatus.SUCCESSFUL

__all__ = ["FAILED", "READY", "RUNNING", "SUCCESSFUL", "task", "task_finished", "task_started"]
