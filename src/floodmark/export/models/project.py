"""Projects and the short texts and labels that hang on them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.db import models

from floodmark.export.models.fields import LTreeField, Timestamped


class Project(Timestamped):
    """A project: one `iati-activity`."""

    title = models.CharField(max_length=200, blank=True)
    subtitle = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=1, default="H", blank=True)
    project_plan_summary = models.TextField(blank=True)
    current_image = models.CharField(max_length=100, blank=True)
    current_image_caption = models.CharField(max_length=60, blank=True)
    current_image_credit = models.CharField(max_length=60, blank=True)
    goals_overview = models.TextField(blank=True)
    current_status = models.TextField(blank=True)
    project_plan = models.TextField(blank=True)
    sustainability = models.TextField(blank=True)
    background = models.TextField(blank=True)
    target_group = models.TextField(blank=True)
    language = models.CharField(max_length=2, default="en", blank=True)
    notes = models.TextField(blank=True)
    currency = models.CharField(max_length=3, default="EUR", blank=True)
    date_start_planned = models.DateField(null=True, blank=True)
    date_start_actual = models.DateField(null=True, blank=True)
    date_end_planned = models.DateField(null=True, blank=True)
    date_end_actual = models.DateField(null=True, blank=True)
    iati_activity_id = models.CharField(max_length=100, null=True, blank=True, unique=True)
    hierarchy = models.PositiveIntegerField(null=True, blank=True)
    project_scope = models.CharField(max_length=2, blank=True)
    capital_spend_percentage = models.DecimalField(max_digits=4, decimal_places=1, null=True, blank=True)
    collaboration_type = models.CharField(max_length=1, blank=True)
    default_aid_type = models.CharField(max_length=3, blank=True)
    default_finance_type = models.CharField(max_length=3, blank=True)
    default_flow_type = models.CharField(max_length=2, blank=True)
    default_tied_status = models.CharField(max_length=10, blank=True)
    budget = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    funds = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    funds_needed = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    last_update = models.ForeignKey("ProjectUpdate", models.SET_NULL, null=True, blank=True, related_name="+")
    primary_location = models.ForeignKey("ProjectLocation", models.SET_NULL, null=True, blank=True, related_name="+")
    country_budget_vocabulary = models.CharField(max_length=1, blank=True)
    is_impact_project = models.BooleanField(default=True)
    primary_organisation = models.ForeignKey("Organisation", models.SET_NULL, null=True, blank=True, related_name="+")
    is_public = models.BooleanField(default=True)
    humanitarian = models.BooleanField(null=True, blank=True)
    iati_status = models.CharField(max_length=1, blank=True)
    aggregate_children = models.BooleanField(default=True)
    aggregate_to_parent = models.BooleanField(default=True)
    donate_url = models.CharField(max_length=200, null=True, blank=True)
    donations = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    default_aid_type_vocabulary = models.CharField(max_length=1, default="1", blank=True)
    descriptions_order = models.JSONField(default=list)
    use_project_roles = models.BooleanField(default=False)
    run_iati_checks = models.BooleanField(default=False)
    targets_at = models.CharField(max_length=9, default="period", blank=True)
    uuid = models.UUIDField(default=uuid4, unique=True)
    path = LTreeField(unique=True)
    contributes_to_project = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="contributors"
    )
    external_parent_iati_activity_id = models.CharField(max_length=100, null=True, blank=True)
    keywords: models.ManyToManyField[Keyword, Any] = models.ManyToManyField(
        "Keyword", blank=True, related_name="projects"
    )
    categories: models.ManyToManyField[Category, Any] = models.ManyToManyField(
        "Category", blank=True, related_name="projects"
    )
    validations: models.ManyToManyField[ProjectEditorValidationSet, Any] = models.ManyToManyField(
        "ProjectEditorValidationSet", blank=True, related_name="projects"
    )

    class Meta:
        db_table = "rsr_project"


class PublishingStatus(models.Model):
    """Whether RSR shows the project: `published`, `unpublished`."""

    status = models.CharField(max_length=30, default="unpublished", blank=True)
    project = models.OneToOneField(Project, models.CASCADE, related_name="publishingstatus")

    class Meta:
        db_table = "rsr_publishingstatus"


class ProjectContact(models.Model):
    """`contact-info`."""

    type = models.CharField(max_length=1, blank=True)
    person_name = models.CharField(max_length=100, blank=True)
    email = models.CharField(max_length=254, blank=True)
    job_title = models.CharField(max_length=100, blank=True)
    organisation = models.CharField(max_length=100, blank=True)
    telephone = models.CharField(max_length=30, blank=True)
    mailing_address = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=100, blank=True)
    department = models.CharField(max_length=100, blank=True)
    website = models.CharField(max_length=200, blank=True)
    country = models.ForeignKey("Country", models.SET_NULL, null=True, blank=True, related_name="+")
    project = models.ForeignKey(Project, models.CASCADE, related_name="contacts")

    class Meta:
        db_table = "rsr_projectcontact"


class ProjectCondition(models.Model):
    """A `condition`."""

    text = models.CharField(max_length=100, blank=True)
    type = models.CharField(max_length=1, blank=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="conditions")

    class Meta:
        db_table = "rsr_projectcondition"


class RelatedProject(models.Model):
    """A relation stated by hand; RSR does not export it."""

    relation = models.CharField(max_length=1, blank=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="related_projects")
    related_project = models.ForeignKey(
        Project, models.SET_NULL, null=True, blank=True, related_name="related_to_projects"
    )
    related_iati_id = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "rsr_relatedproject"
        unique_together = (("project", "related_project"),)


class LegacyData(models.Model):
    """`legacy-data`."""

    name = models.CharField(max_length=1000, blank=True)
    value = models.CharField(max_length=1000, blank=True)
    iati_equivalent = models.CharField(max_length=1000, blank=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="legacy_data")

    class Meta:
        db_table = "rsr_legacydata"


class ProjectCustomField(models.Model):
    """A field that an organisation added to its projects; not exported."""

    name = models.CharField(max_length=255, blank=True)
    section = models.IntegerField()
    max_characters = models.IntegerField(null=True, blank=True)
    help_text = models.TextField(blank=True)
    value = models.TextField(blank=True)
    project = models.ForeignKey(Project, models.CASCADE, related_name="custom_fields")
    mandatory = models.BooleanField(default=False)
    order = models.PositiveSmallIntegerField(default=1)
    type = models.CharField(max_length=20, default="text", blank=True)
    dropdown_options = models.JSONField(null=True, blank=True)
    dropdown_selection = models.JSONField(null=True, blank=True)

    class Meta:
        db_table = "rsr_projectcustomfield"


class Keyword(models.Model):
    """A keyword of the web site; not exported."""

    label = models.CharField(max_length=100, blank=True, unique=True)
    logo = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "rsr_keyword"


class Category(models.Model):
    """A category of benchmarks; not exported."""

    name = models.CharField(max_length=50, blank=True)

    class Meta:
        db_table = "rsr_category"


class ProjectEditorValidationSet(models.Model):
    """A set of rules of RSR's editor; some force elements into the export."""

    name = models.CharField(max_length=255, blank=True)
    description = models.TextField(blank=True)

    class Meta:
        db_table = "rsr_projecteditorvalidationset"
