"""The export's own request records (floodmark.request_record): requests with their process and its memory."""

from __future__ import annotations

import msgspec
import numpy as np

from floodmark.evidence.logs import times
from floodmark.evidence.logs.entries import BAD_JSON, Entry, Unreadable
from floodmark.evidence.logs.requests import RECORD, Request
from floodmark.evidence.readers import SeriesKey
from floodmark.evidence.sinks_lines import LineSink
from floodmark.request_record import VERSION

SAMPLES_HELD = 2000


class Record(msgspec.Struct):
    """The fields of a request record that are read here."""

    v: int
    at: str
    seconds: float
    method: str
    path: str
    status: int
    sent: int
    complete: bool
    client: str | None = None
    agent: str | None = None
    pid: int | None = None
    rss: int | None = None


_DECODE = msgspec.json.Decoder(Record)


class RequestRecords:
    """Requests by their start, and one sample of memory each."""

    kind = "request-record"

    def __init__(self) -> None:
        self._samples: dict[int, tuple[list[float], list[float], int]] = {}

    @staticmethod
    def matches(data: bytes) -> bool:
        """A JSON object with a version, a time and the rest."""
        return data.startswith(b'{"v":') and b'"complete":' in data

    def feed(self, entry: Entry, sink: LineSink) -> bool:
        """Read one line."""
        if not entry.data.startswith(b"{"):
            return False
        try:
            record = _DECODE.decode(entry.data)
        except msgspec.ValidationError:
            return False
        except BAD_JSON:
            if self.matches(entry.data):
                raise Unreadable("a request record that is cut or broken") from None
            return False
        if record.v != VERSION:
            raise Unreadable(f"a request record of version {record.v}, where {VERSION} is known")
        try:
            at, east = times.stamp(record.at.encode())
        except ValueError:
            raise Unreadable("no such time") from None
        moment = sink.zoned(at, east or 0)
        # a client that left before the body was through is what a proxy logs as 499
        status = record.status if record.complete else 499
        sink.request(
            Request(
                entry.line, entry.data, at + record.seconds, record.seconds, status, float(record.sent),
                record.path.encode().partition(b"?")[0], (record.client or "").encode(), (record.agent or "").encode(),
            ),
            moment.lane, RECORD,
        )  # fmt: skip
        if record.pid is not None and record.rss is not None:
            self._sample(record.pid, at + record.seconds, record.rss, entry.line, sink)
        return True

    def _sample(self, pid: int, at: float, rss: int, line: int, sink: LineSink) -> None:
        times_, values, _ = self._samples.setdefault(pid, ([], [], line))
        times_.append(at)
        values.append(float(rss))
        if len(times_) >= SAMPLES_HELD:
            self._write(pid, sink)

    def _write(self, pid: int, sink: LineSink) -> None:
        at, value, line = self._samples.pop(pid)
        key = SeriesKey(sink.service or "", "rss", "rss in request records", sink.instance, str(pid), unit="bytes")
        order = np.argsort(np.array(at), kind="stable")
        sink.process_samples(key, sink.zoned_lane(), np.array(at)[order], np.array(value)[order], line)

    def follow(self, entry: Entry, sink: LineSink) -> None:
        """A record is one line."""

    def finish(self, sink: LineSink) -> None:
        """Write the samples held back."""
        for pid in sorted(self._samples):
            self._write(pid, sink)
