"""nginx: access logs in the formats met, the error log, the configuration that routes to the containers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from floodmark.testing.incidents.plan import Plan
from floodmark.testing.incidents.queueing import Work
from floodmark.testing.incidents.world import World
from floodmark.testing.incidents.writers.files import Line, Output, local, zone
from floodmark.testing.incidents.writers.paths import AGENTS, clients_of, paths_of, sizes_of

SCRAPER = "10.4.1.1"
_SCANS = ("/.env", "/wp-login.php", "/xmlrpc.php", "/phpmyadmin/index.php")
_TLS = "\\x16\\x03\\x01\\x02\\x00\\x01\\x00\\x01\\xFC\\x03\\x03"
_BOT = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"


@dataclass(frozen=True)
class Access:
    """One line of the access log. Without a port no container was asked."""

    at: float
    client: str
    request: str
    status: int
    size: int
    agent: str
    seconds: float
    service: str = ""
    port: int = 0
    refused: bool = False

    def text(self, plan: Plan) -> str:
        """The line in the format of the case."""
        moment = local(self.at, zone(plan.evidence.access_zone))
        return (f'{self.client} - - [{moment:%d/%b/%Y:%H:%M:%S %z}] "{self.request}" {self.status} {self.size} "-" '
                f'"{self.agent}"' + _TAILS[plan.evidence.access_format](self))  # fmt: skip

    @property
    def upstream(self) -> str:
        """Seconds that the container took; a dash where none was asked."""
        return "-" if not self.port else "0.000" if self.refused else f"{self.seconds:.3f}"


def _timed(line: Access) -> str:
    return f" {line.seconds:.3f} {line.upstream} {'-' if line.refused or not line.port else '0.000'}"


def _ingress(line: Access) -> str:
    number = f"{int(line.at * 1000):032x}"
    if not line.port:
        return f" 412 {line.seconds:.3f} [] [] - - - - {number}"
    return (f" 412 {line.seconds:.3f} [default-{line.service}-{line.port}] [] 10.4.1.7:{line.port} {line.size} "
            f"{line.upstream} {line.status} {number}")  # fmt: skip


_TAILS: dict[str, Callable[[Access], str]] = {
    "combined": lambda line: "",
    "main": lambda line: ' "-"',
    "timed_combined": _timed,
    "ingress": _ingress,
}


def write_nginx(worlds: list[World], out: Output) -> None:
    """The access log, the error log and the configuration; replicas write through one collector."""
    plan = worlds[0].plan
    folder = {"a": "nginx", "b": f"logs/{plan.theme.nginx}", "c": f"{plan.theme.nginx}"}[plan.evidence.layout]
    access: list[Line] = []
    errors: list[Line] = []
    for world in worlds:
        for container in world.containers.values():
            if container.service.role != "worker":
                _serve_lines(world, container.work, access, errors)
        _scrape_lines(world, access)
    _noise_lines(worlds[0], access)
    access.sort(key=lambda line: line[0])
    errors.sort(key=lambda line: line[0])
    out.write_log(plan, f"{folder}/access.log", access)
    out.write_log(plan, f"{folder}/error.log", errors, damage=False)
    if plan.evidence.layout != "c" or plan.evidence.access_format != "ingress":
        out.write(f"{folder}/default.conf", "config", _configuration(plan), 0)


def _serve_lines(world: World, work: Work, access: list[Line], errors: list[Line]) -> None:
    plan = world.plan
    random = world.stream("nginx " + work.service)
    service = world.containers[work.service].service
    clients, paths = clients_of(plan), paths_of(plan, work)
    sizes, refused = sizes_of(plan, work, random), _refused(work)
    for row, (logged, status, path) in enumerate(zip(work.logged.tolist(), work.status.tolist(), paths, strict=True)):
        route = plan.routes[work.route[row]]
        method = "HEAD" if route.kilobytes > 50 and row % 23 == 0 and route.method == "GET" else route.method
        line = Access(
            logged, clients[work.client[row]], f"{method} {path} HTTP/1.1", status, sizes[row], AGENTS[work.agent[row]],
            logged - float(work.at[row]), service.name, service.port, bool(refused[row]),
        )  # fmt: skip
        access.append((logged, line.text(plan)))
        if status in (502, 504) or sizes[row] > 8_000_000:
            errors.append((logged, _error(plan, line, path, 1000 + row)))


def _refused(work: Work) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whose connection was refused because the container had just died."""
    return np.asarray((work.status == 502) & (work.logged - work.at < 1.0))


def _cause(line: Access, number: int) -> tuple[str, str]:
    if line.status == 504:
        return "error", "upstream timed out (110: Operation timed out) while reading response header from upstream"
    if line.status == 502 and line.refused:
        return "error", "connect() failed (111: Connection refused) while connecting to upstream"
    if line.status == 502:
        return "error", "upstream prematurely closed connection while reading response header from upstream"
    temporary = f"/var/cache/nginx/proxy_temp/{number % 10}/{number % 100:02d}/{number:010d}"
    return "warn", f"an upstream response is buffered to a temporary file {temporary} while reading upstream"


def _error(plan: Plan, line: Access, path: str, number: int) -> str:
    level, text = _cause(line, number)
    moment = local(line.at, zone(plan.evidence.access_zone))
    return (f"{moment:%Y/%m/%d %H:%M:%S} [{level}] 31#31: *{number} {text}, client: {line.client}, server: , "
            f'request: "{line.request}", upstream: "http://127.0.0.1:{line.port}{path}", '
            f'host: "{plan.theme.host}"')  # fmt: skip


def _scrape_lines(world: World, access: list[Line]) -> None:
    """The metrics page of each service, once a minute: as regular as the clock, and innocent."""
    plan = world.plan
    random = world.stream("scrapes")
    for path, role in (("/metrics", "web"), ("/report-metrics", "rep")):
        service, offset = plan.service(role), float(random.uniform(0, 3))
        for minute in world.minutes.tolist():
            line = Access(
                minute + offset, SCRAPER, f"GET {path} HTTP/1.1", 200, int(random.normal(21000, 60)),
                "Prometheus/2.53.0", float(random.normal(0.03, 0.004)), service.name, service.port,
            )  # fmt: skip
            access.append((line.at, line.text(plan)))


def _noise_lines(world: World, access: list[Line]) -> None:
    """Scanners, TLS on the plain port, bots turned away: lines that reach no container."""
    plan = world.plan
    random = plan.stream("noise lines")
    clients = clients_of(plan)
    for _ in range(int(plan.hours * 3)):
        at, client = float(random.uniform(plan.start, plan.end)), clients[int(random.integers(len(clients)))]
        kind = int(random.integers(6))
        page = plan.route("page").template.replace("{id}", str(1000 + int(random.integers(900))))
        if kind == 0:
            line = Access(at, client, _TLS, 400, 157, "-", 0.031)
        elif kind < 5:
            line = Access(at, client, f"GET {_SCANS[kind - 1]} HTTP/1.1", 404, 179, "-", 0.012)
        else:
            line = Access(at, client, f"GET {page} HTTP/1.1", 503, 197, _BOT, 0.0)
        access.append((at, line.text(plan)))


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
