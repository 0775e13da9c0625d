"""The WSGI application: Django, with records and counts around it.

It starts without a database where there is none to reach: what is stored can be served all the same.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.wsgi import get_wsgi_application

from floodmark.errors import SourceError
from floodmark.export import bootstrap
from floodmark.export.middleware import Recorded
from floodmark.export.router import OWN
from floodmark.export.service import open_service
from floodmark.request_record import open_records
from floodmark.settings import Settings, load

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

log = logging.getLogger("floodmark.export")


def make(settings: Settings) -> WSGIApplication:
    """The application for `settings`."""
    try:
        bootstrap.setup(settings, check=False)
    except SourceError as error:
        log.error("%s; serving what is stored", error)
        bootstrap.configure({OWN: bootstrap.database(_socket_url(settings), "database_url")})
    return _recorded(settings)


def _recorded(settings: Settings) -> WSGIApplication:
    service = open_service(settings)
    records = open_records(
        settings.request_log, settings.data_dir, max_mb=settings.request_log_max_mb, keep=settings.request_log_keep
    )
    return Recorded(get_wsgi_application(), records, service.metrics.meters)


def _socket_url(settings: Settings) -> str:
    folder = (settings.data_dir / "postgres" / "cluster").absolute()
    return f"postgresql://postgres@/floodmark?host={folder}"


def from_environment() -> WSGIApplication:
    """The application for the settings that FLOODMARK_SETTINGS and the environment give."""
    path = os.environ.get("FLOODMARK_SETTINGS")
    return make(load(Path(path) if path else None))
