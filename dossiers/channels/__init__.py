"""The ways out of the portal: e-mail, and the SMS and Zalo ports.

A port is a class with `send(to, text)`, named by a setting (`SMS_BACKEND`,
`ZALO_BACKEND`); it raises when the gateway did not take the message. Without a name the
channel is closed: nothing is sent by it and nobody is offered it.
"""

from __future__ import annotations

from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string

from dossiers.models import Delivery


class Port(Protocol):
    """What a gateway is to us."""

    def send(self, to: str, text: str) -> None:
        """Hand one message over for one telephone number; raises what the gateway raises."""


def is_open(channel: str) -> bool:
    """Whether anything can go out by this `Delivery.Channel`."""
    return channel == Delivery.Channel.EMAIL or bool(_backend(channel))


def port(channel: str) -> Port:
    """The gateway of `Channel.SMS` or `Channel.ZALO`; raises `ImportError` for a wrong name."""
    return import_string(_backend(channel))(channel)


def _backend(channel: str) -> str:
    return {
        Delivery.Channel.SMS: settings.SMS_BACKEND,
        Delivery.Channel.ZALO: settings.ZALO_BACKEND,
    }[channel]
