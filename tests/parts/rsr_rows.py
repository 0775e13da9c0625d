"""A small RSR: an organisation whose export holds a project that lacks nothing, and what becomes of it."""

from __future__ import annotations

import io
import json
from datetime import UTC, date, datetime
from typing import Any

from lxml import etree

from floodmark.export.build import Options, pieces
from floodmark.export.datasets import Dataset
from floodmark.export.models import IatiExport, Organisation, Partnership, Project
from floodmark.export.report import BuildReport
from floodmark.export.validity_schema import schema_of

GENERATED = datetime(2025, 8, 27, 7, 30, tzinfo=UTC)
AKVO = "{http://akvo.org/iati-activities}"


def reporter(number: int = 1, **values: Any) -> Organisation:
    """An organisation with an IATI identifier and an export without projects."""
    facts = {"iati_org_id": f"XM-TEST-{number}", "new_organisation_type": 21, **values}
    organisation = Organisation.objects.create(
        id=number, name=f"Org {number}", long_name=f"Organisation {number}", **facts
    )
    IatiExport.objects.create(reporting_organisation=organisation)
    return organisation


def project(organisation: Organisation, number: int = 1, *, role: int | None = 101, **values: Any) -> Project:
    """A project in the newest export of the organisation, with all that the schema demands but for partners."""
    facts: dict[str, Any] = {
        "title": f"Project {number}",
        "iati_activity_id": f"XM-TEST-1-{number}",
        "subtitle": "In short",
        "iati_status": "2",
        "date_start_planned": date(2020, 1, 2),
        "path": f"p{number}",
        **values,
    }
    made = Project.objects.create(id=number, **facts)
    if role is not None:
        Partnership.objects.create(project=made, organisation=organisation, iati_organisation_role=role)
    Partnership.objects.create(project=made, organisation=organisation, iati_organisation_role=4)
    organisation.iati_exports.latest("id").projects.add(made)
    return made


def file_of(kind: str, number: int = 1, options: Options | None = None) -> tuple[bytes, list[dict[str, Any]]]:
    """The file of an organisation and the lines of its report; the file is held against the XSD."""
    lines = io.StringIO()
    report = BuildReport(lines)
    made = pieces(Dataset(kind, number), report, generated=GENERATED, options=options)  # type: ignore[arg-type]
    data = b"".join(piece.data for piece in made)
    report.close()
    root = etree.fromstring(data, etree.XMLParser(huge_tree=True))
    schema = schema_of(root.tag)
    assert schema.validate(root), schema.error_log
    return data, [json.loads(line) for line in lines.getvalue().splitlines()]


def activity(number: int = 1, options: Options | None = None) -> tuple[Any, list[dict[str, Any]]]:
    """The one activity of an organisation, and the lines of the report."""
    data, remarks = file_of("activities", number, options)
    (element,) = etree.fromstring(data)
    return element, remarks


def markup(element: Any) -> str:
    """An element as text, without the namespace that stands on the root."""
    text = etree.tostring(element, encoding="unicode", with_tail=False)
    return text.replace(' xmlns:akvo="http://akvo.org/iati-activities"', "")


def found(element: Any, path: str) -> list[str]:
    """The elements at a path, as text."""
    return [markup(one) for one in element.findall(path)]


def rules(remarks: list[dict[str, Any]]) -> list[str]:
    """Which rules were applied, in order."""
    return [remark["rule"] for remark in remarks]
