"""What a series measures, in which unit: from its name, its query, its unit and the size of its values.

A name is a claim, a query is stronger, and cells that carry their unit are stronger still. What stays open is
`unknown`: the audit and the diagnosis use nothing that nobody could name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from floodmark.evidence.nouns import MEMORY_MEASURES, Floats

from .units import bytes_in, spelled

PAGE_BYTES = 4096
SIZES = (*MEMORY_MEASURES, "limit")
BINARY = {"kB": "KiB", "MB": "MiB", "GB": "GiB"}
RATES = ("rate", "irate", "deriv", "delta", "idelta", "increase")


@dataclass(frozen=True, slots=True)
class Meaning:
    """measure as in nouns.Series; `scale` turns the values into bytes (1 where they are not memory).

    unit      as the source has it, or as the values show it
    window    the stretch in seconds that a count or a rate looks back, where name or query says it
    counter   True for a count since the process began
    """

    measure: str
    scale: float = 1.0
    unit: str = ""
    window: float | None = None
    counter: bool = False

    def labels(self) -> dict[str, str]:
        """What has no field of its own in a series: `window` in seconds, `kind` of a count."""
        window = {"window": f"{self.window:g}"} if self.window else {}
        return {**window, **({"kind": "counter"} if self.counter else {})}


NAMES: tuple[tuple[str, str], ...] = (
    # pattern in the name of a metric (words with single spaces) -> measure; the first that fits
    (r"start time seconds|boot time|created$|max usage|peak|high ?water|\bhwm\b", "unknown"),
    (r"restarts?\b", "restarts"),
    (r"spec memory (limit|reservation)|resource (limits|requests)|\blimits?\b|mem total|machine memory|memory max$"
     r"|status (capacity|allocatable)", "limit"),
    (r"\bgc\b.*collect|garbage", "events"),
    (r"\bobjects?\b|instances? count", "objects"),
    (r"failcnt|failures?\b|oom (events|kill)|\bevents?\b|page faults|pgfault|pgmajfault", "events"),
    (r"memory (cache|mapped file|swap|kernel|failures)|inactive file|active file|\bcached?\b|virtual|vsize|\bvsz\b"
     r"|\bvms\b|shmem|swap|shared|\bfile\b|\bslab\b|\bbuffers?\b|\bfree\b|available", "unknown"),
    (r"\b(duration|latency|latencies|quantile|percentile|response time|seconds bucket)\b", "latency"),
    (r"\b(requests?|queries|query|hits|rps|qps)\b", "requests"),
    (r"\b(network|transmit|receive|disk|fs|io|iops)\b", "unknown"),
    (r"\b(threads?|connections?|fds?|files|sockets|tasks)\b", "unknown"),
    (r"container processes|num ?procs|process(es)? (count|total|number)|\bprocesses\b|nprocs|\bpids\b"
     r"|workers( count)?$|worker count|num workers|active workers", "processes"),
    (r"\bcpu\b", "cpu"),
    (r"working set|\bwss\b", "working_set"),
    (r"\b(pss|uss)\b|proportional|unique set|memory stat anon\b|\banon(ymous)?\b", "pss"),
    (r"heap|tracemalloc|malloc|pymalloc|jvm memory|go memstats|python memory|traced|allocated", "heap"),
    (r"\brss\b|resident", "rss"),
    (r"container memory usage|memory usage in bytes|memory current|\bmem ?usage\b|container memory\b|cgroup", "usage"),
    (r"application memory|process memory|app memory|worker memory|(django|flask|fastapi|wsgi|asgi|gunicorn|uwsgi|app)"
     r" memory", "rss"),
    (r"\b(memory|mem)\b", "usage"),
)  # fmt: skip
"""Memory without a better word is `usage`: the weakest reading that it can have."""

COUNTER_END = re.compile(r"(_total|failcnt|_failures)$")
_DURATION = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_CALL = re.compile(
    r"\b(increase|rate|irate|deriv|delta|idelta|changes|histogram_quantile|count|resets)\s*(?:by[^()]*\([^()]*\)\s*)?\("
)


def words(text: str) -> str:
    """Lower case, with anything that divides words as one space; a unit in brackets stays a word of its own."""
    return re.sub(r"[^a-z0-9%µ]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", " ", text).lower()).strip()


def of_name(name: str) -> str:
    """The measure that a metric's name (or a column's) claims."""
    plain = words(name)
    return next((measure for pattern, measure in NAMES if re.search(pattern, plain)), "unknown")


def of_metric(name: str, labels: Mapping[str, str] | None = None) -> Meaning:
    """The meaning of a metric of Prometheus, by its name; sizes without a unit in the name are bytes."""
    labels = labels or {}
    measure = of_name(name)
    if (part := _part_of_histogram(name, measure, labels)) is not None:
        return part
    if measure == "limit" and (labels.get("resource", "memory") != "memory" or "cpu" in words(name)):
        return Meaning("unknown")
    counter = bool(COUNTER_END.search(name))
    if measure in SIZES and not counter:
        unit = unit_in(name) or "B"
        return Meaning(measure, bytes_in(unit) or 1.0, unit)
    return Meaning("events" if measure in SIZES else measure, unit=unit_in(name), counter=counter)


def _part_of_histogram(name: str, measure: str, labels: Mapping[str, str]) -> Meaning | None:
    """Of a histogram or summary only quantiles of times and the count of observations mean something here."""
    if "quantile" in labels:
        return Meaning("latency" if measure == "latency" else "unknown")
    if name.endswith(("_bucket", "_sum", "_created")):
        return Meaning("unknown")
    if name.endswith("_count") and measure not in ("objects", "processes", "restarts"):
        return Meaning("requests" if measure in ("latency", "requests") else "unknown", counter=True)
    return None


def of_query(expr: str) -> Meaning | None:
    """The meaning of a query: what it calls, the metric in it, and the arithmetic around it. None without a metric."""
    metric = metric_in(expr)
    if metric is None:
        return None
    inner = of_metric(metric)
    call, window = _CALL.search(expr), window_of(expr)
    name = call.group(1) if call else ""
    if name in ("increase", "changes", "resets") and (inner.counter or inner.measure in ("restarts", "events")):
        return Meaning(_counted(inner), window=window)
    if name in RATES:
        measure = inner.measure if inner.measure in ("cpu", "requests", "restarts") else "rate"
        return Meaning(measure, unit=_rate_unit_of(expr, name) if measure == "rate" else "", window=window)
    if name == "histogram_quantile":
        return Meaning("latency")
    if name == "count":
        return Meaning("processes" if re.search(r"pid|process|worker|resident", expr) else "unknown", window=window)
    if inner.measure not in SIZES:
        return inner
    return Meaning(inner.measure, inner.scale / factor(expr), _unit_of_factor(factor(expr)) or inner.unit)


def _counted(inner: Meaning) -> str:
    return inner.measure if inner.measure in ("requests", "restarts") else "events"


def metric_in(expr: str) -> str | None:
    """The first metric in a query: a word that is no function, no aggregation and no label."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expr)
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)", " ", bare)
    bare = re.sub(r"\{[^{}]*\}", "{}", bare)
    for match in re.finditer(r"(?<![\w:.\[$])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])", bare):
        if match.group(1) not in ("by", "without", "on", "and", "or", "unless", "bool", "offset", "inf", "nan", "e"):
            return match.group(1)
    return None


