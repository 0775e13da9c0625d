"""The document of an incident -> one self-contained HTML page: no script, no network, all text escaped."""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from floodmark.report import figures
from floodmark.report.chart import drawing
from floodmark.report.document import Document
from floodmark.report.views import view


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("floodmark.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "number": figures.number,
        "moment": figures.moment,
        "drawing": drawing,
        "sentence": figures.sentence,
        "together": figures.together,
        "breakable": figures.breakable,
    }
    return environment


def render(document: Document) -> str:
    """The page `report.html` of one document (`document.plain`)."""
    return _environment().get_template("report.html.j2").render(view(document))
