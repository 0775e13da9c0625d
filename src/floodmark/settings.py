"""Every setting: name, default, unit, help. Read once from a TOML file and the environment, then passed on.

`floodmark settings` prints the table, docs/settings.md explains each, and a test holds the two together.
A value comes from, in this order: the environment (`FLOODMARK_DATABASE_URL`), the TOML file (`database_url = "..."`),
the default. Keys that are not in the table are refused with file and line.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from floodmark.errors import SettingsError

ENV_PREFIX = "FLOODMARK_"
DEFAULT_FILE = Path("floodmark.toml")


def setting(default: Any, help: str, **bounds: Any) -> Any:
    """One row of the table: its default, its help, and bounds such as `ge=1`."""
    return Field(default=default, description=help, **bounds)


class Settings(BaseSettings):
    """The table. A name ends in its unit; MB is 10**6 bytes."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, extra="forbid", frozen=True)

    # where the data is
    data_dir: Path = setting(Path("var"), "Folder for what Floodmark keeps: its private database, artifacts, state.")
    database_url: SecretStr | None = setting(
        None, "PostgreSQL URL of Floodmark's own database. Without it a private server is started in data_dir."
    )
    source_url: SecretStr | None = setting(
        None, "PostgreSQL URL of an existing RSR database to read from. It is opened read-only and never written to."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over what the file said (handed in as arguments)."""
        return (env_settings, init_settings)


SETTINGS = Settings.model_fields
"""name -> field, in the order of the table; the source of the CLI's help and of the test on docs/settings.md."""


def load(path: Path | None = None) -> Settings:
    """Read the settings from `path`, or from ./floodmark.toml where it exists, and the environment.

    Raises SettingsError, naming file and line or the variable, for anything that cannot be used.
    """
    text = _read(path)
    chosen = path or DEFAULT_FILE
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen}: not TOML: {error}") from None
    _refuse_unknown_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem, chosen, text) for problem in error.errors())) from None


def _read(path: Path | None) -> str:
    try:
        return (path or DEFAULT_FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        if path is None:
            return ""
        raise SettingsError(f"{path}: no such settings file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path or DEFAULT_FILE}: cannot be read: {error}") from None


def _refuse_unknown_variables() -> None:
    known = {ENV_PREFIX + name.upper() for name in SETTINGS} | {ENV_PREFIX + "SETTINGS"}
    unknown = sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known)
    if unknown:
        raise SettingsError(f"environment: no setting is called {', '.join(unknown)}; see `floodmark settings`")


def _explain(problem: Any, path: Path, text: str) -> str:
    name = str(problem["loc"][0]) if problem["loc"] else "?"
    if ENV_PREFIX + name.upper() in os.environ:
        where = f"environment variable {ENV_PREFIX}{name.upper()}"
    else:
        where = f"{path}:{_line_of(name, text)}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: no setting is called {name!r}; see `floodmark settings`"
    return f"{where}: {name}: {problem['msg']}"


def _line_of(name: str, text: str) -> int:
    match = re.search(rf"^\s*\[*\s*[\"']?{re.escape(name)}\b", text, re.MULTILINE)
    return text[: match.end()].count("\n") + 1 if match else 1