def window_of(text: str) -> float | None:
    """Seconds of the range of a query (`[1h]`), or of a title (`per 30 mins`, `(1h)`)."""
    match = re.search(r"\[(\d+)([smhdw])", text)
    if match:
        return float(match.group(1)) * _DURATION[match.group(2)]
    match = re.search(
        r"(?:\bper|\(|\bin|\blast|\bevery)\s*(\d+)\s*(s|m|h|d|w)(?:ec\w*|in\w*|ours?|rs?|ays?|eeks?)?\b", text.lower()
    )
    if match:
        return float(match.group(1)) * _DURATION[match.group(2)]
    if re.search(r"\b(per|an) (hour|h)\b|\bhourly\b", words(text)):
        return 3600.0
    match = re.search(r"\b(\d+)(m|h|d)$", words(text))
    return float(match.group(1)) * _DURATION[match.group(2)] if match else None


def factor(expr: str) -> float:
    """What the arithmetic of a query multiplies its metric with: `x / 1024 / 1024` is 2**-20."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]', "", expr)
    result = 1.0
    for sign, base, power in re.findall(r"([*/])\s*\(?\s*(\d+(?:\.\d+)?(?:[eE]\d+)?)\s*(?:\^\s*(\d+))?", bare):
        size = float(base) ** int(power or 1)
        result = result * size if sign == "*" else result / size
    for base in re.findall(r"(\d+(?:\.\d+)?)\s*\*(?!\s*\d)", bare):
        result *= float(base)
    return result


def _unit_of_factor(value: float) -> str:
    known = {2.0**-10: "KiB", 2.0**-20: "MiB", 2.0**-30: "GiB", 1e-3: "kB", 1e-6: "MB", 1e-9: "GB", 1.0: ""}
    return next((unit for size, unit in known.items() if abs(value / size - 1) < 1e-9), "")


def _rate_unit_of(expr: str, call: str) -> str:
    """`rate(x) / 1e6` is MB/s, `deriv(x) * 3600 / 1e6` MB/h; an `increase` is per its window."""
    if call in ("increase", "delta", "idelta"):
        return _unit_of_factor(factor(expr))
    per_second, per_hour = _unit_of_factor(factor(expr)), _unit_of_factor(factor(expr) / 3600)
    return f"{per_second}/s" if per_second else f"{per_hour}/h" if per_hour else ""


def unit_in(name: str) -> str:
    """The unit of memory in a name or title: `rss_bytes`, `Memory (MB)`, `rss[KiB]`, `mem_mb`; "" where none stands."""
    for match in re.finditer(r"[\[(]\s*([A-Za-z]+)\s*(?:[/_].*?)?[\])]", name):
        if (bytes_in(match.group(1)) is not None and len(match.group(1)) > 1) or match.group(1) == "B":
            return spelled(match.group(1))
    for word in reversed(re.split(r"[^A-Za-z]+", name)):
        if len(word) > 1 and bytes_in(word) is not None and word not in ("Mi", "Gi", "Ki", "Ti"):
            return spelled(word)
    return ""


def of_title(title: str) -> Meaning:
    """The meaning of a panel's title or a plain column: sizes, rates of sizes, and counts of what happened to them."""
    plain = words(title)
    measure = of_name(title)
    if "restart" in plain:
        return Meaning("restarts", window=window_of(title))
    if re.search(r"\bevents?\b|\bleaks? (count|detected)\b", plain):
        return Meaning("events", window=window_of(title))
    rate = r"\b(growth|rate|per (hour|second|minute|h|s)|hourly|slope|increase)\b|\b[kmg]i?b ?(h|s|hr)\b"
    if re.search(rate, plain) and measure in (*MEMORY_MEASURES, "limit", "events"):
        return Meaning("rate", unit=_rate_unit(plain))
    if "latenc" in plain or re.search(r"\bp?(50|90|95|99)(th)?\b.*\b(time|duration)\b", plain):
        return Meaning("latency")
    if measure not in SIZES:
        return Meaning(measure)
    unit = unit_in(title)
    return Meaning(measure, bytes_in(unit) or 1.0, unit)


