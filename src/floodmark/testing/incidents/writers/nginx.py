"""nginx: access logs in the formats met, the error log, the configuration that routes to the containers."""

from __future__ import annotations

import numpy as np

from floodmark.testing.incidents.plan import Plan
from floodmark.testing.incidents.queueing import Work
from floodmark.testing.incidents.theme import Random
from floodmark.testing.incidents.world import World
from floodmark.testing.incidents.writers.files import Line, Output, local, zone
from floodmark.testing.incidents.writers.paths import AGENTS, clients_of, paths_of, sizes_of

SCRAPER = "10.4.1.1"
_FORMATS = {
    "combined": "",
    "main": ' "-"',
    "timed_combined": " {total} {upstream} {connect}",
    "ingress": " 412 {total} [default-{service}-{port}] [] 10.4.1.7:{port} {size} {upstream} {status} {id:032x}",
}
_SCANS = ("/.env", "/wp-login.php", "/xmlrpc.php", "/phpmyadmin/index.php")
_TLS = "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03"


def write_nginx(world: World, out: Output) -> None:
    """The access log, the error log and the configuration."""
    plan = world.plan
    folder = {"a": "nginx", "b": f"logs/{plan.theme.nginx}", "c": f"{plan.theme.nginx}"}[plan.evidence.layout]
    access: list[Line] = []
    errors: list[Line] = []
    for container in world.containers.values():
        if container.service.role != "worker":
            _serve_lines(world, container.work, access, errors)
    _scrape_lines(world, access)
    _noise_lines(world, access)
    access.sort(key=lambda line: line[0])
    errors.sort(key=lambda line: line[0])
    out.write_log(plan, f"{folder}/access.log", access)
    out.write_log(plan, f"{folder}/error.log", errors, damage=False)
    if plan.evidence.layout != "c":
        out.write(f"{folder}/default.conf", "config", _configuration(plan), 0)


def _serve_lines(world: World, work: Work, access: list[Line], errors: list[Line]) -> None:
    plan = world.plan
    random = plan.stream("nginx " + work.service)
    service = world.containers[work.service].service
    clients, paths = clients_of(plan), paths_of(plan, work)
    sizes = sizes_of(plan, work, random)
    where, tail = zone(plan.evidence.access_zone), _FORMATS[plan.evidence.access_format]
    refused = _refused(world, work)
    for row, (logged, status, path) in enumerate(zip(work.logged.tolist(), work.status.tolist(), paths, strict=True)):
        route, total = plan.routes[work.route[row]], logged - work.at[row]
        method = "HEAD" if route.kilobytes > 50 and row % 23 == 0 and route.method == "GET" else route.method
        client, size = clients[work.client[row]], sizes[row]
        upstream = "0.000" if refused[row] else f"{total:.3f}"
        access.append((logged, f'{client} - - [{local(logged, where):%d/%b/%Y:%H:%M:%S %z}] "{method} {path} HTTP/1.1" '
                       f'{status} {size} "-" "{AGENTS[work.agent[row]]}"'
                       + tail.format(total=f"{total:.3f}", upstream=upstream, connect="-" if refused[row] else "0.000",
                                     service=service.name, port=service.port, size=size, status=status, id=row)))  # fmt: skip
        if status in (502, 504) or size > 8_000_000:
            cause = _cause(status, bool(refused[row]), row)
            errors.append((logged, _error(plan, logged, cause, client, method, path, service.port, 1000 + row)))


