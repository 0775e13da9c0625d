"""Traffic in the logs: a client that sweeps many ids, and hours with more log than the requests in them explain."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from floodmark.diagnosis.incident import LogPattern, Time
from floodmark.diagnosis.logquotes import quote
from floodmark.diagnosis.signals import HOUR, endpoints, filled, requests, summed
from floodmark.diagnosis.wording import counted, figure, span
from floodmark.evidence.nouns import Client, Evidence, Floats, Ints, Volume

SWEEP_TARGETS = 60
SWEEP_SECONDS = 900.0
"""Different paths that one client asks for in so short a time: fewer is a person, or busy traffic through a gateway."""

SWEEP_ABOVE = 5.0
"""A sweep asks this many times faster than the same client does otherwise: a gateway is busy all day."""

SWEEP_DISTINCT = 0.8
"""...and this share of its requests are for paths it had not asked for: a monitor repeats itself, a sweep does not."""

SWEEP_QUIET_SECONDS = 1800.0
"""A pause that ends a sweep."""

MAX_SWEEPS = 10
"""Of one client; the rest is counted in the last."""

HARVESTERS = ("iati", "d-portal", "datastore", "bulk data")
"""Words in the names of the clients that fetch every data set of a publisher."""

BROWSER = "mozilla/"

VOLUME_FACTOR = 3.0
"""An hour stands out where its log is this many times the usual..."""

VOLUME_MB = 1.0
"""...and at least this large."""

SURGE_FACTOR = 2.0
SURGE_REQUESTS = 60.0
SURGE_HOURS = 2
"""A surge is this many times the usual, more than so many requests in an hour, for so many hours."""

SURGE_NEEDS_HOURS = 24
SURGE_NEEDS_DAYS = 3
"""Hours of log before anything is unusual, and days before an hour of the day has a usual value of its own."""

MIN_HOURS = 6
"""Hours of log below which nothing is usual."""


def bulk_loads(evidence: Evidence) -> Iterator[LogPattern]:
    """`bulk-load`: one client asks for very many different things in a short time, as a harvester does."""
    for client in evidence.clients:
        if not (_is_gateway(client.address) and BROWSER in client.name.lower()):
            sweeps = _sweeps(client, evidence.bin_seconds)
            for start, end, asked, targets in sweeps:
                yield LogPattern(
                    "bulk-load", None, Time(start), Time(end), round(asked),
                    (quote(client.place, f"{client.name} from {client.address}"),), (client.place.source,),
                    _sweep_text(client, asked, targets, end - start),
                )  # fmt: skip


def _is_gateway(address: str) -> bool:
    """True for an address that many clients may share: behind a load balancer the log has the node's."""
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False


def _sweeps(client: Client, bin_seconds: float) -> list[tuple[float, float, float, float]]:
    """(start, end, requests, different paths) of each sweep: dense stretches of a client that asks for little else."""
    dense = np.flatnonzero(_in_dense_window(client, bin_seconds))
    if not len(dense):
        return []
    found = []
    for part in np.split(dense, np.flatnonzero(np.diff(client.bin[dense]) * bin_seconds > SWEEP_QUIET_SECONDS) + 1):
        asked, targets = float(client.requests[part].sum()), float(client.targets[part].sum())
        start, end = float(client.bin[part[0]]) * bin_seconds, float(client.bin[part[-1]] + 1) * bin_seconds
        if targets >= SWEEP_DISTINCT * asked and targets / (end - start) >= SWEEP_ABOVE * _pace(
            client, dense, bin_seconds
        ):
            found.append((start, end, asked, targets))
    if len(found) > MAX_SWEEPS:
        rest = found[MAX_SWEEPS - 1 :]
        found[MAX_SWEEPS - 1 :] = [(rest[0][0], rest[-1][1], sum(r[2] for r in rest), sum(r[3] for r in rest))]
    return found


def _in_dense_window(client: Client, bin_seconds: float) -> NDArray[np.bool_]:
    """Bins that lie in a stretch of `SWEEP_SECONDS` with `SWEEP_TARGETS` different paths."""
    width = round(SWEEP_SECONDS / bin_seconds)
    summed_up = np.concatenate([[0.0], np.cumsum(client.targets)])
    begins = np.searchsorted(client.bin, client.bin - width, side="right")
    full = np.flatnonzero(summed_up[1:] - summed_up[begins] >= SWEEP_TARGETS)
    marks = np.zeros(len(client.bin) + 1)
    np.add.at(marks, begins[full], 1.0)
    np.add.at(marks, full + 1, -1.0)
    return np.cumsum(marks[:-1]) > 0


def _pace(client: Client, dense: Ints, bin_seconds: float) -> float:
    """Different paths a second outside the dense stretches; 0 for a client that comes for nothing else."""
    others = float(client.targets.sum() - client.targets[dense].sum())
    seconds = float(client.bin[-1] - client.bin[0] + 1 - len(dense)) * bin_seconds
    return others / seconds if seconds > 0 else 0.0


