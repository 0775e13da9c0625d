"""Containers of a Docker engine: memory, limits, restarts, OOM kills. Imported only where `[[docker]]` stands."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

try:
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("[[docker]] needs the extra: pip install 'floodmark[docker]'") from None

from floodmark.evidence.nouns import Event, EventKind, Limit, Place
from floodmark.watch.collect.base import Collected, Sample
from floodmark.watch.config import Docker


class DockerCollector:
    """The containers whose name matches, at most `max_containers`. A restart is seen by the count or the start time."""

    def __init__(self, config: Docker, *, timeout_seconds: float, max_containers: int) -> None:
        self.config = config
        self.name = f"docker {config.url or 'local'}"
        self._timeout_seconds, self._max_containers = timeout_seconds, max_containers
        self._pattern = re.compile(config.name)
        self._client: docker.DockerClient | None = None
        self._before: dict[str, tuple[str, int, bool]] = {}

    def collect(self, now: float) -> Collected:
        """One round; an engine that is away is a problem said, a container that goes away meanwhile is left out."""
        try:
            containers = [one for one in self._engine().api.containers() if self._pattern.search(_name(one))]
        except (DockerException, RequestException) as error:
            self.close()
            return Collected(problem=f"{self.name}: {_first_line(error)}")
        rounds = [self._one(_name(one), now) for one in containers[: self._max_containers]]
        problems = [one.problem for one in rounds if one.problem]
        if len(containers) > self._max_containers:
            problems.append(f"{self.name}: {len(containers)} containers, the first {self._max_containers} are measured")
        return Collected(
            tuple(sample for one in rounds for sample in one.samples),
            tuple(event for one in rounds for event in one.events),
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
            self._client = docker.DockerClient(timeout=self._timeout_seconds, **options)
        return self._client

    def _one(self, name: str, now: float) -> Collected:
        api = self._engine().api
        try:
            stats, state = api.stats(name, stream=False, one_shot=True), api.inspect_container(name)
        except (DockerException, RequestException) as error:
            return Collected(problem=f"{self.name}: {name}: {_first_line(error)}")
        return Collected(tuple(_samples(name, stats, state, now)), self._events(name, state, now), _limits(name, stats))

    def _events(self, name: str, state: dict[str, Any], now: float) -> tuple[Event, ...]:
        running = state["State"]
        is_now = (running["StartedAt"], int(state.get("RestartCount", 0)), bool(running.get("OOMKilled")))
        before, self._before[name] = self._before.get(name), is_now
        if before is None or before == is_now:
            return ()
        kinds: list[tuple[EventKind, str]] = []
        if is_now[0] != before[0]:
            kinds.append(("restart", f"container {name} was started again"))
        if is_now[2] and not before[2]:
            kinds.append(("oom-kill", f"container {name} was killed for lack of memory"))
        return tuple(Event(now, kind, name, name, None, text, Place(self.name)) for kind, text in kinds)


def _samples(name: str, stats: dict[str, Any], state: dict[str, Any], now: float) -> list[Sample]:
    memory = stats.get("memory_stats") or {}
    usage, detail = memory.get("usage"), memory.get("stats") or {}
    if usage is None:
        return []
    started = _epoch(state["State"]["StartedAt"])
    inactive = detail.get("inactive_file", detail.get("total_inactive_file"))
    values = {
        "rss": detail.get("anon", detail.get("total_rss")),
        "working_set": None if inactive is None else usage - inactive,
        "usage": usage,
        "processes": (stats.get("pids_stats") or {}).get("current"),
        "restarts": state.get("RestartCount"),
    }
    found = [(measure, value) for measure, value in values.items() if value is not None]
    return [Sample(name, name, None, measure, now, float(value), started) for measure, value in found]


def _limits(name: str, stats: dict[str, Any]) -> tuple[Limit, ...]:
    limit = (stats.get("memory_stats") or {}).get("limit")
    # Without a limit of its own the engine gives the machine's memory: that is no limit of the container.
    return (Limit(name, "memory", float(limit), Place("docker")),) if limit and limit < 2**60 else ()


def _name(container: dict[str, Any]) -> str:
    return str(container["Names"][0]).lstrip("/")


def _epoch(text: str) -> float | None:
    try:
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d*", r"\1", text).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
