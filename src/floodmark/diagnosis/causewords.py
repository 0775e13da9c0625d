"""Each cause in one sentence, for a reader who does not know what a share, a role or a victim is here."""

from __future__ import annotations

from dataclasses import replace

from floodmark.diagnosis.incident import Cause, CauseKind
from floodmark.diagnosis.wording import figure, listed, per_cent

EACH: dict[CauseKind, str] = {"endpoint": "a request", "task": "a task", "connections": "a connection"}


def in_words(cause: Cause) -> Cause:
    """The cause with its sentence, where it has none yet."""
    return cause if cause.text else replace(cause, text=_sentence(cause))


def _sentence(cause: Cause) -> str:
    if cause.kind == "unknown":
        return f"The evidence names no cause for the growth of {cause.service}."
    if cause.role == "victim":
        return "" if cause.evidence else "It suffers from the growth and does not cause it."
    if cause.inseparable_from:
        others = listed(list(cause.inseparable_from))
        return f"The growth of {cause.service} comes with it or with {others}: they came together.{_each(cause)}"
    sure = f" The confidence in that is {per_cent(cause.confidence)}."
    what = "causes" if cause.role == "culprit" else "may add to"
    share = f"{per_cent(cause.share)} of " if cause.share is not None else ""
    return f"It {what} {share}the growth of {cause.service}.{_each(cause)}{sure}"


def _each(cause: Cause) -> str:
    each = cause.mb_per_event
    if each is None:
        return ""
    interval = "" if each.low is None or each.high is None else f" ({figure(each.low)} to {figure(each.high)})"
    return f" Each time, {EACH.get(cause.kind, 'it')} leaves {figure(each.value)} MB{interval} behind."
