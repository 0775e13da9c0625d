"""The tables of an activity file: the projects, and what hangs on a project but for its results (`results`)."""

from __future__ import annotations

from typing import Annotated, NamedTuple

from floodmark.export.rows.table import Iso, NonZero, Number, Stamp, Table

OfProject = Annotated[int, "t.project_id"]

NAME = "coalesce(nullif({0}.long_name, ''), {0}.name)"
"""An organisation's name as RSR publishes it."""

REPORTING = """
 LEFT JOIN LATERAL (
     SELECT p.id, coalesce(p.is_secondary_reporter, false) AS secondary,
            o.iati_org_id, o.new_organisation_type, coalesce(nullif(o.long_name, ''), o.name) AS name
     FROM rsr_partnership p JOIN rsr_organisation o ON o.id = p.organisation_id
     WHERE p.project_id = t.id AND p.iati_organisation_role = 101
     ORDER BY (p.is_secondary_reporter IS TRUE), p.id LIMIT 1
 ) rep ON true
 LEFT JOIN rsr_project up ON nlevel(t.path) > 1 AND up.path = subpath(t.path, 0, greatest(nlevel(t.path) - 1, 0))"""
"""Of several reporting partnerships the first that is no secondary reporter, else the first. The organisation is not
resolved to the one it is a copy of, as RSR does not here. `up` is the parent in the hierarchy of projects."""


_DATES = ("date_start_planned", "date_start_actual", "date_end_planned", "date_end_actual")
_A_DAY = "{0} >= '0001-01-01' AND {0} < 'infinity'"
_NO_DATE = " AND ".join(f"({_A_DAY.format('t.' + column)}) IS NOT TRUE" for column in _DATES)

# What stands in for a missing date and status. CASE keeps the look-ups from all projects that have one.
EARLIEST_DATE = f"""CASE WHEN {_NO_DATE} THEN (SELECT min(day) FROM (
        SELECT x.transaction_date AS day FROM rsr_transaction x WHERE x.project_id = t.id
        UNION ALL SELECT x.period_start FROM rsr_budgetitem x WHERE x.project_id = t.id
        UNION ALL SELECT x.period_start FROM rsr_planneddisbursement x WHERE x.project_id = t.id
        UNION ALL SELECT x.period_start FROM rsr_indicatorperiod x JOIN rsr_indicator i ON i.id = x.indicator_id
            JOIN rsr_result r ON r.id = i.result_id WHERE r.project_id = t.id
    ) parts WHERE {_A_DAY.format("day")})::text END"""  # noqa: S608 - own words
RECORDED_DATE = f"CASE WHEN {_NO_DATE} THEN (t.created_at AT TIME ZONE 'UTC')::date::text END"
_HAS_TRANSACTIONS = """CASE WHEN t.iati_status = '' THEN EXISTS (
        SELECT FROM rsr_transaction x WHERE x.project_id = t.id AND x.transaction_date IS NOT NULL) ELSE false END"""


LONG_BYTES = 200_000
"""A text of a project above this is not read with its row: whole, 50 MB of it took 440 MB on the way to the file."""

DESCRIPTIONS = (
    "subtitle", "project_plan_summary", "background", "project_plan", "current_status", "sustainability",
    "goals_overview", "target_group",
)  # fmt: skip
"""The texts of a project that RSR does not limit."""


class Project(NamedTuple):
    """A project with what an activity has once."""

    id: int
    parent: Annotated[int, "t.id"]
    last_modified_at: Stamp
    language: str
    currency: str
    hierarchy: int | None
    humanitarian: bool | None
    iati_activity_id: str | None
    title: str
    subtitle: str | None
    project_plan_summary: str | None
    background: str | None
    project_plan: str | None
    current_status: str | None
    sustainability: str | None
    goals_overview: str | None
    target_group: str | None
    """Each of these eight is None where it is longer than LONG_BYTES: `ActivityRows.long_text` reads it then."""
    iati_status: str
    status: str
    date_start_planned: Iso
    date_start_actual: Iso
    date_end_planned: Iso
    date_end_actual: Iso
    earliest_date: Iso
    """Of its money and results; only where it has no date itself."""
    recorded: Iso
    """When the row was made; only where it has no date itself."""
    has_transactions: bool
    """Whether money has moved; asked only where it has no status."""
    project_scope: str
    country_budget_vocabulary: str
    collaboration_type: str
    default_flow_type: str
    default_finance_type: str
    default_aid_type: str
    default_aid_type_vocabulary: str
    default_tied_status: str
    capital_spend_percentage: Number
    current_image: str
    current_image_caption: str
    current_image_credit: str
    reporting_id: Annotated[int | None, "rep.id"]
    reporting_secondary: Annotated[bool | None, "rep.secondary"]
    reporting_ref: Annotated[str | None, "rep.iati_org_id"]
    reporting_type: Annotated[int | None, "rep.new_organisation_type"]
    reporting_name: Annotated[str | None, "rep.name"]
    parent_activity: Annotated[str | None, "up.iati_activity_id"]
    dgis: Annotated[
        bool,
        """coalesce((SELECT true FROM rsr_project_validations v
                     JOIN rsr_projecteditorvalidationset s ON s.id = v.projecteditorvalidationset_id
                     WHERE v.project_id = t.id AND s.name IN ('DGIS IATI', 'DGIS Modified') LIMIT 1), false)""",
    ]


