"""The document of an incident -> Markdown with the same content as the page, safe whatever the texts hold."""

from __future__ import annotations

import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from floodmark.report import figures
from floodmark.report.document import Document
from floodmark.report.views import view

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""Characters that would end a line or turn its direction."""

ACTIVE = re.compile(r"([\\`*_\[\]|~#])")
"""Characters that Markdown reads, wherever they stand in a line of ours."""


class Verbatim(str):
    """Text that is Markdown already."""


def escaped(value: object) -> str:
    """Any value as text in which Markdown and HTML find nothing to read; on one line."""
    if isinstance(value, Verbatim):
        return str(value)
    text = CONTROLS.sub(" ", str(value)).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return ACTIVE.sub(r"\\\1", text)


def code(value: object) -> Verbatim:
    """A path, a name or a line of a log, in a fence that is longer than any run of backticks in it."""
    text = CONTROLS.sub(" ", str(value)).replace("|", "\\|").strip() or " "
    runs = [len(run) for run in re.findall(r"`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    inside = f" {text} " if runs else text
    return Verbatim(f"{fence}{inside}{fence}")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("floodmark.report"),
        autoescape=False,  # noqa: S701  `finalize` escapes for Markdown, and a test puts HTML through every field
        finalize=escaped,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": figures.number,
        "moment": figures.moment,
        "sentence": figures.sentence,
        "code": code,
        "verbatim": Verbatim,
    }
    return environment


def render(document: Document) -> str:
    """The text of `report.md` of one document (`document.plain`)."""
    text = _environment().get_template("report.md.j2").render(view(document))
    return re.sub(r"\n{3,}", "\n\n", text)
