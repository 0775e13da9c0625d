"""The same tables in another engine give the same evidence, to the last bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pytest

from floodmark.diagnosis.pipeline import diagnose
from floodmark.evidence.nouns import Dose, Event, Evidence, Place, Tally, Volume
from floodmark.report.document import to_json
from floodmark.watch.collect.base import Sample
from floodmark.watch.store import Retention, WatchStore
from floodmark.watch.tables import evidence
from floodmark.watch.tables_ibis import IbisTables

WINDOW = (0.0, 7200.0)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[WatchStore]:
    made = WatchStore(tmp_path / "samples.duckdb", Retention())
    draw = np.random.default_rng(7)
    for minute in range(120):
        now, bins = 60.0 * minute, np.array([minute])
        made.add(
            [
                *(Sample("web", "h", str(n), "rss", now, draw.normal(1e8 + minute * n, 1e5), 1.0) for n in (1, 2)),
                Sample("proxy", None, None, "working_set", now, 3e7),
            ],
            [
                Dose("web", "endpoint", route, Place("x"), bins, draw.poisson(5, 1) + 1.0, np.array([np.nan]),
                     np.array([9.0]), np.array([0.0]))
                for route in ("/a/", "/b/", "/a/")
            ],
            [Tally("upstream-timeout", None, "", bins, np.array([2.0]), ((now, Place("error.log", None), "text"),))],
            [Event(now, "restart", "web", None, None, "it's back", Place("k8s", minute))],
            [Volume("access.log", "web", np.array([minute // 60]), np.array([10.0]), np.array([1.0]))],
        )  # fmt: skip
    yield made
    made.close()


def plain(value: Any) -> Any:
    """An Evidence as nested tuples that compare, arrays by their bytes."""
    if isinstance(value, np.ndarray):
        return (value.dtype.str, value.tobytes())
    if isinstance(value, tuple):
        return tuple(plain(one) for one in value)
    if hasattr(value, "__dataclass_fields__"):
        return tuple((name, plain(getattr(value, name))) for name in value.__dataclass_fields__)
    return value


def same(one: Evidence, other: Evidence) -> None:
    for name in Evidence.__dataclass_fields__:
        ours, theirs = getattr(one, name), getattr(other, name)
        assert plain(ours) == plain(theirs), f"{name}: {ours} is not {theirs}"


@pytest.mark.filterwarnings("ignore")  # Spark's own Python files warn about themselves
def test_spark_gives_the_same_evidence(store: WatchStore, tmp_path: Path) -> None:
    from pyspark.sql import SparkSession

    session = (
        SparkSession.builder.master("local[1]")
        .config("spark.sql.warehouse.dir", str(tmp_path / "warehouse"))
        .config("spark.ui.enabled", "false")
        .config("spark.sql.shuffle.partitions", "1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={tmp_path}")
        .getOrCreate()
    )
    try:
        tables = IbisTables(ibis.pyspark.connect(session))
        tables.copy(store, *WINDOW, 60.0)
        there, here = evidence(tables, WINDOW, 60.0), evidence(store, WINDOW, 60.0)
        same(there, here)
        assert to_json(diagnose(there)) == to_json(diagnose(here))
    finally:
        session.stop()
