"""Django's settings as a module, for `django-admin` and for mypy's plugin; the product itself calls `bootstrap.setup`.

It starts no server: with no database_url it names the socket of the private one, which must be running then.
"""

from __future__ import annotations

from floodmark.export import bootstrap
from floodmark.export.router import OWN
from floodmark.settings import load

_settings = load()
_url = _settings.database_url
_socket = (_settings.data_dir / "postgres" / "cluster").absolute()
_own = _url.get_secret_value() if _url else f"postgresql://postgres@/floodmark?host={_socket}"

globals().update(bootstrap.configuration({OWN: bootstrap.database(_own, "database_url")}))
