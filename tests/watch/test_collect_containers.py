"""Containers as a Docker engine and a Kubernetes API server tell of them, over real HTTP on loopback."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import kubernetes
import pytest

from floodmark.watch.collect.docker import DockerCollector
from floodmark.watch.collect.kubernetes import KubernetesCollector, quantity
from floodmark.watch.config import Docker, Kubernetes, Remedy
from floodmark.watch.remedy.docker import DockerRestart
from floodmark.watch.remedy.kubernetes import Rollout, Scale
from floodmark.watch.remedy.ways import way_of

MIB = 2**20


class Api:
    """A server that answers each path with what stands in `answers`: JSON, bytes, (status, JSON), else 404."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[str] = []
        self.patched: list[tuple[str, str, Any]] = []
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = urlsplit(self.path).path
                missing = 404, {"message": "no such thing"}
                known = next((value for name, value in api.answers.items() if path.endswith(name)), missing)
                api.asked.append(self.path)
                status, known = known if isinstance(known, tuple) else (200, known)
                body = known if isinstance(known, bytes) else json.dumps(known).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_PATCH(self) -> None:
                length = int(self.headers["Content-Length"])
                api.patched.append((self.path, self.headers["Content-Type"], json.loads(self.rfile.read(length))))
                self.do_GET()

            def log_message(self, *words: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = False
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.stop()


def docker_answers(
    *, started: str = "2025-09-02T06:00:00.123456789Z", restarts: int = 0, limit: int = 512 * MIB
) -> Any:
    return {
        "/events": b"",
        "/version": {"ApiVersion": "1.44", "MinAPIVersion": "1.24"},
        "/containers/json": [
            {"Id": "a1", "Names": ["/web"], "State": "running"},
            {"Id": "b2", "Names": ["/other"], "State": "running"},
            {"Id": "c3", "Names": ["/web-of-yesterday"], "State": "exited"},
        ],
        "/web/stats": {
            "memory_stats": {
                "usage": 300 * MIB,
                "limit": 16_000 * MIB,
                "stats": {"anon": 200 * MIB, "inactive_file": 50 * MIB},
            },
            "pids_stats": {"current": 13},
        },
        "/web/json": {
            "State": {"StartedAt": started}, "RestartCount": restarts, "HostConfig": {"Memory": limit},
        },
    }  # fmt: skip


def docker_event(action: str, at: float, name: str = "web") -> bytes:
    """As in the description of the engine's API, `GET /events`."""
    actor = {"ID": "a1" * 32, "Attributes": {"image": "shop", "name": name}}
    told = {"Type": "container", "Action": action, "Actor": actor, "time": int(at), "timeNano": int(at * 1e9)}
    return json.dumps(told).encode() + b"\n"


@pytest.fixture
def engine(api: Api) -> Iterator[DockerCollector]:
    api.answers = docker_answers()
    config = Docker(name="^web$", url=f"tcp://127.0.0.1:{api.port}")
    collector = DockerCollector(config, timeout_seconds=5, max_containers=10, max_events=100, parallel=4)
    yield collector
    collector.close()


def values(collected: Any) -> dict[str, float]:
    return {sample.measure: sample.value for sample in collected.samples}


def test_a_container_is_measured_without_its_page_cache(engine: DockerCollector) -> None:
    collected = engine.collect(1000.0)
    assert collected.problem is None
    assert values(collected) == {
        "rss": 200 * MIB,
        "working_set": 250 * MIB,
        "usage": 300 * MIB,
        "processes": 13,
        "restarts": 0,
    }
    assert {sample.service for sample in collected.samples} == {"web"}
    assert [limit.value for limit in collected.limits] == [512 * MIB]


def test_groups_below_a_container_of_cgroup_v1_are_counted_with_it(api: Api, engine: DockerCollector) -> None:
    # The names are those of a real answer of Docker 20.10; `inactive_file` alone leaves out what lies below.
    detail = {"rss": MIB, "total_rss": 90 * MIB, "inactive_file": 0, "total_inactive_file": 40 * MIB, "cache": 0}
    api.answers["/web/stats"] = {"memory_stats": {"usage": 140 * MIB, "stats": detail}}
    found = values(engine.collect(1000.0))
    assert (found["rss"], found["working_set"]) == (90 * MIB, 100 * MIB)


def test_an_engine_from_before_single_figures_is_asked_in_its_own_way(api: Api, engine: DockerCollector) -> None:
    api.answers["/version"] = {"ApiVersion": "1.40", "MinAPIVersion": "1.12"}
    assert engine.collect(1000.0).problem is None
    assert not [path for path in api.asked if "one-shot" in path]


def test_a_container_without_a_limit_of_its_own_has_none(api: Api, engine: DockerCollector) -> None:
    api.answers = docker_answers(limit=0)
    assert engine.collect(1000.0).limits == ()


def test_a_restart_and_an_oom_kill_become_events_at_the_time_they_happened(api: Api, engine: DockerCollector) -> None:
    engine.collect(1000.0)
    api.answers["/events"] = (
        docker_event("oom", 1003.25) + docker_event("start", 1004.0) + docker_event("start", 1005.0, "other")
    )
    events = engine.collect(1015.0).events
    assert [(event.kind, event.at, event.service) for event in events] == [
        ("oom-kill", 1003.25, "web"),
        ("restart", 1004.0, "web"),
    ]
    asked = [parse_qs(urlsplit(path).query) for path in api.asked if "/events" in path]
    assert [(one["since"], one["until"]) for one in asked] == [(["1000.000000"], ["1015.000000"])]


def test_a_container_seen_for_the_first_time_was_not_restarted(api: Api, engine: DockerCollector) -> None:
    api.answers["/containers/json"] = []
    engine.collect(1000.0)
    api.answers = docker_answers() | {"/events": docker_event("start", 1004.0)}
    assert [event.kind for event in engine.collect(1015.0).events] == ["start"]


@pytest.mark.parametrize("answer", [(500, {"message": "oops"}), b"<html>", {"message": "no list"}])
def test_an_engine_that_answers_nonsense_costs_the_round(api: Api, engine: DockerCollector, answer: Any) -> None:
    api.answers["/containers/json"] = answer
    collected = engine.collect(1000.0)
    assert (collected.samples, bool(collected.problem)) == ((), True)
    api.answers = docker_answers()
    assert engine.collect(1015.0).problem is None


def test_a_container_that_goes_between_two_questions_is_said_and_left_out(api: Api, engine: DockerCollector) -> None:
    engine.collect(1000.0)
    del api.answers["/web/stats"]
    collected = engine.collect(1015.0)
    assert collected.samples == ()
    assert "web" in (collected.problem or "")


def test_an_engine_that_is_away_is_said_and_found_again() -> None:
    api = Api()
    api.answers = docker_answers()
    collector = DockerCollector(
        Docker(name="web", url=f"tcp://127.0.0.1:{api.port}"),
        timeout_seconds=2,
        max_containers=10,
        max_events=100,
        parallel=4,
    )
    assert collector.collect(1.0).problem is None
    api.stop()
    problem = collector.collect(2.0).problem
    assert problem
    assert "\n" not in problem
    collector.close()


ALWAYS = {"image": "rsr:1", "imageID": "docker://sha256:0", "ready": True}
"""What the API server says of every container, asked for or not."""

POD: dict[str, Any] = {
    "metadata": {"name": "rsr-abc"},
    "spec": {"containers": [{"name": "rsr-backend", "resources": {"limits": {"memory": "512Mi"}}}]},
    "status": {"containerStatuses": [{**ALWAYS, "name": "rsr-backend", "restartCount": 2, "lastState": {}}]},
}


def published(pod: dict[str, Any]) -> dict[str, Any]:
    """The pod, held against the models that the client has of the published OpenAPI description.

    They refuse what lacks a mandatory field or has one of another type, and drop what they do not know.
    """
    client = kubernetes.client.ApiClient()
    read = client.deserialize(json.dumps({"items": [pod]}), "V1PodList", "application/json")
    (told,) = client.sanitize_for_serialization(read)["items"]
    assert json.loads(json.dumps(told).replace("+00:00", "Z")) == pod
    client.close()
    return pod


@pytest.fixture
def cluster(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KubernetesCollector]:
    kubeconfig = tmp_path / "config"
    context = {"cluster": "c", "user": "u"}
    kubeconfig.write_text(
        json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "x",
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{api.port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}], "contexts": [{"name": "x", "context": context}],
        })
    )  # fmt: skip
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(kubeconfig))
    api.answers = {
        "/api/v1/namespaces/default/pods": {"items": [POD]},
        "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods": {
            "items": [
                {
                    "metadata": {"name": "rsr-abc"},
                    "containers": [{"name": "rsr-backend", "usage": {"memory": "461Mi"}}],
                }
            ]
        },
    }
    collector = KubernetesCollector(Kubernetes(namespace="default"), timeout_seconds=5, max_pods=10)
    yield collector
    collector.close()


