"""Restarting a container of a Docker engine. Imported only where a remedy names it."""

from __future__ import annotations

from dataclasses import dataclass

try:
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("a remedy by docker needs the extra: pip install 'floodmark[docker]'") from None

from floodmark.watch.remedy.outcome import Outcome


@dataclass(frozen=True, slots=True)
class DockerRestart:
    """Stop (with the container's own grace) and start."""

    container: str
    url: str | None = None

    def describe(self) -> str:
        """What it does, in words."""
        return f"restart container {self.container}"

    def do(self, timeout_seconds: float) -> Outcome:
        """Ask the engine; an engine that is away is an outcome."""
        options = {"base_url": self.url} if self.url else {}
        try:
            client = docker.DockerClient(timeout=timeout_seconds, **options)
            try:
                client.api.restart(self.container)
            finally:
                client.close()
        except (DockerException, RequestException) as error:
            return Outcome(False, f"docker: {str(error).splitlines()[0][:200]}")
        return Outcome(True, f"container {self.container} restarted")
