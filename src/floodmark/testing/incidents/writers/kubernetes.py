"""What kubectl shows: events as a table or as JSON, and the description of the pod that runs at the end."""

from __future__ import annotations

import json

from floodmark.testing.incidents.plan import Restart
from floodmark.testing.incidents.world import NEW_POD, World, pod_at
from floodmark.testing.incidents.writers.files import Output, rfc3339

Event = tuple[float, str, str, str, str]
"""(when, type, reason, object, message)"""


def write_kubernetes(worlds: list[World], out: Output) -> None:
    """Events and the description of the pods."""
    events = sorted(event for world in worlds for event in _events(world))
    evidence = worlds[0].plan.evidence
    folder = "k8s" if evidence.layout != "b" else "kubectl"
    if evidence.events_as == "json":
        items = [_item(event) for event in events]
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=1) + "\n"
        out.write(f"{folder}/events.json", "log", text, len(items))
    else:
        out.write(f"{folder}/events.txt", "log", _table(events), len(events))
    out.write(f"{folder}/describe-pod.txt", "config", "\n\n".join(_describe(world) for world in worlds), 0)


def _events(world: World) -> list[Event]:
    events: list[Event] = []
    for restart in world.restarts:
        events += _of_deploy(world, restart) if restart.reason in NEW_POD else _of_kill(world, restart)
    for container in world.containers.values():
        late = container.work.logged[container.work.status == 504]
        for at in late[::9].tolist():
            pod = pod_at(world.pods, at)
            events.append((at, "Warning", "Unhealthy", f"pod/{pod}", 'Liveness probe failed: Get "http://10.4.1.7:'
                           f'{container.service.port}/healthz": context deadline exceeded'))  # fmt: skip
    return events


def _of_deploy(world: World, restart: Restart) -> list[Event]:
    app, at = world.plan.theme.app, world.plan.at(restart.hour)
    old, new = pod_at(world.pods, at - 1), pod_at(world.pods, at)
    image = f"registry.invalid/{app}:{new.split('-')[-2]}"
    events = [
        (at - 20, "Normal", "ScalingReplicaSet", f"deployment/{app}",
         f"Scaled up replica set {new.rsplit('-', 1)[0]} to 1"),
        (at - 15, "Normal", "Scheduled", f"pod/{new}", f"Successfully assigned default/{new} to node-pool-1"),
    ]  # fmt: skip
    if restart.reason == "deploy":
        events.append((at - 12, "Normal", "Pulled", f"pod/{new}", f'Successfully pulled image "{image}" in 9.1s'))
    events += [(at, "Normal", "Started", f"pod/{new}", f"Started container {one}") for one in restart.services]
    return [*events, (at + 1, "Normal", "Killing", f"pod/{old}", f"Stopping container {restart.services[0]}")]


def _of_kill(world: World, restart: Restart) -> list[Event]:
    """A container that died in its pod. There is no event called OOMKilled."""
    at = world.plan.at(restart.hour)
    pod, name = pod_at(world.pods, at), restart.services[0]
    events: list[Event] = [(at + 2, "Normal", "Started", f"pod/{pod}", f"Started container {name}")]
    if "crash" in restart.reason:
        events.append((at + 1, "Warning", "BackOff", f"pod/{pod}",
                       f"Back-off restarting failed container {name} in pod {pod}"))  # fmt: skip
    return events


def _table(events: list[Event]) -> str:
    header = f"{'LAST SEEN':26}{'TYPE':10}{'REASON':20}{'OBJECT':42}MESSAGE\n"
    return header + "".join(f"{rfc3339(at):26}{kind:10}{reason:20}{thing:42}{text}\n"
                            for at, kind, reason, thing, text in events)  # fmt: skip


def _item(event: Event) -> dict[str, object]:
    at, kind, reason, thing, text = event
    what, name = thing.split("/", 1)
    return {
        "apiVersion": "v1", "kind": "Event", "type": kind, "reason": reason, "count": 1, "message": text,
        "firstTimestamp": rfc3339(at), "lastTimestamp": rfc3339(at), "eventTime": None,
        "metadata": {"name": f"{name}.{int(at):x}", "namespace": "default"},
        "involvedObject": {"kind": what.capitalize(), "name": name, "namespace": "default"},
    }  # fmt: skip


def _describe(world: World) -> str:
    plan, pod = world.plan, world.pods[-1]
    lines = [f"Name:             {pod.pod}", "Namespace:        default",
             f"Start Time:       {rfc3339(max(pod.at, plan.start - 259_200))}", "Containers:"]  # fmt: skip
    lines += _container(plan.theme.nginx, "80/TCP", "nginx -g daemon off;")
    for container in world.containers.values():
        service = container.service
        command = f"gunicorn {plan.theme.app}.wsgi --bind 0.0.0.0:{service.port} --workers {service.workers}"
        if service.max_requests:
            command += f" --max-requests {service.max_requests} --max-requests-jitter {service.max_requests_jitter}"
        if service.role == "worker":
            command = "python manage.py qcluster"
        kills = [one for one in world.restarts if service.name in one.services and one.reason not in NEW_POD]
        limit = service.limit_mb if plan.evidence.limits_known else 0.0
        lines += _container(
            service.name, f"{service.port}/TCP" if service.port else "<none>", command, kills, limit, world
        )
    lines += _container(plan.theme.proxy, "5432/TCP", f"/cloud_sql_proxy -instances={plan.theme.project}=tcp:5432")
    return "\n".join([*lines, *_container(plan.theme.side, "<none>", "statsd_exporter"), ""])


def _container(
    name: str, port: str, command: str, kills: list[Restart] | None = None, limit_mb: float = 0.0,
    world: World | None = None,
) -> list[str]:  # fmt: skip
    lines = [f"  {name}:", f"    Port:          {port}", f"    Command:       {command}", "    State:          Running"]
    if kills and world:
        reason, code = ("OOMKilled", 137) if kills[-1].reason == "OOMKilled" else ("Error", 1)
        lines += ["    Last State:     Terminated", f"      Reason:       {reason}", f"      Exit Code:    {code}",
                  f"      Finished:     {rfc3339(world.plan.at(kills[-1].hour))}"]  # fmt: skip
    lines.append(f"    Restart Count:  {len(kills or [])}")
    if limit_mb:
        lines += ["    Limits:", f"      memory:  {round(limit_mb / 1.048576)}Mi"]
    return lines
