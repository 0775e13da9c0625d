"""What is there in the source: versions, counts, datasets, and every table or column that is missing, by name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from django.apps import apps
from django.db import Error, connections
from django.db.backends.utils import CursorWrapper

from floodmark.errors import SourceError
from floodmark.export import catalogue
from floodmark.export.router import SOURCE
from floodmark.export.rows.database import Database
from floodmark.export.source import alias

USEFUL_TABLES = frozenset({
    "rsr_category", "rsr_country", "rsr_iatiactivityexport", "rsr_indicator_dimension_names", "rsr_keyword",
    "rsr_organisationlocation", "rsr_project_categories", "rsr_project_keywords", "rsr_projectcustomfield",
    "rsr_publishingstatus", "rsr_relatedproject",
})  # fmt: skip
"""Tables that no IATI file needs; pages, API and reports show less without them."""

USEFUL_COLUMNS: dict[str, frozenset[str]] = {
    "rsr_project": frozenset({
        "aggregate_children", "aggregate_to_parent", "budget", "contributes_to_project_id",
        "descriptions_order", "donate_url", "donations", "external_parent_iati_activity_id", "funds", "funds_needed",
        "is_impact_project", "last_update_id", "notes", "primary_location_id", "primary_organisation_id",
        "run_iati_checks", "targets_at", "use_project_roles", "uuid",
    }),
    "rsr_partnership": frozenset({"funding_amount", "iati_url", "partner_type_extra", "related_activity_id"}),
    "rsr_organisation": frozenset({
        "can_become_reporting", "can_create_projects", "codelist_id", "contact_email", "contact_person",
        "content_owner_id", "created_at", "description", "enforce_2fa", "enforce_program_projects", "facebook", "fax",
        "iati_prefixes", "linkedin", "mobile", "notes", "organisation_type", "password_policy_id", "phone",
        "primary_location_id", "public_iati_file", "twitter", "url", "use_project_roles",
    }),
    "rsr_iatiexport": frozenset({"created_at", "last_modified_at", "user_id", "version"}),
    "rsr_iatiexport_projects": frozenset({"id"}),
    "rsr_project_validations": frozenset({"id"}),
    "rsr_projectcontact": frozenset({"country_id", "state"}),
    "rsr_projectlocation": frozenset({"address_1", "address_2", "city", "country_id", "postcode", "state"}),
    "rsr_countrybudgetitem": frozenset({"percentage"}),
    "rsr_planneddisbursement": frozenset({"updated"}),
    "rsr_link": frozenset({"kind"}),
    "rsr_projectupdate": frozenset({
        "created_at", "last_modified_at", "notes", "photo", "photo_caption", "photo_credit", "primary_location_id",
        "text", "update_method", "user_agent", "user_id", "uuid", "video", "video_caption", "video_credit",
    }),
    "rsr_result": frozenset({"parent_result_id"}),
    "rsr_indicator": frozenset({
        "baseline_score", "cumulative", "parent_indicator_id", "scores", "target_comment", "target_score",
        "target_value",
    }),
    "rsr_indicatorperiod": frozenset({
        "denominator", "label_id", "locked", "numerator", "parent_period_id", "score_index", "score_indices",
        "target_score",
    }),
    "rsr_indicatorperioddisaggregation": frozenset({
        "created_at", "denominator", "last_modified_at", "numerator",
    }),
    "rsr_indicatordimensionname": frozenset({"parent_dimension_name_id", "project_id"}),
    "rsr_indicatordimensionvalue": frozenset({"parent_dimension_value_id"}),
    "rsr_projecteditorvalidationset": frozenset({"description"}),
}  # fmt: skip
"""Columns of needed tables that no IATI file needs."""

_COLUMNS = """
SELECT c.relname, a.attname, has_column_privilege(c.oid, a.attnum, 'SELECT')
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relname = ANY(%s) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND pg_table_is_visible(c.oid)
  AND a.attnum > 0 AND NOT a.attisdropped
