"""Which tables an import fills, and how the rows of an earlier import of the same thing go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
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


ONLY = {
    models.Partnership: "iati_organisation_role IN (1, 2, 3, 4, 101)",
    models.ProjectDocument: "document = ''",
    models.OrganisationDocument: "document = ''",
}
"""What is RSR's own in these tables stays: partners in roles that IATI does not have, uploaded documents."""


def clear_project(connection: Any, number: int) -> None:
    """Delete the rows that an import writes for a project; its own row, its updates and custom fields stay."""
    _clear(connection, _statements(PROJECT_TABLES), number)


def clear_organisation(connection: Any, number: int) -> None:
    """Delete what an organisation file brought for an organisation; the organisation itself stays."""
    _clear(connection, _statements(ORGANISATION_TABLES), number)


def _clear(connection: Any, statements: str, number: int) -> None:
    # All statements in one go, as psycopg binds on this side: fifty round trips would take longer than the work.
    with connection.cursor() as cursor:
        cursor.execute(statements, {"number": number})


@cache
def _statements(tables: tuple[tuple[Any, str], ...]) -> str:
    return ";".join(statement for model, way in tables for statement in _of_table(model, tuple(way.split("__"))))


def _of_table(model: Any, way: tuple[str, ...]) -> Iterator[str]:
    """Let go what points at the rows, then delete them."""
    table, rows = model._meta.db_table, _condition(model, way)
    for relation in model._meta.get_fields(include_hidden=True):
        key = getattr(relation, "remote_field", None)
        if not relation.auto_created or relation.concrete or not isinstance(key, django_models.ForeignKey):
            continue
        pointing = f"{key.column} = ANY(ARRAY(SELECT {model._meta.pk.column} FROM {table} WHERE {rows}))"  # noqa: S608
        if key.null:
            yield f"UPDATE {key.model._meta.db_table} SET {key.column} = NULL WHERE {pointing}"  # noqa: S608 - own words
        elif key.model._meta.auto_created:
            yield f"DELETE FROM {key.model._meta.db_table} WHERE {pointing}"  # noqa: S608 - own words
    yield f"DELETE FROM {table} WHERE {rows}"  # noqa: S608 - own words


def _condition(model: Any, way: tuple[str, ...]) -> str:
    """SQL for: hangs on the project or organisation. By arrays, for a join would be planned as a scan of the table."""
    field = model._meta.get_field(way[0])
    above = field.related_model
    if len(way) == 1:
        found = f"{field.column} = %(number)s"
    else:
        rows = f"SELECT {above._meta.pk.column} FROM {above._meta.db_table} WHERE {_condition(above, way[1:])}"  # noqa: S608
        found = f"{field.column} = ANY(ARRAY({rows}))"
    return f"{found} AND {ONLY[model]}" if model in ONLY else found
