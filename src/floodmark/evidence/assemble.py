"""From the ledger to the evidence: names settled, clocks applied, cells added up in bins."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np

from floodmark.evidence.clock import Lane, offset_name
from floodmark.evidence.ledger import Ledger
from floodmark.evidence.logs.access import LOST
from floodmark.evidence.logs.requests import NO_UPSTREAM
from floodmark.evidence.masks import masked
from floodmark.evidence.nouns import (
    OTHER,
    Client,
    Clock,
    Dose,
    DoseKind,
    Event,
    Floats,
    Ints,
    Limit,
    Place,
    Series,
    SourceHealth,
    Tally,
    Volume,
)  # fmt: skip
from floodmark.evidence.routes import MALFORMED, capped
from floodmark.evidence.serving import Serving
from floodmark.evidence.store import Key

PROBED_SHARE = 0.95
FAR = 2**40
MIN_CLIENT_TARGETS = 20
MAX_CLIENTS = 50
PROXY_KINDS = ("nginx-access", "nginx-error", "nginx-conf")
PROBED_PATHS = ("/metrics", "/healthz", "/health", "/livez", "/readyz", "/ping", "/-/healthy", "/status/health")

Window = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Named:
    """What a key means once everything is known."""

    what: str
    kind: str
    service: str | None
    instance: str | None
    name: str
    rank: int
    probe: int
    place: Place


@dataclass(slots=True)
class Assembly:
    """The ledger with the names of its routes and services, and what bounds the answer."""

    ledger: Ledger
    serving: Serving
    routes: Sequence[str]
    window: Window | None
    max_routes: int
    max_samples: int
    _services: dict[int, str | None] = field(default_factory=dict)

    def prepare(self) -> None:
        """Put what keys and lanes mean beside the cells."""
        self.ledger.store.settle()
        pieces = [(lane.number, *piece) for lane in self.ledger.lanes for piece in lane.pieces]
        columns = np.array(pieces, np.float64).reshape(-1, 4)
        self.ledger.store.table(
            "shifts",
            {
                "lane": columns[:, 0].astype(np.int64),
                "low": columns[:, 1],
                "high": columns[:, 2],
                "shift": columns[:, 3],
            },
        )

    # ---- names

    def named(self, key: Key, number: int) -> Named:
        """The meaning of a key."""
        seen = self.ledger.store.seen[number]
        place = Place(self.ledger.sources[seen.source].path, seen.line)
        name, service = key.name, key.service or self.serving.of_origin(key.origin)
        if key.kind == "endpoint" or key.shape >= 0 or key.port:
            name = self._route(key)
            service = self._server(key, name)
        elif key.kind.startswith("connection") and key.what == "dose":
            service = None
        return Named(key.what, key.kind, service, key.instance, name, key.rank, key.probe, place)

    def _route(self, key: Key) -> str:
        if key.shape == -1:
            return key.name
        return OTHER if key.shape < 0 else self.routes[key.shape]

    def _server(self, key: Key, route: str) -> str | None:
        if key.service:
            return key.service
        if 0 < key.rank < LOST and not key.port:
            origin = self.serving.of_origin(key.origin)
            return origin or (self.serving.web[0] if len(self.serving.web) == 1 else None)
        if key.rank == LOST and not key.port and self.serving.of_origin(key.origin):
            return self.serving.of_origin(key.origin)
        if key.port == NO_UPSTREAM:
            return self.serving.by_role.get("proxy")
        return self.serving.of_request(route, key.port)

    def service_of_source(self, number: int) -> str | None:
        """The service a whole source belongs to."""
        if number not in self._services:
            self._services[number] = self._service_of(number)
        return self._services[number]

    def _service_of(self, number: int) -> str | None:
        row = self.ledger.sources[number]
        if row.kind.startswith("kubernetes"):
            return None
        named = row.services or dict.fromkeys(
            each.key.service for each in self.ledger.series_rows if each.source == number and each.key.service
        )
        if named:
            return next(iter(named)) if len(named) == 1 else None
        if row.kind in PROXY_KINDS and self.serving.by_role.get("proxy"):
            return self.serving.by_role["proxy"]
        return row.service or self.serving.of_origin(row.origin)

    # ---- cells

    def cells(self, groups: dict[int, int], bin_seconds: float) -> dict[str, Any]:
        """Sums by (group, bin) for keys that belong to a group."""
        self.ledger.store.table(
            "wanted",
            {"key": np.array(list(groups), np.int64), "grp": np.array(list(groups.values()), np.int64)},
        )
        low, high = self.window or (-math.inf, math.inf)
        # whole bins: from that with the first second in it to the last that begins before the end
        first = math.floor(low / bin_seconds) if math.isfinite(low) else -FAR
        last = math.ceil(high / bin_seconds) - 1 if math.isfinite(high) else FAR
        return self.ledger.store.query(
            "SELECT w.grp AS grp, CAST(floor((c.second + s.shift) / ?) AS BIGINT) AS bin, sum(c.n) AS n,"
            " sum(c.seconds) AS seconds, sum(c.bytes) AS bytes, sum(c.failed) AS failed"
            " FROM cells c JOIN wanted w ON w.key = c.key"
            " JOIN shifts s ON s.lane = c.lane AND c.second >= s.low AND c.second < s.high"
            " WHERE floor((c.second + s.shift) / ?) BETWEEN ? AND ? GROUP BY 1, 2 ORDER BY 1, 2",
            bin_seconds, bin_seconds, first, last,
        )  # fmt: skip


def doses(assembly: Assembly) -> tuple[Dose, ...]:
    """Doses by service, route or task, and instance; the best of several sources that saw the same."""
    named = _named(assembly, "dose")
    totals = _totals(assembly, named)
    kept = _best_ranks(named, totals)
    names = _capped_names(kept, totals, assembly.max_routes)
    groups: dict[tuple[str | None, str, str, str | None], list[int]] = {}
    for number, meaning in kept.items():
        name = names[meaning.service, meaning.kind, meaning.name]
        groups.setdefault((meaning.service, meaning.kind, name, meaning.instance), []).append(number)
    order = sorted(groups, key=lambda group: tuple(part or "" for part in group))
    rows = assembly.cells(
        {number: index for index, group in enumerate(order) for number in groups[group]}, assembly.ledger.bin_seconds
    )
    found = []
    for index, part in _parts(rows["grp"]):
        service, kind, name, instance = order[index]
        members = groups[order[index]]
        probed = sum(totals[number] for number in members if kept[number].probe)
        whole = sum(totals[number] for number in members)
        monitoring = kind == "endpoint" and (probed >= PROBED_SHARE * whole or name in PROBED_PATHS)
        place = min((kept[number].place for number in members), key=lambda place: (place.source, place.line or 0))
        found.append(
            Dose(
                service,
                cast(DoseKind, kind),
                name,
                place,
                _ints(rows["bin"][part]),
                _floats(rows["n"][part]),
                _floats(rows["seconds"][part]),
                _floats(rows["bytes"][part]),
                _floats(rows["failed"][part]),
                instance,
                monitoring,
            )
        )
    return tuple(found)


def _named(assembly: Assembly, what: str) -> dict[int, Named]:
    store = assembly.ledger.store
    return {
        number: assembly.named(key, number)
        for key, number in store.keys.items()
        if key.what == what and not _unserved(key)
    }


def _unserved(key: Key) -> bool:
    """A request that the proxy answered by itself, or that named no path: no dose of any service."""
    return key.what == "dose" and key.kind == "endpoint" and (key.port == NO_UPSTREAM or key.shape == 0)


def _totals(assembly: Assembly, named: dict[int, Named]) -> dict[int, float]:
    rows = assembly.ledger.store.query("SELECT key, sum(n) AS n FROM cells GROUP BY 1")
    totals = dict.fromkeys(named, 0.0)
    totals.update({int(key): float(n) for key, n in zip(rows["key"], rows["n"], strict=True) if int(key) in named})
    return totals


def _best_ranks(named: dict[int, Named], totals: dict[int, float]) -> dict[int, Named]:
    """For each route of a service the best source that told of it: the others saw the same requests."""
    best: dict[tuple[str, str | None, str], int] = {}
    for number, meaning in named.items():
        if totals[number]:
            # connections have one name in the proxy's log and another in the database's
            about = (
                (meaning.kind, meaning.service, meaning.name)
                if meaning.kind == "endpoint"
                else (meaning.kind, None, "")
            )
            best[about] = min(best.get(about, LOST), meaning.rank)
    kept = {}
    for number, meaning in named.items():
        about = (
            (meaning.kind, meaning.service, meaning.name) if meaning.kind == "endpoint" else (meaning.kind, None, "")
        )
        if totals[number] and meaning.rank == best[about]:
            kept[number] = meaning
    return kept


def _capped_names(
    kept: dict[int, Named], totals: dict[int, float], limit: int
) -> dict[tuple[str | None, str, str], str]:  # fmt: skip
    sums: dict[tuple[str | None, str], dict[str, float]] = {}
    for number, meaning in kept.items():
        of_service = sums.setdefault((meaning.service, meaning.kind), {})
        of_service[meaning.name] = of_service.get(meaning.name, 0.0) + totals[number]
    return {
        (service, kind, name): short
        for (service, kind), names in sums.items()
        for name, short in capped(names, limit).items()
    }


def tallies(assembly: Assembly) -> tuple[Tally, ...]:
    """Kinds of lines by service and name."""
    named = _named(assembly, "tally")
    pools = {meaning.name for meaning in named.values() if meaning.kind == "connection-open"}
    groups: dict[tuple[str, str | None, str], list[int]] = {}
    for number, meaning in named.items():
        name = meaning.name
        if meaning.kind == "connection-close" and not name and len(pools) == 1:
            # version 1 of the proxy does not say whose connection was closed
            name = next(iter(pools))
        groups.setdefault((meaning.kind, meaning.service, name), []).append(number)
    order = sorted(groups, key=lambda group: (group[0], group[1] or "", group[2]))
    rows = assembly.cells(
        {number: index for index, group in enumerate(order) for number in groups[group]}, assembly.ledger.bin_seconds
    )
    told = [
        Tally(
            *order[index], _ints(rows["bin"][part]), _floats(rows["n"][part]), _examples(assembly, groups[order[index]])
        )
        for index, part in _parts(rows["grp"])
    ]
    return tuple(sorted([*told, *requests(assembly)], key=lambda tally: (tally.kind, tally.service or "", tally.name)))


def requests(assembly: Assembly) -> list[Tally]:
    """All requests of each service, and of the proxy those it answered by itself."""
    named = {
        number: assembly.named(key, number)
        for key, number in assembly.ledger.store.keys.items()
        if key.what == "dose" and key.kind == "endpoint"
    }
    kept = _best_ranks(named, _totals(assembly, named))
    order = sorted({meaning.service for meaning in kept.values()}, key=lambda service: service or "")
    rows = assembly.cells(
        {number: order.index(meaning.service) for number, meaning in kept.items()}, assembly.ledger.bin_seconds
    )
    return [
        Tally("request", order[index], "", _ints(rows["bin"][part]), _floats(rows["n"][part]))
        for index, part in _parts(rows["grp"])
    ]


def _examples(assembly: Assembly, numbers: Iterable[int]) -> tuple[tuple[float, Place, str], ...]:
    ledger = assembly.ledger
    found = []
    for number in numbers:
        for at, lane, source, line, text in ledger.store.seen[number].examples:
            found.append((ledger.lanes[lane].utc(at), Place(ledger.sources[source].path, line), text))
    found.sort(key=lambda shown: (shown[0], shown[1].source, shown[1].line or 0))
    if len(found) > 4:
        found = [*found[:3], found[-1]]
    return tuple((at, place, masked(text)) for at, place, text in found)


def volumes(assembly: Assembly) -> tuple[Volume, ...]:
    """Log written per hour, by family of files."""
    ledger = assembly.ledger
    numbers = {number: key for key, number in ledger.store.keys.items() if key.what == "volume"}
    order = sorted({key.origin for key in numbers.values()}, key=lambda origin: ledger.origins[origin])
    place = {origin: index for index, origin in enumerate(order)}
    rows = assembly.cells({number: place[key.origin] for number, key in numbers.items()}, 3600.0)
    found = []
    for index, part in _parts(rows["grp"]):
        sources = [number for number, row in enumerate(ledger.sources) if row.origin == order[index]]
        services = {assembly.service_of_source(number) for number in sources}
        service = next(iter(services)) if len(services) == 1 else None
        found.append(
            Volume(
                ledger.origins[order[index]],
                service,
                _ints(rows["bin"][part]),
                _floats(rows["bytes"][part]),
                _floats(rows["n"][part]),
            )
        )
    return tuple(found)


def clients(assembly: Assembly) -> tuple[Client, ...]:
    """Clients that asked for many different things, those with the most first."""
    ledger = assembly.ledger
    found = []
    for seen in ledger.clients.clients.values():
        bins: dict[int, list[float]] = {}
        for (lane, number), (requests, targets) in seen.cells.items():
            grain = 1 if ledger.lanes[lane].naive else max(int(ledger.bin_seconds), 1)
            at = ledger.lanes[lane].utc(number * grain)
            if assembly.window is not None and not assembly.window[0] <= at <= assembly.window[1]:
                continue
            cell = bins.setdefault(int(at // ledger.bin_seconds), [0.0, 0.0])
            cell[0] += requests
            cell[1] += targets
        if sum(cell[1] for cell in bins.values()) >= MIN_CLIENT_TARGETS:
            order = sorted(bins)
            found.append(
                Client(
                    masked(seen.name, 120),
                    seen.address,
                    np.array(order, np.int64),
                    np.array([bins[number][0] for number in order]),
                    np.array([bins[number][1] for number in order]),
                    Place(ledger.sources[seen.source].path, seen.line),
                )
            )
    found.sort(key=lambda client: (-float(client.targets.sum()), client.name, client.address))
    return tuple(found[:MAX_CLIENTS])


def series(assembly: Assembly) -> tuple[Series, ...]:
    """Every series in the order of its times, equal samples of overlapping sources once."""
    ledger = assembly.ledger
    by_key: dict[Any, list[int]] = {}
    for number, row in enumerate(ledger.series_rows):
        by_key.setdefault(row.key, []).append(number)
    low, high = assembly.window or (-math.inf, math.inf)
    order = sorted(
        by_key,
        key=lambda key: (key.service, key.metric, key.measure, key.instance or "", key.process or "", key.labels),
    )
    ledger.store.table(
        "wanted",
        {
            "series": np.array([number for key in order for number in by_key[key]], np.int64),
            "grp": np.array([index for index, key in enumerate(order) for _ in by_key[key]], np.int64),
            "skew": np.array([_skew(ledger, number) for key in order for number in by_key[key]], np.float64),
        },
    )
    rows = ledger.store.query(
        "SELECT w.grp AS grp, m.moment + s.shift + w.skew AS moment, m.value AS value, min(m.series) AS origin FROM samples m"
        " JOIN wanted w ON w.series = m.series"
        " JOIN shifts s ON s.lane = m.lane AND m.moment >= s.low AND m.moment < s.high"
        " WHERE m.moment + s.shift >= ? AND m.moment + s.shift <= ? GROUP BY 1, 2, 3 ORDER BY 1, 2, 4, 3",
        low, high,
    )  # fmt: skip
    parts = dict(_parts(rows["grp"]))
    found = []
    for index, key in enumerate(order):
        part = parts.get(index, slice(0, 0))
        at, value = thinned(_floats(rows["moment"][part]), _floats(rows["value"][part]), assembly.max_samples)
        first = ledger.series_rows[by_key[key][0]]
        started = min(
            (row.started for n in by_key[key] if (row := ledger.series_rows[n]).started is not None), default=None
        )
        service = key.service or assembly.service_of_source(first.source) or ""
        found.append(
            Series(
                service,
                key.instance,
                key.process,
                key.measure,
                key.metric,
                Place(ledger.sources[first.source].path, first.line),
                at,
                value,
                dict(key.labels),
                key.expr,
                key.unit,
                max(ledger.series_rows[number].copies for number in by_key[key]),
                started,
            )
        )
    return tuple(found)


def _skew(ledger: Ledger, number: int) -> float:
    """Seconds to add to a series beside what its lane says."""
    row = ledger.series_rows[number]
    lanes = ledger.sources[row.source].lanes
    return sum(ledger.lanes[lane].skews.get(row.key.service, 0.0) for lane in lanes)


def thinned(at: Floats, value: Floats, limit: int) -> tuple[Floats, Floats]:
    """At most about `limit` samples: the last one of each of that many equal stretches, real samples and no averages."""
    if len(at) <= limit:
        return at, value
    stretch = (
        np.floor((at - at[0]) / (at[-1] - at[0]) * (limit - 1)).astype(np.int64)
        if at[-1] > at[0]
        else np.zeros(len(at))
    )
    last = np.append(np.flatnonzero(np.diff(stretch)), len(at) - 1)
    return at[last], value[last]


def events(assembly: Assembly) -> tuple[Event, ...]:
    """Events in the order of their times, equal ones of overlapping sources once."""
    ledger = assembly.ledger
    found: dict[tuple[Any, ...], Event] = {}
    for each in ledger.happenings:
        at = ledger.lanes[each.lane].utc(each.at)
        if assembly.window is not None and not assembly.window[0] <= at <= assembly.window[1]:
            continue
        service = each.service
        if service is None and not ledger.sources[each.source].kind.startswith("kubernetes"):
            service = assembly.service_of_source(each.source)
        place = Place(ledger.sources[each.source].path, each.line)
        event = Event(at, each.kind, service, each.instance, each.process, each.text, place, each.times)
        found.setdefault((at, each.kind, service, each.instance, each.process, each.text), event)
    return tuple(sorted(found.values(), key=lambda e: (e.at, e.kind, e.service or "", e.process or "", e.text)))


def limits(assembly: Assembly) -> tuple[Limit, ...]:
    """Limits as configurations state them, each once."""
    found: dict[tuple[Any, ...], Limit] = {}
    for line in assembly.ledger.limit_lines:
        service = line.service or (None if line.kind == "node-memory" else assembly.serving.of_origin(line.origin))
        place = Place(assembly.ledger.sources[line.source].path, line.line)
        found.setdefault((service, line.kind, line.value), Limit(service, line.kind, line.value, place))  # type: ignore[arg-type]
    return tuple(sorted(found.values(), key=lambda each: (each.service or "", each.kind, each.value)))


def health(assembly: Assembly) -> tuple[SourceHealth, ...]:
    """One row a source that was read."""
    found = []
    for number, row in enumerate(assembly.ledger.sources):
        lanes = [assembly.ledger.lanes[lane] for lane in row.lanes]
        times = [lane.utc(at) for lane in lanes for at in (lane.first, lane.last) if at is not None]
        found.append(
            SourceHealth(
                row.path,
                row.kind,
                assembly.service_of_source(number),
                row.records,
                row.rejected,
                min(times, default=None),
                max(times, default=None),
                _clock_of(lanes, row.remarks),
                row.duplicates,
                sum(lane.out_of_order for lane in lanes),
                row.damaged,
                tuple(row.examples),
                "; ".join(row.remarks),
            )
        )
    return tuple(sorted(found, key=lambda health: health.path))


def _clock_of(lanes: Sequence[Lane], remarks: list[str]) -> Clock | None:
    used = [lane for lane in lanes if lane.first is not None]
    if not used:
        return None
    offsets: dict[int, int] = {}
    for lane in used:
        for east, count in lane.offsets.items():
            offsets[east] = offsets.get(east, 0) + count
    if len(offsets) > 1:
        from_lines = ", ".join(f"{name} ({count} lines)" for name, count in _offset_names(offsets))
        remarks.append(f"more than one zone in the file: {from_lines}")
    rank = {"assumed": 0, "inferred": 1, "given": 2, "stated": 3}
    # the least certain clock is the one to know about
    return min(used, key=lambda lane: (rank[lane.clock.basis], lane.number)).clock


def _offset_names(offsets: dict[int, int]) -> list[tuple[str, int]]:
    return [(offset_name(east), offsets[east]) for east in sorted(offsets)]


def _parts(group: Any) -> list[tuple[int, slice]]:
    """(group, its rows) of a column that is sorted."""
    values = np.asarray(group, np.int64)
    if not len(values):
        return []
    bounds = np.concatenate(([0], np.flatnonzero(np.diff(values)) + 1, [len(values)]))
    return [(int(values[a]), slice(int(a), int(b))) for a, b in pairwise(bounds)]


def _floats(column: Any) -> Floats:
    return np.asarray(np.ma.filled(column, np.nan), np.float64)


def _ints(column: Any) -> Ints:
    return np.asarray(column, np.int64)


__all__ = ["MALFORMED", "Assembly", "clients", "doses", "events", "health", "limits", "series", "tallies", "volumes"]
