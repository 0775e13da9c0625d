"""Where RSR's rows are read from."""

from __future__ import annotations

from django.db import connections

from floodmark.export.router import OWN, SOURCE


def alias() -> str:
    """The database alias of RSR's rows: `source` where source_url is set, else Floodmark's own database."""
    return SOURCE if SOURCE in connections.settings else OWN