def _refused(world: World, work: Work) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whose connection was refused because the container had just died."""
    return np.asarray((work.status == 502) & (work.logged - work.at < 1.0))


def _cause(status: int, refused: bool, row: int) -> tuple[str, str]:
    if status == 504:
        return "error", "upstream timed out (110: Operation timed out) while reading response header from upstream"
    if status == 502 and refused:
        return "error", "connect() failed (111: Connection refused) while connecting to upstream"
    if status == 502:
        return "error", "upstream prematurely closed connection while reading response header from upstream"
    temporary = f"/var/cache/nginx/proxy_temp/{row % 10}/{row % 100:02d}/{row:010d}"
    return "warn", f"an upstream response is buffered to a temporary file {temporary} while reading upstream"


def _error(
    plan: Plan, at: float, cause: tuple[str, str], client: str, method: str, path: str, port: int, number: int
) -> str:
    level, text = cause
    moment = local(at, zone(plan.evidence.access_zone))
    return (f"{moment:%Y/%m/%d %H:%M:%S} [{level}] 31#31: *{number} {text}, client: {client}, server: , "
            f'request: "{method} {path} HTTP/1.1", upstream: "http://127.0.0.1:{port}{path}", '
            f'host: "{plan.theme.host}"')  # fmt: skip


def _scrape_lines(world: World, access: list[Line]) -> None:
    """The metrics page of each service, once a minute: as regular as the clock, and innocent."""
    plan = world.plan
    random = plan.stream("scrapes")
    profiled = {route.service for route in plan.routes if route.key.startswith("metrics")}
    for path, service in (("/metrics", plan.theme.web), ("/report-metrics", plan.theme.rep)):
        if service in profiled or service not in world.containers:
            continue
        offset = float(random.uniform(0, 3))
        for minute in world.minutes.tolist():
            took = float(random.normal(0.03, 0.004))
            text = _line(plan, minute + offset, SCRAPER, f"GET {path} HTTP/1.1", 200,
                         int(random.normal(21000, 60)), "Prometheus/2.53.0", took)  # fmt: skip
            access.append((minute + offset, text))


def _noise_lines(world: World, access: list[Line]) -> None:
    """Scanners, TLS on the plain port, bots turned away: lines that reach no container."""
    plan = world.plan
    random = plan.stream("noise lines")
    clients = clients_of(plan)
    for _ in range(int(plan.hours * 3)):
        at = plan.start + float(random.uniform(0, plan.hours * 3600))
        client, kind = clients[int(random.integers(len(clients)))], int(random.integers(6))
        if kind == 0:
            access.append((at, _line(plan, at, client, _TLS, 400, 157, "-", None)))
        elif kind < 5:
            access.append((at, _line(plan, at, client, f"GET {_SCANS[kind - 1]} HTTP/1.1", 404, 179, "-", None)))
        else:
            bot = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
            path = plan.route("page").template.replace("{id}", str(1000 + int(random.integers(900))))
            access.append((at, _line(plan, at, client, f"GET {path} HTTP/1.1", 503, 197, bot, None)))


def _line(
    plan: Plan, at: float, client: str, request: str, status: int, size: int, agent: str, took: float | None
) -> str:
    moment = local(at, zone(plan.evidence.access_zone))
    spent = "0.012" if took is None else f"{took:.3f}"
    upstream, connect = ("-", "-") if took is None else (spent, "0.000")
    tail = _FORMATS[plan.evidence.access_format].format(
        total=spent, upstream=upstream, connect=connect, service="-", port=80, size=size, status=status, id=int(at)
    )
    return f'{client} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "{request}" {status} {size} "-" "{agent}"{tail}'


def _configuration(plan: Plan) -> str:
    web, rep = plan.service("web"), plan.service("rep")
    lines = []
    if plan.evidence.access_format == "timed_combined":
        lines += ["log_format timed_combined '$remote_addr - $remote_user [$time_local] \"$request\" $status "
                  "$body_bytes_sent '", "    '\"$http_referer\" \"$http_user_agent\" $request_time "
                  "$upstream_response_time $upstream_connect_time';"]  # fmt: skip
    name = plan.evidence.access_format if plan.evidence.access_format != "ingress" else "upstreaminfo"
    return "\n".join([*lines, "server {", "  listen 80;", f"  access_log /var/log/nginx/access.log {name};",
        "  location /healthz { access_log off; return 200; }",
        f"  location /{plan.theme.reports}/ {{ proxy_pass http://127.0.0.1:{rep.port}; proxy_read_timeout 10m; }}"
        f"  # {rep.name}",
        f"  location /report-metrics {{ proxy_pass http://127.0.0.1:{rep.port}/metrics; proxy_read_timeout 10m; }}",
        f"  location / {{ proxy_pass http://127.0.0.1:{web.port}; }}  # {web.name}", "}", ""])  # fmt: skip
