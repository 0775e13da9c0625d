"""Restarting a container of a Docker engine. Imported only where a remedy names it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from urllib.parse import quote

try:
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException, Timeout
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
            with closing(docker.DockerClient(timeout=timeout_seconds, **options)) as client:
                problem = self._restart(client.api, timeout_seconds)
        except Timeout:
            grace = "it may still do it: the container may take its time to stop (stop_timeout)"
            return Outcome(False, f"docker: no answer within {timeout_seconds:g} s; {grace}")
        except (DockerException, RequestException, ValueError) as error:
            return Outcome(False, f"docker: {str(error).splitlines()[0][:200]}")
        return Outcome(False, f"docker: {problem}") if problem else Outcome(True, f"{self.container} restarted")

    def _restart(self, api: docker.APIClient, timeout_seconds: float) -> str | None:
        # Not api.restart(): that sends a grace of ten seconds in place of the container's own, and waits for as much
        # beyond the time limit.
        name = quote(self.container, safe="")
        answer = api.post(f"{api.base_url}/v{api.api_version}/containers/{name}/restart", timeout=timeout_seconds)
        return None if answer.ok else str(answer.json().get("message", answer.reason))[:200]
