"""Which artifact a request asks for. RSR's URLs are answered directly, in all the forms that are registered."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from floodmark.errors import NothingUsable
from floodmark.export.artifacts.entry import Artifact
from floodmark.export.datasets import Dataset, Kind
from floodmark.export.harvest import serve
from floodmark.export.jobs.queue import FIRST, Asked, ask, has_content, is_known
from floodmark.export.jobs.tasks import build_dataset
from floodmark.export.middleware import note
from floodmark.export.projects import Private, ProjectFiles, Unknown
from floodmark.export.service import NotNow, Service, service

log = logging.getLogger("floodmark.export")

LARGEST_ID = 2**31 - 1
"""Of PostgreSQL's integer; a larger number in a query would be an error there."""
LOOK_EVERY_S = 0.05
MEND_EVERY_S = 30.0

View = Callable[..., HttpResponseBase]


def text(status: int, words: str, **headers: str) -> HttpResponse:
    """An answer for people who read responses: one line."""
    response = HttpResponse(words + "\n", status=status, content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    for name, value in headers.items():
        response.headers[name.replace("_", "-")] = value
    return response


def later(reason: str) -> HttpResponse:
    """503 with a Retry-After that harvesters wait out.

    The registry's bulk downloader sleeps for it literally, twice, and then gives up until its next cycle. 202, or 503
    without it, it takes for a failure at once; a long wait would hold one of its 25 threads.
    """
    seconds = service().settings.retry_after_seconds
    return text(503, f"{reason} Come back in {seconds} s.", Retry_After=str(seconds))


def read_only(view: View) -> View:
    """GET and HEAD; any other method is 405."""

    @wraps(view)
    def only(request: HttpRequest, **names: str) -> HttpResponseBase:
        if request.method not in ("GET", "HEAD"):
            return text(405, "Only GET and HEAD are answered here.", Allow="GET, HEAD")
        return view(request, **names)

    return only


@read_only
def dataset(request: HttpRequest, kind: Kind, organisation_id: str) -> HttpResponseBase:
    """An organisation's activities, or the organisation itself."""
    wanted = Dataset(kind, int(organisation_id))
    note(request, route=kind, dataset=wanted.slug)
    if wanted.organisation_id > LARGEST_ID:
        return text(404, "There is no such organisation.")
    return _stored(request, wanted) or _first_build(request, wanted)


@read_only
def segment(request: HttpRequest, organisation_id: str, number: str) -> HttpResponseBase:
    """One segment of an organisation's activities."""
    wanted = Dataset("activities", int(organisation_id))
    note(request, route="segment", dataset=wanted.slug)
    for _ in range(2):  # the entry may change between looking and opening
        entry = service().shelf.entry(wanted.slug)
        cut = entry.segment(int(number)) if entry else None
        if cut is None:
            return text(404, "There is no such segment.")
        answer = serve(request, service().shelf, cut.artifact)
        if answer:
            return answer
    _mend(service(), wanted)
    return later("This segment is being built again.")


@read_only
def project(request: HttpRequest, project_id: str) -> HttpResponseBase:
    """One project's activity alone."""
    note(request, route="project", dataset=f"project/{project_id}")
    if int(project_id) > LARGEST_ID:
        return text(404, "There is no such project.")
    files = _project_files()
    try:
        for _ in range(2):
            answer = serve(request, files.shelf, files.artifact(int(project_id)))
            if answer:
                return answer
    except Unknown:
        return text(404, "There is no such project.")
    except Private:
        return text(403, "This project is not public.")  # as RSR answers, which looks at nothing else
    except NothingUsable as nothing:
        return text(404, f"This project cannot be published: {nothing}")
    except NotNow as error:
        note(request, outcome="refused")
        return later(f"This file cannot be made now: {error}.")
    return later("This file is being built again.")


def _stored(request: HttpRequest, wanted: Dataset) -> HttpResponseBase | None:
    """The answer from the last good artifact; None where there is none or its files are gone."""
    here = service()
    for _ in range(2):  # a build may replace the entry and, after its grace, the file between the two looks
        entry = here.shelf.entry(wanted.slug)
        if entry is None:
            return None
        answer = serve(request, here.shelf, entry.whole)
        if answer:
            if not _complete(here, entry.whole):
                _mend(here, wanted)
            return answer
    return None


def _complete(here: Service, artifact: Artifact) -> bool:
    return here.shelf.has_own(artifact, "gzip") and here.shelf.has_own(artifact, "identity")


def _first_build(request: HttpRequest, wanted: Dataset) -> HttpResponseBase:
    """Have it built, wait a little, and else say when to come back."""
    here = service()
    note(request, outcome="building")
    try:
        asked = _ask_if_any(here, wanted)
    except NotNow as error:
        note(request, outcome="refused")
        return later(f"There is no file yet, and {error}.")
    if asked.standing == "unknown":
        return text(404, "There is no such organisation.")
    if asked.standing == "nothing":
        return text(404, "This organisation has nothing to publish.")
    # Most organisations are small: a short wait turns their very first request into a 200.
    with here.seat() as may_wait:
        deadline = time.monotonic() + (here.settings.first_build_wait_seconds if may_wait else 0)
        while time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
            found = _stored(request, wanted)
            if found:
                return found
    return later("This file is being built for the first time.")


def _ask_if_any(here: Service, wanted: Dataset) -> Asked:
    """Ask for a first build, where there is anything to build: a 503 would have a harvester wait for a 404."""
    with here.database():
        if has_content(wanted):
            return ask(wanted, build_dataset, reason="asked for", priority=FIRST)
        return Asked("nothing" if is_known(wanted.organisation_id) else "unknown")


def _ask(here: Service, wanted: Dataset, reason: str) -> Asked:
    with here.database():
        return ask(wanted, build_dataset, reason=reason, priority=FIRST)


_mended: dict[str, float] = {}
_mending = threading.Lock()


def _mend(here: Service, wanted: Dataset) -> None:
    """Ask for a build that restores missing files; at most one question each half minute for a dataset."""
    now = time.monotonic()
    with _mending:
        if now < _mended.get(wanted.slug, 0.0):
            return
        for slug in [slug for slug, due in _mended.items() if due <= now]:
            del _mended[slug]
        _mended[wanted.slug] = now + MEND_EVERY_S
    log.warning("%s: a stored file is missing or cut short; a build is asked for", wanted.slug)
    try:
        _ask(here, wanted, "a stored file is missing")
    except NotNow as error:
        log.warning("%s: %s", wanted.slug, error)


_files: ProjectFiles | None = None


def _project_files() -> ProjectFiles:
    global _files
    if _files is None or _files.service is not service():
        _files = ProjectFiles(service())
    return _files
