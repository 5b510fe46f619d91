"""Ports that reach no telephone: for a trial, for work on the portal, and for tests."""

from __future__ import annotations

import datetime
import logging
import secrets
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)


class ToFiles:
    """Each message into a file of its own under `var/messages/`, as mail goes to `var/mail/`."""

    def __init__(self, channel: str) -> None:
        self.channel = channel

    def send(self, to: str, text: str) -> None:
        """Write `<moment>-<channel>-<random>.txt`: the number, an empty line, the text."""
        folder = Path(settings.MESSAGES_DIR)
        folder.mkdir(parents=True, exist_ok=True)
        moment = f"{datetime.datetime.now(datetime.UTC):%Y%m%d-%H%M%S-%f}"
        path = folder / f"{moment}-{self.channel}-{secrets.token_hex(4)}.txt"
        path.write_text(f"{to}\n\n{text}\n", encoding="utf-8")


class ToLog:
    """A line in the log that says that something was sent, not to whom and not what."""

    def __init__(self, channel: str) -> None:
        self.channel = channel

    def send(self, to: str, text: str) -> None:
        """One line: the channel and the length."""
        logger.warning("%s: one message of %d characters", self.channel, len(text))
