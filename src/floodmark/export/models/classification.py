"""What a project is about and whom it is for."""

from __future__ import annotations

from django.db import models


class RecipientCountry(models.Model):
    """`recipient-country`."""

    country = models.CharField(max_length=2, blank=True)
    percentage = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    text = models.CharField(max_length=50, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="recipient_countries")

    class Meta:
        db_table = "rsr_recipientcountry"


class RecipientRegion(models.Model):
    """`recipient-region`."""

    region = models.CharField(max_length=25, blank=True)
    region_vocabulary = models.CharField(max_length=2, blank=True)
    percentage = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    text = models.CharField(max_length=50, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="recipient_regions")
    region_vocabulary_uri = models.CharField(max_length=1000, blank=True)

    class Meta:
        db_table = "rsr_recipientregion"


class Sector(models.Model):
    """`sector`."""

    sector_code = models.CharField(max_length=25, blank=True)
    text = models.CharField(max_length=100, blank=True)
    vocabulary = models.CharField(max_length=5, blank=True)
    percentage = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="sectors")
    vocabulary_uri = models.CharField(max_length=1000, blank=True)

    class Meta:
        db_table = "rsr_sector"


class CountryBudgetItem(models.Model):
    """`budget-item` of `country-budget-items`."""

    code = models.CharField(max_length=10, blank=True)
    description = models.CharField(max_length=100, blank=True)
    percentage = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="country_budget_items")

    class Meta:
        db_table = "rsr_countrybudgetitem"


class HumanitarianScope(models.Model):
    """`humanitarian-scope`."""

    code = models.CharField(max_length=25, blank=True)
    type = models.CharField(max_length=1, blank=True)
    vocabulary = models.CharField(max_length=3, blank=True)
    vocabulary_uri = models.CharField(max_length=1000, blank=True)
    text = models.CharField(max_length=1000, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="humanitarian_scopes")

    class Meta:
        db_table = "rsr_humanitarianscope"


class PolicyMarker(models.Model):
    """`policy-marker`."""

    policy_marker = models.CharField(max_length=25, blank=True)
    significance = models.CharField(max_length=2, blank=True)
    vocabulary = models.CharField(max_length=5, blank=True)
    description = models.CharField(max_length=255, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="policy_markers")
    vocabulary_uri = models.CharField(max_length=1000, blank=True)

    class Meta:
        db_table = "rsr_policymarker"
