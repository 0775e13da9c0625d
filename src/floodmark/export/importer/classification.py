"""Where an activity is, what it is about and whom to ask: contact-info, places, sectors, markers, scopes."""

from __future__ import annotations

from floodmark.export import models
from floodmark.export.importer.nodes import Node
from floodmark.export.importer.rows import Row
from floodmark.export.importer.taking import Taking

WGS84 = "http://www.opengis.net/def/crs/EPSG/0/4326"
"""The only system of coordinates that IATI knows, and that the export writes."""


def contact(activity: Taking, node: Node) -> None:
    """contact-info."""
    row = activity.row(models.ProjectContact)
    row.attributes(node, type="type")
    for name in ("organisation", "department", "person-name", "job-title", "mailing-address"):
        row.narrative(name.replace("-", "_"), node.child(name), activity.language)
    for name in ("telephone", "email", "website"):
        row.text(name, node, name)
    row.needs_any(node)
    activity.add(models.ProjectContact, row)


def country(activity: Taking, node: Node) -> None:
    """recipient-country."""
    row = activity.row(models.RecipientCountry)
    row.attributes(node, country="code", percentage="percentage")
    _share(activity, row, node)
    row.narrative("text", node, activity.language)
    row.needs(node, "country")
    activity.add(models.RecipientCountry, row)


def region(activity: Taking, node: Node) -> None:
    """recipient-region."""
    row = activity.row(models.RecipientRegion)
    row.attributes(
        node, region="code", region_vocabulary="vocabulary", region_vocabulary_uri="vocabulary-uri",
        percentage="percentage",
    )  # fmt: skip
    _share(activity, row, node)
    row.narrative("text", node, activity.language)
    row.needs(node, "region")
    activity.add(models.RecipientRegion, row)


def sector(activity: Taking, node: Node) -> None:
    """sector."""
    row = activity.row(models.Sector)
    row.attributes(
        node, sector_code="code", vocabulary="vocabulary", vocabulary_uri="vocabulary-uri", percentage="percentage"
    )
    _share(activity, row, node)
    row.narrative("text", node, activity.language)
    row.needs(node, "sector_code")
    activity.add(models.Sector, row)


def _share(activity: Taking, row: Row, node: Node) -> None:
    """A share of 0 is stored, but the export leaves it out, as RSR does."""
    if row.values.get("percentage") is not None and not row.values["percentage"]:
        problem = "a share of 0 does not come out again"
        activity.reporter.lost(f"{node.path}/@percentage", node.line, problem, "stored", "0")


def location(activity: Taking, node: Node) -> None:
    """location, with its administrative divisions."""
    row = activity.row(models.ProjectLocation)
    row.attributes(node, reference="ref")
    row.code(node, "location-reach", "location_reach")
    identity = node.child("location-id")
    row.attributes(identity, location_code="code", vocabulary="vocabulary")
    if identity is not None:
        row.needs(identity, "location_code", "vocabulary")
    for name in ("name", "description", "activity-description"):
        row.narrative(name.replace("-", "_"), node.child(name), activity.language)
    divisions = [_administrative(activity, division) for division in node.children("administrative")]
    _point(activity, row, node)
    for name in ("exactness", "location-class", "feature-designation"):
        row.code(node, name, name.replace("-", "_"))
    if not divisions:
        row.needs_any(node)
    number = activity.rows.add(models.ProjectLocation, {"location_target_id": activity.id, **row.values})
    for inner in divisions:
        activity.rows.add(models.AdministrativeLocation, {**inner.values, "location_id": number})


def _administrative(activity: Taking, node: Node) -> Row:
    row = activity.row(models.AdministrativeLocation)
    row.attributes(node, code="code", vocabulary="vocabulary", level="level")
    if row.values["level"] == 0:
        activity.reporter.lost(f"{node.path}/@level", node.line, "level 0 does not come out", "stored", "0")
    row.needs(node, "code", "vocabulary")
    return row


def _point(activity: Taking, row: Row, node: Node) -> None:
    point = node.child("point")
    position = point.child("pos") if point else None
    if point is None or position is None:
        return
    if point.element.get("srsName") == WGS84:
        point.attribute("srsName")
    words = position.text().split()
    if len(words) == 2:
        row.put("latitude", words[0], position)
        row.put("longitude", words[1], position)
    if row.values.get("latitude") is None or row.values.get("longitude") is None:
        activity.reporter.lost(point.path, point.line, "not two numbers", "left out", " ".join(words))


def country_budget_items(activity: Taking, node: Node) -> None:
    """country-budget-items: the vocabulary is the project's, one for all."""
    if not activity.once("country_budget_vocabulary", node):
        return
    activity.project.attributes(node, country_budget_vocabulary="vocabulary")
    found = False
    for item in node.children("budget-item"):
        row = activity.row(models.CountryBudgetItem)
        row.attributes(item, code="code", percentage="percentage")
        if row.values["percentage"] is not None:
            activity.reporter.lost(f"{item.path}/@percentage", item.line, "the export never writes it", "stored")
        row.narrative("description", item.child("description"), activity.language)
        found = row.needs(item, "code") or found
        activity.add(models.CountryBudgetItem, row)
    if activity.project.needs(node, "country_budget_vocabulary") and not found:
        activity.reporter.lost(node.path, node.line, "no budget-item that comes out", "stored")


def humanitarian_scope(activity: Taking, node: Node) -> None:
    """humanitarian-scope."""
    row = activity.row(models.HumanitarianScope)
    row.attributes(node, code="code", type="type", vocabulary="vocabulary", vocabulary_uri="vocabulary-uri")
    row.narrative("text", node, activity.language)
    row.needs(node, "code", "type", "vocabulary")
    activity.add(models.HumanitarianScope, row)


def policy_marker(activity: Taking, node: Node) -> None:
    """policy-marker."""
    row = activity.row(models.PolicyMarker)
    row.attributes(
        node, policy_marker="code", significance="significance", vocabulary="vocabulary",
        vocabulary_uri="vocabulary-uri",
    )  # fmt: skip
    row.narrative("description", node, activity.language)
    row.needs(node, "policy_marker")
    activity.add(models.PolicyMarker, row)
