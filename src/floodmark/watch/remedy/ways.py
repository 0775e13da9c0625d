"""The ways in which something is done: a signal, a program, a POST, a container engine, a cluster.

Each says in words what it would do (dry run and audit log show that) and does it within a time limit. A way that
fails or hangs is an outcome, not an exception: the audit log has to say what came of it.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from floodmark.watch.config import Remedy
from floodmark.watch.notify.http import DeliveryError, host_of, post
from floodmark.watch.programs import run
from floodmark.watch.remedy.outcome import Outcome, Way


@dataclass(frozen=True, slots=True)
class GunicornHup:
    """HUP to the master: it starts new workers and lets the old ones finish their requests (`graceful_timeout`)."""

    pid_file: Path

    def describe(self) -> str:
        """What it does, in words."""
        return f"send HUP to the gunicorn master in {self.pid_file} (new workers, old ones finish their requests)"

    def do(self, timeout_seconds: float) -> Outcome:
        """Send the signal, if the pid is a process that has workers: a stale pid file must not hit a stranger."""
        try:
            pid = int(self.pid_file.read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
        except (OSError, ValueError, IndexError) as error:
            return Outcome(False, f"{self.pid_file}: no running master: {error}")
        if "gunicorn" not in command:
            return Outcome(False, f"{self.pid_file}: process {pid} is not gunicorn; nothing was sent")
        try:
            os.kill(pid, signal.SIGHUP)
        except OSError as error:
            return Outcome(False, f"process {pid}: {error}")
        return Outcome(True, f"HUP sent to gunicorn master {pid}")


@dataclass(frozen=True, slots=True)
class Program:
    """A program and its words; never a shell, so no service's name becomes a command."""

    argv: tuple[str, ...]

    def describe(self) -> str:
        """What it does, in words."""
        return "run " + " ".join(self.argv)

    def do(self, timeout_seconds: float) -> Outcome:
        """Run it; one that hangs is killed with its children."""
        problem = run(self.argv, timeout_seconds)
        return Outcome(False, problem) if problem else Outcome(True, f"{self.argv[0]}: done")


class _NoCredentials:
    """A control URL of the service itself: who may ask it is the service's own business."""

    username: str | None = None
    password_file: Path | None = None
    token_file: Path | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """An empty POST to a control URL of the service itself (shed load, write a snapshot)."""

    url: str

    def describe(self) -> str:
        """What it does, in words."""
        return f"POST to {host_of(self.url)}"

    def do(self, timeout_seconds: float) -> Outcome:
        """POST; anything but 2xx is a failure."""
        try:
            post(self.url, b"{}", _NoCredentials(), timeout_seconds=timeout_seconds)
        except DeliveryError as error:
            return Outcome(False, str(error))
        return Outcome(True, f"{host_of(self.url)} agreed")


def way_of(remedy: Remedy) -> Way:
    """The way that a `[[remedy]]` names; raises SettingsError where it needs an extra that is not installed."""
    if remedy.gunicorn:
        return GunicornHup(remedy.gunicorn)
    if remedy.url:
        return Post(str(remedy.url))
    if remedy.argv:
        return Program(tuple(remedy.argv))
    if remedy.systemd:
        return Program(("systemctl", "restart", "--", remedy.systemd))
    if remedy.docker:
        way: Way = import_module("floodmark.watch.remedy.docker").DockerRestart(remedy.docker, remedy.docker_url)
        return way
    assert remedy.kubernetes
    kubernetes = import_module("floodmark.watch.remedy.kubernetes")
    namespace, _, name = remedy.kubernetes.rpartition("/")
    if remedy.action == "scale":
        scale: Way = kubernetes.Scale(namespace or "default", name, remedy.replicas)
        return scale
    rollout: Way = kubernetes.Rollout(namespace or "default", name)
    return rollout
