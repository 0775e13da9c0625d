"""The ways a message gets out. Each takes one message and raises DeliveryError where it did not get through."""

from __future__ import annotations

import hashlib
import json
import smtplib
import ssl
from collections import Counter
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from importlib import import_module
from typing import Any, Protocol

from pydantic import BaseModel

from floodmark.watch.config import Alertmanager, Command, Smtp, WatchConfig, Webhook
from floodmark.watch.notify.http import DeliveryError, host_of, post, secret
from floodmark.watch.notify.message import Message, iso
from floodmark.watch.programs import run


class Messenger(Protocol):
    """One way out. `name` is stable: the outbox remembers under it what was delivered."""

    name: str
    """Kind and target, without secrets."""

    @property
    def config(self) -> BaseModel:
        """The table it was made of."""

    def send(self, message: Message) -> None:
        """Deliver one message; raises DeliveryError."""


class WebhookMessenger:
    """JSON by POST; `Message.fields` is the body."""

    def __init__(self, config: Webhook, *, timeout_seconds: float) -> None:
        self.config, self.timeout_seconds = config, timeout_seconds
        self.name = f"webhook {host_of(str(config.url))}"

    def send(self, message: Message) -> None:
        body = json.dumps(message.fields()).encode()
        post(str(self.config.url), body, self.config, timeout_seconds=self.timeout_seconds)


class AlertmanagerMessenger:
    """Alertmanager's API v2. It groups, repeats and silences in its own right; our fingerprint is a label.

    To Alertmanager an alert is its labels: one that gets worse is another alert, so what it was before ends with it.
    """

    def __init__(self, config: Alertmanager, *, timeout_seconds: float) -> None:
        self.config, self.timeout_seconds = config, timeout_seconds
        self.name = f"alertmanager {host_of(str(config.url))}"

    def send(self, message: Message) -> None:
        ends = message.at if message.status == "resolved" else message.holds_until
        alerts = [_alert(message, message.rule, message.severity, ends)]
        if message.replaces_rule and message.replaces_severity:
            alerts.append(_alert(message, message.replaces_rule, message.replaces_severity, message.at))
        url = str(self.config.url).rstrip("/") + "/api/v2/alerts"
        post(url, json.dumps(alerts).encode(), self.config, timeout_seconds=self.timeout_seconds)


def _alert(message: Message, rule: str, severity: str, ends: float | None) -> dict[str, Any]:
    """One `postableAlert`. Without an end Alertmanager takes its resolve_timeout (5 min) and says that all is well."""
    labels = {
        "alertname": f"Floodmark_{rule.replace('-', '_')}",
        "service": message.service or "",
        "severity": severity,
        "fingerprint": message.fingerprint,
    }
    alert: dict[str, Any] = {
        "labels": {name: value for name, value in labels.items() if value},
        "annotations": {"summary": message.title, "description": message.text},
        "startsAt": iso(message.started),
    }
    if ends is not None:
        alert["endsAt"] = iso(ends)
    if message.link:
        alert["generatorURL"] = message.link
    return alert


class SmtpMessenger:
    """Mail in plain text. The Message-ID is made of the key, so that a mail sent twice is filed once."""

    def __init__(self, config: Smtp, *, timeout_seconds: float) -> None:
        self.config, self.timeout_seconds = config, timeout_seconds
        self.name = f"smtp {config.host}:{config.port}"

    def send(self, message: Message) -> None:
        try:
            with self._server() as server:
                if self.config.tls == "starttls":
                    server.starttls(context=self._checked())
                if self.config.username and self.config.password_file:
                    server.login(self.config.username, secret(self.config.password_file))
                server.send_message(self._mail(message))
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"{self.name}: {error}") from None

    def _server(self) -> smtplib.SMTP:
        place = self.config.host, self.config.port
        if self.config.tls == "implicit":
            return smtplib.SMTP_SSL(*place, timeout=self.timeout_seconds, context=self._checked())
        return smtplib.SMTP(*place, timeout=self.timeout_seconds)

    def _checked(self) -> ssl.SSLContext:
        """A context that checks the server's certificate and name: smtplib's own default checks neither."""
        return ssl.create_default_context(cafile=str(self.config.ca_file) if self.config.ca_file else None)

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        # A service's name comes from logs: a line break in it must not become a header.
        mail["Subject"] = " ".join(message.title.split())
        mail["From"], mail["To"] = self.config.sender, ", ".join(self.config.to)
        mail["Date"] = format_datetime(datetime.fromtimestamp(message.at, UTC))
        mail["Message-ID"] = f"<{message.key}@floodmark.invalid>"
        mail.set_content(message.plain_text())
        return mail


class CommandMessenger:
    """A program with the message as JSON on standard input; never a shell, so no word of a log becomes a command."""

    def __init__(self, config: Command, *, timeout_seconds: float) -> None:
        self.config, self.timeout_seconds = config, timeout_seconds
        self.name = f"command {config.argv[0]}"

    def send(self, message: Message) -> None:
        problem = run(self.config.argv, self.timeout_seconds, json.dumps(message.fields()).encode())
        if problem:
            raise DeliveryError(f"command {problem}")


def messengers(config: WatchConfig, *, timeout_seconds: float) -> list[Messenger]:
    """Every messenger of the configuration, in its order."""
    # The extra is imported where it is used, and a missing one is said by name.
    extra = import_module("floodmark.watch.notify.apprise") if config.apprise else None
    made: list[Messenger] = [
        *(AlertmanagerMessenger(one, timeout_seconds=timeout_seconds) for one in config.alertmanager),
        *(WebhookMessenger(one, timeout_seconds=timeout_seconds) for one in config.webhook),
        *(SmtpMessenger(one, timeout_seconds=timeout_seconds) for one in config.smtp),
        *(CommandMessenger(one, timeout_seconds=timeout_seconds) for one in config.command),
        *(extra.AppriseMessenger(one) for one in config.apprise if extra),
    ]
    return _told_apart(made)


def _told_apart(made: list[Messenger]) -> list[Messenger]:
    """Two of one name (two webhooks of one host) would share what was delivered: each gets its configuration's digest.

    The digest and not a number, so that the order of the file may change. It is of the whole URL, which may hold a
    secret: eight hexadecimal digits do not give it away.
    """
    names = Counter(one.name for one in made)
    for one in made:
        if names[one.name] > 1:
            digest = hashlib.sha256(one.config.model_dump_json().encode()).hexdigest()[:8]
            one.name = f"{one.name} #{digest}"
    return made
