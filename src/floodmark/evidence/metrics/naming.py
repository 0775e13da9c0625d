"""Who is measured: service, instance and process from labels, and from the legends of panels, which have lost them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SERVICE_LABELS = (
    "exported_container", "container", "container_name", "container_label_com_docker_compose_service",
    "io_kubernetes_container_name", "compose_service", "service_name", "service", "exported_service", "app",
    "app_kubernetes_io_name", "application", "component", "deployment", "name", "exported_job", "job",
)  # fmt: skip
"""Labels that name the service, surest first. `exported_` ones are the target's own (honor_labels: false)."""

INSTANCE_LABELS = (
    "exported_pod", "pod", "pod_name", "kubernetes_pod_name", "io_kubernetes_pod_name", "replica", "hostname", "host",
    "exported_instance", "instance", "node", "nodename", "machine",
)  # fmt: skip
PROCESS_LABELS = ("pid", "process", "process_id", "worker_pid", "worker_id", "worker")

_PYTHON_PATH = re.compile(r"\w+(\.\w+){2,}|[a-z]+_\w*(\.\w+)+")
"""`akvo.rest.views.country`, `django_prometheus.exports`: a view; names of containers have no underscores."""

SQL_VERBS = frozenset(["select", "insert", "update", "delete", "release", "savepoint", "begin", "commit", "rollback"])

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_BASE = r"(?P<base>[a-z0-9](?:[-a-z0-9.]*?[a-z0-9])?)"
_PODS = (
    re.compile(rf"{_BASE}-(?:(?=[a-z]*\d)[a-z0-9]{{8,10}}|[{_SAFE}]{{6,10}})-[{_SAFE}]{{5}}"),
    re.compile(rf"{_BASE}-(?=[a-z]*\d)[{_SAFE}]{{5}}"),
)
"""`name-<hash of the template>-<5>` of a Deployment, or `name-<5>` of a DaemonSet or Job, with a digit in it."""

_STATEFUL = re.compile(r"(?P<base>[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)-\d{1,3}")
_COMPOSE = re.compile(r"(?P<project>[a-z0-9]+)[-_](?P<base>[a-z0-9][-_a-z0-9]*?)[-_](?P<number>\d+)")
_LABELS = re.compile(r'([a-zA-Z_][\w.]*)\s*=~?\s*"((?:[^"\\]|\\.)*)"')
_SPLIT = re.compile(r"\s+[-–—|/·:]\s+|\s+[-–—|/]$|^[-–—|/]\s+|:\s+")


@dataclass(frozen=True, slots=True)
class Who:
    """What a series is of. `labels` is what else the legend says: view, threshold, type."""

    service: str
    instance: str | None = None
    process: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def pod_base(name: str) -> str | None:
    """The workload that a pod belongs to, by the form of its name, or None where it has no such form.

    >>> pod_base("rsr-7d759f6dc9-m99vb"), pod_base("rsr-memcached-7fbb8d49f7-z6jwq"), pod_base("rsr-nginx")
    ('rsr', 'rsr-memcached', None)
    """
    for form in _PODS:
        if match := form.fullmatch(name):
            return match.group("base")
    return None


def from_labels(labels: Mapping[str, str], fallback: str | None = None) -> Who:
    """Who the labels of a Prometheus series name. Rows of a parent control group get the name of the workload."""
    named = {name: text for name, text in labels.items() if text not in ("", "POD")}
    instance, process = _first(named, INSTANCE_LABELS), _first(named, PROCESS_LABELS)
    base = pod_base(instance) if instance and not _first(named, SERVICE_LABELS[:3]) else None
    if base is not None:
        return Who(named.get("service") or base, instance, process)
    service = _first(named, SERVICE_LABELS)
    if service is not None and service == named.get("name"):
        service = service_of_container(service)
    return Who(service or fallback or instance or "", instance, process)


def _first(named: Mapping[str, str], labels: tuple[str, ...]) -> str | None:
    return next((named[label] for label in labels if label in named), None)


def service_of_container(name: str) -> str:
    """`rsr_backend_1` of Docker Compose and `k8s_backend_rsr-7d_default_…` of the kubelet as the service they run."""
    plain = name.lstrip("/")
    if plain.startswith("k8s_"):
        return plain.split("_")[1]
    match = _COMPOSE.fullmatch(plain)
    return match.group("base") if match else plain


def from_legend(legend: str, fallback: str | None = None) -> Who:
    """Who the legend of a panel names: raw labels, `pod - container`, `service - view`, a pod, or a service."""
    text = legend.strip()
    if match := re.fullmatch(r"([a-zA-Z_:][\w:]*)?\s*\{(.*)\}", text, re.DOTALL):
        labels = {name: value.replace('\\"', '"') for name, value in _LABELS.findall(match.group(2))}
        who = from_labels(labels, fallback)
        return Who(who.service, who.instance, who.process, labels)
    if text.lower() in ("", "value", "values", "count", "current", "avg", "mean", "max"):
        return Who(fallback or "")
    pieces = [piece.strip() for piece in _SPLIT.split(text)]
    pods = [piece for piece in pieces if pod_base(piece)]
    if pods:
        return _with_pod(pieces, pods[0])
    return _with_service([piece for piece in pieces if piece], fallback)


def _with_pod(pieces: list[str], pod: str) -> Who:
    others = [piece for piece in pieces if piece and piece != pod]
    process = next((piece for piece in others if piece.isdigit()), None)
    names = [piece for piece in others if not piece.isdigit()]
    labels = {"part": names[1]} if len(names) > 1 else {}
    return Who(names[0] if names else pod_base(pod) or pod, pod, process, labels)


def _stateful(name: str) -> tuple[str, str | None]:
    match = _STATEFUL.fullmatch(name)
    return (match.group("base"), name) if match else (name, None)


def _with_service(pieces: list[str], fallback: str | None) -> Who:
    """`service - what`: the first piece unless its form says that it is something else; the rest says what of it."""
    labels = {}
    kept = []
    for piece in pieces:
        if key := _kind_of(piece):
            labels[key] = _bare(piece)
        else:
            kept.append(piece)
    process = next((piece for piece in kept if piece.isdigit()), None)
    names = [piece for piece in kept if piece != process]
    if len(names) > 1:
        labels["view"] = _bare(names[1])
    service, instance = _stateful(names[0]) if names else (fallback or "", None)
    return Who(service, instance, process, labels)


def _kind_of(piece: str) -> str | None:
    """The label that a piece of a legend was, where its form says so."""
    if re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)", piece):
        return "method"
    if re.fullmatch(r"p?\d{2}(\.\d+)?%?|\d{1,2}(th|st)?\s*percentile|median|avg|max|min", piece, re.IGNORECASE):
        return None if piece.isdigit() else "quantile"
    if re.fullmatch(r"[<>]?\s*\d+\s*[kmg]i?b\b.*", piece, re.IGNORECASE):
        return "threshold"
    if re.search(r"\bobjects?$", piece) or re.fullmatch(r"gen(eration)?[ _]?\d.*", piece, re.IGNORECASE):
        return "type"
    if piece.lower() in SQL_VERBS:
        return "operation"
    return "view" if piece.startswith("/") or _PYTHON_PATH.fullmatch(piece) else None


def _bare(piece: str) -> str:
    """Without the words that only repeat the title: `org-iati growth rate` is the view org-iati."""
    return re.sub(r"\s+(memory\s+)?(growth(\s+rate)?|usage|memory|rate|mb/h)$", "", piece).strip()
