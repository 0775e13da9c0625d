"""`floodmark rules`: the alert rules for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from floodmark.errors import CannotWrite

RULES_NAME, TESTS_NAME = "floodmark-rules.yml", "floodmark-rules-test.yml"

group = typer.Typer(help="The alert rules for other programs.", no_args_is_help=True, rich_markup_mode=None)


def register(app: typer.Typer) -> None:
    """Add the commands `rules ...`."""
    app.add_typer(group, name="rules")


@group.callback()
def _rules() -> None:
    """The alert rules for other programs."""


@group.command()
def prometheus(
    out: Annotated[Path, typer.Option(help="Folder for the rule file and its tests.")] = Path(),
) -> None:
    """Write the alert rules as a Prometheus rule file, with tests for `promtool test rules`."""
    from floodmark.watch.prometheus_rules import rule_file, test_file

    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / RULES_NAME).write_text(rule_file(), encoding="utf-8")
        (out / TESTS_NAME).write_text(test_file(RULES_NAME), encoding="utf-8")
    except OSError as error:
        raise CannotWrite(f"{out}: {error.strerror}; name another folder with --out") from None
    print(f"{out / RULES_NAME}\n{out / TESTS_NAME}")
