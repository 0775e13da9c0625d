"""What the export writes of a project by itself, so that importing a file of one's own adds nothing twice."""

from __future__ import annotations

from django.db.models import QuerySet

from floodmark.export import models
from floodmark.export.formats.base import Links

RSR = "NL-KVK-27327087"
"""Whose id of the project the first other-identifier is: Akvo's."""
MAX_PAGES = 10_000


class OwnPages:
    """Addresses that come out as document-link without being rows of an import: photo, links, uploads, updates."""

    def __init__(self, alias: str = "", project_id: int = 0, links: Links | None = None) -> None:
        self.addresses: set[str] = set()
        self.relations: set[tuple[str, str]] = set()
        self.number = ""
        """The project's id, which comes out as an other-identifier."""
        if project_id:
            self._read(alias, project_id, links or Links())

    def _read(self, alias: str, project_id: int, links: Links) -> None:
        urls = models.Link.objects.using(alias).filter(project_id=project_id)
        self.addresses.update(urls.values_list("url", flat=True)[:MAX_PAGES])
        uploads = models.ProjectDocument.objects.using(alias).filter(project_id=project_id, url="")
        stored = uploads.exclude(document="").values_list("document", flat=True)
        self.addresses.update(map(links.media, stored[:MAX_PAGES]))
        updates = models.ProjectUpdate.objects.using(alias).filter(project_id=project_id)
        numbers = updates.values_list("id", flat=True)[:MAX_PAGES]
        self.addresses.update(links.update(project_id, number) for number in numbers)
        project = models.Project.objects.using(alias).filter(id=project_id)
        for image, path in project.values_list("current_image", "path"):
            if image:
                self.addresses.add(links.media(image))
            self._relate(alias, str(path))

    def _relate(self, alias: str, path: str) -> None:
        projects = models.Project.objects.using(alias).exclude(iati_activity_id=None)
        above, _, _ = path.rpartition(".")
        if above:
            self.relations.update((ref or "", "1") for ref in _identifiers(projects.filter(path=above)))
        below = projects.extra(
            where=["path <@ %s::ltree AND nlevel(path) = nlevel(%s::ltree) + 1"], params=[path, path]
        )
        self.relations.update((ref or "", "2") for ref in _identifiers(below))


def _identifiers(projects: QuerySet[models.Project]) -> list[str | None]:
    return list(projects.values_list("iati_activity_id", flat=True)[:MAX_PAGES])


def pages_of_organisation(alias: str, organisation_id: int, links: Links) -> set[str]:
    """The same of an organisation: its logo and its uploads."""
    uploads = models.OrganisationDocument.objects.using(alias).filter(organisation_id=organisation_id, url="")
    paths = list(uploads.exclude(document="").values_list("document", flat=True)[:MAX_PAGES])
    paths += models.Organisation.objects.using(alias).filter(id=organisation_id).values_list("logo", flat=True)
    return {links.media(path) for path in paths if path}
