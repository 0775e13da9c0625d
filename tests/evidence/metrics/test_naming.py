"""Who is measured: from labels, and from legends that have lost them."""

from __future__ import annotations

import pytest

from floodmark.evidence.metrics.naming import Who, from_labels, from_legend, pod_base, service_of_container
from floodmark.evidence.metrics.table_csv import command_name

POD = "rsr-7d759f6dc9-m99vb"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        (POD, "rsr"),
        ("rsr-memcached-7fbb8d49f7-z6jwq", "rsr-memcached"),
        ("campus-cf87c2edf3-c9hcp", "campus"),
        ("fluentd-x7k2p", "fluentd"),
        ("rsr-nginx", None),
        ("cloudsql-proxy", None),
        ("rsr-backend01-proxy", None),
        ("worker", None),
    ],
)
def test_a_pod_is_told_by_the_form_of_its_name(name: str, base: str | None) -> None:
    assert pod_base(name) == base


@pytest.mark.parametrize(
    ("labels", "who"),
    [
        ({"container": "web", "pod": POD}, Who("web", POD)),
        ({"container_name": "web", "pod_name": POD}, Who("web", POD)),
        (
            {"exported_container": "web", "container": "kube-state-metrics", "exported_pod": POD, "pod": "ksm"},
            Who("web", POD),
        ),
        ({"job": "web", "instance": "10.0.0.7:8000"}, Who("web", "10.0.0.7:8000")),
        ({"job": "web", "instance": "h:1", "pid": "38"}, Who("web", "h:1", "38")),
        ({"pod": POD}, Who("rsr", POD)),
        ({"container": "POD", "pod": POD}, Who("rsr", POD)),
        ({"name": "rsr_backend_1", "id": "/docker/1f2e"}, Who("backend")),
        ({"container_label_com_docker_compose_service": "backend", "name": "rsr_backend_1"}, Who("backend")),
        ({"instance": "10.0.0.7:9100"}, Who("10.0.0.7:9100", "10.0.0.7:9100")),
        ({}, Who("")),
    ],
)
def test_labels_name_service_instance_and_process(labels: dict[str, str], who: Who) -> None:
    assert from_labels(labels) == who


@pytest.mark.parametrize(
    ("legend", "who"),
    [
        (f"{POD} - rsr-backend", Who("rsr-backend", POD)),
        (f"rsr-backend / {POD}", Who("rsr-backend", POD)),
        (f"{POD} - ", Who("rsr", POD)),
        (POD, Who("rsr", POD)),
        ("rsr-backend", Who("rsr-backend")),
        ("rsr-backend - 1234", Who("rsr-backend", None, "1234")),
        ("rsr-backend - org-iati growth rate", Who("rsr-backend", labels={"view": "org-iati"})),
        ("rsr-backend - 10mb growth", Who("rsr-backend", labels={"threshold": "10mb"})),
        ("rsr-backend - dict objects", Who("rsr-backend", labels={"type": "dict objects"})),
        ("GET - akvo.rest.views.country", Who("", labels={"method": "GET", "view": "akvo.rest.views.country"})),
        ("95% - delete ", Who("", labels={"quantile": "95%", "operation": "delete"})),
        ("web-0", Who("web", "web-0")),
        ("Value", Who("")),
        ('{container="web", pod="p-1"}', Who("web", "p-1", labels={"container": "web", "pod": "p-1"})),
        ('container_memory_rss{container="web"}', Who("web", labels={"container": "web"})),
    ],
)
def test_a_legend_names_what_it_kept(legend: str, who: Who) -> None:
    assert from_legend(legend) == who


def test_a_legend_without_a_name_is_of_the_service_of_its_folder() -> None:
    assert from_legend("Value", "rsr-backend") == Who("rsr-backend")


@pytest.mark.parametrize(
    ("name", "service"),
    [
        ("/rsr_backend_1", "backend"),
        ("rsr-backend-1", "backend"),
        ("k8s_web_rsr-7d_default_1f_0", "web"),
        ("redis", "redis"),
    ],
)
def test_a_container_of_docker_names_its_service(name: str, service: str) -> None:
    assert service_of_container(name) == service


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("gunicorn: worker [rsr.wsgi]", "gunicorn"),
        ("python manage.py qcluster --x", "qcluster"),
        ("/usr/bin/python3.11 -u /app/serve.py", "serve"),
        ("/usr/sbin/nginx -g daemon", "nginx"),
        ("", ""),
    ],
)
def test_a_command_line_names_what_it_runs(command: str, name: str) -> None:
    assert command_name(command) == name
