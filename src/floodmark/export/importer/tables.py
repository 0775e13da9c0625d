"""Which tables an import fills, and how the rows of an earlier import of the same thing go."""

from __future__ import annotations

from typing import Any

from django.db import models as django_models

from floodmark.export import models

PROJECT_TABLES: tuple[tuple[Any, str], ...] = (
    (models.IndicatorPeriodDisaggregation, "period__indicator__result__project"),
    (models.IndicatorPeriodTargetLocation, "period__indicator__result__project"),
    (models.IndicatorPeriodActualLocation, "period__indicator__result__project"),
    (models.IndicatorPeriod, "indicator__result__project"),
    (models.IndicatorReference, "indicator__result__project"),
    (models.Indicator, "result__project"),
    (models.Result, "project"),
    (models.IndicatorDimensionValue, "name__project"),
    (models.IndicatorDimensionName, "project"),
    (models.TransactionSector, "transaction__project"),
    (models.Transaction, "project"),
    (models.AdministrativeLocation, "location__location_target"),
    (models.ProjectLocation, "location_target"),
    (models.ProjectDocumentCategory, "document__project"),
    (models.ProjectDocument, "project"),
    (models.CrsAddOtherFlag, "crs__project"),
    (models.CrsAdd, "project"),
    (models.FssForecast, "fss__project"),
    (models.Fss, "project"),
    (models.PlannedDisbursement, "project"),
    (models.BudgetItem, "project"),
    (models.CountryBudgetItem, "project"),
    (models.HumanitarianScope, "project"),
    (models.PolicyMarker, "project"),
    (models.Sector, "project"),
    (models.RecipientCountry, "project"),
    (models.RecipientRegion, "project"),
    (models.ProjectContact, "project"),
    (models.ProjectCondition, "project"),
    (models.LegacyData, "project"),
    (models.RelatedProject, "project"),
    (models.Partnership, "project"),
    (models.PublishingStatus, "project"),
)
"""Deepest first, with the way to the project."""

ORGANISATION_TABLES: tuple[tuple[Any, str], ...] = (
    (models.OrganisationTotalBudgetLine, "budget__organisation"),
    (models.OrganisationTotalBudget, "organisation"),
    (models.OrganisationRecipientOrgBudgetLine, "budget__organisation"),
    (models.OrganisationRecipientOrgBudget, "organisation"),
    (models.OrganisationRegionBudgetLine, "budget__organisation"),
    (models.OrganisationRegionBudget, "organisation"),
    (models.OrganisationCountryBudgetLine, "budget__organisation"),
    (models.OrganisationCountryBudget, "organisation"),
    (models.OrganisationExpenseLine, "expenditure__organisation"),
    (models.OrganisationTotalExpenditure, "organisation"),
    (models.OrganisationDocumentCategory, "document__organisation"),
    (models.OrganisationDocumentCountry, "document__organisation"),
    (models.OrganisationDocument, "organisation"),
)


ONLY: dict[Any, dict[str, Any]] = {
    models.Partnership: {"iati_organisation_role__in": (1, 2, 3, 4, 101)},
    models.ProjectDocument: {"document": ""},
    models.ProjectDocumentCategory: {"document__document": ""},
    models.OrganisationDocument: {"document": ""},
    models.OrganisationDocumentCategory: {"document__document": ""},
    models.OrganisationDocumentCountry: {"document__document": ""},
}
"""What is RSR's own in these tables stays: partners in roles that IATI does not have, uploaded documents."""


def clear_project(connection: Any, number: int) -> None:
    """Delete the rows that an import writes for a project; its own row, its updates and custom fields stay."""
    _clear(connection.alias, PROJECT_TABLES, number)


def clear_organisation(connection: Any, number: int) -> None:
    """Delete what an organisation file brought for an organisation; the organisation itself stays."""
    _clear(connection.alias, ORGANISATION_TABLES, number)


def _clear(alias: str, tables: tuple[tuple[Any, str], ...], number: int) -> None:
    for model, way in tables:
        rows: django_models.QuerySet[Any] = model.objects.using(alias).filter(**{way: number, **ONLY.get(model, {})})
        if "__" in way:
            rows = model.objects.using(alias).filter(pk__in=rows.values("pk"))
        # Plain DELETEs: Django's own collects every row in memory to cascade.
        rows._raw_delete(alias)
