"""What /metrics says: requests and jobs as counted by every process, datasets and processes as found when asked.

Names begin with `floodmark_`; docs/serving.md explains each. Labels are bounded: routes are ours, datasets are those
on the disk, and whatever else a client may invent is lumped.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from floodmark.export.artifacts.shelf import Shelf
from floodmark.export.metrics_files import marked, reading
from floodmark.export.process import resident_bytes
from floodmark.request_record import RequestRecord

FIRST_BYTE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
BUILD_BUCKETS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)


class Meters:
    """The counters of one process. With PROMETHEUS_MULTIPROC_DIR set they live in files that any process can read."""

    def __init__(self, registry: CollectorRegistry | None) -> None:
        self.requests = Counter(
            "floodmark_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.first_byte = Histogram(
            "floodmark_request_seconds",
            "Seconds until the first byte of the body, or until the end where there is none.",
            ["route", "method"],
            buckets=FIRST_BYTE_BUCKETS,
            registry=registry,
        )
        self.sent = Counter("floodmark_response_bytes", "Bytes of bodies sent.", ["route"], registry=registry)
        self.incomplete = Counter(
            "floodmark_responses_incomplete", "Clients that left before the end.", ["route"], registry=registry
        )
        self.running = Gauge(
            "floodmark_requests_running", "Requests in hand.", registry=registry, multiprocess_mode="livesum"
        )
        self.jobs = Counter("floodmark_jobs", "Jobs ended, by what they came to.", ["outcome"], registry=registry)
        self.builds = Histogram(
            "floodmark_build_seconds", "Seconds a build took.", ["kind"], buckets=BUILD_BUCKETS, registry=registry
        )
        self.built = Counter("floodmark_build_bytes", "Bytes of XML built.", ["kind"], registry=registry)

    def begin(self) -> None:
        """A request has come."""
        self.running.inc()

    def finish(self, record: RequestRecord) -> None:
        """A request has ended."""
        self.running.dec()
        # A client can invent methods and paths without end; series must not follow.
        route = record.route or "other"
        method = record.method if record.method in ("GET", "HEAD") else "other"
        self.requests.labels(route, method, str(record.status)).inc()
        taken = record.seconds if record.first_byte_seconds is None else record.first_byte_seconds
        self.first_byte.labels(route, method).observe(taken)
        self.sent.labels(route).inc(record.sent)
        if not record.complete:
            self.incomplete.labels(route).inc()


class _Datasets(Collector):
    """What is on the shelf now."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    def collect(self) -> Iterable[Metric]:
        size = GaugeMetricFamily("floodmark_dataset_bytes", "Bytes of the XML in force.", labels=["dataset"])
        activities = GaugeMetricFamily("floodmark_dataset_activities", "Activities in it.", labels=["dataset"])
        changed = GaugeMetricFamily(
            "floodmark_dataset_changed_timestamp_seconds", "When its content last changed.", labels=["dataset"]
        )
        checked = GaugeMetricFamily(
            "floodmark_dataset_checked_timestamp_seconds", "When a build last confirmed it.", labels=["dataset"]
        )
        left_out = GaugeMetricFamily(
            "floodmark_dataset_remarks", "Lines of its build report: rows completed or left out.", labels=["dataset"]
        )
        for entry in self.shelf.entries():
            label = [entry.slug]
            size.add_metric(label, entry.whole.xml.bytes)
            activities.add_metric(label, entry.whole.activities)
            changed.add_metric(label, entry.whole.generated.timestamp())
            checked.add_metric(label, entry.checked.timestamp())
            if entry.left_out is not None:
                left_out.add_metric(label, entry.left_out)
        return [size, activities, changed, checked, left_out]


class _Processes(Collector):
    """Memory of the processes that share the folder of metrics."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def collect(self) -> Iterator[Metric]:
        memory = GaugeMetricFamily(
            "floodmark_process_resident_bytes", "Resident memory of a process.", labels=["role", "pid"]
        )
        for role, pid in marked(self.folder):
            resident = resident_bytes(pid)
            if resident is not None:
                memory.add_metric([role, str(pid)], resident)
        yield memory


class Metrics:
    """The meters of this process, and the page about all of them."""

    def __init__(self, shelf: Shelf) -> None:
        folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
        self.folder = Path(folder) if folder else None
        self._own = CollectorRegistry()
        self.meters = Meters(self._own)
        self.shelf = shelf

    def page(self) -> bytes:
        """The page in the text format of Prometheus."""
        if self.folder is None:
            found = CollectorRegistry()
            found.register(_Datasets(self.shelf))
            return generate_latest(self._own) + generate_latest(found)
        shared = CollectorRegistry()
        shared.register(_Datasets(self.shelf))
        shared.register(_Processes(self.folder))
        MultiProcessCollector(shared, path=str(self.folder))  # type: ignore[no-untyped-call]
        # Shared while others read, exclusive while a dead process is folded: nothing is counted twice or not at all.
        with reading(self.folder):
            return generate_latest(shared)
