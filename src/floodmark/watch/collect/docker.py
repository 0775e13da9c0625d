"""Containers of a Docker engine: memory, limits, restarts, OOM kills. Imported only where `[[docker]]` stands."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any

try:
    import docker
    from docker.errors import DockerException
    from docker.utils import version_lt
    from requests.exceptions import RequestException
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("[[docker]] needs the extra: pip install 'floodmark[docker]'") from None

from floodmark.evidence.nouns import Event, EventKind, Limit, Place
from floodmark.watch.collect.base import Collected, Sample
from floodmark.watch.config import Docker

KINDS: dict[str, tuple[EventKind, str]] = {
    "start": ("restart", "container {} was started"),
    "oom": ("oom-kill", "a process of container {} was killed for lack of memory"),
}
"""Events of the engine that matter, by their name there."""

BAD_ANSWERS = (DockerException, RequestException, KeyError, TypeError, ValueError)
"""What an engine that is away raises, and one whose answer is not what the API's description promises."""

ONE_SHOT_VERSION = "1.41"
"""Version of the engine's API from which one figure need not wait for a second one."""

HOLDS_MEMORY = ("running", "paused")


class DockerCollector:
    """The containers whose name matches, at most `max_containers`; starts and OOM kills from the engine's events."""

    def __init__(
        self, config: Docker, *, timeout_seconds: float, max_containers: int, max_events: int, parallel: int
    ) -> None:
        self.config = config
        self.name = f"docker {config.url or 'local'}"
        self._timeout_seconds, self._max_containers = timeout_seconds, max_containers
        self._max_events, self._parallel = max_events, parallel
        self._pattern = re.compile(config.name)
        self._client: docker.DockerClient | None = None
        self._asked_at: float | None = None
        self._known: set[str] = set()

    def collect(self, now: float) -> Collected:
        """One round; an engine that is away is a problem said, a container that goes away meanwhile is left out."""
        try:
            there = [one for one in self._engine().api.containers(all=True) if self._pattern.search(_name(one))]
            events = tuple(self._events(now))
        except BAD_ANSWERS as error:
            self.close()
            return Collected(problem=f"{self.name}: {_first_line(error)}")
        self._known = {_name(one) for one in there}
        containers = [_name(one) for one in there if one.get("State", "running") in HOLDS_MEMORY]
        rounds = self._side_by_side(containers[: self._max_containers], now)
        problems = [one.problem for one in rounds if one.problem]
        if len(containers) > self._max_containers:
            problems.append(f"{self.name}: {len(containers)} containers, the first {self._max_containers} are measured")
        return Collected(
            tuple(sample for one in rounds for sample in one.samples),
            events,
            tuple(limit for one in rounds for limit in one.limits),
            problem=problems[0] if problems else None,
        )

    def close(self) -> None:
        """Drop the connection; the next round makes another."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _engine(self) -> docker.DockerClient:
        if self._client is None:
            options = {"base_url": self.config.url} if self.config.url else {}
            self._client = docker.DockerClient(timeout=self._timeout_seconds, max_pool_size=self._parallel, **options)
        return self._client

    def _side_by_side(self, names: list[str], now: float) -> list[Collected]:
        """All at once, within one time limit: Docker 20.10 was measured to answer a container once a second only.

        One after the other, a hundred containers took a hundred seconds, and every other collector waited for them.
        """
        until = time.monotonic() + self._timeout_seconds
        with ThreadPoolExecutor(self._parallel) as pool:
            return list(pool.map(lambda name: self._one(name, now, until), names))

    def _one(self, name: str, now: float, until: float) -> Collected:
        if time.monotonic() > until:
            slow = "the engine is too slow for all its containers: raise watch_parallel or watch_timeout_seconds"
            return Collected(problem=f"{self.name}: {name}: not measured, {slow}")
        api = self._engine().api
        quick = {} if version_lt(api.api_version, ONE_SHOT_VERSION) else {"one_shot": True}
        try:
            stats, state = api.stats(name, stream=False, **quick), api.inspect_container(name)
            return Collected(tuple(_samples(name, stats, state, now)), (), _limits(name, state))
        except BAD_ANSWERS as error:
            # An answer of another shape than the API's costs this container's sample only.
            return Collected(problem=f"{self.name}: {name}: {_first_line(error)}")

    def _events(self, now: float) -> Iterator[Event]:
        """What the engine itself says happened since the last round.

        Its events and not the containers' state: a container that was killed and started again between two rounds
        says nothing any more of why (OOMKilled is reset at start), and one that stays down is not in the list.
        """
        since, self._asked_at = self._asked_at, now
        if since is None or not since < now:
            return
        filters = {"type": ["container"], "event": list(KINDS)}
        api = self._engine().api
        # Not api.events(): that waits for ever on an engine that hangs, and one collector would stop the whole round.
        words = {"since": f"{since:.6f}", "until": f"{now:.6f}", "filters": json.dumps(filters)}
        url = f"{api.base_url}/v{api.api_version}/events"
        with api.get(url, params=words, stream=True, timeout=self._timeout_seconds) as answer:
            answer.raise_for_status()
            for line in islice(answer.iter_lines(), self._max_events):
                yield from self._event(json.loads(line))

    def _event(self, told: dict[str, Any]) -> Iterator[Event]:
        name = told["Actor"]["Attributes"].get("name", told["Actor"]["ID"][:12])
        kind, text = KINDS.get(told["Action"], (None, ""))
        if kind == "restart" and name not in self._known:
            kind = "start"
        if kind and self._pattern.search(name):
            yield Event(int(told["timeNano"]) / 1e9, kind, name, name, None, text.format(name), Place(self.name))


def _samples(name: str, stats: dict[str, Any], state: dict[str, Any], now: float) -> list[Sample]:
    memory = stats.get("memory_stats") or {}
    usage, detail = memory.get("usage"), memory.get("stats") or {}
    if usage is None:
        return []
    started = _epoch(state["State"]["StartedAt"])
    # On cgroup v1 the plain figures leave out groups below the container's own (systemd, Docker in Docker); v2 has
    # no others.
    inactive = detail.get("total_inactive_file", detail.get("inactive_file"))
    values = {
        "rss": detail.get("total_rss", detail.get("anon")),
        "working_set": None if inactive is None else max(usage - inactive, 0),
        "usage": usage,
        "processes": (stats.get("pids_stats") or {}).get("current"),
        "restarts": state.get("RestartCount"),
    }
    found = [(measure, value) for measure, value in values.items() if value is not None]
    return [Sample(name, name, None, measure, now, float(value), started) for measure, value in found]


def _limits(name: str, state: dict[str, Any]) -> tuple[Limit, ...]:
    # The container's own setting: the limit in its statistics is the machine's memory where it has none.
    limit = (state.get("HostConfig") or {}).get("Memory")
    return (Limit(name, "memory", float(limit), Place("docker")),) if limit else ()


def _name(container: dict[str, Any]) -> str:
    return str(container["Names"][0]).lstrip("/")


def _epoch(text: str) -> float | None:
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