def test_a_pod_is_measured_by_the_metrics_api(cluster: KubernetesCollector) -> None:
    collected = cluster.collect(1000.0)
    assert collected.problem is None
    assert values(collected) == {"working_set": 461 * MIB, "restarts": 2}
    assert [(limit.service, limit.value) for limit in collected.limits] == [("rsr-backend", 512 * MIB)]


def test_a_pod_killed_for_memory_is_a_restart_and_an_oom_kill(api: Api, cluster: KubernetesCollector) -> None:
    cluster.collect(1000.0)
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    api.answers["/api/v1/namespaces/default/pods"] = {"items": [pod(restartCount=3, lastState=ended)]}
    assert [event.kind for event in cluster.collect(1015.0).events] == ["restart", "oom-kill"]
    assert cluster.collect(1030.0).events == ()


def test_without_the_metrics_api_restarts_and_limits_are_still_seen(api: Api, cluster: KubernetesCollector) -> None:
    del api.answers["/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"]
    collected = cluster.collect(1000.0)
    assert values(collected) == {"restarts": 2}
    assert "no metrics API" in (collected.problem or "")


PODS = "/api/v1/namespaces/default/pods"
METRICS = "/apis/metrics.k8s.io/v1beta1/namespaces/default/pods"


def pod(**status: Any) -> dict[str, Any]:
    told = {**ALWAYS, "name": "rsr-backend", "restartCount": 2, **status}
    return published({**POD, "status": {"containerStatuses": [told]}})


