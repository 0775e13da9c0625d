"""What goes in comes out again, or the import's report says what does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from iati_activities import activities
from iati_facts import items
from round_trip import compare, export, import_files, published

from floodmark.export import bootstrap
from floodmark.export.models import Project

SHARED = Path(__file__).resolve().parents[3] / "shared" / "iati"
REAL = sorted([*SHARED.glob("real/*.xml"), *SHARED.glob("examples-2.03/*.xml")])

needs_shared = pytest.mark.skipif(not REAL, reason=f"no {SHARED}")


def written(files: dict[str, bytes], folder: Path) -> list[Path]:
    """The files in a folder."""
    folder.mkdir(exist_ok=True)
    paths = []
    for slug, data in files.items():
        paths.append(folder / f"{slug.replace('/', '-')}.xml")
        # An element a line: losses are told by their line.
        paths[-1].write_bytes(data.replace(b"><", b">\n<"))
    return paths


def assert_all_there(paths: list[Path], imported) -> None:
    result = compare(paths, imported, published(export()))
    assert result.silent == []
    assert result.torn == []
    assert result.false == []


@needs_shared
@pytest.mark.parametrize("path", REAL or [Path("none")], ids=lambda path: path.stem)
def test_a_real_file_comes_out_again_but_for_reported_losses(database, path):
    imported = import_files([path])
    assert imported.summary.problems == []
    assert_all_there([path], imported)


@needs_shared
def test_all_real_files_together_come_out_again_but_for_reported_losses(database):
    imported = import_files(REAL)
    assert all("stood already at" in problem for problem in imported.summary.problems)
    assert imported.summary.activities >= 690
    assert_all_there(REAL, imported)


@needs_shared
def test_real_files_imported_twice_change_nothing(database):
    import_files(REAL)
    before = export()
    import_files(REAL)
    assert export() == before


def test_an_export_comes_out_of_another_database_but_for_reported_losses(sample_database, database, tmp_path):
    bootstrap.setup(sample_database.settings)
    paths = written(export(), tmp_path / "first")
    bootstrap.setup(database.settings)
    imported = import_files(paths)
    assert imported.summary.problems == []
    assert_all_there(paths, imported)
    lost = {line["element"] for line in imported.lines}
    assert lost <= {
        # RSR's own ids; relations of its tree of projects; who is known by one name and type for all activities
        "other-identifier", "related-activity", "reporting-org/narrative", "reporting-org/@type",
        "recipient-country/@percentage", "result/indicator/baseline/@value", "conditions/@attached",
    }, lost  # fmt: skip
    second = export()
    import_files(written(second, tmp_path / "second"))
    assert export() == second


def test_an_export_imported_into_its_own_database_changes_nothing(sample_database, tmp_path):
    paths = written(export(), tmp_path / "first")
    imported = import_files(paths)
    assert imported.summary.problems == []
    result = compare(paths, imported, published(export()))
    assert (result.silent, result.torn, result.false) == ([], [], [])
    # Conditions without a type are no conditions, but the export said that there are some.
    assert {line["element"] for line in imported.lines} <= {"conditions/@attached"}
    assert {fact for facts in result.added.values() for fact in facts} <= {"conditions/@attached = '0'"}


# The same examples every time: a loss nobody knows of yet is found at a desk (remove `derandomize`), not in CI.
@settings(max_examples=200, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(activities("XM-T-1"))
def test_any_activity_comes_out_again_but_for_reported_losses(database, tmp_path, data):
    path = tmp_path / "one.xml"
    path.write_bytes(data)
    imported = import_files([path])
    assert imported.summary.problems == []
    assert len(list(items(data))) == 1
    assert_all_there([path], imported)


@pytest.mark.parametrize("none", [None, "", " \x0b"])
def test_a_project_without_an_identifier_is_known_again_by_the_one_the_export_gave_it(sample_database, tmp_path, none):
    Project.objects.filter(id=5).update(iati_activity_id=none)
    count, paths = Project.objects.count(), written({"a": export()["1/activities"]}, tmp_path / "in")
    imported = import_files(paths)
    assert (imported.summary.problems, Project.objects.count()) == ([], count)
    assert Project.objects.get(id=5).iati_activity_id == "XM-SAMPLE-00000-RSR-5"
