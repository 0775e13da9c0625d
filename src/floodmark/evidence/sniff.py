"""Which reader for which file: every reader looks at the first bytes, and the surest one gets it."""

from __future__ import annotations

from collections.abc import Sequence

from floodmark.evidence import metrics
from floodmark.evidence.context.kubernetes_describe import KubernetesDescribe, KubernetesPods
from floodmark.evidence.context.kubernetes_events import KubernetesEvents
from floodmark.evidence.context.nginx_conf import NginxConf
from floodmark.evidence.logs.gcp import CloudLogging
from floodmark.evidence.logs.journal import Journal
from floodmark.evidence.logs.lines import LogReader
from floodmark.evidence.readers import Head, Reader

READERS: tuple[Reader, ...] = (
    CloudLogging(), Journal(), KubernetesEvents(), KubernetesDescribe(), KubernetesPods(), NginxConf(), LogReader(),
    *metrics.READERS,
)  # fmt: skip
"""In the order in which equally sure ones are preferred."""

FIRST_KINDS = ("nginx-conf", "kubernetes-describe", "kubernetes-pods", "kubernetes-events")
"""What is read before all else: it says how other files are written and whose they are."""

SURE_ENOUGH = 0.3
CERTAIN = 0.93
"""A reader as sure as this ends the search."""


def reader_for(head: Head, readers: Sequence[Reader] = READERS) -> Reader | None:
    """The reader that is surest to know a file, None if none is sure enough."""
    best, most = None, SURE_ENOUGH
    for reader in readers:
        sure = reader.recognise(head)
        if sure > most:
            best, most = reader, sure
        # most of the time goes to the readers asked last, whose heads match anything with columns
        if sure >= CERTAIN:
            break
    return best
