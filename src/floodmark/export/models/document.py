"""Links, documents and updates, which all become `document-link`."""

from __future__ import annotations

from django.db import models

from floodmark.export.models.fields import Timestamped


class Link(models.Model):
    """A web link of a project."""

    kind = models.CharField(max_length=1, blank=True)
    url = models.CharField(max_length=200, blank=True)
    caption = models.CharField(max_length=50, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="links")

    class Meta:
        db_table = "rsr_link"


class ProjectDocument(models.Model):
    """A document of a project, stored or linked."""

    url = models.CharField(max_length=200, blank=True)
    document = models.CharField(max_length=100, blank=True)
    format = models.CharField(max_length=85, blank=True)
    title = models.CharField(max_length=100, blank=True)
    title_language = models.CharField(max_length=2, blank=True)
    language = models.CharField(max_length=2, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="documents")
    document_date = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "rsr_projectdocument"


class ProjectDocumentCategory(models.Model):
    """A code of IATI's DocumentCategory list on a project's document."""

    category = models.CharField(max_length=3, blank=True)
    document = models.ForeignKey(ProjectDocument, models.CASCADE, related_name="categories")

    class Meta:
        db_table = "rsr_projectdocumentcategory"


class ProjectUpdate(Timestamped):
    """An update written about a project; the export links to its page."""

    title = models.CharField(max_length=1024, blank=True)
    text = models.TextField(blank=True)
    language = models.CharField(max_length=2, default="en", blank=True)
    photo = models.CharField(max_length=100, blank=True)
    photo_caption = models.TextField(blank=True)
    photo_credit = models.TextField(blank=True)
    video = models.CharField(max_length=200, blank=True)
    video_caption = models.TextField(blank=True)
    video_credit = models.TextField(blank=True)
    update_method = models.CharField(max_length=1, blank=True)
    user_agent = models.CharField(max_length=200, blank=True)
    uuid = models.CharField(max_length=40, blank=True)
    notes = models.TextField(blank=True)
    primary_location_id = models.IntegerField(null=True, blank=True)
    project = models.ForeignKey("Project", models.CASCADE, related_name="project_updates")
    user_id = models.IntegerField(default=0)  # RSR's user; 0 where Floodmark made the row
    event_date = models.DateField()

    class Meta:
        db_table = "rsr_projectupdate"
