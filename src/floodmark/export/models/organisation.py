"""Organisations, where they are, and the documents of an organisation file."""

from __future__ import annotations

from django.db import models

from floodmark.export.models.fields import Timestamped


class Organisation(Timestamped):
    """An organisation: reporter, partner, or provider and receiver of money."""

    name = models.CharField(max_length=40, blank=True, unique=True)
    long_name = models.CharField(max_length=100, blank=True, unique=True)
    language = models.CharField(max_length=2, default="en", blank=True)
    organisation_type = models.CharField(max_length=1, null=True, blank=True)
    new_organisation_type = models.IntegerField(default=22)
    iati_org_id = models.CharField(max_length=75, null=True, blank=True, unique=True)
    logo = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=200, blank=True)
    facebook = models.CharField(max_length=200, blank=True)
    twitter = models.CharField(max_length=200, blank=True)
    linkedin = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=20, blank=True)
    mobile = models.CharField(max_length=20, blank=True)
    fax = models.CharField(max_length=20, blank=True)
    contact_person = models.CharField(max_length=30, blank=True)
    contact_email = models.CharField(max_length=50, blank=True)
    description = models.TextField(blank=True)
    notes = models.TextField(blank=True)
    content_owner = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="owned_organisations"
    )
    primary_location = models.ForeignKey(
        "OrganisationLocation", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    public_iati_file = models.BooleanField(default=True)
    can_become_reporting = models.BooleanField(default=False)
    can_create_projects = models.BooleanField(default=False)
    currency = models.CharField(max_length=3, default="EUR", blank=True)
    original = models.OneToOneField("self", models.SET_NULL, null=True, blank=True, related_name="shadow")
    iati_prefixes = models.CharField(max_length=2000, null=True, blank=True)
    codelist_id = models.IntegerField(null=True, blank=True)
    use_project_roles = models.BooleanField(default=False)
    enforce_program_projects = models.BooleanField(default=False)
    password_policy_id = models.BigIntegerField(null=True, blank=True)
    enforce_2fa = models.BooleanField(default=False)

    class Meta:
        db_table = "rsr_organisation"


class OrganisationLocation(models.Model):
    """Where an organisation has its offices."""

    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    city = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=255, blank=True)
    address_1 = models.CharField(max_length=255, blank=True)
    address_2 = models.CharField(max_length=255, blank=True)
    postcode = models.CharField(max_length=10, blank=True)
    country = models.ForeignKey("Country", models.SET_NULL, null=True, blank=True, related_name="+")
    location_target = models.ForeignKey(Organisation, models.CASCADE, related_name="locations")
    iati_country = models.CharField(max_length=2, blank=True)

    class Meta:
        db_table = "rsr_organisationlocation"


class OrganisationDocument(models.Model):
    """A document of the organisation file (`document-link`)."""

    url = models.CharField(max_length=200, blank=True)
    document = models.CharField(max_length=100, blank=True)
    format = models.CharField(max_length=85, blank=True)
    title = models.CharField(max_length=100, blank=True)
    title_language = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=2, blank=True)
    document_date = models.DateField(null=True, blank=True)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="documents")

    class Meta:
        db_table = "rsr_organisationdocument"


class OrganisationDocumentCategory(models.Model):
    """A code of IATI's DocumentCategory list on an organisation's document."""

    category = models.CharField(max_length=3, blank=True)
    document = models.ForeignKey(OrganisationDocument, models.CASCADE, related_name="categories")

    class Meta:
        db_table = "rsr_organisationdocumentcategory"


class OrganisationDocumentCountry(models.Model):
    """A `recipient-country` of an organisation's document."""

    country = models.CharField(max_length=2, blank=True)
    text = models.CharField(max_length=100, blank=True)
    document = models.ForeignKey(OrganisationDocument, models.CASCADE, related_name="countries")

    class Meta:
        db_table = "rsr_organisationdocumentcountry"
