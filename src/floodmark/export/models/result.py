"""Results, indicators, periods and their disaggregation."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models

from floodmark.export.models.fields import Timestamped


class Result(models.Model):
    """`result`."""

    title = models.CharField(max_length=500, blank=True)
    type = models.CharField(max_length=1, blank=True)
    aggregation_status = models.BooleanField(null=True, blank=True)
    description = models.CharField(max_length=2000, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="results")
    parent_result = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="child_results")
    order = models.PositiveSmallIntegerField(null=True, blank=True)

    class Meta:
        db_table = "rsr_result"
        unique_together = (("project", "parent_result"),)


class IndicatorDimensionName(models.Model):
    """A dimension by which values are split, such as gender."""

    name = models.CharField(max_length=100, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="dimension_names")
    parent_dimension_name = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="child_dimension_names"
    )

    class Meta:
        db_table = "rsr_indicatordimensionname"


class IndicatorDimensionValue(models.Model):
    """A value of a dimension, such as women."""

    value = models.CharField(max_length=100, blank=True)
    name = models.ForeignKey(IndicatorDimensionName, models.CASCADE, related_name="dimension_values")
    parent_dimension_value = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="child_dimension_values"
    )

    class Meta:
        db_table = "rsr_indicatordimensionvalue"
        unique_together = (("name", "value"),)


class Indicator(models.Model):
    """`indicator`; type 1 is quantitative, 2 qualitative."""

    title = models.CharField(max_length=500, blank=True)
    measure = models.CharField(max_length=1, blank=True)
    ascending = models.BooleanField(null=True, blank=True)
    description = models.CharField(max_length=2000, blank=True)
    baseline_year = models.PositiveIntegerField(null=True, blank=True)
    baseline_value = models.CharField(max_length=200, blank=True)
    baseline_comment = models.CharField(max_length=2000, blank=True)
    result = models.ForeignKey(Result, models.CASCADE, related_name="indicators")
    order = models.PositiveSmallIntegerField(null=True, blank=True)
    parent_indicator = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="child_indicators"
    )
    type = models.PositiveSmallIntegerField(default=1)
    export_to_iati = models.BooleanField(default=True)
    target_value = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    target_comment = models.CharField(max_length=2000, blank=True)
    scores = ArrayField(models.CharField(max_length=1000), default=list, blank=True)
    baseline_score = models.SmallIntegerField(null=True, blank=True)
    target_score = models.SmallIntegerField(null=True, blank=True)
    cumulative = models.BooleanField(default=False)
    dimension_names = models.ManyToManyField(IndicatorDimensionName, blank=True, related_name="indicators")

    class Meta:
        db_table = "rsr_indicator"
        unique_together = (("result", "parent_indicator"),)


class IndicatorReference(models.Model):
    """`reference` of an `indicator`."""

    reference = models.CharField(max_length=25, blank=True)
    vocabulary = models.CharField(max_length=2, blank=True)
    vocabulary_uri = models.CharField(max_length=1000, blank=True)
    indicator = models.ForeignKey(Indicator, models.CASCADE, related_name="references")

    class Meta:
        db_table = "rsr_indicatorreference"


class IndicatorPeriod(models.Model):
    """`period`."""

    period_start = models.DateField(null=True, blank=True)
    period_end = models.DateField(null=True, blank=True)
    target_value = models.CharField(max_length=50, blank=True)
    target_comment = models.CharField(max_length=2000, blank=True)
    actual_value = models.CharField(max_length=50, blank=True)
    actual_comment = models.CharField(max_length=2000, blank=True)
    indicator = models.ForeignKey(Indicator, models.CASCADE, related_name="periods")
    locked = models.BooleanField(default=True)
    parent_period = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="child_periods")
    denominator = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    numerator = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    narrative = models.TextField(blank=True)
    score_index = models.SmallIntegerField(null=True, blank=True)
    score_indices = ArrayField(models.SmallIntegerField(), default=list, blank=True)
    label_id = models.IntegerField(null=True, blank=True)
    target_score = models.SmallIntegerField(null=True, blank=True)

    class Meta:
        db_table = "rsr_indicatorperiod"
        unique_together = (("indicator", "parent_period"),)


class IndicatorPeriodTargetLocation(models.Model):
    """`location` of a period's `target`."""

    location = models.CharField(max_length=25, blank=True)
    period = models.ForeignKey(IndicatorPeriod, models.CASCADE, related_name="target_locations")

    class Meta:
        db_table = "rsr_indicatorperiodtargetlocation"


class IndicatorPeriodActualLocation(models.Model):
    """`location` of a period's `actual`."""

    location = models.CharField(max_length=25, blank=True)
    period = models.ForeignKey(IndicatorPeriod, models.CASCADE, related_name="actual_locations")

    class Meta:
        db_table = "rsr_indicatorperiodactuallocation"


class IndicatorPeriodDisaggregation(Timestamped):
    """A period's actual value for one value of a dimension."""

    value = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    numerator = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    denominator = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    dimension_value = models.ForeignKey(IndicatorDimensionValue, models.CASCADE, related_name="disaggregations")
    period = models.ForeignKey(IndicatorPeriod, models.CASCADE, related_name="disaggregations")

    class Meta:
        db_table = "rsr_indicatorperioddisaggregation"
