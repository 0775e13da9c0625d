"""`floodmark settings`: the table of settings with the value in force."""

from __future__ import annotations

import typer
from pydantic import SecretStr

from floodmark.settings import ENV_PREFIX, SETTINGS, load


def register(app: typer.Typer) -> None:
    app.command()(settings)


def settings(context: typer.Context) -> None:
    """Print every setting with its value in force, its default and its help."""
    values = load(context.obj)
    for name, field in SETTINGS.items():
        value = getattr(values, name)
        shown = "(set, not shown)" if isinstance(value, SecretStr) else value
        print(f"{name} = {shown}")
        print(f"    {field.description} Default: {field.default}. Environment: {ENV_PREFIX}{name.upper()}.")
