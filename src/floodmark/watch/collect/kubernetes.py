"""Pods of a namespace: memory from the metrics API, limits, restarts, OOM kills. Imported only where configured."""

from __future__ import annotations

import json
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
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "m": 1e-3, "": 1.0,
}  # fmt: skip
"""Kubernetes' quantities: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/"""


class KubernetesCollector:
    """What the API server says of the pods that match. Working set comes from the metrics API where it is installed."""

    def __init__(self, config: Kubernetes, *, timeout_seconds: float, max_pods: int) -> None:
        self.config = config
        self.name = f"kubernetes {config.namespace}"
        self._timeout_seconds, self._max_pods = timeout_seconds, max_pods
        self._api: Any = None
        self._restarts: dict[tuple[str, str], int] = {}

    def collect(self, now: float) -> Collected:
        """One round; an API server that is away is a problem said."""
        try:
            pods = self._pods()
            memory, problem = self._memory()
        except (ApiException, ConfigException, HTTPError) as error:
            self._api = None
            return Collected(problem=f"{self.name}: {_said(error)}")
        samples, events, limits = [], [], []
        for pod in pods[: self._max_pods]:
            name = pod["metadata"]["name"]
            limits += _limits(pod, self.name)
            for status in pod.get("status", {}).get("containerStatuses") or ():
                events += self._events(name, status, now)
                samples += _samples(name, status, memory.get((name, status["name"])), now)
        if len(pods) > self._max_pods:
            problem = f"{self.name}: {len(pods)} pods, the first {self._max_pods} are measured"
        return Collected(tuple(samples), tuple(events), tuple(limits), problem)

    def close(self) -> None:
        """Nothing is held open between rounds."""

    def _client(self) -> Any:
        if self._api is None:
            try:
                kubernetes.config.load_incluster_config()  # type: ignore[no-untyped-call]
            except ConfigException:
                kubernetes.config.load_kube_config(context=self.config.context)  # type: ignore[no-untyped-call]
            self._api = kubernetes.client.ApiClient()
        return self._api

    def _pods(self) -> list[dict[str, Any]]:
        answer: Any = kubernetes.client.CoreV1Api(self._client()).list_namespaced_pod(
            self.config.namespace,
            label_selector=self.config.selector,
            limit=self._max_pods + 1,
            _request_timeout=self._timeout_seconds,
            _preload_content=False,
        )
        # The plain JSON: building the client's models of a thousand pods costs more than all the rest of a round.
        with answer:
            return list(json.loads(answer.data)["items"])

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
        key, count = (pod, status["name"]), int(status.get("restartCount", 0))
        before, self._restarts[key] = self._restarts.get(key), count
        if before is None or count <= before:
            return []
        place = Place(self.name)
        last = (status.get("lastState") or {}).get("terminated") or {}
        text = f"container {status['name']} of {pod} was restarted: {last.get('reason', 'reason not given')}"
        events = [Event(now, "restart", status["name"], pod, None, text, place, count - before)]
        if last.get("reason") == "OOMKilled":
            events.append(Event(now, "oom-kill", status["name"], pod, None, text, place))
        return events


def quantity(text: str) -> float:
    """A Kubernetes quantity in bytes: `461Mi`, `129e6`, `123456789`, `1500m`. Raises ValueError."""
    suffix = next((one for one in SUFFIXES if one and text.endswith(one)), "")
    return float(text.removesuffix(suffix)) * SUFFIXES[suffix]


def _samples(pod: str, status: dict[str, Any], working_set: float | None, now: float) -> list[Sample]:
    values = {"working_set": working_set, "restarts": float(status.get("restartCount", 0))}
    found = [(measure, value) for measure, value in values.items() if value is not None]
    return [Sample(status["name"], pod, None, measure, now, value) for measure, value in found]


def _limits(pod: dict[str, Any], source: str) -> list[Limit]:
    containers = pod["spec"]["containers"]
    given = [(one["name"], (one.get("resources", {}).get("limits") or {}).get("memory")) for one in containers]
    return [Limit(name, "memory", quantity(value), Place(source)) for name, value in given if value]


def _said(error: Exception) -> str:
    if isinstance(error, ApiException):
        return f"answered {error.status} {error.reason}"
    return str(error).splitlines()[0][:200]
