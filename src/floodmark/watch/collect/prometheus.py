"""Memory series of a Prometheus server: one cheap screening query for all, full series for suspects only.

The screen asks the server itself for each series' growth over the window and brings one figure a series, so the cost
of a round follows the number of suspects and not the size of the fleet. `deriv()` is right for gauges (`rate()` is for
counters, and counts every fall of a gauge as a reset).
"""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException
from typing import Any

from floodmark.watch.collect.base import Collected, Sample
from floodmark.watch.config import Prometheus
from floodmark.watch.notify.http import DeliveryError, authorisation, host_of, opener

MAX_POINTS = 11_000
"""Prometheus refuses more points a series than this in one range query."""


MAX_NAME = 200


class PrometheusError(Exception):
    """The server did not answer, or not with what was asked."""


class PrometheusCollector:
    """Screening each round; series that grow faster than `screen_mb_per_hour` are fetched whole and kept a while."""

    def __init__(
        self,
        config: Prometheus,
        *,
        screen_mb_per_hour: float,
        window_seconds: float,
        step_seconds: float,
        max_suspects: int,
        max_answer_bytes: int,
        timeout_seconds: float,
    ) -> None:
        self.config = config
        self.name = f"prometheus {host_of(str(config.url))}"
        self.screen_mb_per_hour, self.window_seconds, self.step_seconds = (
            screen_mb_per_hour,
            window_seconds,
            step_seconds,
        )
        self.max_suspects, self.max_answer_bytes = max_suspects, max_answer_bytes
        self.timeout_seconds = timeout_seconds
        self._suspected_at: dict[tuple[str, str], float] = {}
        self._fetched_at: dict[tuple[str, str], float] = {}

    def collect(self, now: float) -> Collected:
        """One round. A server that is down is a problem said; what is missed is fetched when it is back."""
        try:
            suspects = self._suspects(now)
            samples = tuple(sample for suspect in suspects for sample in self._series(suspect, now))
        except PrometheusError as error:
            return Collected(problem=f"{self.name}: {error}")
        except (KeyError, TypeError, ValueError, IndexError) as error:
            return Collected(problem=f"{self.name}: answered with something unexpected: {error!r:.100}")
        return Collected(samples)

    def close(self) -> None:
        """Nothing is held open."""

    def _suspects(self, now: float) -> list[tuple[str, str]]:
        """(service, instance) of what grows fastest, and of what was a suspect within the window."""
        seconds = max(int(self.window_seconds), 60)
        query = f"topk({self.max_suspects}, deriv(({self.config.query})[{seconds}s:{int(self.step_seconds)}s]))"
        answer = self._get("query", {"query": query, "time": f"{now:.3f}"})
        for one in _results(answer, "vector"):
            if _number(one["value"][1]) * 3600 / 1e6 > self.screen_mb_per_hour:
                self._suspected_at[self._who(one["metric"])] = now
        # One that calmed down is watched to the end of the window, and then forgotten: pods come and go for years.
        lately = {who: at for who, at in self._suspected_at.items() if now - self.window_seconds < at <= now}
        latest_first = sorted(lately, key=lambda who: (-lately[who], who))[: self.max_suspects]
        self._suspected_at = {who: lately[who] for who in latest_first}
        self._fetched_at = {who: at for who, at in self._fetched_at.items() if who in lately and at <= now}
        return sorted(latest_first)

    def _series(self, who: tuple[str, str], now: float) -> Iterator[Sample]:
        since = self._fetched_at.get(who, now - self.window_seconds)
        # Samples that the server itself got late are taken in the next round: it looks back two steps.
        start = max(since - 2 * self.step_seconds, now - self.window_seconds)
        step = max(self.step_seconds, (now - start) / (MAX_POINTS - 1))
        service, instance = who
        selector = (
            f'{self.config.service_label}="{_quoted(service)}",{self.config.instance_label}="{_quoted(instance)}"'
        )
        query = _narrowed(self.config.query, selector)
        parameters = {"query": query, "start": f"{start:.3f}", "end": f"{now:.3f}", "step": f"{step:.3f}"}
        found = _results(self._get("query_range", parameters), "matrix")
        for one, name in zip(found, _names([one["metric"] for one in found]), strict=True):
            for at, value in one["values"]:
                number = _number(value)
                if float(at) > since and math.isfinite(number):
                    yield Sample(service, instance, name, self.config.measure, float(at), number)
        self._fetched_at[who] = now

    def _who(self, metric: dict[str, str]) -> tuple[str, str]:
        return metric.get(self.config.service_label, "(none)"), metric.get(self.config.instance_label, "")

    def _get(self, what: str, parameters: dict[str, str]) -> Any:
        url = f"{str(self.config.url).rstrip('/')}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            request = urllib.request.Request(url, headers=authorisation(self.config))  # noqa: S310 checked by the config
            with opener.open(request, timeout=self.timeout_seconds) as answer:
                body = answer.read(self.max_answer_bytes + 1)
        except urllib.error.HTTPError as error:
            with error:
                raise PrometheusError(f"answered {error.code}: {_said(error.read(500))}") from None
        except (OSError, HTTPException, DeliveryError) as error:
            raise PrometheusError(str(getattr(error, "reason", error))) from None
        if len(body) > self.max_answer_bytes:
            raise PrometheusError(f"answered with more than {self.max_answer_bytes} bytes; narrow the query")
        try:
            return json.loads(body)
        except ValueError:
            raise PrometheusError("answered with something that is not JSON") from None


def _names(metrics: list[dict[str, str]]) -> list[str | None]:
    """What tells several series of one service and instance apart: laid over each other they would jump for ever."""
    if len(metrics) < 2:
        return [None] * len(metrics)
    labels = sorted({label for one in metrics for label in one})
    telling = [label for label in labels if len({one.get(label) for one in metrics}) > 1]
    return [" ".join(f"{label}={one.get(label, '')}" for label in telling)[:MAX_NAME] for one in metrics]


def _results(answer: Any, kind: str) -> list[Any]:
    try:
        data = answer["data"]
        if answer["status"] == "success" and data["resultType"] == kind:
            return list(data["result"])
    except (KeyError, TypeError):
        pass
    raise PrometheusError(f"answered without a {kind}; is `query` an instant vector of a gauge?")


def _narrowed(query: str, selector: str) -> str:
    """The query for one service: the selector is put into its braces, or braces are added to a bare name."""
    if query.rstrip().endswith("}"):
        head, _, tail = query.rstrip().rpartition("}")
        comma = "" if head.rstrip().endswith(("{", ",")) else ","
        return f"{head}{comma}{selector}}}{tail}"
    return f"{query}{{{selector}}}"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return math.nan


def _said(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])[:200]
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
