"""Where an activity is and how it is classed: from recipient-country to default-tied-status."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from floodmark.export.formats.activity_identity import PROJECT, Activity
from floodmark.export.formats.base import Part
from floodmark.export.formats.xml import attribute, code, narrative, quoted, texts
from floodmark.export.rows.activity import (
    Administrative,
    CountryBudgetItem,
    HumanitarianScope,
    Location,
    PolicyMarker,
    RecipientCountry,
    RecipientRegion,
    Sector,
)

OWN_VOCABULARIES = ("98", "99")
"""Sector vocabularies of the reporting organisation: RSR always writes a narrative with them."""


def recipient_countries(activity: Activity) -> Iterator[Part]:
    """The recipient-countries."""
    table = "rsr_recipientcountry"
    row: RecipientCountry
    for row in activity.rows.recipient_countries.take(activity.project.id):
        percentage = activity.remarks.number(row.percentage, table, row.id, "recipient-country/@percentage")
        if row.country:
            xml = f'<recipient-country code="{quoted(row.country)}"{attribute("percentage", percentage)}'
            yield closed(xml, "recipient-country", row.text), table, row.id
        elif row.percentage or row.text:
            activity.remarks.add("code", table, row.id, "recipient-country")


def recipient_regions(activity: Activity) -> Iterator[Part]:
    """The recipient-regions."""
    table = "rsr_recipientregion"
    row: RecipientRegion
    for row in activity.rows.recipient_regions.take(activity.project.id):
        if row.region:
            percentage = activity.remarks.number(row.percentage, table, row.id, "recipient-region/@percentage")
            address = activity.remarks.uri(row.region_vocabulary_uri, table, row.id, "recipient-region/@vocabulary-uri")
            xml = (
                f'<recipient-region code="{quoted(row.region)}"{attribute("percentage", percentage)}'
                f"{attribute('vocabulary', row.region_vocabulary)}{attribute('vocabulary-uri', address)}"
            )
            yield closed(xml, "recipient-region", row.text), table, row.id
        elif any(row[3:]):
            activity.remarks.add("code", table, row.id, "recipient-region")


def closed(start: str, name: str, text: str | None) -> str:
    """A start tag without its end, closed round a narrative if there is text."""
    return f"{start}>{narrative(text)}</{name}>" if text else f"{start}/>"


def locations(activity: Activity) -> Iterator[Part]:
    """The locations, each with its administrative divisions."""
    table = "rsr_projectlocation"
    row: Location
    for row in activity.rows.locations.take(activity.project.id):
        before = (
            f"{code('location-reach', row.location_reach)}{location_id(activity, row)}{texts('name', row.name)}"
            f"{texts('description', row.description)}{texts('activity-description', row.activity_description)}"
        )
        after = (
            f"{point(activity, row)}{code('exactness', row.exactness)}{code('location-class', row.location_class)}"
            f"{code('feature-designation', row.feature_designation)}"
        )
        # The start waits until it is certain that something will be in it.
        start = f"<location{attribute('ref', row.reference)}>{before}"
        is_empty = not (row.reference or before or after)
        for division in activity.rows.administratives.take(row.id):
            xml = administrative(activity, division)
            if xml:
                yield start + xml, table, row.id
                start, is_empty = "", False
        if not is_empty:
            yield f"{start}{after}</location>", table, row.id


def location_id(activity: Activity, row: Location) -> str:
    """A location-id, which needs both its code and its vocabulary."""
    if row.location_code and row.vocabulary:
        return f'<location-id vocabulary="{quoted(row.vocabulary)}" code="{quoted(row.location_code)}"/>'
    if row.location_code or row.vocabulary:
        activity.remarks.add("code-vocabulary", "rsr_projectlocation", row.id, "location/location-id")
    return ""


def point(activity: Activity, row: Location) -> str:
    """A point, which needs both coordinates; 0.0 is one."""
    latitude, longitude = row.latitude, row.longitude
    if latitude is None and longitude is None:
        return ""
    if latitude is None or longitude is None or not isfinite(latitude) or not isfinite(longitude):
        activity.remarks.add("point", "rsr_projectlocation", row.id, "location/point")
        return ""
    return f'<point srsName="http://www.opengis.net/def/crs/EPSG/0/4326"><pos>{latitude} {longitude}</pos></point>'


def administrative(activity: Activity, row: Administrative) -> str:
    """An administrative, which needs both its code and its vocabulary; level 0 is not written, as RSR does not."""
    if not (row.code and row.vocabulary):
        if row.code or row.vocabulary or row.level:
            activity.remarks.add("code-vocabulary", "rsr_administrativelocation", row.id, "location/administrative")
        return ""
    level = row.level or 0
    if level < 0:
        activity.remarks.add("negative", "rsr_administrativelocation", row.id, "location/administrative/@level")
    return (
        f'<administrative vocabulary="{quoted(row.vocabulary)}" code="{quoted(row.code)}"'
        f"{attribute('level', str(level) if level > 0 else '')}/>"
    )


def sectors(activity: Activity) -> Iterator[Part]:
    """The sectors."""
    table = "rsr_sector"
    row: Sector
    for row in activity.rows.sectors.take(activity.project.id):
        if row.sector_code:
            percentage = activity.remarks.number(row.percentage, table, row.id, "sector/@percentage")
            address = activity.remarks.uri(row.vocabulary_uri, table, row.id, "sector/@vocabulary-uri")
            xml = (
                f'<sector code="{quoted(row.sector_code)}"{attribute("vocabulary", row.vocabulary)}'
                f"{attribute('vocabulary-uri', address)}{attribute('percentage', percentage)}"
            )
            if row.vocabulary in OWN_VOCABULARIES and not row.text:
                yield f"{xml}><narrative/></sector>", table, row.id
            else:
                yield closed(xml, "sector", row.text), table, row.id
        elif any(row[3:]):
            activity.remarks.add("code", table, row.id, "sector")


def country_budget_items(activity: Activity) -> Iterator[Part]:
    """The country-budget-items, which need a vocabulary; each budget-item needs a code."""
    table = "rsr_countrybudgetitem"
    # RSR keeps the vocabulary with the project, so that without it none of the items can be published.
    vocabulary = activity.project.country_budget_vocabulary
    end = ""
    row: CountryBudgetItem
    for row in activity.rows.country_budget_items.take(activity.project.id):
        if not (row.code or row.description):
            continue
        if not (row.code and vocabulary):
            rule = "code" if vocabulary else "country-budget-vocabulary"
            activity.remarks.add(rule, table, row.id, "country-budget-items/budget-item")
            continue
        start = "" if end else f'<country-budget-items vocabulary="{quoted(vocabulary)}">'
        end = "</country-budget-items>"
        item = f'<budget-item code="{quoted(row.code)}"'
        if row.description:
            yield f"{start}{item}>{texts('description', row.description)}</budget-item>", table, row.id
        else:
            yield f"{start}{item}/>", table, row.id
    if end:
        yield end, table, None


def humanitarian_scopes(activity: Activity) -> Iterator[Part]:
    """The humanitarian-scopes."""
    table = "rsr_humanitarianscope"
    row: HumanitarianScope
    for row in activity.rows.humanitarian_scopes.take(activity.project.id):
        if row.type and row.vocabulary and row.code:
            address = activity.remarks.uri(row.vocabulary_uri, table, row.id, "humanitarian-scope/@vocabulary-uri")
            xml = (
                f'<humanitarian-scope code="{quoted(row.code)}" type="{quoted(row.type)}"'
                f' vocabulary="{quoted(row.vocabulary)}"{attribute("vocabulary-uri", address)}'
            )
            yield closed(xml, "humanitarian-scope", row.text), table, row.id
        elif any(row[2:]):
            activity.remarks.add("humanitarian-scope", table, row.id, "humanitarian-scope")


def policy_markers(activity: Activity) -> Iterator[Part]:
    """The policy-markers."""
    table = "rsr_policymarker"
    row: PolicyMarker
    for row in activity.rows.policy_markers.take(activity.project.id):
        if row.policy_marker:
            address = activity.remarks.uri(row.vocabulary_uri, table, row.id, "policy-marker/@vocabulary-uri")
            xml = (
                f'<policy-marker code="{quoted(row.policy_marker)}"{attribute("significance", row.significance)}'
                f"{attribute('vocabulary', row.vocabulary)}{attribute('vocabulary-uri', address)}"
            )
            yield closed(xml, "policy-marker", row.description), table, row.id
        elif any(row[3:]):
            activity.remarks.add("code", table, row.id, "policy-marker")


def defaults(activity: Activity) -> Iterator[Part]:
    """From collaboration-type to default-tied-status."""
    project = activity.project
    aid_type = ""
    if project.default_aid_type:
        vocabulary = attribute("vocabulary", project.default_aid_type_vocabulary)
        aid_type = f'<default-aid-type code="{quoted(project.default_aid_type)}"{vocabulary}/>'
    xml = (
        f"{code('collaboration-type', project.collaboration_type)}"
        f"{code('default-flow-type', project.default_flow_type)}"
        f"{code('default-finance-type', project.default_finance_type)}{aid_type}"
        f"{code('default-tied-status', project.default_tied_status)}"
    )
    if xml:
        yield xml, PROJECT, project.id
