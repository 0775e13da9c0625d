"""Budgets and expenditure of the organisation file, each with its lines."""

from __future__ import annotations

from django.db import models

from floodmark.export.models.organisation import Organisation


class Money(models.Model):
    """An amount with its currency and date; None where unknown, and 0 is an amount."""

    currency = models.CharField(max_length=3, blank=True)
    value = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    value_date = models.DateField(null=True, blank=True)

    class Meta:
        abstract = True


class OrganisationMoney(Money):
    """An amount of an organisation over a period."""

    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="%(class)ss")

    class Meta:
        abstract = True


class Budget(OrganisationMoney):
    """An `OrganisationMoney` that is planned: `status` 1 indicative, 2 committed."""

    status = models.CharField(max_length=1, blank=True)

    class Meta:
        abstract = True


class Line(Money):
    """A `budget-line` or `expense-line`."""

    reference = models.CharField(max_length=50, blank=True)
    text = models.CharField(max_length=1000, blank=True)

    class Meta:
        abstract = True


class OrganisationTotalBudget(Budget):
    """`total-budget`."""

    class Meta:
        db_table = "rsr_organisationtotalbudget"


class OrganisationTotalBudgetLine(Line):
    """`budget-line` of a `total-budget`."""

    budget = models.ForeignKey(OrganisationTotalBudget, models.CASCADE, related_name="lines")

    class Meta:
        db_table = "rsr_organisationtotalbudgetline"


class OrganisationRecipientOrgBudget(Budget):
    """`recipient-org-budget`."""

    recipient_organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="received_budgets")

    class Meta:
        db_table = "rsr_organisationrecipientorgbudget"


class OrganisationRecipientOrgBudgetLine(Line):
    """`budget-line` of a `recipient-org-budget`."""

    budget = models.ForeignKey(OrganisationRecipientOrgBudget, models.CASCADE, related_name="lines")

    class Meta:
        db_table = "rsr_organisationrecipientorgbudgetline"


class OrganisationRegionBudget(Budget):
    """`recipient-region-budget`."""

    region = models.CharField(max_length=25, blank=True)
    region_vocabulary = models.CharField(max_length=2, blank=True)
    region_vocabulary_uri = models.CharField(max_length=1000, blank=True)
    text = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "rsr_organisationregionbudget"


class OrganisationRegionBudgetLine(Line):
    """`budget-line` of a `recipient-region-budget`."""

    budget = models.ForeignKey(OrganisationRegionBudget, models.CASCADE, related_name="lines")

    class Meta:
        db_table = "rsr_organisationregionbudgetline"


class OrganisationCountryBudget(Budget):
    """`recipient-country-budget`."""

    country = models.CharField(max_length=2, blank=True)
    text = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "rsr_organisationcountrybudget"


class OrganisationCountryBudgetLine(Line):
    """`budget-line` of a `recipient-country-budget`."""

    budget = models.ForeignKey(OrganisationCountryBudget, models.CASCADE, related_name="lines")

    class Meta:
        db_table = "rsr_organisationcountrybudgetline"


class OrganisationTotalExpenditure(OrganisationMoney):
    """`total-expenditure`."""

    class Meta:
        db_table = "rsr_organisationtotalexpenditure"


class OrganisationExpenseLine(Line):
    """`expense-line` of a `total-expenditure`."""

    expenditure = models.ForeignKey(OrganisationTotalExpenditure, models.CASCADE, related_name="lines")

    class Meta:
        db_table = "rsr_organisationexpenseline"
