"""The watch's file is refused with file and line for what it cannot mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from floodmark.errors import SettingsError
from floodmark.watch.config import WatchConfig, read

GOOD = """
[[processes]]
service = "rsr-backend"
gunicorn = "/run/gunicorn.pid"

[[logs]]
path = "/var/log/nginx/access.log"

[[webhook]]
url = "https://hooks.example.org/x"

[[remedy]]
service = "rsr-backend"
action = "restart"
gunicorn = "/run/gunicorn.pid"
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "watch.toml"
    path.write_text(text)
    return path


def test_a_few_lines_are_enough_and_nothing_is_allowed_unless_it_is_said(tmp_path: Path) -> None:
    config = read(write(tmp_path, GOOD))
    assert config.processes[0].service == "rsr-backend"
    assert [one.allowed for one in config.remedy] == [False]


@pytest.mark.parametrize(("text", "line", "said"), [
    ("[[processes]]\nservice = 'a'\n", 1, "give one of command, gunicorn, pid_file"),
    ("[[processes]]\nservice = 'a'\ncommand = 'x'\npid_file = '/p'\n", 1, "give one of"),
    ("[[processes]]\nservice = 'a'\ncommand = 'x['\n", 3, "not a regular expression"),
    ("[[process]]\nservice = 'a'\n", 1, "there is no process"),
    ("[[logs]]\npath = '/a'\n\n[[logs]]\npath = '/b'\nzonee = 'UTC'\n", 6, "there is no logs.zonee"),
    ("[[webhook]]\nurl = 'ftp://x'\n", 2, "url"),
    ("[[webhook]]\nurl = 'http://x'\nusername = 'a'\n", 1, "username and password_file go together"),
    ("[[remedy]]\nservice = 'a'\naction = 'reboot'\n", 3, "'restart', 'shed', 'snapshot' or 'scale'"),
    ("[[remedy]]\nservice = 'a'\naction = 'shed'\nsystemd = 'x'\n", 1, "shed wants one of url, argv"),
    ("[[remedy]]\nservice = 'a'\naction = 'restart'\nargv = ['x']\nbudget_per_hour = -1\n", 5, "greater than or equal"),
    ("[[remedy]]\nservice = 'a'\naction = 'restart'\nargv = ['x']\ndocker_url = 'tcp://h'\n", 1, "goes together with"),
    ("[[route]]\nprefix = 'x'\nservice = 'a'\n", 2, "should match"),
    ("[[smtp]]\nhost = 'h'\nsender = 'a@b'\nto = []\n", 4, "at least 1"),
    ("logs = 3\n", 1, "list"),
    ("[[prometheus]]\nurl = 'http://p'\nquery = 'sum(x)'\n", 3, "the name of a gauge"),
    ("[[smtp]]\nhost = 'mail'\nsender = 'a@b'\nto = ['c@d']\nusername = 'u'\npassword_file = '/p'\ntls = 'none'\n", 1,
     "can be read on the way"),
])  # fmt: skip
def test_what_it_cannot_mean_is_refused_with_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:{line}: ")
    assert said in str(caught.value)


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, "[[logs]]\npth = 'x'\n\n[[route]]\nprefix = '/a'\n")
    with pytest.raises(SettingsError) as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize(("content", "said"), [(b"[[logs]\n", "not TOML"), (b"\xff\xfe", "cannot be read")])
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "watch.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=said):
        read(path)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="floodmark watch --discover"):
        read(tmp_path / "watch.toml")


@pytest.mark.parametrize("query", ["up", 'up{pod=~"a{2,3}\\\\.b"}', 'node:memory{a="}", b!=""}', "up{}"])
def test_a_gauge_with_any_selector_can_be_asked_for(query: str) -> None:
    WatchConfig.model_validate({"prometheus": [{"url": "http://p", "query": query}]})
