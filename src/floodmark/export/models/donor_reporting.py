"""What donors report to the OECD: `crs-add` and `fss`."""

from __future__ import annotations

from django.db import models


class CrsAdd(models.Model):
    """`crs-add`; its key is the project's."""

    project = models.OneToOneField("Project", models.CASCADE, primary_key=True, related_name="crsadd")
    loan_terms_rate1 = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    loan_terms_rate2 = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    repayment_type = models.CharField(max_length=1, blank=True)
    repayment_plan = models.CharField(max_length=2, blank=True)
    commitment_date = models.DateField(null=True, blank=True)
    repayment_first_date = models.DateField(null=True, blank=True)
    repayment_final_date = models.DateField(null=True, blank=True)
    loan_status_year = models.PositiveIntegerField(null=True, blank=True)
    loan_status_currency = models.CharField(max_length=3, blank=True)
    loan_status_value_date = models.DateField(null=True, blank=True)
    interest_received = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    principal_outstanding = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    principal_arrears = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    interest_arrears = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    channel_code = models.CharField(max_length=5, blank=True)

    class Meta:
        db_table = "rsr_crsadd"


class CrsAddOtherFlag(models.Model):
    """`other-flags` of `crs-add`."""

    code = models.CharField(max_length=1, blank=True)
    significance = models.BooleanField(null=True, blank=True)
    crs = models.ForeignKey(CrsAdd, models.CASCADE, related_name="other_flags")

    class Meta:
        db_table = "rsr_crsaddotherflag"


class Fss(models.Model):
    """`fss`; its key is the project's."""

    project = models.OneToOneField("Project", models.CASCADE, primary_key=True, related_name="fss")
    extraction_date = models.DateField(null=True, blank=True)
    priority = models.BooleanField(null=True, blank=True)
    phaseout_year = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        db_table = "rsr_fss"


class FssForecast(models.Model):
    """`forecast` of `fss`."""

    year = models.PositiveIntegerField(null=True, blank=True)
    value_date = models.DateField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    value = models.DecimalField(max_digits=10, decimal_places=2, null=True, blank=True)
    fss = models.ForeignKey(Fss, models.CASCADE, related_name="forecasts")

    class Meta:
        db_table = "rsr_fssforecast"