def _sweep_text(client: Client, asked: float, targets: float, seconds: float) -> str:
    who = "A harvester of IATI data" if any(word in client.name.lower() for word in HARVESTERS) else "One client"
    shared = " Its address is a private one: behind a gateway it may be several clients." if _is_gateway(
        client.address) else ""  # fmt: skip
    return (
        f"{who} asked {counted(round(asked), 'time')} for {counted(round(targets), 'path')} within {span(seconds)}: "
        f"load in bulk, which is its work.{shared}"
    )


def traffic_surges(evidence: Evidence) -> Iterator[LogPattern]:
    """`traffic-surge`: for some hours more than twice the requests that are usual at that hour of the day."""
    bins, counts = requests(evidence)
    hours, asked = summed([((bins * evidence.bin_seconds // HOUR).astype(np.int64), counts)])
    hours, asked = filled(hours, asked)
    if len(hours) < SURGE_NEEDS_HOURS:
        return
    usual = _usual(hours, asked)
    high = np.flatnonzero((asked > SURGE_FACTOR * usual) & (asked > SURGE_REQUESTS))
    if not len(high):
        return
    for part in np.split(high, np.flatnonzero(np.diff(high) > 2) + 1)[:MAX_SWEEPS]:
        first, last = int(part[0]), int(part[-1])
        if len(part) >= SURGE_HOURS:
            count, expected = float(asked[first : last + 1].sum()), float(usual[first : last + 1].sum())
            yield LogPattern(
                "traffic-surge", None, Time(float(hours[first]) * HOUR), Time(float(hours[last] + 1) * HOUR),
                round(count), (), tuple(dict.fromkeys(one.place.source for one in endpoints(evidence)))[:3],
                f"{figure(count)} requests in {span((last - first + 1) * HOUR)}, where {figure(round(expected))} are "
                "usual: memory that follows the traffic and returns with it is no leak.",
            )  # fmt: skip


def _usual(hours: Ints, asked: Floats) -> Floats:
    """Requests usual in each hour: the median of that hour of the day, or of all hours where there are too few days."""
    usual = np.full(len(hours), float(np.median(asked)))
    for hour in range(24):
        same = hours % 24 == hour
        if same.sum() >= SURGE_NEEDS_DAYS:
            usual[same] = float(np.median(asked[same]))
    return usual


def volume_anomalies(evidence: Evidence) -> Iterator[LogPattern]:
    """`log-volume-surge`: hours with far more log, and as many more requests; `log-volume-anomaly`: without them."""
    bins, counts = requests(evidence)
    hours, asked = summed([((bins * evidence.bin_seconds // HOUR).astype(np.int64), counts)])
    for volume in evidence.volumes:
        expected = _asked_in(volume, hours, asked)
        for name, chosen in _hours_that_stand_out(volume, expected):
            start, end = float(volume.hour[chosen[0]]) * HOUR, float(volume.hour[chosen[-1]] + 1) * HOUR
            yield LogPattern(
                name, volume.service, Time(start), Time(end), len(chosen), (), (volume.name,),
                _volume_text(name, volume, chosen),
            )  # fmt: skip


def _asked_in(volume: Volume, hours: np.ndarray, asked: Floats) -> Floats | None:
    """Requests in each hour of the volume; None where there is no log of requests."""
    if not len(hours):
        return None
    at = np.searchsorted(hours, volume.hour)
    met = (at < len(hours)) & (hours[np.minimum(at, len(hours) - 1)] == volume.hour)
    return np.where(met, asked[np.minimum(at, len(hours) - 1)], 0.0)


def _hours_that_stand_out(volume: Volume, asked: Floats | None) -> Iterator[tuple[str, list[int]]]:
    if len(volume.hour) < MIN_HOURS:
        return
    usual = float(np.median(volume.bytes))
    large = (volume.bytes > VOLUME_FACTOR * usual) & (volume.bytes > VOLUME_MB * 1e6)
    explained = np.zeros(len(large), bool)
    if asked is not None and np.median(asked) > 0:
        each = volume.bytes / np.maximum(asked, 1.0)
        explained = each <= VOLUME_FACTOR * float(np.median(each[asked > 0]))
    for name, chosen in (("log-volume-surge", large & explained), ("log-volume-anomaly", large & ~explained)):
        if chosen.any():
            yield name, [int(i) for i in np.flatnonzero(chosen)]


def _volume_text(name: str, volume: Volume, chosen: list[int]) -> str:
    worst = max(chosen, key=lambda i: volume.bytes[i])
    a_line = volume.bytes[worst] / max(volume.lines[worst], 1.0)
    usual_line = float(np.median(volume.bytes / np.maximum(volume.lines, 1.0)))
    size = (
        f"{figure(volume.bytes[worst] / 1e6)} MB in the worst hour, {figure(float(np.median(volume.bytes)) / 1e6)} MB "
        f"in a usual one, {figure(a_line)} bytes a line against {figure(usual_line)}. "
    )
    if name == "log-volume-surge":
        return size + "There were as many more requests: the volume follows the traffic."
    return size + "The number of requests does not explain it: look at what the lines of that hour say."
