"""Pods of a namespace: memory from the metrics API, limits, restarts, OOM kills. Imported only where configured."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

try:
    import kubernetes
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import HTTPError
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("[[kubernetes]] needs the extra: pip install 'floodmark[kubernetes]'") from None

from floodmark.evidence.nouns import Event, Limit, Place
from floodmark.watch.collect.base import Collected, Sample
from floodmark.watch.config import Kubernetes

SUFFIXES = {
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50, "Ei": 2**60, "k": 1e3, "M": 1e6, "G": 1e9,
    "T": 1e12, "P": 1e15, "E": 1e18, "m": 1e-3, "u": 1e-6, "n": 1e-9, "": 1.0,
}  # fmt: skip
"""Kubernetes' quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""


AWAY = (ApiException, ConfigException, HTTPError)
BAD_ANSWERS = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an answer of another shape than the API's raises: it costs the round, not the watch."""


@dataclass(slots=True)
class _Pod:
    """What one pod brought; `counts` are its containers' restarts, by (pod, container)."""

    limits: list[Limit]
    samples: list[Sample] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    counts: dict[tuple[str, str], int] = field(default_factory=dict)


class KubernetesCollector:
    """What the API server says of the pods that match. Working set comes from the metrics API where it is installed."""

    def __init__(self, config: Kubernetes, *, timeout_seconds: float, max_pods: int) -> None:
        self.config = config
        self.name = f"kubernetes {config.namespace}"
        self._timeout_seconds, self._max_pods = timeout_seconds, max_pods
        self._api: Any = None
        self._restarts: dict[tuple[str, str], int] = {}

    def collect(self, now: float) -> Collected:
        """One round; an API server that is away is a problem said, and so is an answer that cannot be read."""
        try:
            pods, beyond = self._pods()
            memory, problem = self._memory()
            rounds = [self._pod(pod, memory, now) for pod in pods]
        except (*AWAY, *BAD_ANSWERS) as error:
            self.close()
            return Collected(problem=f"{self.name}: {_said(error)}")
        self._restarts = {key: count for one in rounds for key, count in one.counts.items()}
        if beyond:
            problem = f"{self.name}: more than {len(pods)} pods, the first {len(pods)} are measured"
        return Collected(
            tuple(sample for one in rounds for sample in one.samples),
            tuple(event for one in rounds for event in one.events),
            tuple(limit for one in rounds for limit in one.limits),
            problem,
        )

    def close(self) -> None:
        """Drop the connections; the next round reads the credentials anew and makes others."""
        if self._api is not None:
            self._api.close()
            self._api = None

    def _pod(self, pod: dict[str, Any], memory: dict[tuple[str, str], float], now: float) -> _Pod:
        name, found = pod["metadata"]["name"], _Pod(limits=_limits(pod, self.name))
        for status in _statuses(pod):
            found.counts[name, status["name"]] = int(status.get("restartCount", 0))
            found.events += self._events(name, status, now)
            found.samples += _samples(name, status, memory.get((name, status["name"])), now)
        return found

    def _client(self) -> Any:
        if self._api is None:
            try:
                kubernetes.config.load_incluster_config()  # type: ignore[no-untyped-call]
            except ConfigException:
                kubernetes.config.load_kube_config(context=self.config.context)  # type: ignore[no-untyped-call]
            self._api = kubernetes.client.ApiClient()
        return self._api

    def _pods(self) -> tuple[list[dict[str, Any]], bool]:
        """At most `max_pods` pods, and whether there are more.

        One page and no `continue`: a token that is too old is answered 410, and the bound is the page's size anyway.
        """
        answer: Any = kubernetes.client.CoreV1Api(self._client()).list_namespaced_pod(
            self.config.namespace,
            label_selector=self.config.selector,
            limit=self._max_pods,
            _request_timeout=self._timeout_seconds,
            _preload_content=False,
        )
        # The plain JSON: building the client's models of a thousand pods costs more than all the rest of a round.
        with answer:
            page = json.loads(answer.data)
        return list(page["items"] or ()), bool((page.get("metadata") or {}).get("continue"))

    def _memory(self) -> tuple[dict[tuple[str, str], float], str | None]:
        try:
            answer: Any = kubernetes.client.CustomObjectsApi(self._client()).list_namespaced_custom_object(
                "metrics.k8s.io",
                "v1beta1",
                self.config.namespace,
                "pods",
                label_selector=self.config.selector,
                _request_timeout=self._timeout_seconds,
            )
        except ApiException as error:
            if error.status not in (403, 404, 503):
                raise
            return {}, f"{self.name}: no metrics API (status {error.status}): restarts and limits only"
        return {
            (pod["metadata"]["name"], one["name"]): quantity(one["usage"]["memory"])
            for pod in answer["items"]
            for one in pod["containers"]
        }, None

    def _events(self, pod: str, status: dict[str, Any], now: float) -> list[Event]:
        count, before = int(status.get("restartCount", 0)), self._restarts.get((pod, status["name"]))
        if before is None or count <= before:
            return []
        place = Place(self.name)
        last = (status.get("lastState") or {}).get("terminated") or {}
        text = f"container {status['name']} of {pod} was restarted: {last.get('reason', 'reason not given')}"
        at = _epoch(last.get("finishedAt")) or now
        events = [Event(at, "restart", status["name"], pod, None, text, place, count - before)]
        if last.get("reason") == "OOMKilled":
            events.append(Event(at, "oom-kill", status["name"], pod, None, text, place))
        return events


def _statuses(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the pod's containers, and of sidecars: those are init containers that go on running."""
    status = pod.get("status") or {}
    sidecars = [one for one in status.get("initContainerStatuses") or () if (one.get("state") or {}).get("running")]
    return [*(status.get("containerStatuses") or ()), *sidecars]


def quantity(text: str) -> float:
    """A Kubernetes quantity in bytes: `461Mi`, `129e6`, `123456789`, `1500m`. Raises ValueError."""
    suffix = next((one for one in SUFFIXES if one and text.endswith(one)), "")
    return float(text.removesuffix(suffix)) * SUFFIXES[suffix]


def _samples(pod: str, status: dict[str, Any], working_set: float | None, now: float) -> list[Sample]:
    values = {"working_set": working_set, "restarts": float(status.get("restartCount", 0))}
    found = [(measure, value) for measure, value in values.items() if value is not None]
    # The start tells one life of a container from the next: the pod's name stays.
    started = _epoch(((status.get("state") or {}).get("running") or {}).get("startedAt"))
    return [Sample(status["name"], pod, None, measure, now, value, started) for measure, value in found]


def _limits(pod: dict[str, Any], source: str) -> list[Limit]:
    sidecars = [one for one in pod["spec"].get("initContainers") or () if one.get("restartPolicy") == "Always"]
    containers = [*pod["spec"]["containers"], *sidecars]
    given = [(one["name"], (one.get("resources", {}).get("limits") or {}).get("memory")) for one in containers]
    return [Limit(name, "memory", quantity(value), Place(source)) for name, value in given if value]


def _epoch(text: str | None) -> float | None:
    """RFC 3339 as Kubernetes writes it, in seconds; None for what is absent. Raises ValueError."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None


def _said(error: Exception) -> str:
    if isinstance(error, ApiException):
        return f"answered {error.status} {error.reason}"
    if isinstance(error, BAD_ANSWERS):
        return f"answered with something unexpected: {type(error).__name__} {str(error)[:100]}"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
