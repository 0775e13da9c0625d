"""uWSGI: every request is a sample of its process's memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

LOOK = Callable[[Any], Any]
START = 1_756_793_649.0  # 2025-09-02T06:14:09Z

LINE = (
    "{address space usage: 312475648 bytes/298MB} {rss usage: 96468992 bytes/92MB} [pid: 51|app: 0|req: 12/40] 10.0.3.9 () "
    "{38 vars in 611 bytes} [Tue Sep  2 06:14:09 2025] GET /project/7/iati/ => generated 910 bytes in 41 msecs "
    "(HTTP/1.1 200) 4 headers in 120 bytes (1 switches on core 0)\n"
)


def test_a_request_is_a_dose_and_a_sample(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"rsr-backend/uwsgi.log": LINE}))
    dose = seen.dose("/project/{id}/iati/")
    assert (dose.service, dose.starts.tolist(), dose.bytes_out.tolist()) == ("rsr-backend", [1.0], [910.0])
    assert dose.seconds.tolist() == pytest.approx([0.041])
    assert (dose.bin * seen.evidence.bin_seconds).tolist() == [START - 9]
    (series,) = seen.evidence.series
    assert (series.service, series.process, series.measure) == ("rsr-backend", "51", "rss")
    assert series.at.tolist() == pytest.approx([START + 0.041])
    assert series.value.tolist() == [96_468_992.0]


@pytest.mark.parametrize(
    ("old", "new", "seconds"),
    [
        ("41 msecs", "41 micros", 41e-6),
        ("10.0.3.9 ()", "10.0.3.9 (jane)", 0.041),
        (" in 41 msecs (", " in 41 msecs via sendfile() (", 0.041),
        ("{address space usage: 312475648 bytes/298MB} {rss usage: 96468992 bytes/92MB} ", "", 0.041),
    ],
)
def test_variants_of_the_line(gathered: Any, look: LOOK, old: str, new: str, seconds: float) -> None:
    seen = look(gathered({"web/uwsgi.log": LINE.replace(old, new)}))
    assert seen.dose("/project/{id}/iati/").seconds.tolist() == pytest.approx([seconds])
    assert seen.source("web/uwsgi.log").rejected == 0


def test_a_request_it_could_not_parse_is_no_route(gathered: Any, look: LOOK) -> None:
    line = LINE.replace("10.0.3.9 ()", "0.0.0.0 ()").replace("GET /project/7/iati/", "- -")
    seen = look(gathered({"web/uwsgi.log": line + LINE}))
    assert seen.starts() == {("web", "/project/{id}/iati/"): 1.0}
    assert seen.source("web/uwsgi.log").records == 2


@pytest.mark.parametrize(
    ("message", "kind", "process"),
    [
        ("Tue Sep  2 06:14:09 2025 - *** HARAKIRI ON WORKER 1 (pid: 51, try: 1) ***", "worker-timeout", "51"),
        (
            "Tue Sep  2 06:14:09 2025 - *** HARAKIRI ON WORKER 1 (pid: 51, try: 1, graceful: yes) ***",
            "worker-timeout",
            "51",
        ),
        ("DAMN ! worker 1 (pid: 51) died, killed by signal 9 :( trying respawn ...", "worker-killed", "51"),
        ("Respawned uWSGI worker 1 (new pid: 77)", "worker-boot", "77"),
        ("spawned uWSGI worker 1 (pid: 51, cores: 1)", "worker-boot", "51"),
        ("...The work of process 51 is done. Seeya!", "recycled", "51"),
    ],
)
def test_lives_of_workers(gathered: Any, look: LOOK, message: str, kind: str, process: str) -> None:
    seen = look(gathered({"web/uwsgi.log": LINE + message + "\n"}))
    assert [(kind_, process_) for _, kind_, process_ in seen.events()] == [(kind, process)]
    assert seen.source("web/uwsgi.log").rejected == 0


def test_its_wall_clock_is_found_beside_nginx(gathered: Any, look: LOOK) -> None:
    uwsgi, access = [], []
    for n in range(20):
        minute = f"{10 + n:02d}"
        uwsgi.append(
            LINE.replace("06:14:09", f"08:{minute}:09").replace("/7/", f"/{n}/").replace("41 msecs", "2500 msecs")
        )
        access.append(
            f'10.0.3.9 - - [02/Sep/2025:06:{minute}:11 +0000] "GET /project/{n}/iati/ HTTP/1.1" 200 910 "-" "curl" 2.501 2.500 0.000\n'
        )
    seen = look(gathered({"web/uwsgi.log": "".join(uwsgi), "nginx/access.log": "".join(access)}))
    clock = seen.source("web/uwsgi.log").clock
    assert (clock.zone, clock.basis) == ("+02:00", "inferred")
    (series,) = seen.evidence.series
    assert series.at[0] == pytest.approx(START - 240 + 2.5)


def test_a_cut_request_line_is_refused(gathered: Any, look: LOOK) -> None:
    seen = look(gathered({"web/uwsgi.log": LINE + LINE[:150] + "\n" + LINE}))
    row = seen.source("web/uwsgi.log")
    assert (row.records, row.rejected, row.examples[0].line) == (2, 1, 2)
