"""Rows of a project: itself, who takes part, what it is about, where it works, what can be read about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from floodmark.export.models import (
    AdministrativeLocation,
    CountryBudgetItem,
    HumanitarianScope,
    LegacyData,
    Link,
    Partnership,
    PolicyMarker,
    Project,
    ProjectCondition,
    ProjectContact,
    ProjectCustomField,
    ProjectDocument,
    ProjectDocumentCategory,
    ProjectLocation,
    ProjectUpdate,
    PublishingStatus,
    RecipientCountry,
    RecipientRegion,
    RelatedProject,
    Sector,
)
from floodmark.export.sample.author import Author
from floodmark.export.sample.plan import EPOCH, Draw, uuid_of

SECTORS = ("11220", "11330", "12220", "14030", "14031", "31120", "31161", "43040", "74020")
REGIONS = ("89", "289", "298", "380", "679")
FORMATS = ("application/pdf", "text/html", "application/vnd.ms-excel", "image/jpeg")
CATEGORIES = ("A01", "A02", "A07", "A08", "A12", "B01")


def path_of(number: int, seed: int, parent: int | None) -> str:
    """The ltree path: the project's own label below its parent's."""
    labels = [str(uuid_of(seed, "project", one)).replace("-", "_") for one in (parent, number) if one]
    return ".".join(labels)


def write_project(author: Author, seed: int, parent: int | None, given: Mapping[str, Any]) -> None:
    """The row of rsr_project; what is `given` wins over what is drawn."""
    draw, random = author.draw, author.draw.random
    drawn = {
        **_texts(draw),
        **_dates(draw),
        **_codes(draw),
        "language": draw.language.code,
        "currency": author.currency,
        "iati_activity_id": f"{author.reporter.identifier}-{author.number:06d}",
        "hierarchy": 2 if parent else 1,
        "budget": draw.money(),
        "current_image": f"db/project/{author.number}/photo one.jpg" if draw.chance(0.4) else "",
        "current_image_caption": draw.text(1, 60),
        "current_image_credit": "A. Photographer",
        "primary_organisation_id": author.reporter.id,
        "contributes_to_project_id": parent,
        "uuid": uuid_of(seed, "project", author.number),
        "path": path_of(author.number, seed, parent),
    }
    author.load.add(Project, **{**drawn, **given})
    author.add(PublishingStatus, status="published" if random.random() < 0.9 else "unpublished")
    if parent:
        author.add(RelatedProject, relation="1", related_project_id=parent)


def _texts(draw: Draw) -> dict[str, Any]:
    return {
        "title": draw.language.title(draw.random),
        "subtitle": draw.text(1, 200),
        "project_plan_summary": draw.text(3, 2000),
        "background": draw.text(draw.random.randrange(3, 9), 4000),
        "project_plan": draw.text(6, 4000) if draw.chance(0.6) else "",
        "current_status": draw.text(4, 4000) if draw.chance(0.5) else "",
        "sustainability": draw.text(4, 4000) if draw.chance(0.5) else "",
        "goals_overview": draw.text(3, 4000) if draw.chance(0.6) else "",
        "target_group": draw.text(3, 4000) if draw.chance(0.5) else "",
    }


def _dates(draw: Draw) -> dict[str, Any]:
    start = draw.day(2019, 4)
    end = start + timedelta(days=draw.random.randrange(200, 1500))
    return {
        "created_at": EPOCH - timedelta(days=draw.random.randrange(400, 2500)),
        "last_modified_at": EPOCH - timedelta(seconds=draw.random.randrange(400 * 86_400)),
        "date_start_planned": start,
        "date_start_actual": start + timedelta(days=14) if draw.chance(0.7) else None,
        "date_end_planned": end,
        "date_end_actual": end + timedelta(days=30) if draw.chance(0.4) else None,
    }


def _codes(draw: Draw) -> dict[str, Any]:
    return {
        "status": draw.random.choice("HACL"),
        "iati_status": draw.random.choice("234"),
        "humanitarian": draw.random.choice((True, False)) if draw.chance(0.3) else None,
        "project_scope": draw.random.choice(("2", "4", "5")),
        "capital_spend_percentage": draw.random.choice(("0.0", "12.5", "80.0")) if draw.chance(0.3) else None,
        "collaboration_type": "1",
        "default_aid_type": "C01",
        "default_finance_type": "110",
        "default_flow_type": "10",
        "default_tied_status": "5",
        "country_budget_vocabulary": "1",
    }


def write_partners(author: Author) -> None:
    """The reporter and one to four others, some of them twice."""
    draw = author.draw
    if "reporter" not in author.without:
        author.add(Partnership, organisation_id=author.reporter.id, iati_organisation_role=101)
    author.add(Partnership, organisation_id=author.reporter.id, iati_organisation_role=2, funding_amount=draw.money())
    for role in (1, 3, 4, 4)[: 1 + draw.count(3)]:
        activity = f"XM-SAMPLE-PARTNER-{draw.random.randrange(10**6)}" if draw.chance(0.3) else None
        author.add(
            Partnership,
            organisation_id=author.partner(),
            iati_organisation_role=role,
            iati_activity_id=activity,
            internal_id=f"P/{author.number}/{role}" if draw.chance(0.3) else None,
        )


def write_classification(author: Author) -> None:
    """Countries, regions, sectors, markers: what it is about and whom it is for."""
    draw, random = author.draw, author.draw.random
    countries = random.sample(sorted(author.cast.countries), 2)
    shares = ("60.0", "40.0") if draw.chance(0.3) else ("100.0",)
    for country, share in zip(countries, shares, strict=False):
        author.add(RecipientCountry, country=country, percentage=share, text=draw.text(1, 50))
    if draw.chance(0.3):
        author.add(RecipientRegion, region=random.choice(REGIONS), region_vocabulary="1", text=draw.text(1, 50))
    for code, share in zip(random.sample(SECTORS, 2), ("70.0", "30.0"), strict=True):
        author.add(Sector, sector_code=code, vocabulary="1", percentage=share, text=draw.text(1, 100))
    if draw.chance(0.1):
        uri = "https://codes.example.org/themes"
        author.add(Sector, sector_code="W-7", vocabulary="99", vocabulary_uri=uri, percentage="100.0")
    for marker in range(1, 2 + draw.count(2)):
        author.add(PolicyMarker, policy_marker=str(marker), significance=random.choice("012"), vocabulary="1")
    if draw.chance(0.2):
        author.add(HumanitarianScope, code="FL-2025-000123-KEN", type="1", vocabulary="1-2", text=draw.text(1, 100))
    if draw.chance(0.3):
        author.add(CountryBudgetItem, code="1.1.1", description=draw.text(1, 100), percentage="100.0")


def write_places(author: Author) -> None:
    """Locations with their administrative areas."""
    draw, random = author.draw, author.draw.random
    for number in range(1 + draw.count(1)):
        country = random.choice(sorted(author.cast.countries))
        location = author.load.add(
            ProjectLocation,
            location_target_id=author.number,
            latitude=round(random.uniform(-35, 35), 6),
            longitude=round(random.uniform(-80, 120), 6),
            city=random.choice(draw.language.places),
            reference=f"AF-{number}",
            location_code=str(random.randrange(10**6, 10**7)),
            vocabulary="G1",
            name=random.choice(draw.language.places),
            description=draw.text(1, 2000),
            activity_description=draw.text(1, 2000),
            exactness="1",
            location_reach="1",
            location_class="2",
            feature_designation="PPL",
            country_id=author.cast.countries[country],
        )
        for level in range(1, 2 + draw.count(1)):
            code = str(random.randrange(10**5, 10**6))
            author.load.add(AdministrativeLocation, location_id=location, code=code, vocabulary="G1", level=level)


def write_texts(author: Author) -> None:
    """Contacts, conditions, legacy data, a custom field."""
    draw, random = author.draw, author.draw.random
    if draw.chance(0.9):
        author.add(
            ProjectContact,
            type=random.choice("1234"),
            organisation=author.reporter.name[:100],
            department=draw.text(1, 100),
            person_name="Ada Example",
            job_title="Programme officer",
            telephone="+00 555 0100",
            email="contact@example.org",
            website="https://www.example.org/contact?a=1&b=2",
            mailing_address=draw.text(1, 255),
            country_id=random.choice(sorted(author.cast.countries.values())),
        )
    for kind in "12"[: draw.count(2)]:
        author.add(ProjectCondition, type=kind, text=draw.text(1, 100))
    if draw.chance(0.4):
        author.add(LegacyData, name="Project number", value=f"OLD-{author.number}", iati_equivalent="other-identifier")
    if draw.chance(0.1):
        author.add(ProjectCustomField, name="Region code", section=1, value=random.choice("ABC"))


def write_documents(author: Author) -> None:
    """Links, documents and updates."""
    draw, random = author.draw, author.draw.random
    if draw.chance(0.4):
        author.add(Link, kind="E", url=f"https://www.example.org/projects/{author.number}", caption=draw.text(1, 50))
    for number in range(1 + draw.count(1)):
        stored = draw.random.random() < 0.5
        document = author.add(
            ProjectDocument,
            url="" if stored else f"https://files.example.org/{author.number}/{number}.pdf",
            document=f"db/project/{author.number}/document/report {number}.pdf" if stored else "",
            format=random.choice(FORMATS),
            title=draw.language.title(random)[:100],
            title_language=draw.language.code,
            language=draw.language.code,
            document_date=draw.day() if draw.chance(0.7) else None,
        )
        author.load.add(ProjectDocumentCategory, document_id=document, category=random.choice(CATEGORIES))
    _write_updates(author)


def _write_updates(author: Author) -> None:
    draw = author.draw
    for number in range(draw.count(2)):
        author.add(
            ProjectUpdate,
            title=draw.language.title(draw.random),
            text=draw.text(5, 4000),
            language=draw.language.code,
            event_date=draw.day(),
            uuid=str(uuid_of("update", author.number, number)),
            created_at=EPOCH,
            last_modified_at=EPOCH,
        )
