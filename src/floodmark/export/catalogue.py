"""Which datasets there are, who publishes them, and when their content last changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from floodmark.errors import UsageError
from floodmark.export.datasets import Dataset
from floodmark.export.formats.activity_identity import ReportingOrg
from floodmark.export.rows.database import Database

# The export that says what an organisation publishes: of the one that RSR serves (latest, with a file) and those that
# RSR did not get through (with projects) the newest, else the newest with status 1 to 3. A finished one that is newer
# than the latest was taken back by somebody. One that RSR did not get through is what somebody asked for last: pending,
# in progress (for ever, where its exporter was killed), or "cancelled": its exporter sets that, and nothing else does,
# where it fails, be it at one row of one project (measured), and where there are no projects.
_GIVEN_UP = 4
_SERVED = "(e.latest AND coalesce(e.iati_file, '') <> '')"
_WANTED = "(e.status IN (1, 2, 4) AND EXISTS (SELECT FROM rsr_iatiexport_projects m WHERE m.iatiexport_id = e.id))"
_COUNTS = f"({_SERVED} OR {_WANTED} OR e.status <> 4)"
_NEWEST = f"({_SERVED} OR {_WANTED}) DESC, e.id DESC"
_ORGANISATION = "o.iati_org_id, o.new_organisation_type, coalesce(nullif(o.long_name, ''), o.name)"

# The export of an organisation.
EXPORT_OF = f"""
    SELECT e.id FROM rsr_iatiexport e WHERE e.reporting_organisation_id = %s AND {_COUNTS}
    ORDER BY {_NEWEST} LIMIT 1"""  # noqa: S608 - own words

# Whether the export of an organisation holds any project.
HOLDS_PROJECTS = f"SELECT 1 FROM rsr_iatiexport_projects WHERE iatiexport_id = ({EXPORT_OF}) LIMIT 1"  # noqa: S608

# The organisation whose export a project is in, by the same rule.
PUBLISHER_OF = f"""
    SELECT {_ORGANISATION} FROM rsr_iatiexport e
    JOIN rsr_iatiexport_projects p ON p.iatiexport_id = e.id
    JOIN rsr_organisation o ON o.id = e.reporting_organisation_id
    WHERE p.project_id = %s AND {_COUNTS} ORDER BY {_NEWEST} LIMIT 1"""  # noqa: S608 - own words

# Every organisation that has an export which counts, or says something only an organisation file can say.
PUBLISHING = f"""
    SELECT o.id, EXISTS (SELECT FROM rsr_iatiexport e WHERE e.reporting_organisation_id = o.id AND {_COUNTS}),
           coalesce(o.iati_org_id, '') <> '' AND (
               EXISTS (SELECT FROM rsr_iatiexport e WHERE e.reporting_organisation_id = o.id)
               OR EXISTS (SELECT FROM rsr_organisationtotalbudget b WHERE b.organisation_id = o.id)
               OR EXISTS (SELECT FROM rsr_organisationrecipientorgbudget b WHERE b.organisation_id = o.id)
               OR EXISTS (SELECT FROM rsr_organisationregionbudget b WHERE b.organisation_id = o.id)
               OR EXISTS (SELECT FROM rsr_organisationcountrybudget b WHERE b.organisation_id = o.id)
               OR EXISTS (SELECT FROM rsr_organisationtotalexpenditure b WHERE b.organisation_id = o.id)
               OR EXISTS (SELECT FROM rsr_organisationdocument d WHERE d.organisation_id = o.id)
               OR o.logo <> '')
    FROM rsr_organisation o ORDER BY o.id"""  # noqa: S608 - own words

# PostgreSQL stores moments that Python cannot (before year 1, after 9999, infinite), and psycopg raises on reading one.
# A day inside of both ends, for the session's time zone may push a moment over them.
_A_MOMENT = "t.last_modified_at > '0001-01-02' AND t.last_modified_at < '9999-12-31'"

# When the rows of a dataset were last changed, as far as RSR stamps them: only projects and organisations.
CHANGED = {
    "activities": f"""
        SELECT max(t.last_modified_at) FILTER (WHERE {_A_MOMENT}) FROM rsr_iatiexport_projects e
        JOIN rsr_project t ON t.id = e.project_id WHERE e.iatiexport_id = %s""",  # noqa: S608 - own words
    "organisation": f"""
        SELECT t.last_modified_at FROM rsr_organisation t WHERE t.id = %s AND {_A_MOMENT}""",  # noqa: S608 - own words
}


def organisation(database: Database, organisation_id: int) -> ReportingOrg:
    """The organisation as it reports activities. Raises UsageError if there is none of that id."""
    found = _ask(
        database,
        f"SELECT {_ORGANISATION} FROM rsr_organisation o WHERE o.id = %s",  # noqa: S608 - own words
        [organisation_id],
    )
    if not found:
        raise UsageError(f"no organisation has the id {organisation_id}; `floodmark source check` lists them")
    return ReportingOrg(*found[0])


def publisher(database: Database, project_id: int) -> ReportingOrg | None:
    """The organisation whose export a project is in. Raises UsageError if there is no project of that id."""
    if not _ask(database, "SELECT 1 FROM rsr_project WHERE id = %s", [project_id]):
        raise UsageError(f"no project has the id {project_id}")
    found = _ask(database, PUBLISHER_OF, [project_id])
    return ReportingOrg(*found[0]) if found else None


def export_of(database: Database, organisation_id: int) -> int | None:
    """The id of the export that says what an organisation publishes; None where it has none that counts."""
    found = _ask(database, EXPORT_OF, [organisation_id])
    return int(found[0][0]) if found else None


def was_given_up(database: Database, export_id: int) -> bool:
    """Whether RSR's own exporter failed at this export."""
    found = _ask(database, "SELECT status FROM rsr_iatiexport WHERE id = %s", [export_id])
    return bool(found) and found[0][0] == _GIVEN_UP


