"""What to watch, whom to tell and what may be done: the TOML file of `floodmark watch`.

Each table is a few lines; `floodmark watch --discover` writes them for the machine it runs on. Unknown keys and
impossible values are refused with file and line. Intervals, windows and thresholds are settings (docs/settings.md);
what stands here are lists.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, ValidationError, field_validator, model_validator

from floodmark.errors import SettingsError

Name = Annotated[str, Field(min_length=1, max_length=200)]


GAUGE = re.compile(r'\s*[a-zA-Z_:][\w:]*\s*(\{([^{}"]|"([^"\\]|\\.)*")*\})?\s*')
"""A metric's name and, in braces, labels whose values may hold anything within their quotes."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Processes(_Table):
    """Processes of this machine, found by exactly one of command, gunicorn or pid_file."""

    service: Name
    command: str | None = None
    """Regular expression on the command line."""
    gunicorn: Path | None = None
    """Pid file of a gunicorn master: the master and its workers."""
    pid_file: Path | None = None
    """Pid file of one process: it and its descendants."""

    @field_validator("command")
    @classmethod
    def _is_a_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _one_way_to_find_them(self) -> Self:
        if sum(way is not None for way in (self.command, self.gunicorn, self.pid_file)) != 1:
            raise ValueError("give one of command, gunicorn, pid_file")
        return self


class Cgroup(_Table):
    """One control group, v1 or v2, by its folder below /sys/fs/cgroup."""

    service: Name
    path: Path


class Docker(_Table):
    """Containers of a Docker engine whose name matches; needs the extra `docker`."""

    name: str = "."
    url: str | None = None


class Kubernetes(_Table):
    """Pods of a namespace that match a label selector; needs the extra `kubernetes`."""

    namespace: Name
    selector: str = ""
    context: str | None = None


class _Credentials(_Table):
    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None
    """Secrets stay in files of their own, so that this file can be shown to anybody."""

    @model_validator(mode="after")
    def _one_kind_of_credentials(self) -> Self:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file go together")
        if self.username and self.token_file:
            raise ValueError("give username with password_file, or token_file, not both")
        return self


class Prometheus(_Credentials):
    """Memory series of a Prometheus server: a cheap screening query for all, full series for suspects only."""

    url: HttpUrl
    query: str = 'container_memory_working_set_bytes{container!="",container!="POD"}'
    """A gauge with or without a selector: the labels of a suspect are put into its braces."""
    service_label: str = "container"
    instance_label: str = "pod"
    measure: Literal["pss", "rss", "working_set", "usage"] = "working_set"

    @field_validator("query")
    @classmethod
    def _is_a_gauge(cls, value: str) -> str:
        if not GAUGE.fullmatch(value):
            raise ValueError("want the name of a gauge, with a selector or without; no function can be narrowed to one")
        return value


class Logs(_Table):
    """A log file that is followed as it grows; its format is recognised by content."""

    path: Path
    service: Name | None = None
    zone: str | None = None


class Route(_Table):
    """Requests whose path begins with prefix are served by service; the longest prefix wins."""

    prefix: Annotated[str, Field(pattern="^/")]
    service: Name


class Webhook(_Credentials):
    """JSON by POST."""

    url: HttpUrl


class Alertmanager(_Credentials):
    """Alerts to Alertmanager's API v2."""

    url: HttpUrl


class Smtp(_Credentials):
    """Mail, one message a group."""

    host: Name
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`implicit` is TLS from the first byte (port 465); the certificate is checked in both."""
    ca_file: Path | None = None
    """Certificates to trust instead of the system's, for a mail server with an authority of its own."""
    sender: Annotated[str, Field(pattern="^[^@\\s]+@[^@\\s]+$")]
    to: Annotated[list[Annotated[str, Field(pattern="^[^@\\s]+@[^@\\s]+$")]], Field(min_length=1, max_length=50)]

    @model_validator(mode="after")
    def _no_password_in_the_clear(self) -> Self:
        if self.username and self.tls == "none" and self.host not in ("127.0.0.1", "::1", "localhost"):
            raise ValueError("a password over tls = 'none' can be read on the way; use 'starttls' or 'implicit'")
        return self


class Command(_Table):
    """A program that gets the message as JSON on standard input; never a shell line."""

    argv: Annotated[list[str], Field(min_length=1, max_length=50)]


