"""Files to evidence: walk, recognise, read into the store, put the clocks side by side, add up. The function to read first.

walk -> head -> reader -> sink -> store -> align clocks -> name routes and services -> Evidence
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from floodmark.errors import CannotWrite, InputError
from floodmark.evidence import assemble_counts, assemble_rows, metrics
from floodmark.evidence.assemble import Assembly
from floodmark.evidence.clients import ClientBook
from floodmark.evidence.clock_align import GivenZone, align
from floodmark.evidence.ledger import Ledger, SourceRow
from floodmark.evidence.logs.access_custom import written_so
from floodmark.evidence.logs.lines import LogReader, content_kind
from floodmark.evidence.logs.times import first_in
from floodmark.evidence.nouns import Evidence, SourceHealth
from floodmark.evidence.overlap import Expected, OverlapBook, same_files
from floodmark.evidence.readers import Head, Reader
from floodmark.evidence.relief import LEFT_OUT, relieve, with_relief
from floodmark.evidence.routes import RouteBook
from floodmark.evidence.serving import serving_of
from floodmark.evidence.sinks import SourceSink
from floodmark.evidence.sniff import FIRST_KINDS, reader_for
from floodmark.evidence.sources import MAX_LINE_BYTES, FileSource
from floodmark.evidence.sources_packed import Unpacker
from floodmark.evidence.sources_walk import problem, walk
from floodmark.evidence.store import Store
from floodmark.evidence.strays import without_strays

Progress = Callable[[str, int, int], None]
"""Called with the path that is being read, the number of files done, and the number of files."""


WARNED_SHARE, WRONG_SHARE = 0.01, 0.2
"""Share of rejected lines from which a source is warned of, and from which its format is doubted."""

FAULT = "a fault of Floodmark stopped the reading here"

ACCESS_KINDS = ("nginx-access", "gunicorn-access")

CLOCKLESS = ("nginx-error", "uwsgi")
"""Logs without a zone that tell of requests: read before the access logs, which are then asked for the same requests."""


@dataclass(frozen=True, slots=True)
class IntakeOptions:
    """What the user may say beforehand. Patterns are shell patterns over paths as the table of sources shows them.

    window              (first, last) second to keep, UTC
    zones               (pattern, zone) for sources whose lines state none
    services            (pattern, service) for files
    routing             (prefix of paths, service) for requests
    access_formats      formats of access lines: `log_format` of nginx, `--access-logformat` of gunicorn
    max_samples         of one series, max_all_samples of all together; longer series are thinned
    memory_mb           what the store keeps in memory; the rest spills below `spill_dir` (the system's default if None)
    """

    window: tuple[float, float] | None = None
    zones: tuple[tuple[str, str], ...] = ()
    services: tuple[tuple[str, str], ...] = ()
    routing: tuple[tuple[str, str], ...] = ()
    access_formats: tuple[str, ...] = ()
    bin_seconds: float = 60.0
    max_routes: int = 300
    max_shapes: int = 50_000
    max_samples: int = 20_000
    max_all_samples: int = 4_000_000
    max_line_bytes: int = MAX_LINE_BYTES
    memory_mb: int = 150
    max_spill_mb: int = 20_000
    spill_dir: Path | None = field(default=None)


def gather(
    paths: Sequence[Path], options: IntakeOptions | None = None, progress: Progress | None = None
) -> Evidence:  # fmt: skip
    """All that can be read below `paths`, as evidence.

    Bad input is told in the rows of the sources and never raises. Raises ValueError for a zone that does not exist and
    CannotWrite where the rows fit neither into memory nor onto the disk.
    """
    options = options or IntakeOptions()
    with Store(options.memory_mb, options.spill_dir, options.max_spill_mb) as store:
        ledger = Ledger(store, options.bin_seconds, RouteBook(options.max_shapes), ClientBook())
        ledger.access_formats.extend(options.access_formats)
        store.relief = partial(relieve, ledger)
        unpacker = Unpacker(store.folder("unpacked"), options.max_spill_mb * 10**6)
        found = unpacker.expand(walk(paths, options.max_line_bytes))
        problems = [*found.problems, *_read_all(found.files, ledger, options, progress)]
        ledger.close_reading()
        return with_relief(ledger, lambda: _assembled(ledger, options, problems))


class _Known(NamedTuple):
    """A file, the reader that knows it, and what to expect of it where it is a log."""

    source: FileSource
    reader: Reader
    log: Expected | None


def _read_all(
    files: list[FileSource], ledger: Ledger, options: IntakeOptions, progress: Progress | None
) -> list[SourceHealth]:  # fmt: skip
    """Empties `files`: what is kept of each file while it waits goes as what was read of it comes."""
    problems: list[SourceHealth] = []
    known: list[_Known] = []
    unknown: list[FileSource] = []
    for source in files:
        found = _recognised(source)
        if isinstance(found, SourceHealth):
            problems.append(found)
        elif found is None:
            unknown.append(source)
        else:
            known.append(found)
    files.clear()
    problems.extend(_without_copies(known))
    _in_order(known, ledger)
    _read_known(known, ledger, progress or _silent)
    problems.extend(found for source in unknown if (found := _read_unknown(source, ledger)) is not None)
    return problems


def _read_known(known: list[_Known], ledger: Ledger, progress: Progress) -> None:
    """Read and forget one file after the other."""
    count = len(known)
    known.reverse()
    while known:
        one = known.pop()
        progress(one.source.path, count - len(known) - 1, count)
        _read_one(one.source, one.reader, ledger)
    if count:
        progress("", count, count)


def _silent(path: str, done: int, count: int) -> None:
    """Nobody looks."""


def _recognised(source: FileSource) -> _Known | SourceHealth | None:
    """The reader for a file, what is wrong with it, or None where nobody knows it.

    The file is opened here once for all that its first lines tell: it may be gone when it is asked again.
    """
    try:
        head = source.head()
        reader = reader_for(head) if head.data else None
    except InputError as error:
        return problem(source.path, "unreadable", error.problem)
    except Exception as error:  # noqa: BLE001 - a fault of ours in one file must not cost the others; it is told
        return problem(source.path, "unreadable", f"{FAULT}: {_fault(error)}")
    if not head.data:
        kind = "unreadable" if source.damaged_archive else "empty"
        return problem(source.path, kind, "; ".join(source.remarks) or "nothing inside")
    if reader is None:
        return None
    return _Known(source, reader, _expected(source.path, head) if isinstance(reader, LogReader) else None)


def _expected(path: str, head: Head) -> Expected:
    first = next((at for line in head.lines[:50] if (at := first_in(line[:2000])) is not None), None)
    return Expected(path, content_kind(head.lines), first)


def _read_unknown(source: FileSource, ledger: Ledger) -> SourceHealth | None:
    """A configuration may have told in what format of its own a server writes; else nobody knows what this file is."""
    try:
        lines = source.head().lines
    except InputError as error:
        return problem(source.path, "unreadable", error.problem)
    if written_so(ledger.access_formats, lines):
        _read_one(source, LogReader(), ledger)
        return None
    return problem(source.path, "unknown", "; ".join(["no reader knows what this file is", *source.remarks]))


def _without_copies(known: list[_Known]) -> list[SourceHealth]:
    """Files that another one repeats byte for byte are left out."""
    same = same_files([one.source for one in known])
    known[:] = [one for one in known if one.source.path not in same]
    return [
        problem(path, "duplicate", f"the same content as {first}: read once") for path, first in sorted(same.items())
    ]


def _in_order(known: list[_Known], ledger: Ledger) -> None:
    """What explains other files first; logs of one kind by their first time, so that overlaps are found."""

    def place(one: _Known) -> tuple[bool, bool, str, float]:
        kind, first = (one.log.kind, one.log.first or 0.0) if one.log else ("", 0.0)
        # configurations say how others are written; logs with a clock are asked about what those without one told of; by
        # time, so that a file that repeats the end of another comes after it
        return (one.reader.kind not in FIRST_KINDS, kind not in CLOCKLESS, kind, first)

    known.sort(key=place)
    ledger.overlaps = OverlapBook([one.log for one in known if one.log is not None])


def _read_one(source: FileSource, reader: Reader, ledger: Ledger) -> None:
    sink = SourceSink(ledger, source.path, reader.kind, source.family, source.service)
    row = sink.row
    row.modified = source.modified
    try:
        reader.read(source, sink)
    except InputError as error:
        sink.remark(error.problem)
        if not row.records:
            row.kind = "unreadable"
    except CannotWrite:
        sink.remark(f"what follows was {LEFT_OUT}")
    except Exception as error:  # noqa: BLE001 - a fault of ours in one file must not cost the others; it is told
        sink.remark(f"{FAULT}: {_fault(error)}; what was read before it is kept")
    row.damaged += source.damaged
    row.bytes_read, row.lines_read = source.bytes_read, source.lines_read
    for text in source.remarks:
        sink.remark(text)
    _judge_rejections(row, sink.clusters)


def _fault(error: Exception) -> str:
    """The name of an error and where it was raised: enough to find it, and the same whatever the machine."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_name}:{where.tb_lineno}" if where else "?"
    return f"{type(error).__name__} in {place}"


def _judge_rejections(row: SourceRow, clusters: Mapping[tuple[str, str], int]) -> None:
    """Say it where so much was rejected that what was read may mislead."""
    share = row.rejected / max(row.records + row.rejected, 1)
    if share <= WARNED_SHARE:
        return
    most = sorted(clusters.items(), key=lambda item: (-item[1], item[0]))[:3]
    told = "; ".join(f"{count} x {reason}: {template}" for (reason, template), count in most)
    wrong = ", so this may be another format than it was read as" if share > WRONG_SHARE else ""
    state = "; --access-format states another format" if row.kind in ACCESS_KINDS and wrong else ""
    row.remark(f"{share:.1%} of the lines could not be read{wrong} ({told}){state}")


def _assembled(ledger: Ledger, options: IntakeOptions, problems: Sequence[SourceHealth]) -> Evidence:
    ledger.store.settle()
    routes = ledger.routes.templates()
    serving = serving_of(ledger, options.services, options.routing, routes)
    zones = [GivenZone(pattern, zone) for pattern, zone in options.zones]
    align(ledger, zones, options.window[1] if options.window else None, serving.by_origin)
    whole = Assembly(
        ledger, serving, routes, options.window, options.max_routes, options.max_samples, options.max_all_samples
    )
    whole.prepare()
    if options.window is None:
        whole.window = without_strays(ledger)
    series = tuple(one for one in metrics.attached(assemble_rows.series(whole)) if len(one.at) or one.copies > 1)
    evidence = Evidence(
        window=options.window,
        bin_seconds=options.bin_seconds,
        sources=tuple(sorted((*assemble_rows.health(whole), *problems), key=lambda row: (row.path, row.kind))),
        series=series,
        doses=assemble_counts.doses(whole),
        events=assemble_rows.events(whole),
        tallies=assemble_counts.tallies(whole),
        volumes=assemble_counts.volumes(whole),
        clients=assemble_counts.clients(whole),
        routes=tuple(serving.by_prefix),
        limits=assemble_rows.limits(whole),
    )
    return replace(evidence, window=_window(evidence, options.window))


def _window(evidence: Evidence, asked: tuple[float, float] | None) -> tuple[float, float] | None:
    """As the user asked, an open end closed by the first or last second of a series or of the start of a request."""
    if asked is not None and all(map(math.isfinite, asked)):
        return asked
    width = evidence.bin_seconds
    edges = [float(edge) for each in evidence.series if len(each.at) for edge in (each.at[0], each.at[-1])]
    edges += [
        float(number) * width for each in evidence.doses if len(each.bin) for number in (each.bin[0], each.bin[-1] + 1)
    ]
    if not edges:
        edges = [at for row in evidence.sources for at in (row.first, row.last) if at is not None]
    if not edges:
        return None
    first, last = asked or (-math.inf, math.inf)
    return max(first, min(edges)), min(last, max(edges))
