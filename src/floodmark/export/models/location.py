"""Where a project works."""

from __future__ import annotations

from django.db import models


class Country(models.Model):
    """A country of RSR's own list, named by locations and contacts."""

    name = models.CharField(max_length=50, blank=True, unique=True)
    iso_code = models.CharField(max_length=2, blank=True, unique=True)
    continent = models.CharField(max_length=20, blank=True)
    continent_code = models.CharField(max_length=2, blank=True)

    class Meta:
        db_table = "rsr_country"


class ProjectLocation(models.Model):
    """`location`."""

    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    city = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=255, blank=True)
    address_1 = models.CharField(max_length=255, blank=True)
    address_2 = models.CharField(max_length=255, blank=True)
    postcode = models.CharField(max_length=10, blank=True)
    reference = models.CharField(max_length=50, blank=True)
    location_code = models.CharField(max_length=25, blank=True)
    vocabulary = models.CharField(max_length=2, blank=True)
    name = models.CharField(max_length=100, blank=True)
    description = models.CharField(max_length=2000, blank=True)
    activity_description = models.CharField(max_length=2000, blank=True)
    exactness = models.CharField(max_length=1, blank=True)
    location_reach = models.CharField(max_length=1, blank=True)
    location_class = models.CharField(max_length=1, blank=True)
    feature_designation = models.CharField(max_length=5, blank=True)
    country = models.ForeignKey(Country, models.SET_NULL, null=True, blank=True, related_name="+")
    location_target = models.ForeignKey("Project", models.CASCADE, related_name="locations")

    class Meta:
        db_table = "rsr_projectlocation"


class AdministrativeLocation(models.Model):
    """`administrative` of a `location`."""

    code = models.CharField(max_length=25, blank=True)
    vocabulary = models.CharField(max_length=2, blank=True)
    level = models.PositiveSmallIntegerField(null=True, blank=True)
    location = models.ForeignKey(ProjectLocation, models.CASCADE, related_name="administratives")

    class Meta:
        db_table = "rsr_administrativelocation"
