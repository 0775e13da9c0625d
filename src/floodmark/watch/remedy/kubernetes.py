"""Rolling out a deployment anew, or scaling it. Imported only where a remedy names it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

try:
    import kubernetes
    from kubernetes.client.exceptions import ApiException
    from kubernetes.config.config_exception import ConfigException
    from urllib3.exceptions import HTTPError
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("a remedy by kubernetes needs the extra: pip install 'floodmark[kubernetes]'") from None

from floodmark.watch.remedy.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Rollout:
    """A rollout as `kubectl rollout restart` does it: an annotation with the time on the pod template."""

    namespace: str
    deployment: str

    def describe(self) -> str:
        """What it does, in words."""
        return f"roll out deployment {self.namespace}/{self.deployment} anew"

    def do(self, timeout_seconds: float) -> Outcome:
        """Patch the deployment; an API server that refuses is an outcome."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        annotations = {"kubectl.kubernetes.io/restartedAt": at}
        return _patch(self, {"spec": {"template": {"metadata": {"annotations": annotations}}}}, timeout_seconds)


@dataclass(frozen=True, slots=True)
class Scale:
    """Another number of replicas."""

    namespace: str
    deployment: str
    replicas: int

    def describe(self) -> str:
        """What it does, in words."""
        return f"scale deployment {self.namespace}/{self.deployment} to {self.replicas}"

    def do(self, timeout_seconds: float) -> Outcome:
        """Patch the deployment; an API server that refuses is an outcome."""
        return _patch(self, {"spec": {"replicas": self.replicas}}, timeout_seconds)


def _patch(target: Rollout | Scale, body: dict[str, Any], timeout_seconds: float) -> Outcome:
    try:
        try:
            kubernetes.config.load_incluster_config()  # type: ignore[no-untyped-call]
        except ConfigException:
            kubernetes.config.load_kube_config()  # type: ignore[no-untyped-call]
        api = kubernetes.client.AppsV1Api()
        api.patch_namespaced_deployment(
            target.deployment, target.namespace, body, _request_timeout=timeout_seconds, _preload_content=False
        )
    except (ApiException, ConfigException, HTTPError) as error:
        return Outcome(False, f"kubernetes: {str(error).splitlines()[0][:200]}")
    return Outcome(True, f"deployment {target.namespace}/{target.deployment} patched")
