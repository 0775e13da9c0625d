"""Doses, tallies, volumes and clients out of the cells."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

import numpy as np

from floodmark.evidence.assemble import Assembly, Named, floats, ints
from floodmark.evidence.clients import Seen
from floodmark.evidence.logs.requests import LOST, NO_UPSTREAM
from floodmark.evidence.masks import masked
from floodmark.evidence.nouns import OTHER, Client, Dose, DoseKind, Place, Tally, Volume
from floodmark.evidence.routes import capped
from floodmark.evidence.store import Key

PROBED_SHARE = 0.95
MIN_CLIENT_TARGETS = 20
MAX_CLIENTS = 50
MAX_VOLUMES = 1000
"""Families of files whose volume is told apart; each has three arrays, and a folder may hold 100,000 of them."""

EXAMPLES_SHOWN = 4
PROBED_PATHS = ("/metrics", "/healthz", "/health", "/livez", "/readyz", "/ping", "/-/healthy", "/status/health")
"""Routes that are monitoring whoever asks for them: some logs do not tell who does."""

Group = tuple[str | None, str, str, str | None]
"""service, kind, name, instance"""


def doses(assembly: Assembly) -> tuple[Dose, ...]:
    """Doses by service, route or task, and instance; the best of several sources that saw the same."""
    # the order of keys is that of reading, and so of the files: what follows sorts before it answers
    keys = list(assembly.ledger.store.keys)
    named = {number: each for number, each in assembly.named("dose").items() if not _unserved(keys[number])}
    totals = _totals(assembly, named)
    kept = _best_ranks(named, totals)
    names = _capped_names(kept, totals, assembly.max_routes)
    groups: dict[Group, list[int]] = {}
    for number, each in kept.items():
        group = (each.service, each.kind, names[each.service, each.kind, each.name], each.instance)
        groups.setdefault(group, []).append(number)
    order = sorted(groups, key=lambda group: tuple(part or "" for part in group))
    found = []
    for index, rows in assembly.cells((groups[group] for group in order), assembly.ledger.bin_seconds):
        service, kind, name, instance = order[index]
        members = {number: kept[number] for number in groups[order[index]]}
        found.append(
            Dose(
                service, cast(DoseKind, kind), name, assembly.first_place(members), ints(rows["bin"]), floats(rows["n"]),
                floats(rows["seconds"]), floats(rows["bytes"]), floats(rows["failed"]), instance,
                kind == "endpoint" and (name in PROBED_PATHS or _probed(members, totals)),
            )
        )  # fmt: skip
    return tuple(found)


def _unserved(key: Key) -> bool:
    """A request that the proxy answered by itself, or that named no path: no dose of any service."""
    return key.kind == "endpoint" and (key.port == NO_UPSTREAM or key.shape == 0)


def _probed(members: Mapping[int, Named], totals: Mapping[int, float]) -> bool:
    """Whether nearly all requests came from probes and scrapers."""
    probed = sum(totals[number] for number, each in members.items() if each.probe)
    return probed >= PROBED_SHARE * sum(totals[number] for number in members)


def _totals(assembly: Assembly, named: Iterable[int]) -> dict[int, float]:
    rows = assembly.ledger.store.query("SELECT key, sum(n) AS n FROM cells GROUP BY 1")
    found = dict.fromkeys(named, 0.0)
    found.update((key, n) for key, n in zip(rows["key"].tolist(), rows["n"].tolist(), strict=True) if key in found)
    return found


def _best_ranks(named: Mapping[int, Named], totals: Mapping[int, float]) -> dict[int, Named]:
    """For each route of a service the best source that told of it: the others saw the same requests."""
    best: dict[tuple[str, ...], int] = {}
    for number, each in named.items():
        if totals[number]:
            best[_about(each)] = min(best.get(_about(each), LOST), each.rank)
    return {number: each for number, each in named.items() if totals[number] and each.rank == best[_about(each)]}


def _about(each: Named) -> tuple[str, ...]:
    """What several sources may tell of. Connections have one name in the proxy's log, another in the database's."""
    return (each.kind, each.service or "", each.name) if each.kind == "endpoint" else (each.kind,)


def _capped_names(
    kept: Mapping[int, Named], totals: Mapping[int, float], limit: int
) -> dict[tuple[str | None, str, str], str]:  # fmt: skip
    sums: dict[tuple[str | None, str], dict[str, float]] = {}
    for number, each in kept.items():
        of_service = sums.setdefault((each.service, each.kind), {})
        of_service[each.name] = of_service.get(each.name, 0.0) + totals[number]
    return {
        (service, kind, name): short
        for (service, kind), names in sums.items()
        for name, short in capped(names, limit).items()
    }


def tallies(assembly: Assembly) -> tuple[Tally, ...]:
    """Kinds of lines by service and name."""
    named = assembly.named("tally")
    pools = {each.name for each in named.values() if each.kind == "connection-open"}
    groups: dict[tuple[str, str | None, str], list[int]] = {}
    for number, each in named.items():
        name = each.name
        if each.kind == "connection-close" and not name and len(pools) == 1:
            # version 1 of the proxy does not say whose connection was closed
            name = next(iter(pools))
        groups.setdefault((each.kind, each.service, name), []).append(number)
    order = sorted(groups, key=_tally_order)
    told = [
        Tally(*order[index], ints(rows["bin"]), floats(rows["n"]), _examples(assembly, groups[order[index]]))
        for index, rows in assembly.cells((groups[group] for group in order), assembly.ledger.bin_seconds)
    ]
    told.extend(_requests(assembly))
    return tuple(sorted(told, key=lambda tally: _tally_order((tally.kind, tally.service, tally.name))))


def _tally_order(group: tuple[str, str | None, str]) -> tuple[str, str, str]:
    return group[0], group[1] or "", group[2]


def _requests(assembly: Assembly) -> list[Tally]:
    """All requests of each service, and of the proxy those it answered by itself."""
    named = assembly.named("dose", "endpoint")
    groups: dict[str | None, list[int]] = {}
    for number, each in _best_ranks(named, _totals(assembly, named)).items():
        groups.setdefault(each.service, []).append(number)
    order = sorted(groups, key=lambda service: service or "")
    return [
        Tally("request", order[index], "", ints(rows["bin"]), floats(rows["n"]))
        for index, rows in assembly.cells((groups[service] for service in order), assembly.ledger.bin_seconds)
    ]


def _examples(assembly: Assembly, numbers: Iterable[int]) -> tuple[tuple[float, Place, str], ...]:
    """The first few and the last, in the order of their times."""
    ledger = assembly.ledger
    found = [
        (ledger.lanes[lane].utc(at), assembly.place(source, line), text)
        for number in numbers
        for at, lane, source, line, text in ledger.store.seen[number].examples
    ]
    found.sort(key=lambda shown: (shown[0], shown[1].source, shown[1].line or 0))
    if len(found) > EXAMPLES_SHOWN:
        found = [*found[: EXAMPLES_SHOWN - 1], found[-1]]
    return tuple((at, place, masked(text)) for at, place, text in found)


def volumes(assembly: Assembly) -> tuple[Volume, ...]:
    """Log written per hour, by family of files; beyond MAX_VOLUMES of them the smaller ones of a service together."""
    ledger = assembly.ledger
    keys = {number: key.origin for key, number in ledger.store.keys.items() if key.what == "volume"}
    members = ledger.rows_by_origin()
    groups: dict[tuple[str, str | None], list[int]] = {}
    apart = _largest(assembly, keys)
    for number, origin in keys.items():
        services = {assembly.service_of_source(row) for row in members[origin]}
        service = next(iter(services)) if len(services) == 1 else None
        groups.setdefault((ledger.origins[origin] if origin in apart else OTHER, service), []).append(number)
    order = sorted(groups, key=lambda group: (group[0], group[1] or ""))
    return tuple(
        Volume(*order[index], ints(rows["bin"]), floats(rows["bytes"]), floats(rows["n"]))
        for index, rows in assembly.cells((groups[group] for group in order), 3600.0)
    )


def _largest(assembly: Assembly, keys: Mapping[int, int]) -> set[int]:
    """The families with the most lines of log, as many as are told apart."""
    if len(set(keys.values())) <= MAX_VOLUMES:
        return set(keys.values())
    lines: dict[int, float] = {}
    for number, total in _totals(assembly, keys).items():
        lines[keys[number]] = lines.get(keys[number], 0.0) + total
    origins = assembly.ledger.origins
    return set(sorted(lines, key=lambda origin: (-lines[origin], origins[origin]))[:MAX_VOLUMES])


def clients(assembly: Assembly) -> tuple[Client, ...]:
    """Clients that asked for many different things, those with the most first."""
    found = []
    for seen in assembly.ledger.clients.clients.values():
        bins = _bins_of(assembly, seen)
        order = sorted(bins)
        if sum(bins[number][1] for number in order) >= MIN_CLIENT_TARGETS:
            counts = np.array([bins[number] for number in order])
            found.append(
                Client(
                    masked(seen.name, 120), seen.address, np.array(order, np.int64), counts[:, 0], counts[:, 1],
                    assembly.place(seen.source, seen.line),
                )
            )  # fmt: skip
    found.sort(key=lambda client: (-float(client.targets.sum()), client.name, client.address))
    return tuple(found[:MAX_CLIENTS])


def _bins_of(assembly: Assembly, seen: Seen) -> dict[int, list[float]]:
    """bin -> [requests, targets] of one client inside the window."""
    ledger = assembly.ledger
    bins: dict[int, list[float]] = {}
    for (lane, number), (asked, targets) in seen.cells.items():
        grain = 1 if ledger.lanes[lane].naive else max(int(ledger.bin_seconds), 1)
        at = ledger.lanes[lane].utc(number * grain)
        if assembly.inside(at):
            cell = bins.setdefault(int(at // ledger.bin_seconds), [0.0, 0.0])
            cell[0] += asked
            cell[1] += targets
    return bins
