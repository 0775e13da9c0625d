"""Django for the dashboard: no database, no sessions; a signed cookie says who signed in."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import django
from django.conf import settings as django_settings

from floodmark.errors import CannotWrite
from floodmark.settings import Settings

HERE = Path(__file__).parent
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def configure(settings: Settings, secret: str) -> None:
    """Configure Django, once a process."""
    django_settings.configure(
        SECRET_KEY=secret,
        DEBUG=False,
        # A page on another site may point its own name at 127.0.0.1: only names of ours are answered.
        ALLOWED_HOSTS=hosts(settings),
        ROOT_URLCONF="floodmark.dashboard.urls",
        INSTALLED_APPS=[],
        MIDDLEWARE=[
            "django.middleware.security.SecurityMiddleware",
            "django.middleware.common.CommonMiddleware",
            "django.middleware.csrf.CsrfViewMiddleware",
            "django.middleware.clickjacking.XFrameOptionsMiddleware",
            "floodmark.dashboard.guard.ContentPolicy",
            "floodmark.dashboard.guard.SignIn",
        ],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "DIRS": [HERE / "templates"],
                "OPTIONS": {"builtins": ["floodmark.dashboard.words"]},
            }
        ],
        USE_TZ=True,
        TIME_ZONE="UTC",
        USE_I18N=False,
        CSRF_COOKIE_SAMESITE="Strict",
        CSRF_COOKIE_HTTPONLY=True,
        CSRF_COOKIE_SECURE=is_https(settings),
        # Behind a proxy with TLS a form's Origin is https, and what arrives here is not: without this nobody could
        # sign in.
        CSRF_TRUSTED_ORIGINS=[_origin(settings.watch_public_url)] if settings.watch_public_url else [],
        CSRF_FAILURE_VIEW="floodmark.dashboard.writing.forged",
        X_FRAME_OPTIONS="DENY",
        SECURE_CROSS_ORIGIN_OPENER_POLICY="same-origin",
        SECURE_REFERRER_POLICY="same-origin",
        DATA_UPLOAD_MAX_MEMORY_SIZE=64_000,
        DATA_UPLOAD_MAX_NUMBER_FIELDS=20,
        LOGGING_CONFIG=None,
    )
    django.setup()


def hosts(settings: Settings) -> list[str]:
    """The names under which the dashboard may be asked for."""
    bound = settings.watch_bind.rpartition(":")[0]
    public = urlsplit(settings.watch_public_url).hostname
    names = [*LOOPBACK, bound, public]
    return [name for name in names if name and name not in ("0.0.0.0", "[::]")] + (  # noqa: S104
        [] if public or bound in LOOPBACK else ["*"]
    )


def is_https(settings: Settings) -> bool:
    """Whether people reach the dashboard through a proxy with TLS: then cookies go no other way."""
    return settings.watch_public_url.startswith("https://")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_loopback_only(settings: Settings) -> bool:
    """Whether only this machine can reach the dashboard."""
    return settings.watch_bind.rpartition(":")[0] in LOOPBACK


def secret_in(folder: Path) -> str:
    """The key that signs cookies, made once and kept where only this user can read it. Raises CannotWrite."""
    path = folder / "dashboard.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise CannotWrite(f"{path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(48))
    return path.read_text(encoding="ascii").strip()
