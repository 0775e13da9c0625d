"""Rows of organisations, of what projects share, and of the organisation file."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db.models import Model

from floodmark.export.models import (
    BudgetItemLabel,
    Category,
    Country,
    Keyword,
    Organisation,
    OrganisationCountryBudget,
    OrganisationCountryBudgetLine,
    OrganisationDocument,
    OrganisationDocumentCategory,
    OrganisationDocumentCountry,
    OrganisationExpenseLine,
    OrganisationLocation,
    OrganisationRecipientOrgBudget,
    OrganisationRecipientOrgBudgetLine,
    OrganisationRegionBudget,
    OrganisationRegionBudgetLine,
    OrganisationTotalBudget,
    OrganisationTotalBudgetLine,
    OrganisationTotalExpenditure,
    ProjectEditorValidationSet,
)
from floodmark.export.sample.author import Cast, Reporter
from floodmark.export.sample.loader import Loader
from floodmark.export.sample.plan import EPOCH, Draw
from floodmark.export.sample.words import organisation_name

PARTNERS = 24
COUNTRIES = {
    "BD": "Bangladesh", "BO": "Bolivia", "ET": "Ethiopia", "KE": "Kenya", "ML": "Mali", "MZ": "Mozambique",
    "NP": "Nepal", "PE": "Peru", "TN": "Tunisia", "VN": "Viet Nam",
}  # fmt: skip
BUDGETS: tuple[tuple[type[Model], type[Model], dict[str, Any]], ...] = (
    (OrganisationTotalBudget, OrganisationTotalBudgetLine, {}),
    (OrganisationRegionBudget, OrganisationRegionBudgetLine, {"region": "298", "region_vocabulary": "1"}),
    (OrganisationCountryBudget, OrganisationCountryBudgetLine, {"country": "KE"}),
)


def write_cast(load: Loader, draw: Draw, first: int) -> Cast:
    """What projects share: partners (numbered from `first`), countries, labels. Every eighth partner is a shadow."""
    partners: list[int] = []
    for number in range(first, first + PARTNERS):
        original = partners[-1] if number % 8 == 7 and partners else None
        partners.append(write_organisation(load, draw, number, original=original).id)
    countries = {
        code: load.add(Country, name=name, iso_code=code, continent="", continent_code="")
        for code, name in COUNTRIES.items()
    }
    labels = ("Staff", "Works", "Travel", "Monitoring", "Other")
    return Cast(
        partners=tuple(partners),
        countries=countries,
        labels=tuple(load.add(BudgetItemLabel, label=label) for label in labels),
        keywords=tuple(load.add(Keyword, label=label) for label in ("water", "schools")),
        categories=(load.add(Category, name="Drinking water"),),
        validation_sets={
            name: load.add(ProjectEditorValidationSet, name=name, description=name) for name in ("RSR", "DGIS IATI")
        },
    )


def write_organisation(load: Loader, draw: Draw, number: int, original: int | None = None) -> Reporter:
    """One organisation with its office."""
    short, long, language = organisation_name(number)
    identifier = f"XM-SAMPLE-{number:05d}"
    organisation = load.add(
        Organisation,
        name=short,
        long_name=long,
        language=language.code,
        currency="EUR",
        new_organisation_type=draw.random.choice((10, 15, 21, 22, 40, 70)),
        iati_org_id=identifier,
        original_id=original,
        url="https://www.example.org/",
        logo=f"db/org/{number}/logo.png" if draw.chance(0.5) else "",
        description=draw.text(3, 2000),
        created_at=EPOCH - timedelta(days=3000),
        last_modified_at=EPOCH - timedelta(days=draw.random.randrange(300)),
    )
    load.add(OrganisationLocation, location_target_id=organisation, city="Marl", latitude=52.1, longitude=4.9)
    return Reporter(organisation, identifier, long)


def write_organisation_file(load: Loader, draw: Draw, reporter: Reporter, cast: Cast) -> None:
    """Budgets of each kind with lines, expenditure and documents."""
    for year in (2024, 2025, 2026):
        for budget, line, values in BUDGETS:
            key = load.add(budget, **values, **_period(draw, reporter, year), status=draw.random.choice("12"))
            load.add(line, budget_id=key, reference=f"L{year}", text=draw.text(1, 1000), **_money(draw))
        recipient = draw.random.choice(cast.partners)
        values = {**_period(draw, reporter, year), "status": "1", "recipient_organisation_id": recipient}
        key = load.add(OrganisationRecipientOrgBudget, **values)
        load.add(OrganisationRecipientOrgBudgetLine, budget_id=key, reference="R1", **_money(draw))
        key = load.add(OrganisationTotalExpenditure, **_period(draw, reporter, year))
        load.add(OrganisationExpenseLine, expenditure_id=key, text=draw.text(1, 1000), **_money(draw))
    for number in range(2):
        document = load.add(
            OrganisationDocument,
            organisation_id=reporter.id,
            url=f"https://files.example.org/annual/{2024 + number}.pdf",
            format="application/pdf",
            title=f"Annual report {2024 + number}",
            title_language="en",
            language="en",
            document_date=date(2025 + number, 4, 1),
        )
        load.add(OrganisationDocumentCategory, document_id=document, category="B01")
        load.add(OrganisationDocumentCountry, document_id=document, country="KE", text="Kenya")


def _money(draw: Draw) -> dict[str, Any]:
    return {"value": draw.money(), "currency": "EUR", "value_date": date(2024, 1, 1)}


def _period(draw: Draw, reporter: Reporter, year: int) -> dict[str, Any]:
    dates = {"period_start": date(year, 1, 1), "period_end": date(year, 12, 31)}
    return {**_money(draw), **dates, "organisation_id": reporter.id}
