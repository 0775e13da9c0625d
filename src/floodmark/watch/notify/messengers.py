"""The ways a message gets out. Each takes one message and raises DeliveryError where it did not get through."""

from __future__ import annotations

import json
import smtplib
import subprocess
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from importlib import import_module
from typing import Protocol

from floodmark.watch.config import Alertmanager, Command, Smtp, WatchConfig, Webhook
from floodmark.watch.notify.http import DeliveryError, host_of, post, secret
from floodmark.watch.notify.message import Message, iso


class Messenger(Protocol):
    """One way out. `name` is stable: the outbox remembers under it what was delivered."""

    @property
    def name(self) -> str:
        """Kind and target, without secrets."""

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
    """Alertmanager's API v2. It groups, repeats and silences in its own right; our fingerprint is a label."""

    def __init__(self, config: Alertmanager, *, timeout_seconds: float) -> None:
        self.config, self.timeout_seconds = config, timeout_seconds
        self.name = f"alertmanager {host_of(str(config.url))}"

    def send(self, message: Message) -> None:
        labels = {
            "alertname": f"Floodmark_{message.rule.replace('-', '_')}",
            "service": message.service or "",
            "severity": message.severity,
            "fingerprint": message.fingerprint,
        }
        alert = {
            "labels": {name: value for name, value in labels.items() if value},
            "annotations": {"summary": message.title, "description": message.text},
            "startsAt": iso(message.started),
        }
        if message.status == "resolved":
            alert["endsAt"] = iso(message.at)
        if message.link:
            alert["generatorURL"] = message.link
        url = str(self.config.url).rstrip("/") + "/api/v2/alerts"
        post(url, json.dumps([alert]).encode(), self.config, timeout_seconds=self.timeout_seconds)


class SmtpMessenger:
    """Mail in plain text. The Message-ID is made of the key, so that a mail sent twice is filed once."""

    def __init__(self, config: Smtp, *, timeout_seconds: float) -> None:
        self.config, self.timeout_seconds = config, timeout_seconds
        self.name = f"smtp {config.host}:{config.port}"

    def send(self, message: Message) -> None:
        try:
            with smtplib.SMTP(self.config.host, self.config.port, timeout=self.timeout_seconds) as server:
                if self.config.starttls:
                    server.starttls()
                if self.config.username and self.config.password_file:
                    server.login(self.config.username, secret(self.config.password_file))
                server.send_message(self._mail(message))
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"{self.name}: {error}") from None

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
        body = json.dumps(message.fields()).encode()
        try:
            done = subprocess.run(
                self.config.argv, input=body, capture_output=True, timeout=self.timeout_seconds, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise DeliveryError(f"{self.name}: {error}") from None
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            raise DeliveryError(f"{self.name}: exit status {done.returncode} {' '.join(said)[:200]}".rstrip())


def messengers(config: WatchConfig, *, timeout_seconds: float) -> list[Messenger]:
    """Every messenger of the configuration, in its order."""
    # The extra is imported where it is used, and a missing one is said by name.
    extra = import_module("floodmark.watch.notify.apprise") if config.apprise else None
    return [
        *(AlertmanagerMessenger(one, timeout_seconds=timeout_seconds) for one in config.alertmanager),
        *(WebhookMessenger(one, timeout_seconds=timeout_seconds) for one in config.webhook),
        *(SmtpMessenger(one, timeout_seconds=timeout_seconds) for one in config.smtp),
        *(CommandMessenger(one, timeout_seconds=timeout_seconds) for one in config.command),
        *(extra.AppriseMessenger(one) for one in config.apprise if extra),
    ]