PROJECT = Table(
    Project,
    "rsr_project",
    joins=REPORTING,
    values={
        "earliest_date": EARLIEST_DATE, "recorded": RECORDED_DATE, "has_transactions": _HAS_TRANSACTIONS,
        **{name: f"CASE WHEN octet_length(t.{name}) <= {LONG_BYTES} THEN t.{name} END" for name in DESCRIPTIONS},
    },
)  # fmt: skip


def original(number: str, column: str) -> str:
    """Joins the organisation of a column as `o{number}`, resolved to the one it is a copy of."""
    return (
        f" LEFT JOIN rsr_organisation c{number} ON c{number}.id = t.{column}"
        f" LEFT JOIN rsr_organisation o{number} ON o{number}.id = coalesce(c{number}.original_id, c{number}.id)"
    )


class ParticipatingOrg(NamedTuple):
    """A partnership with one of IATI's four roles."""

    id: int
    parent: OfProject
    iati_organisation_role: int
    iati_activity_id: str | None
    ref: Annotated[str | None, "o.iati_org_id"]
    type: Annotated[int | None, "o.new_organisation_type"]
    name: Annotated[str | None, NAME.format("o")]


PARTICIPATING_ORG = Table(
    ParticipatingOrg,
    "rsr_partnership",
    joins=original("", "organisation_id"),
    # 101 is the reporting partner, which is an element of its own; RSR has further roles that IATI does not know.
    where="t.iati_organisation_role BETWEEN 1 AND 4 AND o.id IS NOT NULL",
    order=("t.iati_organisation_role",),
)


class OtherIdentifier(NamedTuple):
    """A partnership under whose internal id the partner knows the project."""

    id: int
    parent: OfProject
    internal_id: str
    ref: Annotated[str | None, "o.iati_org_id"]
    name: Annotated[str | None, NAME.format("o")]


OTHER_IDENTIFIER = Table(
    OtherIdentifier,
    "rsr_partnership",
    joins=original("", "organisation_id"),
    where="t.internal_id <> '' AND o.id IS NOT NULL",
    # Last, as RSR sorts a missing role; NULL itself would be neither above nor below the key of a page.
    order=("coalesce(t.iati_organisation_role, 32767)",),
)


class Contact(NamedTuple):
    """A contact-info."""

    id: int
    parent: OfProject
    type: str
    organisation: str
    department: str
    person_name: str
    job_title: str
    telephone: str
    email: str
    website: str
    mailing_address: str


CONTACT = Table(Contact, "rsr_projectcontact")


class RecipientCountry(NamedTuple):
    """A recipient-country."""

    id: int
    parent: OfProject
    country: str
    percentage: NonZero
    text: str


RECIPIENT_COUNTRY = Table(
    RecipientCountry,
    "rsr_recipientcountry",
    # Percentages descending, NULL first, as keys that are never NULL and ascend.
    order=("(t.percentage IS NOT NULL)", "-coalesce(t.percentage, 0)", 't.country COLLATE "C"'),
)


class RecipientRegion(NamedTuple):
    """A recipient-region."""

    id: int
    parent: OfProject
    region: str
    region_vocabulary: str
    region_vocabulary_uri: str
    percentage: NonZero
    text: str


RECIPIENT_REGION = Table(RecipientRegion, "rsr_recipientregion")


