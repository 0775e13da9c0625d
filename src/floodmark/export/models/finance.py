"""Budgets, planned disbursements and transactions of a project."""

from __future__ import annotations

from django.db import models


class BudgetItemLabel(models.Model):
    """A name that budget items share (`akvo:label`)."""

    label = models.CharField(max_length=30, blank=True, unique=True)

    class Meta:
        db_table = "rsr_budgetitemlabel"


class BudgetItem(models.Model):
    """`budget`."""

    other_extra = models.CharField(max_length=30, null=True, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    type = models.CharField(max_length=1, blank=True)
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    value_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    label = models.ForeignKey(BudgetItemLabel, models.SET_NULL, null=True, blank=True, related_name="budget_items")
    project = models.ForeignKey("Project", models.CASCADE, related_name="budget_items")
    status = models.CharField(max_length=1, blank=True)

    class Meta:
        db_table = "rsr_budgetitem"


class PlannedDisbursement(models.Model):
    """`planned-disbursement`."""

    value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    value_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    updated = models.DateField(null=True, blank=True)
    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    type = models.CharField(max_length=1, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="planned_disbursements")
    provider_organisation = models.ForeignKey(
        "Organisation", models.SET_NULL, null=True, blank=True, related_name="planned_disbursement_providers"
    )
    provider_organisation_activity = models.CharField(max_length=100, blank=True)
    receiver_organisation = models.ForeignKey(
        "Organisation", models.SET_NULL, null=True, blank=True, related_name="planned_disbursement_receivers"
    )
    receiver_organisation_activity = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "rsr_planneddisbursement"


class Transaction(models.Model):
    """`transaction`."""

    reference = models.CharField(max_length=25, blank=True)
    aid_type = models.CharField(max_length=3, blank=True)
    description = models.CharField(max_length=255, blank=True)
    disbursement_channel = models.CharField(max_length=1, blank=True)
    finance_type = models.CharField(max_length=3, blank=True)
    flow_type = models.CharField(max_length=2, blank=True)
    tied_status = models.CharField(max_length=1, blank=True)
    transaction_date = models.DateField(null=True, blank=True)
    transaction_type = models.CharField(max_length=2, blank=True)
    value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    value_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    provider_organisation_activity = models.CharField(max_length=100, blank=True)
    receiver_organisation_activity = models.CharField(max_length=100, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="transactions")
    provider_organisation = models.ForeignKey(
        "Organisation", models.SET_NULL, null=True, blank=True, related_name="transaction_providers"
    )
    receiver_organisation = models.ForeignKey(
        "Organisation", models.SET_NULL, null=True, blank=True, related_name="transaction_receivers"
    )
    recipient_country = models.CharField(max_length=2, blank=True)
    recipient_region = models.CharField(max_length=25, blank=True)
    recipient_region_vocabulary = models.CharField(max_length=2, blank=True)
    humanitarian = models.BooleanField(null=True, blank=True)
    recipient_region_vocabulary_uri = models.CharField(max_length=1000, blank=True)
    aid_type_vocabulary = models.CharField(max_length=1, blank=True)

    class Meta:
        db_table = "rsr_transaction"


class TransactionSector(models.Model):
    """`sector` of a `transaction`."""

    code = models.CharField(max_length=25, blank=True)
    text = models.CharField(max_length=100, blank=True)
    vocabulary = models.CharField(max_length=5, blank=True)
    transaction = models.ForeignKey(Transaction, models.CASCADE, related_name="sectors")
    vocabulary_uri = models.CharField(max_length=1000, blank=True)

    class Meta:
        db_table = "rsr_transactionsector"