def test_the_stand_in_speaks_as_the_published_api_and_no_other_way() -> None:
    assert published(POD) == POD
    for unknown in ({"restarts": 2}, {"restartCount": "two"}):
        with pytest.raises((AssertionError, ValueError)):
            pod(**unknown)


def test_a_sidecar_is_measured_and_an_init_container_that_is_done_is_not(
    api: Api, cluster: KubernetesCollector
) -> None:
    limits = {"limits": {"memory": "64Mi"}}
    spec = {**POD["spec"], "initContainers": [
        {"name": "migrate", "resources": limits}, {"name": "proxy", "restartPolicy": "Always", "resources": limits},
    ]}  # fmt: skip
    status = {**POD["status"], "initContainerStatuses": [
        {**ALWAYS, "name": "migrate", "restartCount": 0, "state": {"terminated": {"exitCode": 0}}},
        {**ALWAYS, "name": "proxy", "restartCount": 0, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}},
    ]}  # fmt: skip
    api.answers[PODS] = {"items": [published({**POD, "spec": spec, "status": status})]}
    api.answers[METRICS]["items"][0]["containers"].append({"name": "proxy", "usage": {"memory": "30Mi"}})
    collected = cluster.collect(1000.0)
    assert {one.service for one in collected.samples} == {"rsr-backend", "proxy"}
    assert [one.value for one in collected.samples if one.service == "proxy"] == [30 * MIB, 0]
    assert [(one.service, one.value) for one in collected.limits] == [("rsr-backend", 512 * MIB), ("proxy", 64 * MIB)]


def test_an_oom_kill_is_told_at_the_time_the_kubelet_gives(api: Api, cluster: KubernetesCollector) -> None:
    cluster.collect(1000.0)
    ended = {"terminated": {"reason": "OOMKilled", "exitCode": 137, "finishedAt": "1970-01-01T00:16:47Z"}}
    api.answers[PODS] = {"items": [pod(restartCount=3, lastState=ended)]}
    assert {event.at for event in cluster.collect(1015.0).events} == {1007.0}


def test_lives_of_a_container_are_told_apart_by_their_start(api: Api, cluster: KubernetesCollector) -> None:
    api.answers[PODS] = {"items": [pod(state={"running": {"startedAt": "1970-01-01T00:16:47Z"}})]}
    assert {sample.started for sample in cluster.collect(1015.0).samples} == {1007.0}


def test_a_pod_that_has_gone_is_no_trouble_and_is_forgotten(api: Api, cluster: KubernetesCollector) -> None:
    cluster.collect(1000.0)
    api.answers[PODS], api.answers[METRICS] = {"items": []}, {"items": []}
    gone = cluster.collect(1015.0)
    assert (gone.samples, gone.events, gone.problem) == ((), (), None)
    # Another pod of the same name (a StatefulSet's) begins to count anew.
    api.answers[PODS] = {"items": [pod(restartCount=7)]}
    assert cluster.collect(1030.0).events == ()


def test_a_pod_that_has_no_container_yet_is_passed_over(api: Api, cluster: KubernetesCollector) -> None:
    api.answers[PODS] = {"items": [{**POD, "status": {"phase": "Pending"}}]}
    assert cluster.collect(1000.0).problem is None


