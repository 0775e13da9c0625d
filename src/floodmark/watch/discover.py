"""What there is to watch on this machine, as the lines of a `watch.toml`.

Found: gunicorn masters, other long-lived Python services, Django-Q clusters, nginx, PostgreSQL; the control groups they
run in; the log files that processes hold open or that lie where distributions put them; a Docker socket; a Prometheus on
this machine; the Kubernetes this runs in. Nothing is changed and nothing is asked of another machine.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from floodmark.watch.collect.proc import Identity, Proc

KINDS = (
    ("gunicorn", re.compile(r"\bgunicorn\b(?!.*\bfloodmark\b)")),
    ("uwsgi", re.compile(r"^\S*\buwsgi\b")),
    ("celery", re.compile(r"\bcelery\b.*\bworker\b")),
    ("qcluster", re.compile(r"\bmanage\.py qcluster\b")),
    ("uvicorn", re.compile(r"\buvicorn\b")),
    ("floodmark", re.compile(r"\bfloodmark (serve|worker)\b")),
    ("nginx", re.compile(r"^nginx: master|\bnginx\b")),
    ("postgres", re.compile(r"^\S*postgres\b")),
)
LOG_FOLDERS = (Path("/var/log/nginx"), Path("/var/log/gunicorn"), Path("/var/log/postgresql"))
MAX_LOGS = 50
CONTROL_GROUPS = Path("/sys/fs/cgroup")
NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod finds its own namespace."""


@dataclass(frozen=True, slots=True)
class Found:
    """One service: its name, the pid of its first process, and how to find it again."""

    service: str
    kind: str
    pid: int
    pattern: str


def toml(proc: Proc | None = None, folders: tuple[Path, ...] = LOG_FOLDERS, groups: Path = CONTROL_GROUPS) -> str:
    """The text of a configuration for this machine; with nothing found, it says so in a comment."""
    proc = proc or Proc()
    services = list(_services(proc))
    parts = ["# What `floodmark watch --discover` found on this machine. Strike what you do not want watched."]
    parts += [_processes(one) for one in services]
    parts += [
        f"[[cgroup]]\nservice = {_text(one.service)}\npath = {_text(str(path))}"
        for one in services
        if (path := _control_group(one.pid, groups))
    ]
    logs = _logs(services, folders)
    parts += [f"[[logs]]\npath = {_text(str(path))}{_of(service)}" for path, service in logs[:MAX_LOGS]]
    if len(logs) > MAX_LOGS:
        parts.append(f"# {len(logs) - MAX_LOGS} more logs were found and are not listed; add those that matter.")
    if Path("/var/run/docker.sock").is_socket():
        parts.append('[[docker]]\nname = "."  # every container; needs the extra `docker`')
    if NAMESPACE.is_file():
        namespace = _text(NAMESPACE.read_text().strip())
        parts.append(
            f'[[kubernetes]]\nnamespace = {namespace}\nselector = ""  # every pod; needs the extra `kubernetes`'
        )
    if _answers(9090):
        parts.append('[[prometheus]]\nurl = "http://127.0.0.1:9090"')
    if len(parts) == 1:
        parts.append("# Nothing was found. [[processes]] with `command`, and [[logs]] with `path`, are the usual two.")
    parts.append('# Whom to tell:\n# [[webhook]]\n# url = "https://..."')
    return "\n\n".join(parts) + "\n"


def _services(proc: Proc) -> Iterator[Found]:
    alive = [one for pid in proc.pids() if pid != os.getpid() and (one := proc.identity(pid))]
    commands = {one.pid: proc.command(one.pid) for one in alive}
    names: set[str] = set()
    for one in alive:
        kind = _kind(commands[one.pid])
        # A worker's parent is of the same kind: the service is its topmost process.
        if kind is None or _kind(commands.get(one.parent, "")) == kind:
            continue
        found = _found(one, kind, commands[one.pid])
        if found.service not in names:
            names.add(found.service)
            yield found


def _kind(command: str) -> str | None:
    return next((kind for kind, pattern in KINDS if pattern.search(command)), None)


def _found(one: Identity, kind: str, command: str) -> Found:
    application = re.search(r"\b([a-z_][\w.]*):\w+|\b([a-z_]\w*(?:\.\w+)*\.wsgi)\b", command)
    if kind in ("gunicorn", "uvicorn") and application:
        word = application.group(0)
        # gunicorn may rename its processes ("gunicorn: master [app]"): the application's name stands in both forms.
        return Found(word.split(":")[0].split(".")[0].replace("_", "-"), kind, one.pid, f"{kind}.*{re.escape(word)}")
    pattern = next(pattern for name, pattern in KINDS if name == kind).pattern
    return Found(kind, kind, one.pid, pattern)


def _logs(services: list[Found], folders: tuple[Path, ...]) -> list[tuple[Path, str | None]]:
    found: dict[Path, str | None] = {}
    for one in services:
        for path in _open_logs(one.pid):
            found.setdefault(path, one.service)
    for folder in folders:
        for path in sorted(folder.glob("*.log")):
            found.setdefault(path, None)
    return list(found.items())


def _open_logs(pid: int) -> list[Path]:
    folder = Path(f"/proc/{pid}/fd")
    try:
        targets = {os.readlink(one) for one in folder.iterdir()}
    except OSError:
        return []
    return sorted(Path(one) for one in targets if one.endswith(".log") and Path(one).is_file())


def _control_group(pid: int, groups: Path) -> Path | None:
    """The group of a process that counts memory, v2 (`0::/path`) or v1 (`n:memory:/path`); None for the root's."""
    try:
        lines = [line.split(":", 2) for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines()]
    except OSError:
        return None
    found = [
        groups / ("memory" if controllers else "") / path.lstrip("/")
        for _, controllers, path in lines
        if path != "/" and (not controllers or "memory" in controllers.split(","))
    ]
    return next((one for one in found if (one / "memory.stat").is_file()), None)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.3):
            return True
    except OSError:
        return False


def _processes(one: Found) -> str:
    now = f"# {one.kind}, pid {one.pid} now"
    return f"[[processes]]\nservice = {_text(one.service)}\ncommand = {_text(one.pattern)}  {now}"


def _of(service: str | None) -> str:
    return f"\nservice = {_text(service)}" if service else ""


def _text(value: str) -> str:
    """A TOML basic string: a process may call itself anything."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in escaped) + '"'
