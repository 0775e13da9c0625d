"""The doctor names what would not work, and changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from floodmark.settings import Settings
from floodmark.watch.config import WatchConfig
from floodmark.watch.doctor import examine


def said(tmp_path: Path, table: dict[str, Any], **settings: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"good": [], "warning": [], "bad": []}
    for one in examine(Settings(data_dir=tmp_path, **settings), WatchConfig.model_validate(table)):
        found[one.grade].append(one.what)
    return found


GOOD = {
    "processes": [{"service": "me", "command": "python"}],
    "command": [{"argv": [sys.executable]}],
    "remedy": [{"service": "me", "action": "restart", "argv": [sys.executable]}],
}


def test_a_sound_configuration_has_nothing_bad(tmp_path: Path) -> None:
    found = said(tmp_path, {**GOOD, "processes": [{"service": "me", "command": "."}]})
    assert found["bad"] == []
    assert any(line.startswith("[[remedy]] restart of me: would run") for line in found["good"])


@pytest.mark.parametrize(("table", "settings", "grade", "expected"), [
    ({}, {}, "bad", "nothing is watched"),
    (GOOD, {"watch_window_seconds": 60}, "bad", "fewer than 40"),
    (GOOD, {"watch_bind": "0.0.0.0:8090"}, "bad", "set watch_user and watch_password"),
    ({"processes": [{"service": "x", "command": "no-such-process-at-all"}]}, {}, "bad", "no process found"),
    ({"logs": [{"path": "/nonexistent/a.log"}]}, {}, "warning", "read when it comes"),
    (GOOD | {"command": []}, {}, "warning", "nobody is told"),
    (GOOD | {"command": [{"argv": ["no-such-program"]}]}, {}, "bad", "no such program"),
    (GOOD | {"remedy": [{"service": "you", "action": "restart", "argv": ["true"]}]}, {}, "bad", "no collector"),
    (GOOD | {"remedy": [{"service": "me", "action": "restart", "argv": ["true"], "allowed": True,
                         "cool_down_seconds": 1}]}, {}, "warning", "only 1 s"),
    (GOOD | {"webhook": [{"url": "http://127.0.0.1:1/", "token_file": "/nonexistent"}]}, {}, "bad", "/nonexistent"),
    (GOOD | {"webhook": [{"url": "http://127.0.0.1:1/hook"}]}, {}, "bad", "127.0.0.1:1: cannot be reached"),
    (GOOD | {"smtp": [{"host": "127.0.0.1", "port": 1, "sender": "a@b", "to": ["c@d"]}]}, {}, "bad",
     "127.0.0.1:1: cannot be reached"),
])  # fmt: skip
def test_what_would_not_work_is_named(
    tmp_path: Path, table: dict[str, Any], settings: dict[str, Any], grade: str, expected: str
) -> None:
    assert any(expected in line for line in said(tmp_path, table, **settings)[grade])


def test_a_secret_that_others_may_read_is_a_warning(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("hunter2")
    token.chmod(0o644)
    found = said(tmp_path, GOOD | {"webhook": [{"url": "http://127.0.0.1:1/", "token_file": str(token)}]})
    assert any("chmod 600" in line for line in found["warning"])
    assert not any("hunter2" in line for lines in found.values() for line in lines)


def test_somebody_who_listens_is_reached_and_told_nothing(tmp_path: Path, endpoint: Any) -> None:
    found = said(tmp_path, GOOD | {"webhook": [{"url": endpoint.url}]})
    assert any(line.endswith("somebody listens") for line in found["good"])
    assert endpoint.requests == []
