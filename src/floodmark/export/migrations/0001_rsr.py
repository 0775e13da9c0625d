"""RSR's tables, in Floodmark's own database."""

import django.contrib.postgres.fields
import django.db.models.deletion
import floodmark.export.models.fields
import uuid
from django.contrib.postgres.operations import CreateExtension
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        CreateExtension("ltree"),
        migrations.CreateModel(
            name="BudgetItemLabel",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(blank=True, max_length=30, unique=True)),
            ],
            options={
                "db_table": "rsr_budgetitemlabel",
            },
        ),
        migrations.CreateModel(
            name="Category",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=50)),
            ],
            options={
                "db_table": "rsr_category",
            },
        ),
        migrations.CreateModel(
            name="Country",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=50, unique=True)),
                ("iso_code", models.CharField(blank=True, max_length=2, unique=True)),
                ("continent", models.CharField(blank=True, max_length=20)),
                ("continent_code", models.CharField(blank=True, max_length=2)),
            ],
            options={
                "db_table": "rsr_country",
            },
        ),
        migrations.CreateModel(
            name="Project",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("last_modified_at", models.DateTimeField(blank=True, null=True)),
                ("title", models.CharField(blank=True, max_length=200)),
                ("subtitle", models.CharField(blank=True, max_length=200)),
                ("status", models.CharField(blank=True, default="H", max_length=1)),
                ("project_plan_summary", models.TextField(blank=True)),
                ("current_image", models.CharField(blank=True, max_length=100)),
                ("current_image_caption", models.CharField(blank=True, max_length=60)),
                ("current_image_credit", models.CharField(blank=True, max_length=60)),
                ("goals_overview", models.TextField(blank=True)),
                ("current_status", models.TextField(blank=True)),
                ("project_plan", models.TextField(blank=True)),
                ("sustainability", models.TextField(blank=True)),
                ("background", models.TextField(blank=True)),
                ("target_group", models.TextField(blank=True)),
                ("language", models.CharField(blank=True, default="en", max_length=2)),
                ("notes", models.TextField(blank=True)),
                ("currency", models.CharField(blank=True, default="EUR", max_length=3)),
                ("date_start_planned", models.DateField(blank=True, null=True)),
                ("date_start_actual", models.DateField(blank=True, null=True)),
                ("date_end_planned", models.DateField(blank=True, null=True)),
                ("date_end_actual", models.DateField(blank=True, null=True)),
                ("iati_activity_id", models.CharField(blank=True, max_length=100, null=True, unique=True)),
                ("hierarchy", models.PositiveIntegerField(blank=True, null=True)),
                ("project_scope", models.CharField(blank=True, max_length=2)),
                (
                    "capital_spend_percentage",
                    models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True),
                ),
                ("collaboration_type", models.CharField(blank=True, max_length=1)),
                ("default_aid_type", models.CharField(blank=True, max_length=3)),
                ("default_finance_type", models.CharField(blank=True, max_length=3)),
                ("default_flow_type", models.CharField(blank=True, max_length=2)),
                ("default_tied_status", models.CharField(blank=True, max_length=10)),
                ("budget", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("funds", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("funds_needed", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("country_budget_vocabulary", models.CharField(blank=True, max_length=1)),
                ("is_impact_project", models.BooleanField(default=True)),
                ("is_public", models.BooleanField(default=True)),
                ("humanitarian", models.BooleanField(blank=True, null=True)),
                ("iati_status", models.CharField(blank=True, max_length=1)),
                ("aggregate_children", models.BooleanField(default=True)),
                ("aggregate_to_parent", models.BooleanField(default=True)),
                ("donate_url", models.CharField(blank=True, max_length=200, null=True)),
                ("donations", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("default_aid_type_vocabulary", models.CharField(blank=True, default="1", max_length=1)),
                ("descriptions_order", models.JSONField(default=list)),
                ("use_project_roles", models.BooleanField(default=False)),
                ("run_iati_checks", models.BooleanField(default=False)),
                ("targets_at", models.CharField(blank=True, default="period", max_length=9)),
                ("uuid", models.UUIDField(default=uuid.uuid4, unique=True)),
                ("path", floodmark.export.models.fields.LTreeField(unique=True)),
                ("external_parent_iati_activity_id", models.CharField(blank=True, max_length=100, null=True)),
                ("categories", models.ManyToManyField(blank=True, related_name="projects", to="export.category")),
                (
                    "contributes_to_project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="contributors",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_project",
            },
        ),
        migrations.CreateModel(
            name="Keyword",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("label", models.CharField(blank=True, max_length=100, unique=True)),
                ("logo", models.CharField(blank=True, max_length=100)),
            ],
            options={
                "db_table": "rsr_keyword",
            },
        ),
        migrations.CreateModel(
            name="Organisation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("last_modified_at", models.DateTimeField(blank=True, null=True)),
                ("name", models.CharField(blank=True, max_length=40, unique=True)),
                ("long_name", models.CharField(blank=True, max_length=100, unique=True)),
                ("language", models.CharField(blank=True, default="en", max_length=2)),
                ("organisation_type", models.CharField(blank=True, max_length=1, null=True)),
                ("new_organisation_type", models.IntegerField(default=22)),
                ("iati_org_id", models.CharField(blank=True, max_length=75, null=True, unique=True)),
                ("logo", models.CharField(blank=True, max_length=100)),
                ("url", models.CharField(blank=True, max_length=200)),
                ("facebook", models.CharField(blank=True, max_length=200)),
                ("twitter", models.CharField(blank=True, max_length=200)),
                ("linkedin", models.CharField(blank=True, max_length=200)),
                ("phone", models.CharField(blank=True, max_length=20)),
                ("mobile", models.CharField(blank=True, max_length=20)),
                ("fax", models.CharField(blank=True, max_length=20)),
                ("contact_person", models.CharField(blank=True, max_length=30)),
                ("contact_email", models.CharField(blank=True, max_length=50)),
                ("description", models.TextField(blank=True)),
                ("notes", models.TextField(blank=True)),
                ("public_iati_file", models.BooleanField(default=True)),
                ("can_become_reporting", models.BooleanField(default=False)),
                ("can_create_projects", models.BooleanField(default=False)),
                ("currency", models.CharField(blank=True, default="EUR", max_length=3)),
                ("iati_prefixes", models.CharField(blank=True, max_length=2000, null=True)),
                ("codelist_id", models.IntegerField(blank=True, null=True)),
                ("use_project_roles", models.BooleanField(default=False)),
                ("enforce_program_projects", models.BooleanField(default=False)),
                ("password_policy_id", models.BigIntegerField(blank=True, null=True)),
                ("enforce_2fa", models.BooleanField(default=False)),
                (
                    "content_owner",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="owned_organisations",
                        to="export.organisation",
                    ),
                ),
                (
                    "original",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="shadow",
                        to="export.organisation",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisation",
            },
        ),
        migrations.CreateModel(
            name="ProjectEditorValidationSet",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=255)),
                ("description", models.TextField(blank=True)),
            ],
            options={
                "db_table": "rsr_projecteditorvalidationset",
            },
        ),
        migrations.CreateModel(
            name="CrsAdd",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="crsadd",
                        serialize=False,
                        to="export.project",
                    ),
                ),
                ("loan_terms_rate1", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("loan_terms_rate2", models.DecimalField(blank=True, decimal_places=2, max_digits=5, null=True)),
                ("repayment_type", models.CharField(blank=True, max_length=1)),
                ("repayment_plan", models.CharField(blank=True, max_length=2)),
                ("commitment_date", models.DateField(blank=True, null=True)),
                ("repayment_first_date", models.DateField(blank=True, null=True)),
                ("repayment_final_date", models.DateField(blank=True, null=True)),
                ("loan_status_year", models.PositiveIntegerField(blank=True, null=True)),
                ("loan_status_currency", models.CharField(blank=True, max_length=3)),
                ("loan_status_value_date", models.DateField(blank=True, null=True)),
                ("interest_received", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                ("principal_outstanding", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                ("principal_arrears", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                ("interest_arrears", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                ("channel_code", models.CharField(blank=True, max_length=5)),
            ],
            options={
                "db_table": "rsr_crsadd",
            },
        ),
        migrations.CreateModel(
            name="Fss",
            fields=[
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="fss",
                        serialize=False,
                        to="export.project",
                    ),
                ),
                ("extraction_date", models.DateField(blank=True, null=True)),
                ("priority", models.BooleanField(blank=True, null=True)),
                ("phaseout_year", models.PositiveIntegerField(blank=True, null=True)),
            ],
            options={
                "db_table": "rsr_fss",
            },
        ),
        migrations.CreateModel(
            name="CountryBudgetItem",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(blank=True, max_length=10)),
                ("description", models.CharField(blank=True, max_length=100)),
                ("percentage", models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="country_budget_items",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_countrybudgetitem",
            },
        ),
        migrations.CreateModel(
            name="BudgetItem",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("other_extra", models.CharField(blank=True, max_length=30, null=True)),
                ("amount", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("type", models.CharField(blank=True, max_length=1)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("status", models.CharField(blank=True, max_length=1)),
                (
                    "label",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="budget_items",
                        to="export.budgetitemlabel",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="budget_items", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_budgetitem",
            },
        ),
        migrations.CreateModel(
            name="HumanitarianScope",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(blank=True, max_length=25)),
                ("type", models.CharField(blank=True, max_length=1)),
                ("vocabulary", models.CharField(blank=True, max_length=3)),
                ("vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="humanitarian_scopes",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_humanitarianscope",
            },
        ),
        migrations.CreateModel(
            name="IatiExport",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("last_modified_at", models.DateTimeField(blank=True, null=True)),
                ("version", models.CharField(blank=True, default="2.03", max_length=4)),
                ("status", models.PositiveSmallIntegerField(default=1)),
                ("iati_file", models.CharField(blank=True, max_length=100)),
                ("user_id", models.IntegerField(default=0)),
                ("latest", models.BooleanField(default=False)),
                ("projects", models.ManyToManyField(related_name="iati_exports", to="export.project")),
                (
                    "reporting_organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="iati_exports",
                        to="export.organisation",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_iatiexport",
            },
        ),
        migrations.CreateModel(
            name="IatiActivityExport",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("last_modified_at", models.DateTimeField(blank=True, null=True)),
                ("status", models.PositiveSmallIntegerField(default=1)),
                (
                    "project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="activity_exports",
                        to="export.project",
                    ),
                ),
                (
                    "iati_export",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="activity_exports",
                        to="export.iatiexport",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_iatiactivityexport",
            },
        ),
        migrations.CreateModel(
            name="IndicatorDimensionName",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=100)),
                (
                    "parent_dimension_name",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="child_dimension_names",
                        to="export.indicatordimensionname",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="dimension_names", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatordimensionname",
            },
        ),
        migrations.CreateModel(
            name="Indicator",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(blank=True, max_length=500)),
                ("measure", models.CharField(blank=True, max_length=1)),
                ("ascending", models.BooleanField(blank=True, null=True)),
                ("description", models.CharField(blank=True, max_length=2000)),
                ("baseline_year", models.PositiveIntegerField(blank=True, null=True)),
                ("baseline_value", models.CharField(blank=True, max_length=200)),
                ("baseline_comment", models.CharField(blank=True, max_length=2000)),
                ("order", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("type", models.PositiveSmallIntegerField(default=1)),
                ("export_to_iati", models.BooleanField(default=True)),
                ("target_value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("target_comment", models.CharField(blank=True, max_length=2000)),
                (
                    "scores",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=1000), blank=True, default=list, size=None
                    ),
                ),
                ("baseline_score", models.SmallIntegerField(blank=True, null=True)),
                ("target_score", models.SmallIntegerField(blank=True, null=True)),
                ("cumulative", models.BooleanField(default=False)),
                (
                    "parent_indicator",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="child_indicators",
                        to="export.indicator",
                    ),
                ),
                (
                    "dimension_names",
                    models.ManyToManyField(blank=True, related_name="indicators", to="export.indicatordimensionname"),
                ),
            ],
            options={
                "db_table": "rsr_indicator",
            },
        ),
        migrations.CreateModel(
            name="IndicatorDimensionValue",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(blank=True, max_length=100)),
                (
                    "name",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="dimension_values",
                        to="export.indicatordimensionname",
                    ),
                ),
                (
                    "parent_dimension_value",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="child_dimension_values",
                        to="export.indicatordimensionvalue",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatordimensionvalue",
                "unique_together": {("name", "value")},
            },
        ),
        migrations.CreateModel(
            name="IndicatorPeriod",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("target_value", models.CharField(blank=True, max_length=50)),
                ("target_comment", models.CharField(blank=True, max_length=2000)),
                ("actual_value", models.CharField(blank=True, max_length=50)),
                ("actual_comment", models.CharField(blank=True, max_length=2000)),
                ("locked", models.BooleanField(default=True)),
                ("denominator", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("numerator", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("narrative", models.TextField(blank=True)),
                ("score_index", models.SmallIntegerField(blank=True, null=True)),
                (
                    "score_indices",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.SmallIntegerField(), blank=True, default=list, size=None
                    ),
                ),
                ("label_id", models.IntegerField(blank=True, null=True)),
                ("target_score", models.SmallIntegerField(blank=True, null=True)),
                (
                    "indicator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="periods", to="export.indicator"
                    ),
                ),
                (
                    "parent_period",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="child_periods",
                        to="export.indicatorperiod",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatorperiod",
                "unique_together": {("indicator", "parent_period")},
            },
        ),
        migrations.CreateModel(
            name="IndicatorPeriodActualLocation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("location", models.CharField(blank=True, max_length=25)),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="actual_locations",
                        to="export.indicatorperiod",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatorperiodactuallocation",
            },
        ),
        migrations.CreateModel(
            name="IndicatorPeriodDisaggregation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("last_modified_at", models.DateTimeField(blank=True, null=True)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("numerator", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("denominator", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                (
                    "dimension_value",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="disaggregations",
                        to="export.indicatordimensionvalue",
                    ),
                ),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="disaggregations",
                        to="export.indicatorperiod",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatorperioddisaggregation",
            },
        ),
        migrations.CreateModel(
            name="IndicatorPeriodTargetLocation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("location", models.CharField(blank=True, max_length=25)),
                (
                    "period",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="target_locations",
                        to="export.indicatorperiod",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatorperiodtargetlocation",
            },
        ),
        migrations.CreateModel(
            name="IndicatorReference",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(blank=True, max_length=25)),
                ("vocabulary", models.CharField(blank=True, max_length=2)),
                ("vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                (
                    "indicator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="references", to="export.indicator"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_indicatorreference",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="keywords",
            field=models.ManyToManyField(blank=True, related_name="projects", to="export.keyword"),
        ),
        migrations.CreateModel(
            name="LegacyData",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=1000)),
                ("value", models.CharField(blank=True, max_length=1000)),
                ("iati_equivalent", models.CharField(blank=True, max_length=1000)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="legacy_data", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_legacydata",
            },
        ),
        migrations.CreateModel(
            name="Link",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(blank=True, max_length=1)),
                ("url", models.CharField(blank=True, max_length=200)),
                ("caption", models.CharField(blank=True, max_length=50)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="links", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_link",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="primary_organisation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="export.organisation",
            ),
        ),
        migrations.CreateModel(
            name="OrganisationCountryBudget",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("status", models.CharField(blank=True, max_length=1)),
                ("country", models.CharField(blank=True, max_length=2)),
                ("text", models.CharField(blank=True, max_length=100)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="export.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationcountrybudget",
            },
        ),
        migrations.CreateModel(
            name="OrganisationCountryBudgetLine",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(blank=True, max_length=50)),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="export.organisationcountrybudget",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationcountrybudgetline",
            },
        ),
        migrations.CreateModel(
            name="OrganisationDocument",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(blank=True, max_length=200)),
                ("document", models.CharField(blank=True, max_length=100)),
                ("format", models.CharField(blank=True, max_length=85)),
                ("title", models.CharField(blank=True, max_length=100)),
                ("title_language", models.CharField(blank=True, max_length=2)),
                ("language", models.CharField(blank=True, max_length=2)),
                ("document_date", models.DateField(blank=True, null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="documents", to="export.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationdocument",
            },
        ),
        migrations.CreateModel(
            name="OrganisationDocumentCategory",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(blank=True, max_length=3)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="categories",
                        to="export.organisationdocument",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationdocumentcategory",
            },
        ),
        migrations.CreateModel(
            name="OrganisationDocumentCountry",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", models.CharField(blank=True, max_length=2)),
                ("text", models.CharField(blank=True, max_length=100)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="countries",
                        to="export.organisationdocument",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationdocumentcountry",
            },
        ),
        migrations.CreateModel(
            name="OrganisationLocation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("latitude", models.FloatField(blank=True, null=True)),
                ("longitude", models.FloatField(blank=True, null=True)),
                ("city", models.CharField(blank=True, max_length=255)),
                ("state", models.CharField(blank=True, max_length=255)),
                ("address_1", models.CharField(blank=True, max_length=255)),
                ("address_2", models.CharField(blank=True, max_length=255)),
                ("postcode", models.CharField(blank=True, max_length=10)),
                ("iati_country", models.CharField(blank=True, max_length=2)),
                (
                    "country",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="export.country",
                    ),
                ),
                (
                    "location_target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="locations", to="export.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationlocation",
            },
        ),
        migrations.AddField(
            model_name="organisation",
            name="primary_location",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="export.organisationlocation",
            ),
        ),
        migrations.CreateModel(
            name="OrganisationRecipientOrgBudget",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("status", models.CharField(blank=True, max_length=1)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="export.organisation"
                    ),
                ),
                (
                    "recipient_organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="received_budgets",
                        to="export.organisation",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationrecipientorgbudget",
            },
        ),
        migrations.CreateModel(
            name="OrganisationRecipientOrgBudgetLine",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(blank=True, max_length=50)),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="export.organisationrecipientorgbudget",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationrecipientorgbudgetline",
            },
        ),
        migrations.CreateModel(
            name="OrganisationRegionBudget",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("status", models.CharField(blank=True, max_length=1)),
                ("region", models.CharField(blank=True, max_length=25)),
                ("region_vocabulary", models.CharField(blank=True, max_length=2)),
                ("region_vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                ("text", models.CharField(blank=True, max_length=100)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="export.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationregionbudget",
            },
        ),
        migrations.CreateModel(
            name="OrganisationRegionBudgetLine",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(blank=True, max_length=50)),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="export.organisationregionbudget",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationregionbudgetline",
            },
        ),
        migrations.CreateModel(
            name="OrganisationTotalBudget",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("status", models.CharField(blank=True, max_length=1)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="export.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationtotalbudget",
            },
        ),
        migrations.CreateModel(
            name="OrganisationTotalBudgetLine",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(blank=True, max_length=50)),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "budget",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="export.organisationtotalbudget",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationtotalbudgetline",
            },
        ),
        migrations.CreateModel(
            name="OrganisationTotalExpenditure",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="%(class)ss", to="export.organisation"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationtotalexpenditure",
            },
        ),
        migrations.CreateModel(
            name="OrganisationExpenseLine",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=20, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("reference", models.CharField(blank=True, max_length=50)),
                ("text", models.CharField(blank=True, max_length=1000)),
                (
                    "expenditure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="export.organisationtotalexpenditure",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_organisationexpenseline",
            },
        ),
        migrations.CreateModel(
            name="Partnership",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("funding_amount", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("partner_type_extra", models.CharField(blank=True, max_length=30, null=True)),
                ("iati_activity_id", models.CharField(blank=True, max_length=100, null=True)),
                ("internal_id", models.CharField(blank=True, max_length=75, null=True)),
                ("iati_url", models.CharField(blank=True, max_length=200)),
                ("related_activity_id", models.CharField(blank=True, max_length=100)),
                ("iati_organisation_role", models.PositiveSmallIntegerField(blank=True, null=True)),
                ("is_secondary_reporter", models.BooleanField(blank=True, null=True)),
                (
                    "organisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="partnerships",
                        to="export.organisation",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="partnerships", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_partnership",
            },
        ),
        migrations.CreateModel(
            name="PlannedDisbursement",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("updated", models.DateField(blank=True, null=True)),
                ("period_start", models.DateField(blank=True, null=True)),
                ("period_end", models.DateField(blank=True, null=True)),
                ("type", models.CharField(blank=True, max_length=1)),
                ("provider_organisation_activity", models.CharField(blank=True, max_length=100)),
                ("receiver_organisation_activity", models.CharField(blank=True, max_length=100)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="planned_disbursements",
                        to="export.project",
                    ),
                ),
                (
                    "provider_organisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="planned_disbursement_providers",
                        to="export.organisation",
                    ),
                ),
                (
                    "receiver_organisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="planned_disbursement_receivers",
                        to="export.organisation",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_planneddisbursement",
            },
        ),
        migrations.CreateModel(
            name="PolicyMarker",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("policy_marker", models.CharField(blank=True, max_length=25)),
                ("significance", models.CharField(blank=True, max_length=2)),
                ("vocabulary", models.CharField(blank=True, max_length=5)),
                ("description", models.CharField(blank=True, max_length=255)),
                ("vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="policy_markers", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_policymarker",
            },
        ),
        migrations.CreateModel(
            name="ProjectCondition",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("text", models.CharField(blank=True, max_length=100)),
                ("type", models.CharField(blank=True, max_length=1)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="conditions", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectcondition",
            },
        ),
        migrations.CreateModel(
            name="ProjectContact",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("type", models.CharField(blank=True, max_length=1)),
                ("person_name", models.CharField(blank=True, max_length=100)),
                ("email", models.CharField(blank=True, max_length=254)),
                ("job_title", models.CharField(blank=True, max_length=100)),
                ("organisation", models.CharField(blank=True, max_length=100)),
                ("telephone", models.CharField(blank=True, max_length=30)),
                ("mailing_address", models.CharField(blank=True, max_length=255)),
                ("state", models.CharField(blank=True, max_length=100)),
                ("department", models.CharField(blank=True, max_length=100)),
                ("website", models.CharField(blank=True, max_length=200)),
                (
                    "country",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="export.country",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="contacts", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectcontact",
            },
        ),
        migrations.CreateModel(
            name="ProjectCustomField",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(blank=True, max_length=255)),
                ("section", models.IntegerField()),
                ("max_characters", models.IntegerField(blank=True, null=True)),
                ("help_text", models.TextField(blank=True)),
                ("value", models.TextField(blank=True)),
                ("mandatory", models.BooleanField(default=False)),
                ("order", models.PositiveSmallIntegerField(default=1)),
                ("type", models.CharField(blank=True, default="text", max_length=20)),
                ("dropdown_options", models.JSONField(blank=True, null=True)),
                ("dropdown_selection", models.JSONField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="custom_fields", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectcustomfield",
            },
        ),
        migrations.CreateModel(
            name="ProjectDocument",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("url", models.CharField(blank=True, max_length=200)),
                ("document", models.CharField(blank=True, max_length=100)),
                ("format", models.CharField(blank=True, max_length=85)),
                ("title", models.CharField(blank=True, max_length=100)),
                ("title_language", models.CharField(blank=True, max_length=2)),
                ("language", models.CharField(blank=True, max_length=2)),
                ("document_date", models.DateField(blank=True, null=True)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="documents", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectdocument",
            },
        ),
        migrations.CreateModel(
            name="ProjectDocumentCategory",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("category", models.CharField(blank=True, max_length=3)),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="categories",
                        to="export.projectdocument",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectdocumentcategory",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="validations",
            field=models.ManyToManyField(blank=True, related_name="projects", to="export.projecteditorvalidationset"),
        ),
        migrations.CreateModel(
            name="ProjectLocation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("latitude", models.FloatField(blank=True, null=True)),
                ("longitude", models.FloatField(blank=True, null=True)),
                ("city", models.CharField(blank=True, max_length=255)),
                ("state", models.CharField(blank=True, max_length=255)),
                ("address_1", models.CharField(blank=True, max_length=255)),
                ("address_2", models.CharField(blank=True, max_length=255)),
                ("postcode", models.CharField(blank=True, max_length=10)),
                ("reference", models.CharField(blank=True, max_length=50)),
                ("location_code", models.CharField(blank=True, max_length=25)),
                ("vocabulary", models.CharField(blank=True, max_length=2)),
                ("name", models.CharField(blank=True, max_length=100)),
                ("description", models.CharField(blank=True, max_length=2000)),
                ("activity_description", models.CharField(blank=True, max_length=2000)),
                ("exactness", models.CharField(blank=True, max_length=1)),
                ("location_reach", models.CharField(blank=True, max_length=1)),
                ("location_class", models.CharField(blank=True, max_length=1)),
                ("feature_designation", models.CharField(blank=True, max_length=5)),
                (
                    "country",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="export.country",
                    ),
                ),
                (
                    "location_target",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="locations", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectlocation",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="primary_location",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="export.projectlocation",
            ),
        ),
        migrations.CreateModel(
            name="AdministrativeLocation",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(blank=True, max_length=25)),
                ("vocabulary", models.CharField(blank=True, max_length=2)),
                ("level", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "location",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="administratives",
                        to="export.projectlocation",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_administrativelocation",
            },
        ),
        migrations.CreateModel(
            name="ProjectUpdate",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(blank=True, null=True)),
                ("last_modified_at", models.DateTimeField(blank=True, null=True)),
                ("title", models.CharField(blank=True, max_length=1024)),
                ("text", models.TextField(blank=True)),
                ("language", models.CharField(blank=True, default="en", max_length=2)),
                ("photo", models.CharField(blank=True, max_length=100)),
                ("photo_caption", models.TextField(blank=True)),
                ("photo_credit", models.TextField(blank=True)),
                ("video", models.CharField(blank=True, max_length=200)),
                ("video_caption", models.TextField(blank=True)),
                ("video_credit", models.TextField(blank=True)),
                ("update_method", models.CharField(blank=True, max_length=1)),
                ("user_agent", models.CharField(blank=True, max_length=200)),
                ("uuid", models.CharField(blank=True, max_length=40)),
                ("notes", models.TextField(blank=True)),
                ("primary_location_id", models.IntegerField(blank=True, null=True)),
                ("user_id", models.IntegerField(default=0)),
                ("event_date", models.DateField()),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="project_updates", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_projectupdate",
            },
        ),
        migrations.AddField(
            model_name="project",
            name="last_update",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="export.projectupdate",
            ),
        ),
        migrations.CreateModel(
            name="PublishingStatus",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("status", models.CharField(blank=True, default="unpublished", max_length=30)),
                (
                    "project",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publishingstatus",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_publishingstatus",
            },
        ),
        migrations.CreateModel(
            name="RecipientCountry",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("country", models.CharField(blank=True, max_length=2)),
                ("percentage", models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
                ("text", models.CharField(blank=True, max_length=50)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipient_countries",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_recipientcountry",
            },
        ),
        migrations.CreateModel(
            name="RecipientRegion",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("region", models.CharField(blank=True, max_length=25)),
                ("region_vocabulary", models.CharField(blank=True, max_length=2)),
                ("percentage", models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
                ("text", models.CharField(blank=True, max_length=50)),
                ("region_vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="recipient_regions",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_recipientregion",
            },
        ),
        migrations.CreateModel(
            name="Result",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("title", models.CharField(blank=True, max_length=500)),
                ("type", models.CharField(blank=True, max_length=1)),
                ("aggregation_status", models.BooleanField(blank=True, null=True)),
                ("description", models.CharField(blank=True, max_length=2000)),
                ("order", models.PositiveSmallIntegerField(blank=True, null=True)),
                (
                    "parent_result",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="child_results",
                        to="export.result",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="results", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_result",
                "unique_together": {("project", "parent_result")},
            },
        ),
        migrations.AddField(
            model_name="indicator",
            name="result",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="indicators", to="export.result"
            ),
        ),
        migrations.CreateModel(
            name="Sector",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("sector_code", models.CharField(blank=True, max_length=25)),
                ("text", models.CharField(blank=True, max_length=100)),
                ("vocabulary", models.CharField(blank=True, max_length=5)),
                ("percentage", models.DecimalField(blank=True, decimal_places=1, max_digits=4, null=True)),
                ("vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sectors", to="export.project"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_sector",
            },
        ),
        migrations.CreateModel(
            name="Transaction",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reference", models.CharField(blank=True, max_length=25)),
                ("aid_type", models.CharField(blank=True, max_length=3)),
                ("description", models.CharField(blank=True, max_length=255)),
                ("disbursement_channel", models.CharField(blank=True, max_length=1)),
                ("finance_type", models.CharField(blank=True, max_length=3)),
                ("flow_type", models.CharField(blank=True, max_length=2)),
                ("tied_status", models.CharField(blank=True, max_length=1)),
                ("transaction_date", models.DateField(blank=True, null=True)),
                ("transaction_type", models.CharField(blank=True, max_length=2)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=14, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("provider_organisation_activity", models.CharField(blank=True, max_length=100)),
                ("receiver_organisation_activity", models.CharField(blank=True, max_length=100)),
                ("recipient_country", models.CharField(blank=True, max_length=2)),
                ("recipient_region", models.CharField(blank=True, max_length=25)),
                ("recipient_region_vocabulary", models.CharField(blank=True, max_length=2)),
                ("humanitarian", models.BooleanField(blank=True, null=True)),
                ("recipient_region_vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                ("aid_type_vocabulary", models.CharField(blank=True, max_length=1)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="transactions", to="export.project"
                    ),
                ),
                (
                    "provider_organisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="transaction_providers",
                        to="export.organisation",
                    ),
                ),
                (
                    "receiver_organisation",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="transaction_receivers",
                        to="export.organisation",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_transaction",
            },
        ),
        migrations.CreateModel(
            name="TransactionSector",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(blank=True, max_length=25)),
                ("text", models.CharField(blank=True, max_length=100)),
                ("vocabulary", models.CharField(blank=True, max_length=5)),
                ("vocabulary_uri", models.CharField(blank=True, max_length=1000)),
                (
                    "transaction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="sectors", to="export.transaction"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_transactionsector",
            },
        ),
        migrations.CreateModel(
            name="CrsAddOtherFlag",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("code", models.CharField(blank=True, max_length=1)),
                ("significance", models.BooleanField(blank=True, null=True)),
                (
                    "crs",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="other_flags", to="export.crsadd"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_crsaddotherflag",
            },
        ),
        migrations.CreateModel(
            name="FssForecast",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("year", models.PositiveIntegerField(blank=True, null=True)),
                ("value_date", models.DateField(blank=True, null=True)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("value", models.DecimalField(blank=True, decimal_places=2, max_digits=10, null=True)),
                (
                    "fss",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="forecasts", to="export.fss"
                    ),
                ),
            ],
            options={
                "db_table": "rsr_fssforecast",
            },
        ),
        migrations.CreateModel(
            name="RelatedProject",
            fields=[
                ("id", models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("relation", models.CharField(blank=True, max_length=1)),
                ("related_iati_id", models.CharField(blank=True, max_length=100)),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="related_projects",
                        to="export.project",
                    ),
                ),
                (
                    "related_project",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="related_to_projects",
                        to="export.project",
                    ),
                ),
            ],
            options={
                "db_table": "rsr_relatedproject",
                "unique_together": {("project", "related_project")},
            },
        ),
        migrations.AlterUniqueTogether(
            name="indicator",
            unique_together={("result", "parent_indicator")},
        ),
    ]
