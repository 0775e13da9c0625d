"""What an activity points to and came from: document-link, related-activity, legacy-data, conditions."""

from __future__ import annotations

from floodmark.export import models
from floodmark.export.formats.values import is_uri
from floodmark.export.importer.nodes import XML_LANG, Node
from floodmark.export.importer.rows import Row
from floodmark.export.importer.taking import Taking

HELD = 2_000
"""Documents of one activity that wait: the export writes the newest row first, so the last one goes in first."""


def document(activity: Taking, node: Node) -> None:
    """document-link; what the export writes of a photo, a link, an upload or an update by itself is there already."""
    if node.element.get("url") in activity.own.addresses:
        node.element.clear()
        return
    row = activity.row(models.ProjectDocument)
    document_columns(row, node)
    categories = []
    for category in node.children("category"):
        inner = activity.row(models.ProjectDocumentCategory)
        inner.attributes(category, category="code")
        categories.append(inner)
    activity.documents.append((row, categories))
    if len(activity.documents) >= HELD:
        add_documents(activity)


def add_documents(activity: Taking) -> None:
    """Add the documents that wait, in the order that lets them come out as they stood."""
    for row, categories in reversed(activity.documents):
        number = activity.add(models.ProjectDocument, row)
        for category in reversed(categories):
            activity.rows.add(models.ProjectDocumentCategory, {**category.values, "document_id": number})
    activity.documents.clear()


def document_columns(row: Row, node: Node) -> None:
    """The columns that documents of projects and of organisations share."""
    row.attributes(node, url="url", format="format")
    title = node.child("title")
    first = title.child("narrative") if title else None
    if first is not None:
        row.put("title", first.text(), first)
        row.put("title_language", first.attribute(XML_LANG), first, "@xml:lang")
    row.code(node, "language", "language")
    row.date(node, "document-date", "document_date")
    if row.needs(node, "url") and not is_uri(row.values["url"]):
        row.fitting.reporter.lost(node.path, node.line, "cannot come out without a URI", "stored", row.values["url"])


def related_activity(activity: Taking, node: Node) -> None:
    """Kept as RSR keeps it; its exporter writes relations from the tree of projects only."""
    text, kind = node.element.get("ref", ""), node.element.get("type", "")
    if (text, kind) in activity.own.relations:
        node.element.clear()
        return
    row = activity.row(models.RelatedProject)
    row.attributes(node, related_iati_id="ref", relation="type")
    activity.add(models.RelatedProject, row)
    problem = "the export writes relations of the project tree only"
    activity.reporter.lost("related-activity", node.line, problem, "stored", text)


def legacy_data(activity: Taking, node: Node) -> None:
    """legacy-data."""
    row = activity.row(models.LegacyData)
    row.attributes(node, name="name", value="value", iati_equivalent="iati-equivalent")
    row.needs(node, "name")
    activity.add(models.LegacyData, row)


def conditions(activity: Taking, node: Node) -> None:
    """conditions; @attached is written from whether there are any."""
    if not activity.once("conditions", node):
        return
    attached = node.attribute("attached")
    found = list(node.children("condition"))
    for condition in found:
        row = activity.row(models.ProjectCondition)
        row.attributes(condition, type="type")
        row.narrative("text", condition, activity.language)
        row.needs(condition, "type")
        activity.add(models.ProjectCondition, row)
    if attached and attached.strip() not in (("1", "true") if found else ("0", "false")):
        problem = "is written from whether there are conditions"
        activity.reporter.lost("conditions/@attached", node.line, problem, "left out", attached)
