"""Who does what in a project."""

from __future__ import annotations

from django.db import models


class Partnership(models.Model):
    """An organisation in a role: 1 funding, 2 accountable, 3 extending, 4 implementing, 101 reporting."""

    funding_amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    partner_type_extra = models.CharField(max_length=30, null=True, blank=True)
    iati_activity_id = models.CharField(max_length=100, null=True, blank=True)
    internal_id = models.CharField(max_length=75, null=True, blank=True)
    iati_url = models.CharField(max_length=200, blank=True)
    related_activity_id = models.CharField(max_length=100, blank=True)
    organisation = models.ForeignKey(
        "Organisation", models.SET_NULL, null=True, blank=True, related_name="partnerships"
    )
    project = models.ForeignKey("Project", models.CASCADE, related_name="partnerships")
    iati_organisation_role = models.PositiveSmallIntegerField(null=True, blank=True)
    is_secondary_reporter = models.BooleanField(null=True, blank=True)

    class Meta:
        db_table = "rsr_partnership"
