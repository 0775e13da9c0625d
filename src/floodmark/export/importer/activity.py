"""One activity into the tables: a method an element, named in the table at the end. Results stand in `results`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from floodmark.export import models
from floodmark.export.importer import finance
from floodmark.export.importer.fitting import Fitting, moment
from floodmark.export.importer.losses import Reporter
from floodmark.export.importer.nodes import AKVO, XML_LANG, Node, narrative
from floodmark.export.importer.organisations import Organisations
from floodmark.export.importer.results import ResultImport
from floodmark.export.importer.rows import NO_PLACE, Row, Rows, report_leftovers
from floodmark.export.importer.tables import clear_project

REPORTING = 101
"""RSR's role of a partnership that is IATI's reporting-org."""

DESCRIPTIONS = {
    ("1", "4"): "subtitle", ("1", "5"): "project_plan_summary", ("1", "6"): "background", ("1", "7"): "project_plan",
    ("1", "9"): "current_status", ("1", "10"): "sustainability", ("2", "8"): "goals_overview",
    ("3", "3"): "target_group",
}  # fmt: skip
"""(@type, @akvo:type) -> column, as the export writes them."""

GENERAL = ("project_plan_summary", "background", "project_plan", "current_status", "sustainability")
"""Columns for general descriptions without @akvo:type, in the order in which they are filled."""

BY_TYPE = {"": GENERAL, "1": GENERAL, "2": ("goals_overview",), "3": ("target_group",)}

DATES = {"1": "date_start_planned", "2": "date_start_actual", "3": "date_end_planned", "4": "date_end_actual"}


OWN_COLUMNS = (
    "title", "language", "currency", "hierarchy", "humanitarian", "iati_status", "project_scope", "collaboration_type",
    "default_flow_type", "default_finance_type", "default_tied_status", "default_aid_type",
    "default_aid_type_vocabulary", "capital_spend_percentage", "country_budget_vocabulary", *DESCRIPTIONS.values(),
    *DATES.values(),
)  # fmt: skip
"""Columns of the project that a file decides."""


def _empty(column: str) -> Any:
    field = models.Project._meta.get_field(column)
    return None if field.null else ""


class ActivityImport:
    """Takes the pieces of one activity and adds rows; `finish` adds the project itself."""

    def __init__(self, rows: Rows, organisations: Organisations, reporter: Reporter, element: Any) -> None:
        self.rows, self.organisations, self.reporter = rows, organisations, reporter
        self.fitting = Fitting(reporter)
        self.start = Node(element, "iati-activity")
        self.language = self.start.attribute(XML_LANG)
        self.project = Row(models.Project, self.fitting)
        self.id, self.is_known = 0, False
        self.reporting: tuple[int, bool] | None = None
        self.reporting_internal_id = ""
        self.partnerships: list[dict[str, Any]] = []
        self.filled: set[str] = set()
        self.results = ResultImport(self)

    def begin(self, identifier: str, known_id: int | None) -> None:
        """The identifier is known: a project that has it already keeps its id, and its old rows go."""
        self.id, self.is_known = known_id or self.rows.number(models.Project), known_id is not None
        if known_id:
            clear_project(self.rows.connection, known_id)
        # A column that the file says nothing of is empty: RSR's defaults would come out as data.
        self.project.values |= {column: _empty(column) for column in OWN_COLUMNS}
        self.project.values["iati_activity_id"] = identifier
        self._attributes()

    def piece(self, path: str, element: Any) -> None:
        """Take one complete piece."""
        node = Node(element, path)
        if path.startswith("result/"):
            self.results.piece(path, node)
        elif path in CODES:
            if self._once(CODES[path], node):
                self.project.put(CODES[path], node.attribute("code"), node, "@code")
        elif path in HANDLERS:
            HANDLERS[path](self, node)
        else:
            self.reporter.lost(path, node.line, NO_PLACE, "left out", node.whole())
            return
        report_leftovers(node.leftovers(), self.reporter)

    def finish(self) -> None:
        """Add the project, its partnerships and the row that makes it public."""
        report_leftovers(self.start.attributes_left(), self.reporter)
        if self.is_known:
            found = models.Project.objects.using(self.rows.connection.alias).filter(id=self.id)
            found.update(**self.project.values)
        else:
            own = {"id": self.id, "path": f"p{self.id}", "uuid": uuid4()}
            self.rows.add(models.Project, self.project.values | own)
        self.rows.add(models.PublishingStatus, {"status": "published", "project_id": self.id})
        if self.reporting is not None:
            self.partnerships.insert(0, {
                "organisation_id": self.reporting[0], "iati_organisation_role": REPORTING,
                "is_secondary_reporter": self.reporting[1], "internal_id": self.reporting_internal_id or None,
            })  # fmt: skip
        for values in self.partnerships:
            self.rows.add(models.Partnership, {"project_id": self.id, **values})

    def add(self, model: Any, row: Row | None = None, **values: Any) -> int:
        """A row that belongs to this project."""
        return self.rows.add(model, {"project_id": self.id, **(row.values if row else {}), **values})

    def row(self, model: Any, **given: Any) -> Row:
        """A row to fill."""
        return Row(model, self.fitting, **given)

    # ------------------------------------------------------------------ the activity's own columns

    def _attributes(self) -> None:
        row, start = self.project, self.start
        row.put("language", self.language, start, "@xml:lang")
        row.attributes(start, currency="default-currency", hierarchy="hierarchy", humanitarian="humanitarian")
        text = start.attribute("last-updated-datetime")
        at = moment(text)
        if at is not None:
            row.values["created_at"] = row.values["last_modified_at"] = at.replace(microsecond=0)
        elif text:
            self.reporter.lost(
                "iati-activity/@last-updated-datetime", start.line, "not a date and time", "left out", text
            )

    def _once(self, column: str, node: Node) -> bool:
        """Whether a column is still free; what comes second is reported."""
        if column in self.filled:
            self.reporter.lost(
                node.path, node.line, "the tables hold only one", "left out", narrative(node, self.language)
            )
            for one in list(node.leftovers()):
                self.reporter.lost(one.element, one.line, "the tables hold only one", "left out", one.text)
            node.element.clear()
            return False
        self.filled.add(column)
        return True

    def identifier(self, node: Node) -> None:
        """Taken already, in `begin`."""
        node.text()

    def title(self, node: Node) -> None:
        """The title's narrative."""
        if self._once("title", node):
            self.project.put("title", narrative(node, self.language), node, "narrative")

    def description(self, node: Node) -> None:
        """Into the column of its types; without @akvo:type into the next free one of its kind."""
        kind, own = node.element.get("type", ""), node.element.get(f"{AKVO}type", "")
        columns = (DESCRIPTIONS[kind, own],) if (kind, own) in DESCRIPTIONS else BY_TYPE.get(kind, ())
        column = next((one for one in columns if one not in self.filled), None)
        if column is None:
            problem = "no column is free for a description of this type"
            self.reporter.lost("description", node.line, problem, "left out", narrative(node, self.language))
            node.attribute("type")
            node.attribute(f"{AKVO}type")
            return
        self.filled.add(column)
        node.attribute("type")
        if (kind, own) in DESCRIPTIONS:
            node.attribute(f"{AKVO}type")
        self.project.put(column, narrative(node, self.language), node, "narrative")

    def aid_type(self, node: Node) -> None:
        """default-aid-type, with its vocabulary."""
        if self._once("default_aid_type", node):
            self.project.attributes(node, default_aid_type="code", default_aid_type_vocabulary="vocabulary")

    def date(self, node: Node) -> None:
        """activity-date, by its type."""
        column = DATES.get(node.attribute("type"))
        if column is None:
            self.reporter.lost("activity-date/@type", node.line, "not one of 1 to 4", "left out")
        elif self._once(column, node):
            self.project.put(column, node.attribute("iso-date"), node, "@iso-date")

    def capital_spend(self, node: Node) -> None:
        """capital-spend."""
        if self._once("capital_spend_percentage", node):
            self.project.attributes(node, capital_spend_percentage="percentage")

    # ------------------------------------------------------------------ organisations

    def reporting_org(self, node: Node) -> None:
        """The reporting organisation: whose dataset this activity is in."""
        if not self._once("reporting-org", node):
            return
        number = self.organisations.of(node, self.reporter, self.language)
        if number is not None:
            secondary = node.attribute("secondary-reporter") in ("1", "true")
            self.reporting = (number, secondary)

    def participating_org(self, node: Node) -> None:
        """A participating organisation."""
        number = self.organisations.of(node, self.reporter, self.language)
        row = self.row(models.Partnership, organisation_id=number)
        row.attributes(node, iati_organisation_role="role", iati_activity_id="activity-id")
        if number is None or row.values["iati_organisation_role"] is None:
            self.reporter.lost("participating-org", node.line, "names no organisation or no role", "left out")
            return
        row.values["iati_activity_id"] = row.values["iati_activity_id"] or None
        self.partnerships.append(row.values)

    def other_identifier(self, node: Node) -> None:
        """RSR keeps one internal id a partnership: the reporting organisation's (A1), or a partner's (B9)."""
        owner = node.child("owner-org")
        ref = owner.element.get("ref", "") if owner else ""
        number = self.organisations.by_identifier(ref) if ref else None
        text, kind = node.element.get("ref", ""), node.element.get("type", "")
        place = self._internal_id_place(kind, number, has_owner=owner is not None)
        if place is None or len(text) > 75:
            self.reporter.lost("other-identifier", node.line, "no partnership to keep it with", "left out", text)
            node.element.clear()
            return
        place(text)
        for name in ("ref", "type"):
            node.attribute(name)
        if owner is not None:
            self.organisations.of(owner, self.reporter, self.language)

    def _internal_id_place(self, kind: str, number: int | None, *, has_owner: bool) -> Callable[[str], None] | None:
        if kind == "A1" and self.reporting and not self.reporting_internal_id and number in (None, self.reporting[0]):
            return None if has_owner and number is None else self._keep_reporting_id
        if kind == "B9" and number is not None:
            for values in self.partnerships:
                if values["organisation_id"] == number and not values.get("internal_id"):
                    return lambda text: values.update(internal_id=text)
        return None

    def _keep_reporting_id(self, text: str) -> None:
        self.reporting_internal_id = text

    # ------------------------------------------------------------------ rows of their own

    def contact(self, node: Node) -> None:
        """contact-info."""
        row = self.row(models.ProjectContact)
        row.attributes(node, type="type")
        for name in ("organisation", "department", "person-name", "job-title", "mailing-address"):
            row.put(name.replace("-", "_"), narrative(node.child(name), self.language), node, name)
        for name in ("telephone", "email", "website"):
            child = node.child(name)
            row.put(name, child.text() if child else "", node, name)
        self.add(models.ProjectContact, row)

    def country(self, node: Node) -> None:
        """recipient-country."""
        row = self.row(models.RecipientCountry)
        row.attributes(node, country="code", percentage="percentage")
        self._share(row, node)
        row.put("text", narrative(node, self.language), node, "narrative")
        self.add(models.RecipientCountry, row)

    def region(self, node: Node) -> None:
        """recipient-region."""
        row = self.row(models.RecipientRegion)
        row.attributes(
            node, region="code", region_vocabulary="vocabulary", region_vocabulary_uri="vocabulary-uri",
            percentage="percentage",
        )  # fmt: skip
        self._share(row, node)
        row.put("text", narrative(node, self.language), node, "narrative")
        self.add(models.RecipientRegion, row)

    def sector(self, node: Node) -> None:
        """sector."""
        row = self.row(models.Sector)
        row.attributes(
            node, sector_code="code", vocabulary="vocabulary", vocabulary_uri="vocabulary-uri", percentage="percentage"
        )
        self._share(row, node)
        row.put("text", narrative(node, self.language), node, "narrative")
        self.add(models.Sector, row)

    def _share(self, row: Row, node: Node) -> None:
        """A share of 0 is stored, but the export leaves it out, as RSR does."""
        if row.values.get("percentage") is not None and not row.values["percentage"]:
            self.reporter.lost(
                f"{node.path}/@percentage", node.line, "a share of 0 does not come out again", "stored", "0"
            )

    def location(self, node: Node) -> None:
        """location, with its administrative divisions."""
        row = self.row(models.ProjectLocation)
        row.attributes(node, reference="ref")
        row.code(node, "location-reach", "location_reach")
        identity = node.child("location-id")
        row.attributes(identity, location_code="code", vocabulary="vocabulary")
        for name in ("name", "description", "activity-description"):
            row.put(name.replace("-", "_"), narrative(node.child(name), self.language), node, f"{name}/narrative")
        divisions = list(node.children("administrative"))
        self._point(row, node)
        for name in ("exactness", "location-class", "feature-designation"):
            row.code(node, name, name.replace("-", "_"))
        number = self.rows.add(models.ProjectLocation, {"location_target_id": self.id, **row.values})
        for division in divisions:
            inner = self.row(models.AdministrativeLocation, location_id=number)
            inner.attributes(division, code="code", vocabulary="vocabulary", level="level")
            if inner.values["level"] == 0:
                self.reporter.lost(
                    "location/administrative/@level", division.line, "level 0 does not come out", "stored", "0"
                )
            self.rows.add(models.AdministrativeLocation, inner.values)

    def _point(self, row: Row, node: Node) -> None:
        point = node.child("point")
        position = point.child("pos") if point else None
        if point is None or position is None:
            return
        point.attribute("srsName")
        words = position.text().split()
        if len(words) != 2:
            self.reporter.lost("location/point/pos", position.line, "not two numbers", "left out", " ".join(words))
            return
        row.put("latitude", words[0], position)
        row.put("longitude", words[1], position)

    def country_budget_items(self, node: Node) -> None:
        """country-budget-items: the vocabulary is the project's, one for all."""
        if not self._once("country_budget_vocabulary", node):
            return
        self.project.attributes(node, country_budget_vocabulary="vocabulary")
        for item in node.children("budget-item"):
            row = self.row(models.CountryBudgetItem)
            row.attributes(item, code="code", percentage="percentage")
            if row.values["percentage"] is not None:
                problem = "the export never writes it"
                self.reporter.lost("country-budget-items/budget-item/@percentage", item.line, problem, "stored")
            row.put("description", narrative(item.child("description"), self.language), item, "description")
            self.add(models.CountryBudgetItem, row)

    def humanitarian_scope(self, node: Node) -> None:
        """humanitarian-scope."""
        row = self.row(models.HumanitarianScope)
        row.attributes(node, code="code", type="type", vocabulary="vocabulary", vocabulary_uri="vocabulary-uri")
        row.put("text", narrative(node, self.language), node, "narrative")
        self.add(models.HumanitarianScope, row)

    def policy_marker(self, node: Node) -> None:
        """policy-marker."""
        row = self.row(models.PolicyMarker)
        row.attributes(
            node, policy_marker="code", significance="significance", vocabulary="vocabulary",
            vocabulary_uri="vocabulary-uri",
        )  # fmt: skip
        row.put("description", narrative(node, self.language), node, "narrative")
        self.add(models.PolicyMarker, row)

    def related_activity(self, node: Node) -> None:
        """Kept as RSR keeps it; its exporter writes relations from the tree of projects only."""
        row = self.row(models.RelatedProject)
        row.attributes(node, related_iati_id="ref", relation="type")
        self.add(models.RelatedProject, row)
        text = node.element.get("ref", "")
        self.reporter.lost(
            "related-activity", node.line, "the export writes relations of the project tree", "stored", text
        )

    def legacy_data(self, node: Node) -> None:
        """legacy-data."""
        row = self.row(models.LegacyData)
        row.attributes(node, name="name", value="value", iati_equivalent="iati-equivalent")
        self.add(models.LegacyData, row)

    def conditions(self, node: Node) -> None:
        """conditions; @attached is written from whether there are any."""
        attached = node.attribute("attached") in ("1", "true")
        found = list(node.children("condition"))
        for condition in found:
            row = self.row(models.ProjectCondition)
            row.attributes(condition, type="type")
            row.put("text", narrative(condition, self.language), condition, "narrative")
            self.add(models.ProjectCondition, row)
        if attached != bool(found):
            problem = "is written from whether there are conditions"
            self.reporter.lost("conditions/@attached", node.line, problem, "left out", str(int(attached)))

    def document(self, node: Node) -> None:
        """document-link."""
        row = self.row(models.ProjectDocument)
        document_columns(row, node)
        number = self.add(models.ProjectDocument, row)
        for category in node.children("category"):
            inner = self.row(models.ProjectDocumentCategory, document_id=number)
            inner.attributes(category, category="code")
            self.rows.add(models.ProjectDocumentCategory, inner.values)