class Apprise(_Table):
    """Any service that the extra `apprise` knows; its URL holds a secret, so it stands in a file."""

    url_file: Path


class Remedy(_Table):
    """What may be done to one service when growth is certain enough. Nothing is done unless `allowed` is true."""

    service: Name
    action: Literal["restart", "shed", "snapshot", "scale"]
    systemd: str | None = None
    docker: str | None = None
    docker_url: str | None = None
    """The engine of that container, where it is not this machine's own."""
    kubernetes: str | None = None
    """Deployment as namespace/name."""
    gunicorn: Path | None = None
    """Pid file of the master: it is sent HUP, which replaces the workers one by one."""
    argv: list[str] | None = None
    url: HttpUrl | None = None
    replicas: Annotated[int, Field(ge=0, le=1000)] | None = None
    allowed: bool = False
    cool_down_seconds: Annotated[float, Field(ge=0)] = 1800.0
    budget_per_hour: Annotated[int, Field(ge=0, le=100)] = 2
    timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0

    @model_validator(mode="after")
    def _one_way_to_do_it(self) -> Self:
        ways = {
            "restart": ("systemd", "docker", "kubernetes", "gunicorn", "argv"),
            "shed": ("url", "argv"),
            "snapshot": ("url", "argv"),
            "scale": ("kubernetes", "argv"),
        }[self.action]
        given = [way for way in ("systemd", "docker", "kubernetes", "gunicorn", "argv", "url") if getattr(self, way)]
        if len(given) != 1 or given[0] not in ways:
            raise ValueError(f"{self.action} wants one of {', '.join(ways)}")
        if self.docker_url and not self.docker:
            raise ValueError("docker_url goes together with docker, the container's name")
        if self.action == "scale" and self.kubernetes and self.replicas is None:
            raise ValueError("scale of a Kubernetes deployment wants replicas")
        return self


class WatchConfig(_Table):
    """The whole file. Table names are the collectors', the messengers' and the remedies' own."""

    processes: list[Processes] = []
    cgroup: list[Cgroup] = []
    docker: list[Docker] = []
    kubernetes: list[Kubernetes] = []
    prometheus: list[Prometheus] = []
    logs: list[Logs] = []
    route: list[Route] = []
    webhook: list[Webhook] = []
    alertmanager: list[Alertmanager] = []
    smtp: list[Smtp] = []
    command: list[Command] = []
    apprise: list[Apprise] = []
    remedy: list[Remedy] = []


def read(path: Path) -> WatchConfig:
    """The configuration in `path`. Raises SettingsError with file and line for whatever cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except FileNotFoundError:
        raise SettingsError(f"{path}: no such file; `floodmark watch --discover` writes one for this machine") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: not TOML: {error}") from None
    try:
        return WatchConfig.model_validate(values)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(problem, path, text) for problem in error.errors())) from None


def _explain(problem: Any, path: Path, text: str) -> str:
    where = f"{path}:{line_of(text, problem['loc'])}"
    name = ".".join(str(word) for word in problem["loc"] if not isinstance(word, int)) or "file"
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no {name}; docs/watch.md lists what there is"
    return f"{where}: {name}: {problem['msg'].removeprefix('Value error, ')}"


def line_of(text: str, place: tuple[int | str, ...]) -> int:
    """The line of a key (`("remedy", 1, "action")`): the key's own, else its table's header, else 1."""
    if not place:
        return 1
    table, number = place[0], next((word for word in place if isinstance(word, int)), 0)
    headers = list(re.finditer(rf"^\s*\[+\s*\"?{re.escape(str(table))}\"?\s*\]+", text, re.MULTILINE))
    key = next((word for word in place[1:] if isinstance(word, str)), None)
    if not headers:
        match = re.search(rf"^\s*\"?{re.escape(str(table))}\b", text, re.MULTILINE)
        return text[: match.end()].count("\n") + 1 if match else 1
    start = headers[min(number, len(headers) - 1)]
    if key is not None:
        following = re.compile(r"^\s*\[", re.MULTILINE).search(text, start.end())
        end = following.start() if following else len(text)
        match = re.compile(rf"^\s*\"?{re.escape(key)}\"?\s*=", re.MULTILINE).search(text, start.end(), end)
        if match:
            return text[: match.end()].count("\n") + 1
    return text[: start.end()].count("\n") + 1