def test_more_pods_than_the_bound_are_said(api: Api, cluster: KubernetesCollector) -> None:
    api.answers[PODS] = {"metadata": {"continue": "token", "remainingItemCount": 40}, "items": [POD]}
    assert "more than 1 pods" in (cluster.collect(1000.0).problem or "")
    assert "limit=10" in next(path for path in api.asked if path.startswith(PODS))


DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/rsr"


@pytest.fixture
def deployment(api: Api, cluster: KubernetesCollector) -> Api:
    """The same API server, with a deployment that may be patched."""
    api.answers[DEPLOYMENT] = {"kind": "Deployment"}
    return api


def test_a_rollout_is_what_kubectl_sends(deployment: Api) -> None:
    assert Rollout("default", "rsr").do(5).worked
    ((path, kind, body),) = deployment.patched
    assert (path, kind) == (DEPLOYMENT, "application/strategic-merge-patch+json")
    annotations = body["spec"]["template"]["metadata"]["annotations"]
    at = datetime.fromisoformat(annotations["kubectl.kubernetes.io/restartedAt"])
    assert abs(time.time() - at.timestamp()) < 60
    assert list(body["spec"]) == ["template"], "nothing else of the deployment is touched"


def test_scaling_sets_the_number_of_replicas_and_nothing_else(deployment: Api) -> None:
    assert Scale("default", "rsr", 3).do(5).worked
    assert [body for _, _, body in deployment.patched] == [{"spec": {"replicas": 3}}]


@pytest.mark.parametrize("refusal", [(403, {"message": "forbidden"}), (404, {"message": "no such deployment"})])
def test_a_cluster_that_refuses_an_action_is_an_outcome(deployment: Api, refusal: Any) -> None:
    deployment.answers[DEPLOYMENT] = refusal
    outcome = Rollout("default", "rsr").do(5)
    assert (outcome.worked, str(refusal[0]) in outcome.text) == (False, True)


def test_a_remedy_names_namespace_and_deployment(tmp_path: Path) -> None:
    def way(**words: object) -> Any:
        return way_of(Remedy.model_validate({"service": "rsr", "action": "restart", **words}))

    assert way(kubernetes="rsr") == Rollout("default", "rsr")
    assert way(kubernetes="prod/rsr") == Rollout("prod", "rsr")
    assert way(kubernetes="prod/rsr", action="scale", replicas=0) == Scale("prod", "rsr", 0)
    assert way(docker="rsr", docker_url="tcp://host:2375") == DockerRestart("rsr", "tcp://host:2375")


@pytest.mark.parametrize(("answer", "said"), [
    ((401, {"message": "Unauthorized"}), "answered 401"),
    ((403, {"message": "forbidden"}), "answered 403"),
    ((404, {"message": "no such namespace"}), "answered 404"),
    ((410, {"message": "too old"}), "answered 410"),
    ((500, {"message": "oops"}), "answered 500"),
    ({"kind": "Status"}, "something unexpected: KeyError"),
    (b"<html>", "something unexpected"),
    ({"items": [{**POD, "spec": {"containers": [{"name": "a", "resources": {"limits": {"memory": "much"}}}]}}]},
     "something unexpected: ValueError"),
])  # fmt: skip
def test_a_bad_answer_of_the_cluster_costs_the_round_and_is_said(
    api: Api, cluster: KubernetesCollector, answer: Any, said: str
) -> None:
    good = api.answers[PODS]
    api.answers[PODS] = answer
    collected = cluster.collect(1000.0)
    assert collected.samples == ()
    assert said in (collected.problem or "")
    api.answers[PODS] = good
    assert cluster.collect(1015.0).problem is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("461Mi", 461 * MIB),
        ("129e6", 129e6),
        ("123456789", 123456789),
        ("1500m", 1.5),
        ("1G", 1e9),
        ("2Ki", 2048),
        ("1E", 1e18),
        ("5e9n", 5.0),
    ],
)
def test_quantities_are_read_as_kubernetes_writes_them(text: str, expected: float) -> None:
    assert quantity(text) == expected


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib
    import sys

    from floodmark.errors import SettingsError

    def without(name: str, module: str) -> Callable[[], object]:
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, module)
        return lambda: importlib.import_module(module)

    for name in ("docker", "kubernetes"):
        with pytest.raises(SettingsError, match=rf"floodmark\[{name}\]"):
            without(name, f"floodmark.watch.collect.{name}")()