def count(database: Database, dataset: Dataset) -> int:
    """How many projects (or organisations) the file of a dataset is made of."""
    if dataset.kind == "organisation":
        return 1
    number = export_of(database, dataset.organisation_id)
    return int(_ask(database, "SELECT count(*) FROM rsr_iatiexport_projects WHERE iatiexport_id = %s", [number])[0][0])


def every(database: Database) -> list[Dataset]:
    """All datasets: activities of each organisation with an export, organisation of each that has any to publish."""
    datasets: list[Dataset] = []
    for number, has_export, has_file in _ask(database, PUBLISHING, []):
        if has_export:
            datasets.append(Dataset("activities", number))
        if has_file:
            datasets.append(Dataset("organisation", number))
    return datasets


def find(database: Database, word: str) -> int:
    """The id of the organisation that a word names: its id, else its IATI identifier. Raises UsageError."""
    # Ids first: some identifiers are bare numbers (old DAC codes), and one must not stand before the id of another.
    number = int(word) if word.isascii() and word.isdigit() and len(word) < 10 else None
    for column, value in (("id", number), ("iati_org_id", word)):
        found = _ask(database, f"SELECT id FROM rsr_organisation WHERE {column} = %s", [value])  # noqa: S608 - own words
        if found:
            return int(found[0][0])
    raise UsageError(f"no organisation has the id or IATI identifier {word!r}; `floodmark source check` lists them")


def changed(database: Database, dataset: Dataset) -> datetime:
    """When the content of a dataset was last changed, as far as RSR says; the start of 1970 where it does not."""
    number: int | None = dataset.organisation_id
    if dataset.kind == "activities":
        number = export_of(database, dataset.organisation_id)
    found = _ask(database, CHANGED[dataset.kind], [number])
    moment: datetime | None = found[0][0] if found else None
    return moment or datetime.fromtimestamp(0, UTC)


def _ask(database: Database, statement: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
    return database.snapshot(lambda fetch: fetch(statement, parameters))
