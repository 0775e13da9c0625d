"""Messages through the extra `apprise`: imported only where the configuration names it."""

from __future__ import annotations

try:
    import apprise
except ImportError:
    from floodmark.errors import SettingsError

    raise SettingsError("[[apprise]] needs the extra: pip install 'floodmark[apprise]'") from None

from floodmark.watch.config import Apprise
from floodmark.watch.notify.http import DeliveryError, secret
from floodmark.watch.notify.message import Message


class AppriseMessenger:
    """One apprise URL, read from its file at each message."""

    def __init__(self, config: Apprise) -> None:
        self.config = config
        self.name = f"apprise {config.url_file.name}"

    def send(self, message: Message) -> None:
        """Deliver; apprise says only whether it worked."""
        target = apprise.Apprise()
        if not target.add(secret(self.config.url_file)):
            raise DeliveryError(f"{self.config.url_file}: not a URL that apprise knows", final=True)
        if not target.notify(title=message.title, body=message.plain_text()):
            raise DeliveryError(f"{self.name}: not delivered")
