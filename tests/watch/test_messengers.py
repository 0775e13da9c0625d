"""Messages get out by HTTP, mail and command; what fails is said without a secret; hostile text stays text."""

from __future__ import annotations

import base64
import json
import socketserver
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from floodmark.watch.config import Alertmanager, Command, Smtp, WatchConfig, Webhook
from floodmark.watch.notify.http import DeliveryError
from floodmark.watch.notify.message import Message, iso
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
    holds_until=1756820000.0,
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
    # Otherwise Alertmanager ends it after five minutes by itself.
    assert firing["endsAt"] == "2025-09-02T13:33:20Z"
    assert resolved["endsAt"] == "2025-09-02T07:35:12Z"
    assert resolved["labels"] == firing["labels"]


def test_an_alert_that_got_worse_takes_the_place_of_what_it_was(endpoint: Any) -> None:
    messenger = AlertmanagerMessenger(Alertmanager.model_validate({"url": endpoint.url}), timeout_seconds=2)
    messenger.send(replace(MESSAGE, replaces_rule="growth-warning", replaces_severity="warning"))
    worse, before = json.loads(endpoint.requests[0].body)
    assert (worse["labels"]["severity"], before["labels"]["severity"]) == ("critical", "warning")
    assert before["labels"]["alertname"] == "Floodmark_growth_warning"
    assert (before["endsAt"], worse["endsAt"]) == (iso(MESSAGE.at), "2025-09-02T13:33:20Z")


def test_a_command_that_leaves_a_daemon_behind_is_done_when_it_ends(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    script = f"(sleep 2; echo alive > {mark}) & exit 0"
    CommandMessenger(Command(argv=["sh", "-c", script]), timeout_seconds=1).send(MESSAGE)
    until = time.monotonic() + 10
    while not mark.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert mark.exists()


def test_a_command_gets_the_message_on_standard_input_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"
    hostile = replace(MESSAGE, service="$(touch /tmp/owned); `id`")
    CommandMessenger(Command(argv=[sys.executable, "-c", script]), timeout_seconds=10).send(hostile)
    assert json.loads(out.read_text())["service"] == "$(touch /tmp/owned); `id`"


@pytest.mark.parametrize(("argv", "said"), [
    (["/nonexistent/tell"], "No such file"),
    ([sys.executable, "-c", "raise SystemExit('the pager is full')"], "exit status 1 the pager is full"),
    ([sys.executable, "-c", "import time; time.sleep(60)"], "not done after"),
])  # fmt: skip
def test_a_command_that_fails_or_hangs_is_not_delivered(argv: list[str], said: str) -> None:
    with pytest.raises(DeliveryError, match=said):
        CommandMessenger(Command(argv=argv), timeout_seconds=1).send(MESSAGE)


class MailServer:
    """As much of SMTP as a client needs to hand over a mail, with STARTTLS and AUTH PLAIN where they are wanted."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, implicit: bool = False, password: str = "") -> None:
        mails: list[bytes] = []
        self.mails = mails

        class Handler(socketserver.StreamRequestHandler):
            def encrypt(self) -> None:
                assert tls
                self.connection = tls.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)

            def handle(self) -> None:
                with suppress(OSError):  # a client that does not trust the certificate hangs up
                    if implicit:
                        self.encrypt()
                    self.talk(encrypted=implicit)
                self.connection.close()

            def talk(self, *, encrypted: bool) -> None:
                signed_in = not password
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line.split()[0].upper()
                    if word == b"EHLO":
                        offers = [b"STARTTLS"] if tls and not encrypted else [b"AUTH PLAIN"] if password else []
                        self.wfile.write(b"\r\n".join([b"250-here", *(b"250-" + one for one in offers), b"250 OK\r\n"]))
                    elif word == b"STARTTLS":
                        self.wfile.write(b"220 go on\r\n")
                        self.encrypt()
                        encrypted = True
                    elif word == b"AUTH":
                        signed_in = base64.b64decode(line.split()[2]) == f"\0watch\0{password}".encode()
                        self.wfile.write(b"235 welcome\r\n" if signed_in else b"535 no\r\n")
                    elif word == b"QUIT":
                        self.wfile.write(b"221 bye\r\n")
                        return
                    elif word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        mails.append(b"".join(iter(self.rfile.readline, b".\r\n")))
                        self.wfile.write(b"250 ok\r\n")
                    else:
                        self.wfile.write(b"250 ok\r\n" if signed_in else b"530 who are you\r\n")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of its own for 127.0.0.1, in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
               "-subj", "/CN=mail", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-", "-out", "-"]  # fmt: skip
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    return path


@pytest.fixture(params=["starttls", "implicit"])
def safe_server(request: pytest.FixtureRequest, certificate: Path) -> Iterator[tuple[MailServer, dict[str, Any]]]:
    """A server that wants TLS and a password, and the part of the table that goes with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    made = MailServer(context, implicit=request.param == "implicit", password="hunter2")
    yield made, {"tls": request.param}
    made.stop()


def smtp(port: int, **more: Any) -> SmtpMessenger:
    table = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "a@example.org", "to": ["b@example.org"]}
    return SmtpMessenger(Smtp.model_validate(table | more), timeout_seconds=5)


def test_a_mail_goes_encrypted_and_with_the_password(
    safe_server: tuple[MailServer, dict[str, Any]], certificate: Path, tmp_path: Path
) -> None:
    server, table = safe_server
    (tmp_path / "password").write_text("hunter2\n")
    who = {"username": "watch", "password_file": tmp_path / "password", "ca_file": certificate}
    smtp(server.port, **table, **who).send(MESSAGE)
    assert len(server.mails) == 1
    (tmp_path / "password").write_text("wrong\n")
    with pytest.raises(DeliveryError, match="535"):
        smtp(server.port, **table, **who).send(MESSAGE)


def test_a_mail_server_that_cannot_be_trusted_gets_no_mail(safe_server: tuple[MailServer, dict[str, Any]]) -> None:
    server, table = safe_server
    with pytest.raises(DeliveryError, match="certificate verify failed"):
        smtp(server.port, **table).send(MESSAGE)
    assert server.mails == []


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


def test_two_webhooks_of_one_host_are_told_apart_whatever_their_order() -> None:
    tables = [{"url": "https://hooks.example.org/services/SECRET"}, {"url": "https://hooks.example.org/b"}]
    there, back = (
        {one.name for one in messengers(WatchConfig.model_validate({"webhook": order}), timeout_seconds=1)}
        for order in (tables, tables[::-1])
    )
    assert len(there) == 2
    assert there == back
    assert "SECRET" not in str(there)


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
