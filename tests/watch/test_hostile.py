"""Whatever a process, a label or a log calls itself, it stays text: in pages, in the store, in what is written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

HOSTILE = '</script><script>alert(1)</script>\' onmouseover="alert(2)" --'

PAGES = """
import json, sys, time, urllib.parse, urllib.request
from pathlib import Path
import numpy as np
from floodmark.dashboard.server import DashboardServer
from floodmark.evidence.nouns import Dose, Event, Place
from floodmark.settings import Settings
from floodmark.watch.alerting import Condition
from floodmark.watch.collect.base import Sample
from floodmark.watch.config import WatchConfig
from floodmark.watch.live import Watch

folder, hostile = Path(sys.argv[1]), sys.argv[2]
settings = Settings(data_dir=folder, watch_bind="127.0.0.1:0")
watch = Watch(settings, WatchConfig(), folder / "watch")
server = DashboardServer(watch, settings)
now = time.time()
one = np.array([1.0])
watch.store.add(
    [Sample(hostile, hostile, hostile, "rss", now - 60 * back, 1e8, 1.0) for back in range(1, 40)],
    [Dose(hostile, "endpoint", hostile, Place(hostile, 1), np.array([int(now // 60)]), one, one, one, one)],
    events=[Event(now - 60, "restart", hostile, hostile, hostile, hostile, Place(hostile))],
)
watch.incidents.begin(Condition("growth", "growth-critical", hostile, "critical", now, 1.0, "MB/h", 1.0, hostile), now)
watch.alerting.update([Condition("growth", "g", hostile, "critical", now, 1.0, "MB/h", 1.0, hostile)], now)
watch.round()
number = watch.state.rows("select id from incident")[0]["id"]
name = urllib.parse.quote(hostile, safe="")
pages = ["", f"service/{name}/", "incidents/", f"incidents/{number}/", "alerts/", "actions/", "sources/", "metrics"]
with server:
    texts = {page: urllib.request.urlopen(server.url + page, timeout=30).read().decode() for page in pages}
watch.close()
print(json.dumps(texts))
"""


def test_no_page_lets_a_name_out_of_its_text(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PAGES, str(tmp_path), HOSTILE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    texts = json.loads(done.stdout)
    assert len(texts) == 8
    for page, text in texts.items():
        if page != "metrics":
            assert "<script>alert" not in text, page
            assert 'onmouseover="alert' not in text, page
    assert "alert(1)" in texts[""]
    assert all(line.startswith(("#", "floodmark_")) for line in texts["metrics"].splitlines())
