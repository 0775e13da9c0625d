"""Who served a request: from the proxy's configuration, ports, descriptions, error lines, and what the user says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from floodmark.evidence.ledger import Ledger, SourceRow
from floodmark.evidence.logs.requests import NO_UPSTREAM
from floodmark.evidence.nouns import Place, Route

GENERIC = frozenset(
    ("log", "logs", "var", "nginx", "access", "error", "evidence", "stderr", "stdout", "output", "app", "apps", "gunicorn",
     "uwsgi", "gcs", "gcp", "export", "exports", "prometheus", "grafana", "psutil", "k8s", "kubernetes", "metrics", "data",
     "container", "containers", "pods", "default", "json", "csv", "txt", "current", "out", "err", "postgres", "postgresql",
     "proxy", "requests", "tmp", "files", "raw", "logging", "docker", "gunicorn-error", "gunicorn-access", "cloud")
)  # fmt: skip
"""Words in paths that name no service."""


NAMED_BY_FOLDER = (
    "gunicorn-error", "gunicorn-access", "uwsgi", "django-q", "application-log", "postgres", "cloudsql-proxy",
    "request-record",
)  # fmt: skip
"""Logs that are one service's own, so that a folder of any name may be taken for its name."""


@dataclass(slots=True)
class Serving:
    """What is known of who serves what."""

    known: frozenset[str]
    """Names of services that descriptions, events, wrappers and metrics use."""

    by_prefix: list[Route] = field(default_factory=list)
    """Longest prefix first."""

    by_port: Mapping[str, str] = field(default_factory=dict)
    by_origin: Mapping[int, str] = field(default_factory=dict)
    by_role: Mapping[str, str] = field(default_factory=dict)
    learned: Mapping[str, str] = field(default_factory=dict)
    """First segment of a path -> port, as error lines tell."""

    web: tuple[str, ...] = ()
    """Services that serve requests; one alone serves them all."""

    def of_request(self, route: str, port: str) -> str | None:
        """The service behind the proxy that served a route."""
        if port == NO_UPSTREAM:
            return None
        if port and port in self.by_port:
            return self.by_port[port]
        for rule in self.by_prefix:
            if route.startswith(rule.prefix) and (rule.service or rule.port is not None):
                return rule.service or self.by_port.get(str(rule.port)) or f"port {rule.port}"
        learned = self.learned.get(_first(route))
        if learned:
            return self.by_port.get(learned, f"port {learned}")
        if port:
            return f"port {port}"
        return self.web[0] if len(self.web) == 1 else None

    def of_origin(self, origin: int) -> str | None:
        """The service a family of files belongs to."""
        return self.by_origin.get(origin)


def _first(route: str) -> str:
    return "/" + route.strip("/").partition("/")[0]


def serving_of(
    ledger: Ledger, given_services: Sequence[tuple[str, str]], given_routes: Sequence[tuple[str, str]],
    names: Sequence[str],
) -> Serving:  # fmt: skip
    """Put together what all sources say; `names` are the route templates by shape number."""
    known = _known(ledger)
    members = ledger.rows_by_origin()
    by_origin = {
        number: name
        for number, family in enumerate(ledger.origins)
        if (name := _named(family, [ledger.sources[row] for row in members[number]], known, given_services)) is not None
    }
    by_port = _ports(ledger, by_origin)
    by_role: dict[str, str] = {}
    for container in ledger.containers:
        by_role.setdefault(container.role, container.service)
    web = tuple(dict.fromkeys(each.service for each in ledger.containers if each.role == "web"))
    # without descriptions of pods, whoever listens serves
    if not web:
        web = tuple(dict.fromkeys(by_port.values()))
    return Serving(
        known, _rules(ledger, given_routes, by_port), by_port, by_origin, by_role, _learned(ledger, names), web
    )


def _known(ledger: Ledger) -> frozenset[str]:
    found = {each.service for each in ledger.containers}
    found |= {each.service for each in ledger.route_lines if each.service}
    found |= {each.service for each in ledger.happenings if each.service}
    found |= {row.key.service for row in ledger.series_rows if row.key.service}
    found |= {name for row in ledger.sources for name in row.services}
    return frozenset(found)


def _named(
    family: str, members: Sequence[SourceRow], known: frozenset[str], given: Sequence[tuple[str, str]]
) -> str | None:  # fmt: skip
    """What the user says, else a part of the path that is a service elsewhere, else the innermost telling one of logs."""
    paths = [row.path for row in members]
    for pattern, service in given:
        if any(fnmatchcase(path, pattern) for path in (*paths, family)):
            return service
    parts = _parts(family) or [""]
    for part in parts:
        if part in known:
            return part
    for part in parts:
        inside = [name for name in known if part.startswith((name + "-", name + "_", name + "."))]
        if inside:
            return max(inside, key=len)
    if not any(row.kind in NAMED_BY_FOLDER for row in members):
        return None
    # of names that nobody else uses a folder says more than a file
    parts = [*family.split("/")[-2::-1], parts[0]]
    return next(
        (part for part in parts if part and part.lower() not in GENERIC and not part.replace("-", "").isdigit()), None
    )


def _parts(family: str) -> list[str]:
    """Folders from the innermost out, and before them the name without extension: `worker.log` may be a worker's."""
    *folders, name = family.split("/")
    stem = name.partition(".")[0]
    # /var/log/containers/POD_NAMESPACE_CONTAINER-ID.log
    pieces = stem.split("_")
    if len(pieces) == 3 and "-" in pieces[2]:
        stem = pieces[2].rpartition("-")[0]
    return [*([stem] if stem.lower() not in GENERIC else []), *reversed(folders)]


def _ports(ledger: Ledger, by_origin: Mapping[int, str]) -> dict[str, str]:
    """Port -> service: comments of the proxy's configuration, then descriptions, then what servers say themselves."""
    found: dict[str, str] = {}
    for line in ledger.route_lines:
        if line.port is not None and line.service:
            found.setdefault(str(line.port), line.service)
    described = {str(port): each.service for each in ledger.containers if each.role != "proxy" for port in each.ports}
    found.update({port: service for port, service in described.items() if port not in found})
    for listener in ledger.listeners:
        service = listener.service or by_origin.get(listener.origin)
        if service:
            found.setdefault(str(listener.port), service)
    return found


def _rules(ledger: Ledger, given: Sequence[tuple[str, str]], by_port: Mapping[str, str]) -> list[Route]:
    rules: dict[str, Route] = {}
    for prefix, service in given:
        rules[prefix] = Route(prefix, None, service, Place("(given)"))
    for line in ledger.route_lines:
        served_by = line.service or by_port.get(str(line.port))
        place = Place(ledger.sources[line.source].path, line.line)
        rules.setdefault(line.prefix, Route(line.prefix, line.port, served_by, place))
    return sorted(rules.values(), key=lambda rule: (-len(rule.prefix), rule.prefix))


def _learned(ledger: Ledger, names: Sequence[str]) -> dict[str, str]:
    """First segments that error lines show at one port only."""
    seen: dict[str, Counter[str]] = {}
    for key in ledger.store.keys:
        if key.what == "tally" and key.shape > 0 and key.port.isdigit():
            seen.setdefault(_first(names[key.shape]), Counter())[key.port] += 1
    return {first: next(iter(ports)) for first, ports in seen.items() if len(ports) == 1}
