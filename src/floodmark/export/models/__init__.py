"""RSR's tables under RSR's own names, by theme; only those that export, import, API and reports need.

Columns, lengths and nullability are RSR's. A foreign key to a table that is not modelled is a plain integer column.
RSR gives its columns no defaults in the database; the defaults here are for rows that Floodmark makes.
"""

from floodmark.export.models.classification import (
    CountryBudgetItem,
    HumanitarianScope,
    PolicyMarker,
    RecipientCountry,
    RecipientRegion,
    Sector,
)
from floodmark.export.models.document import Link, ProjectDocument, ProjectDocumentCategory, ProjectUpdate
from floodmark.export.models.donor_reporting import CrsAdd, CrsAddOtherFlag, Fss, FssForecast
from floodmark.export.models.finance import (
    BudgetItem,
    BudgetItemLabel,
    PlannedDisbursement,
    Transaction,
    TransactionSector,
)
from floodmark.export.models.iati_export import IatiActivityExport, IatiExport
from floodmark.export.models.location import AdministrativeLocation, Country, ProjectLocation
from floodmark.export.models.organisation import (
    Organisation,
    OrganisationDocument,
    OrganisationDocumentCategory,
    OrganisationDocumentCountry,
    OrganisationLocation,
)
from floodmark.export.models.organisation_budget import (
    OrganisationCountryBudget,
    OrganisationCountryBudgetLine,
    OrganisationExpenseLine,
    OrganisationRecipientOrgBudget,
    OrganisationRecipientOrgBudgetLine,
    OrganisationRegionBudget,
    OrganisationRegionBudgetLine,
    OrganisationTotalBudget,
    OrganisationTotalBudgetLine,
    OrganisationTotalExpenditure,
)
from floodmark.export.models.partnership import Partnership
from floodmark.export.models.project import (
    Category,
    Keyword,
    LegacyData,
    Project,
    ProjectCondition,
    ProjectContact,
    ProjectCustomField,
    ProjectEditorValidationSet,
    PublishingStatus,
    RelatedProject,
)
from floodmark.export.models.result import (
    Indicator,
    IndicatorDimensionName,
    IndicatorDimensionValue,
    IndicatorPeriod,
    IndicatorPeriodActualLocation,
    IndicatorPeriodDisaggregation,
    IndicatorPeriodTargetLocation,
    IndicatorReference,
    Result,
)
from floodmark.export.models.state import DatasetState, Lease, Round, WorkerState

__all__ = [
    "AdministrativeLocation",
    "BudgetItem",
    "BudgetItemLabel",
    "Category",
    "Country",
    "CountryBudgetItem",
    "CrsAdd",
    "CrsAddOtherFlag",
    "DatasetState",
    "Fss",
    "FssForecast",
    "HumanitarianScope",
    "IatiActivityExport",
    "IatiExport",
    "Indicator",
    "IndicatorDimensionName",
    "IndicatorDimensionValue",
    "IndicatorPeriod",
    "IndicatorPeriodActualLocation",
    "IndicatorPeriodDisaggregation",
    "IndicatorPeriodTargetLocation",
    "IndicatorReference",
    "Keyword",
    "Lease",
    "LegacyData",
    "Link",
    "Organisation",
    "OrganisationCountryBudget",
    "OrganisationCountryBudgetLine",
    "OrganisationDocument",
    "OrganisationDocumentCategory",
    "OrganisationDocumentCountry",
    "OrganisationExpenseLine",
    "OrganisationLocation",
    "OrganisationRecipientOrgBudget",
    "OrganisationRecipientOrgBudgetLine",
    "OrganisationRegionBudget",
    "OrganisationRegionBudgetLine",
    "OrganisationTotalBudget",
    "OrganisationTotalBudgetLine",
    "OrganisationTotalExpenditure",
    "Partnership",
    "PlannedDisbursement",
    "PolicyMarker",
    "Project",
    "ProjectCondition",
    "ProjectContact",
    "ProjectCustomField",
    "ProjectDocument",
    "ProjectDocumentCategory",
    "ProjectEditorValidationSet",
    "ProjectLocation",
    "ProjectUpdate",
    "PublishingStatus",
    "RecipientCountry",
    "RecipientRegion",
    "RelatedProject",
    "Result",
    "Round",
    "Sector",
    "Transaction",
    "TransactionSector",
    "WorkerState",
]