def document_columns(row: Row, node: Node) -> None:
    """The columns that documents of projects and of organisations share."""
    row.attributes(node, url="url", format="format")
    title = node.child("title")
    first = title.child("narrative") if title else None
    if title is not None and first is not None:
        row.put("title", first.text(), title, "narrative")
        row.put("title_language", first.attribute(XML_LANG), title, "narrative/@xml:lang")
    row.code(node, "language", "language")
    row.date(node, "document-date", "document_date")


CODES = {
    "activity-status": "iati_status",
    "activity-scope": "project_scope",
    "collaboration-type": "collaboration_type",
    "default-flow-type": "default_flow_type",
    "default-finance-type": "default_finance_type",
    "default-tied-status": "default_tied_status",
}
"""Element -> column of the project that takes its code."""

Handler = Callable[[ActivityImport, Node], None]

HANDLERS: dict[str, Handler] = {
    "iati-identifier": ActivityImport.identifier,
    "reporting-org": ActivityImport.reporting_org,
    "title": ActivityImport.title,
    "description": ActivityImport.description,
    "participating-org": ActivityImport.participating_org,
    "other-identifier": ActivityImport.other_identifier,
    "activity-date": ActivityImport.date,
    "contact-info": ActivityImport.contact,
    "recipient-country": ActivityImport.country,
    "recipient-region": ActivityImport.region,
    "location": ActivityImport.location,
    "sector": ActivityImport.sector,
    "country-budget-items": ActivityImport.country_budget_items,
    "humanitarian-scope": ActivityImport.humanitarian_scope,
    "policy-marker": ActivityImport.policy_marker,
    "default-aid-type": ActivityImport.aid_type,
    "budget": finance.budget,
    "planned-disbursement": finance.planned_disbursement,
    "capital-spend": ActivityImport.capital_spend,
    "transaction": finance.transaction,
    "document-link": ActivityImport.document,
    "related-activity": ActivityImport.related_activity,
    "legacy-data": ActivityImport.legacy_data,
    "conditions": ActivityImport.conditions,
    "crs-add": finance.crs_add,
    "fss": finance.fss,
}
"""Element -> what takes it. What is in neither table is reported."""