class Location(NamedTuple):
    """A location."""

    id: int
    parent: Annotated[int, "t.location_target_id"]
    reference: str
    location_reach: str
    location_code: str
    vocabulary: str
    name: str
    description: str
    activity_description: str
    latitude: float | None
    longitude: float | None
    exactness: str
    location_class: str
    feature_designation: str


LOCATION = Table(Location, "rsr_projectlocation")


class Administrative(NamedTuple):
    """An administrative division that a location lies in."""

    id: int
    parent: Annotated[int, "t.location_id"]
    vocabulary: str
    code: str
    level: int | None


ADMINISTRATIVE = Table(Administrative, "rsr_administrativelocation")


class Sector(NamedTuple):
    """A sector."""

    id: int
    parent: OfProject
    sector_code: str
    vocabulary: str
    vocabulary_uri: str
    percentage: NonZero
    text: str


# By code point: by the database's collation the same rows would come in another order on another server.
SECTOR = Table(Sector, "rsr_sector", order=('t.sector_code COLLATE "C"',))


class CountryBudgetItem(NamedTuple):
    """A budget-item of country-budget-items."""

    id: int
    parent: OfProject
    code: str
    description: str


COUNTRY_BUDGET_ITEM = Table(CountryBudgetItem, "rsr_countrybudgetitem")


class HumanitarianScope(NamedTuple):
    """A humanitarian-scope."""

    id: int
    parent: OfProject
    code: str
    type: str
    vocabulary: str
    vocabulary_uri: str
    text: str


HUMANITARIAN_SCOPE = Table(HumanitarianScope, "rsr_humanitarianscope")


class PolicyMarker(NamedTuple):
    """A policy-marker."""

    id: int
    parent: OfProject
    policy_marker: str
    significance: str
    vocabulary: str
    vocabulary_uri: str
    description: str


POLICY_MARKER = Table(PolicyMarker, "rsr_policymarker")


class RelatedActivity(NamedTuple):
    """A direct child in the hierarchy of projects; `id` is the child's."""

    id: int
    parent: Annotated[int, "up.id"]
    iati_activity_id: str


RELATED_ACTIVITY = Table(
    RelatedActivity,
    "rsr_project",
    # The first two conditions bound a range of the index on path, which sorts label by label: what lies under `up`.
    joins=""" JOIN rsr_project up ON t.path > up.path AND t.path < (up.path::text || '.' || repeat('z', 255))::ltree
         AND subpath(t.path, 0, greatest(nlevel(t.path) - 1, 0)) = up.path""",
    where="t.iati_activity_id <> ''",
    order=('t.iati_activity_id COLLATE "C"',),
)


class LegacyData(NamedTuple):
    """A legacy-data."""

    id: int
    parent: OfProject
    name: str
    value: str
    iati_equivalent: str


LEGACY_DATA = Table(LegacyData, "rsr_legacydata")


class Condition(NamedTuple):
    """A condition."""

    id: int
    parent: OfProject
    type: str
    text: str


CONDITION = Table(Condition, "rsr_projectcondition")


class CrsAdd(NamedTuple):
    """The crs-add of a project; its key is the project."""

    id: Annotated[int, "t.project_id"]
    parent: OfProject
    loan_terms_rate1: Number
    loan_terms_rate2: Number
    repayment_type: str
    repayment_plan: str
    commitment_date: Iso
    repayment_first_date: Iso
    repayment_final_date: Iso
    loan_status_year: int | None
    loan_status_currency: str
    loan_status_value_date: Iso
    interest_received: Number
    principal_outstanding: Number
    principal_arrears: Number
    interest_arrears: Number
    channel_code: str


CRS_ADD = Table(CrsAdd, "rsr_crsadd", key="t.project_id")


class OtherFlag(NamedTuple):
    """An other-flags of a crs-add."""

    id: int
    parent: Annotated[int, "t.crs_id"]
    code: str
    significance: bool | None


OTHER_FLAG = Table(OtherFlag, "rsr_crsaddotherflag")


class Fss(NamedTuple):
    """The fss of a project; its key is the project."""

    id: Annotated[int, "t.project_id"]
    parent: OfProject
    extraction_date: Iso
    priority: bool | None
    phaseout_year: int | None


FSS = Table(Fss, "rsr_fss", key="t.project_id")


class Forecast(NamedTuple):
    """A forecast of an fss."""

    id: int
    parent: Annotated[int, "t.fss_id"]
    value: Number
    year: int | None
    value_date: Iso
    currency: str


FORECAST = Table(Forecast, "rsr_fssforecast")
