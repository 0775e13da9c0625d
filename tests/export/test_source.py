"""The source: what is read from where, and that it cannot be written to."""

from __future__ import annotations

import pytest
from django.db import connections, utils

from floodmark.export import source
from floodmark.export.models import Project


def test_without_a_source_url_rows_come_from_the_own_database(database):
    assert source.alias() == "default"


def test_rows_of_an_rsr_database_are_read_through_the_alias_source(rsr_source):
    assert source.alias() == "source"
    assert Project.objects.using(source.alias()).count() == 3785
    assert Project.objects.count() == 0


def test_the_server_refuses_to_write_to_the_source(rsr_source):
    with pytest.raises(utils.InternalError, match="read-only transaction"):
        connections["source"].cursor().execute("DELETE FROM rsr_project")
