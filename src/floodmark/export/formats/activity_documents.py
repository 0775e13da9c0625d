"""What an activity points to and came from: document-link, related-activity, legacy-data, conditions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from floodmark.export.formats.activity_identity import PROJECT, Activity
from floodmark.export.formats.base import Part, Remarks
from floodmark.export.formats.values import is_token, is_uri
from floodmark.export.formats.xml import attribute, code, escape, narrative, quoted
from floodmark.export.rows.activity import Condition, LegacyData, RelatedActivity
from floodmark.export.rows.finance import Document, Link, Update

DOCUMENT = "rsr_projectdocument"
WEB_PAGE = '<category code="A12"/>'
"""The category that RSR gives to images, links and updates: activity web page."""

UNKNOWN_FORMAT = "application/octet-stream"
FORMATS = {
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".gif": "image/gif",
    ".htm": "text/html",
    ".html": "text/html",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".mp4": "video/mp4",
    ".odp": "application/vnd.oasis.opendocument.presentation",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".ppt": "application/vnd.ms-powerpoint",
    ".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ".rtf": "application/rtf",
    ".txt": "text/plain",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".xml": "application/xml",
    ".zip": "application/zip",
}
"""Media types of IATI's FileFormat codelist by the end of the file's name."""


def format_of(address: str) -> str:
    """The media type that the file name of an address says, else `application/octet-stream`."""
    try:
        path = urlsplit(address).path
    except ValueError:
        return UNKNOWN_FORMAT
    return FORMATS.get(PurePosixPath(path).suffix.lower(), UNKNOWN_FORMAT)


def document_start(remarks: Remarks, row: Document, address: str, table: str) -> str | None:
    """A document-link up to its categories; None where it has no usable URL."""
    if not address or not is_uri(address):
        remarks.add("document-url", table, row.id, "document-link/@url")
        return None
    format_ = row.format
    if not format_:
        remarks.add("document-format", table, row.id, "document-link/@format")
        format_ = format_of(address)
    if not row.title:
        remarks.add("text", table, row.id, "document-link/title")
    language = remarks.language(row.title_language, table, row.id, "document-link/title/narrative/@xml:lang")
    text = escape(row.title or "")
    return (
        f'<document-link url="{quoted(address)}" format="{quoted(format_)}">'
        f"<title><narrative{attribute('xml:lang', language)}>{text}</narrative></title>"
    )


def document_links(activity: Activity) -> Iterator[Part]:
    """The project's photo, its links, its documents and its updates."""
    yield from photo(activity)
    link: Link
    for link in activity.rows.links.take(activity.project.id):
        if link.url and not is_uri(link.url):
            activity.remarks.add("document-url", "rsr_link", link.id, "document-link/@url")
        elif link.url:
            title = link.caption or "Project link"
            yield web_page(link.url, title, ""), "rsr_link", link.id
    yield from documents(activity)
    update: Update
    for update in activity.rows.updates.take(activity.project.id):
        address = activity.links.update(activity.project.id, update.id)
        title = update.title or "Project update"
        yield web_page(address, title, code("language", update.language)), "rsr_projectupdate", update.id


def web_page(address: str, title: str, more: str) -> str:
    """A document-link to a page."""
    return (
        f'<document-link url="{quoted(address)}" format="application/http">'
        f"<title>{narrative(title)}</title>{WEB_PAGE}{more}</document-link>"
    )


def photo(activity: Activity) -> Iterator[Part]:
    """The project's photo with its caption and credit."""
    project = activity.project
    if not project.current_image:
        return
    address = activity.links.media(project.current_image)
    if not is_uri(address):
        activity.remark("document-url", "document-link/@url")
        return
    caption, credit = project.current_image_caption, project.current_image_credit
    title = f"{caption}, credit: {credit}" if caption and credit else caption
    if not caption:
        title = f"Credit: {credit}" if credit else "Project photo"
    xml = f'<document-link url="{quoted(address)}" format="image/jpeg"><title>{narrative(title)}</title>'
    yield f"{xml}{WEB_PAGE}</document-link>", PROJECT, project.id


def documents(activity: Activity) -> Iterator[Part]:
    """The documents, each with its categories."""
    row: Document
    for row in activity.rows.documents.take(activity.project.id):
        categories = (each.category for each in activity.rows.categories.take(row.id) if each.category)
        address = row.url or (activity.links.media(row.document) if row.document else "")
        # The language of a title is no data by itself: RSR writes no document-link for it either.
        if address or any(row._replace(title_language="")[2:]) or any(categories):
            start = document_start(activity.remarks, row, address, DOCUMENT)
            if start is not None:
                yield from document_rest(activity, row, start, categories)


def document_rest(activity: Activity, row: Document, start: str, categories: Iterator[str]) -> Iterator[Part]:
    """A document-link whose `start` ends before its categories."""
    for category in categories:
        yield start + code("category", category), DOCUMENT, row.id
        start = ""
    if start:
        activity.remarks.add("document-category", DOCUMENT, row.id, "document-link/category")
        start += WEB_PAGE
    when = activity.remarks.date(row.document_date, DOCUMENT, row.id, "document-link/document-date")
    document_date = f'<document-date iso-date="{when}"/>' if when else ""
    yield f"{start}{code('language', row.language)}{document_date}</document-link>", DOCUMENT, row.id


def related_activities(activity: Activity) -> Iterator[Part]:
    """The parent and the direct children in RSR's hierarchy of projects."""
    project = activity.project
    if project.parent_activity:
        yield f'<related-activity ref="{quoted(project.parent_activity)}" type="1"/>', PROJECT, project.id
    row: RelatedActivity
    for row in activity.rows.related_activities.take(project.id):
        yield f'<related-activity ref="{quoted(row.iati_activity_id)}" type="2"/>', PROJECT, row.id


def legacy_data(activity: Activity) -> Iterator[Part]:
    """The legacy-data, which need a name."""
    table = "rsr_legacydata"
    row: LegacyData
    for row in activity.rows.legacy_data.take(activity.project.id):
        if not row.name:
            if row.value or row.iati_equivalent:
                activity.remarks.add("legacy-name", table, row.id, "legacy-data")
            continue
        if not row.value:
            activity.remarks.add("legacy-value", table, row.id, "legacy-data/@value")
        equivalent = row.iati_equivalent
        if equivalent and not is_token(equivalent):
            activity.remarks.add("token", table, row.id, "legacy-data/@iati-equivalent")
            equivalent = ""
        yield (
            f'<legacy-data name="{quoted(row.name)}" value="{quoted(row.value or "")}"'
            f"{attribute('iati-equivalent', equivalent)}/>",
            table,
            row.id,
        )


def conditions(activity: Activity) -> Iterator[Part]:
    """The conditions; the element is always there and says whether the project has any."""
    table = "rsr_projectcondition"
    start = '<conditions attached="1">'
    row: Condition | None = None
    for row in activity.rows.conditions.take(activity.project.id):
        if row.type:
            if not row.text:
                activity.remarks.add("text", table, row.id, "conditions/condition")
            yield f'{start}<condition type="{quoted(row.type)}">{narrative(row.text)}</condition>', table, row.id
            start = ""
        elif row.text:
            activity.remarks.add("condition-type", table, row.id, "conditions/condition")
    xml = f"{start}</conditions>" if row is not None else '<conditions attached="0"/>'
    yield xml, PROJECT, activity.project.id
