"""Messages get out by HTTP, mail and command; what fails is said without a secret; hostile text stays text."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floodmark.watch.config import Alertmanager, Command, Smtp, WatchConfig, Webhook
from floodmark.watch.notify.http import DeliveryError
from floodmark.watch.notify.message import Message
from floodmark.watch.notify.messengers import (
    AlertmanagerMessenger,
    CommandMessenger,
    SmtpMessenger,
    WebhookMessenger,
    messengers,
)

MESSAGE = Message(
    key="abc-90-firing-1", fingerprint="abc", status="firing", rule="growth-critical", service="rsr-backend",
    severity="critical", title="growth-critical in rsr-backend", text="It grows 240 MB/h.", at=1756794912.0,
    started=1756790000.0, value=240.0, unit="MB/h", threshold=200.0, incident="i1", link="http://127.0.0.1:8090/",
)  # fmt: skip


def webhook(url: str, **more: Any) -> WebhookMessenger:
    return WebhookMessenger(Webhook.model_validate({"url": url, **more}), timeout_seconds=2)


def test_a_webhook_gets_the_whole_message_as_json(endpoint: Any) -> None:
    webhook(f"{endpoint.url}/hook").send(MESSAGE)
    (request,) = endpoint.requests
    assert (request.method, request.path) == ("POST", "/hook")
    body = json.loads(request.body)
    assert body["at"] == "2025-09-02T06:35:12Z"
    assert (body["service"], body["value"], body["unit"]) == ("rsr-backend", 240.0, "MB/h")


def test_credentials_come_from_files_and_are_read_anew(endpoint: Any, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    messenger = webhook(endpoint.url, token_file=token)
    messenger.send(MESSAGE)
    token.write_text("rotated\n")
    messenger.send(MESSAGE)
    assert [one.headers["Authorization"] for one in endpoint.requests] == ["Bearer first", "Bearer rotated"]


def test_user_and_password_go_as_basic(endpoint: Any, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("open sesame")
    webhook(endpoint.url, username="mia", password_file=tmp_path / "password").send(MESSAGE)
    assert endpoint.requests[0].headers["Authorization"] == "Basic bWlhOm9wZW4gc2VzYW1l"


@pytest.mark.parametrize(("status", "final"), [(500, False), (503, False), (429, False), (401, False), (400, True)])
def test_a_refusal_says_whether_trying_again_can_help(endpoint: Any, status: int, final: bool) -> None:
    endpoint.answer = lambda request: (status, b"no")
    with pytest.raises(DeliveryError, match=str(status)) as caught:
        webhook(endpoint.url).send(MESSAGE)
    assert caught.value.final is final


def test_a_redirect_is_not_followed_so_that_credentials_stay_here(endpoint: Any) -> None:
    endpoint.answer = lambda request: (302, b"/elsewhere")
    with pytest.raises(DeliveryError, match="302"):
        webhook(endpoint.url).send(MESSAGE)
    assert len(endpoint.requests) == 1


def test_what_is_said_of_a_failure_names_no_secret() -> None:
    with pytest.raises(DeliveryError) as caught:
        webhook("http://user:hunter2@127.0.0.1:1/services/T000/B000?token=hunter3").send(MESSAGE)
    assert "hunter" not in str(caught.value)
    assert "T000" not in str(caught.value)
    assert str(caught.value).startswith("http://127.0.0.1:1: ")


def test_alertmanager_gets_an_alert_and_later_its_end(endpoint: Any) -> None:
    messenger = AlertmanagerMessenger(Alertmanager.model_validate({"url": endpoint.url}), timeout_seconds=2)
    messenger.send(MESSAGE)
    messenger.send(replace(MESSAGE, status="resolved", at=1756798512.0))
    firing, resolved = (json.loads(one.body)[0] for one in endpoint.requests)
    assert endpoint.requests[0].path == "/api/v2/alerts"
    assert firing["labels"] == {
        "alertname": "Floodmark_growth_critical",
        "service": "rsr-backend",
        "severity": "critical",
        "fingerprint": "abc",
    }
    assert "endsAt" not in firing
    assert resolved["endsAt"] == "2025-09-02T07:35:12Z"
    assert resolved["labels"] == firing["labels"]


def test_a_command_gets_the_message_on_standard_input_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    hostile = replace(MESSAGE, service="$(touch /tmp/owned); `id`")
    CommandMessenger(Command(argv=[sys.executable, "-c", script]), timeout_seconds=10).send(hostile)
    assert json.loads(out.read_text())["service"] == "$(touch /tmp/owned); `id`"


@pytest.mark.parametrize(("argv", "said"), [
    (["/nonexistent/tell"], "No such file"),
    ([sys.executable, "-c", "raise SystemExit('the pager is full')"], "exit status 1 the pager is full"),
    ([sys.executable, "-c", "import time; time.sleep(60)"], "timed out"),
])  # fmt: skip
def test_a_command_that_fails_or_hangs_is_not_delivered(argv: list[str], said: str) -> None:
    with pytest.raises(DeliveryError, match=said):
        CommandMessenger(Command(argv=argv), timeout_seconds=1).send(MESSAGE)


class MailServer:
    """As much of SMTP as a client needs to hand over a mail."""

    def __init__(self) -> None:
        mails: list[bytes] = []
        self.mails = mails

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line[:4].upper()
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")
                    if word == b"QUIT":
                        return

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    made = MailServer()
    yield made
    made.stop()


def smtp(port: int) -> SmtpMessenger:
    table = {"host": "127.0.0.1", "port": port, "starttls": False, "sender": "a@example.org", "to": ["b@example.org"]}
    return SmtpMessenger(Smtp.model_validate(table), timeout_seconds=5)


def test_a_mail_has_subject_text_and_an_id_of_its_own(mail_server: MailServer) -> None:
    smtp(mail_server.port).send(MESSAGE)
    mail = mail_server.mails[0].decode()
    assert "Subject: growth-critical in rsr-backend\r\n" in mail
    assert "Message-ID: <abc-90-firing-1@floodmark.invalid>" in mail
    assert "It grows 240 MB/h." in mail


def test_a_line_break_in_a_name_does_not_become_a_header(mail_server: MailServer) -> None:
    smtp(mail_server.port).send(replace(MESSAGE, title="growth in web\r\nBcc: everybody@example.org"))
    assert "\r\nBcc:" not in mail_server.mails[0].decode()


def test_a_mail_server_that_is_away_is_not_delivered() -> None:
    with pytest.raises(DeliveryError, match=r"smtp 127\.0\.0\.1:1: "):
        smtp(1).send(MESSAGE)


def test_every_messenger_of_the_configuration_is_made_and_named_without_secrets(tmp_path: Path) -> None:
    config = WatchConfig.model_validate({
        "webhook": [{"url": "https://hooks.example.org/services/SECRET"}],
        "alertmanager": [{"url": "http://127.0.0.1:9093"}],
        "command": [{"argv": ["/bin/tell", "SECRET"]}],
        "apprise": [{"url_file": str(tmp_path / "url")}],
    })  # fmt: skip
    names = [one.name for one in messengers(config, timeout_seconds=1)]
    assert names == [
        "alertmanager http://127.0.0.1:9093",
        "webhook https://hooks.example.org",
        "command /bin/tell",
        "apprise url",
    ]