def _rate_unit(plain: str) -> str:
    match = re.search(r"\b([kmg]i?b)(?: (?:per )?| ?)(h|s|hour|hr|second)\b", plain)
    return f"{spelled(match.group(1))}/{match.group(2)[0]}" if match else ""


def weighed(meaning: Meaning, values: Floats, cell_unit: str = "") -> Meaning:
    """The meaning once the values are known: cells with units win, MB that are MiB are told by whole pages.

    Without any unit, sizes above a million are bytes and others MB: no service fits in a million bytes, and none has a
    million MB.
    """
    if meaning.measure not in SIZES:
        return meaning
    positive = values[np.isfinite(values) & (values > 0)]
    unit = "B" if cell_unit == "B" else meaning.unit
    if not unit and len(positive):
        unit = "B" if float(np.median(positive)) > 1e6 else "MB"
    if not cell_unit and unit in BINARY and len(positive):
        unit = _by_pages(positive, unit)
    scale = 1.0 if cell_unit == "B" else bytes_in(unit) or meaning.scale
    return replace(meaning, scale=scale, unit=unit)


def _by_pages(positive: Floats, unit: str) -> str:
    """The unit, or the binary one of the same name where only that makes whole pages of the values."""
    binary = BINARY[unit]
    whole = whole_pages(positive, bytes_in(binary) or 1.0) and not whole_pages(positive, bytes_in(unit) or 1.0)
    return binary if whole else unit


def whole_pages(values: Floats, unit_bytes: float) -> bool:
    """Are nearly all of these sizes whole pages of 4,096 bytes in this unit, and some by more than eighths of it?

    A half or a quarter of a MiB is a whole number of pages too, and a rounded value; a sixteenth has four decimals.
    """
    pages = values * unit_bytes / PAGE_BYTES
    whole = np.abs(pages - np.round(pages)) < 1e-6 * np.maximum(1.0, np.abs(pages))
    fine = float(np.mean(values * 8 != np.round(values * 8)))
    return float(np.mean(whole)) > 0.95 and fine > 0.2