"""
_ACTIVITIES = f"""
SELECT id, name, (SELECT count(*) FROM rsr_iatiexport_projects p WHERE p.iatiexport_id = export_id)
FROM (SELECT o.id, o.name, ({catalogue.EXPORT_OF.replace("%s", "o.id")}) AS export_id FROM rsr_organisation o) found
WHERE export_id IS NOT NULL ORDER BY id
"""  # noqa: S608 - own words


@dataclass(frozen=True, order=True)
class Gap:
    """A table, or a column of one, that cannot be read."""

    table: str
    column: str | None
    problem: Literal["missing", "not readable"]
    needed: bool
    """False where only pages, API or reports would show it."""

    def __str__(self) -> str:
        what = f"table {self.table}" if self.column is None else f"column {self.table}.{self.column}"
        hint = "" if self.problem == "missing" else "; GRANT SELECT on it to this user"
        return f"{what} is {self.problem}{hint}"


@dataclass(frozen=True)
class Activities:
    """The activity file of one organisation, as the export that counts says."""

    organisation_id: int
    name: str
    projects: int


@dataclass(frozen=True)
class Check:
    """What was found; `serves` is the verdict."""

    reads_from: str
    server: str
    read_only: bool
    tables: int
    """How many of RSR's tables are there, of those that Floodmark knows."""
    gaps: tuple[Gap, ...]
    organisations: int | None = None
    projects: int | None = None
    exports: int | None = None
    activities: tuple[Activities, ...] = ()
    datasets: tuple[str, ...] | None = None
    """The files that can be served, as `41/activities`; None where something needed is missing."""

    @property
    def serves(self) -> bool:
        """True where nothing is missing that an IATI file needs."""
        return not any(gap.needed for gap in self.gaps)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "serves": self.serves}

    @property
    def where(self) -> str:
        """The setting that names the database."""
        return "source_url" if self.reads_from == SOURCE else "Floodmark's own database"

    def __str__(self) -> str:
        lines = [f"{self.server}, {self.where}, {'read-only' if self.read_only else 'writable'}"]
        for name, count in (
            ("organisations", self.organisations),
            ("projects", self.projects),
            ("exports", self.exports),
        ):
            lines.append(f"{name:14} {'unknown' if count is None else format(count, ',')}")
        lines.append(f"{'datasets':14} {self._datasets()}")
        lines += [f"  {one.organisation_id:>6}  {one.projects:>6,} projects  {one.name}" for one in self.activities]
        lines += [f"{'MISSING' if gap.needed else 'not needed':10} {gap}" for gap in self.gaps]
        lines.append("can serve" if self.serves else "cannot serve")
        return "\n".join(lines)

    def _datasets(self) -> str:
        if self.datasets is None:
            return "unknown"
        activities = sum(slug.endswith("/activities") for slug in self.datasets)
        return f"{activities} activity files, {len(self.datasets) - activities} organisation files"

    def reason(self) -> str:
        """Why it cannot serve, in one line."""
        needed = [gap for gap in self.gaps if gap.needed]
        if not self.tables:
            return f"{self.where}: not an RSR database; `floodmark import` or `floodmark sample` fills Floodmark's own"
        return (
            f"{self.where}: cannot serve: {len(needed)} needed tables or columns cannot be read; they are listed above"
        )


def check() -> Check:
    """Look at the database that RSR's rows are read from; raises SourceError where it goes away meanwhile."""
    try:
        with connections[alias()].cursor() as cursor:
            return _look(cursor)
    except Error as error:
        raise SourceError(f"the database cannot be looked at: {' '.join(str(error).split())}") from None


def _look(cursor: CursorWrapper) -> Check:
    gaps = tuple(sorted(_gaps(cursor), key=lambda gap: (not gap.needed, gap.table, gap.column or "")))
    unread = {gap.table for gap in gaps if gap.needed or gap.column is None}
    organisations, projects, exports = (_count(cursor, table, unread) for table in _COUNTED)
    activities: list[Activities] = []
    if not unread & {"rsr_iatiexport", "rsr_iatiexport_projects", "rsr_organisation"}:
        cursor.execute(_ACTIVITIES)
        activities = [Activities(*row) for row in cursor.fetchall()]
    serves = not any(gap.needed for gap in gaps)
    return Check(
        reads_from=alias(),
        server=f"PostgreSQL {_value(cursor, 'SHOW server_version')}",
        read_only=_value(cursor, "SHOW transaction_read_only") == "on",
        tables=len(_expected()) - sum(gap.column is None and gap.problem == "missing" for gap in gaps),
        gaps=gaps,
        organisations=organisations,
        projects=projects,
        exports=exports,
        activities=tuple(activities),
        datasets=tuple(dataset.slug for dataset in catalogue.every(Database())) if serves else None,
    )


def grants(role: str) -> str:
    """The SQL by which a role of an RSR database may read the tables that Floodmark reads."""
    name = '"' + role.replace('"', '""') + '"'
    tables = sorted(_expected())
    return "\n".join(
        [
            f"GRANT USAGE ON SCHEMA public TO {name};",
            *(f"GRANT SELECT ON public.{table} TO {name};" for table in tables),
        ]
    )


_COUNTED = ("rsr_organisation", "rsr_project", "rsr_iatiexport")


def _value(cursor: CursorWrapper, query: str) -> Any:
    cursor.execute(query)
    row = cursor.fetchone()
    return row[0] if row else None


def _count(cursor: CursorWrapper, table: str, unread: set[str]) -> int | None:
    return None if table in unread else _value(cursor, f"SELECT count(*) FROM {table}")  # noqa: S608


def _expected() -> dict[str, set[str]]:
    """table -> columns, of all of RSR's tables that are modelled."""
    models = apps.get_app_config("export").get_models(include_auto_created=True)
    return {
        model._meta.db_table: {str(field.column) for field in model._meta.concrete_fields}
        for model in models
        if model._meta.db_table.startswith("rsr_")
    }


def _gaps(cursor: CursorWrapper) -> list[Gap]:
    expected = _expected()
    cursor.execute(_COLUMNS, [sorted(expected)])
    found: dict[str, dict[str, bool]] = {}
    for table, column, readable in cursor.fetchall():
        found.setdefault(table, {})[column] = readable
    gaps: list[Gap] = []
    for table, columns in expected.items():
        gaps += _gaps_of(table, columns, found.get(table))
    return gaps


def _gaps_of(table: str, columns: set[str], found: dict[str, bool] | None) -> list[Gap]:
    needed = table not in USEFUL_TABLES
    if found is None:
        return [Gap(table, None, "missing", needed)]
    if not any(found.values()):
        return [Gap(table, None, "not readable", needed)]
    useful = USEFUL_COLUMNS.get(table, frozenset())
    return [
        Gap(table, column, "not readable" if column in found else "missing", needed and column not in useful)
        for column in columns
        if not found.get(column)
    ]
