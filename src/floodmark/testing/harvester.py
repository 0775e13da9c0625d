"""A harvester as the field has them, for demonstrations and load: HEAD, compare the validators, GET what changed.

It talks to the address it is given and to nothing else, keeps to its pace, and ends when it is told to.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import signal
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

AGENT = "floodmark demonstration harvester"
HEAD_SECONDS, GET_SECONDS = 10.0, 25.0
"""The time limits of the IATI Bulk Data Service."""

BLOCK_BYTES = 1 << 16


@dataclass
class Harvester:
    """Visits every dataset once a cycle, `parallel` at a time."""

    base: str
    cycle_seconds: float
    parallel: int
    stopping: threading.Event = field(default_factory=threading.Event)
    validators: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def run(self) -> None:
        """Cycle after cycle until `stopping`; a server that is away is asked again in the next."""
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                urls = self.datasets()
            except (OSError, ValueError, http.client.HTTPException):
                urls = []
            random.shuffle(urls)
            threads = [
                threading.Thread(target=self.visit_all, args=(urls[number :: self.parallel],))
                for number in range(self.parallel)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.stopping.wait(max(self.cycle_seconds - (time.monotonic() - begun), 1.0))

    def datasets(self) -> list[str]:
        """The paths of all datasets, as /datasets.json lists them."""
        body = self.ask("GET", "/datasets.json", GET_SECONDS)[2]
        return [urlsplit(one["url"]).path for one in json.loads(body)["datasets"]]

    def visit_all(self, paths: list[str]) -> None:
        """Visit paths one after the other, spread over the cycle."""
        pause = 0.8 * self.cycle_seconds / max(len(paths), 1)
        for path in paths:
            if self.stopping.wait(random.uniform(0, 2 * pause)):  # noqa: S311
                return
            try:
                self.visit(path)
            except (OSError, http.client.HTTPException):
                continue

    def visit(self, path: str) -> None:
        """HEAD; GET where the validators changed or the server has none yet."""
        status, headers, _ = self.ask("HEAD", path, HEAD_SECONDS)
        seen = (headers.get("etag"), headers.get("last-modified"))
        if status == 200 and self.validators.get(path) != seen:
            if self.ask("GET", path, GET_SECONDS)[0] == 200:
                self.validators[path] = seen
            # The field fetches everything again after 16 to 24 hours; a demonstration has less time.
            if random.random() < 0.2:  # noqa: S311
                self.validators.pop(path, None)

    def ask(self, method: str, path: str, seconds: float) -> tuple[int, dict[str, str], bytes]:
        """(status, headers, body) of one request; bodies of datasets are read and let go."""
        parts = urlsplit(self.base)
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=seconds)
        try:
            connection.request(method, path, headers={"User-Agent": AGENT, "Accept-Encoding": "gzip, deflate"})
            answer = connection.getresponse()
            body = answer.read() if path.endswith(".json") else b""
            while answer.read(BLOCK_BYTES):
                pass
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body
        finally:
            connection.close()


def main() -> None:
    """`python -m floodmark.testing.harvester http://127.0.0.1:8000`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("base", help="address of the export, such as http://127.0.0.1:8000")
    parser.add_argument("--cycle-seconds", type=float, default=30.0)
    parser.add_argument("--parallel", type=int, default=5, choices=range(1, 26))
    given = parser.parse_args()
    harvester = Harvester(given.base.rstrip("/"), given.cycle_seconds, given.parallel)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: harvester.stopping.set())
    harvester.run()


if __name__ == "__main__":
    main()
