"""Django configured before test modules import models; the fixture `database` says later which database it is."""

from __future__ import annotations

from floodmark.export import bootstrap
from floodmark.export.router import OWN

bootstrap.configure({OWN: bootstrap.database("postgresql://nobody@127.0.0.1:1/no_database_yet", "database_url")})
