"""What is random in addresses and on papers."""

from __future__ import annotations

import secrets


def new_key() -> str:
    """128 random bits, for addresses that nobody may guess."""
    return secrets.token_urlsafe(16)


def new_secret() -> str:
    """Eight characters without look-alikes (0/O, 1/I/L), printed on the receipt."""
    return "".join(secrets.choice("23456789ABCDEFGHJKMNPQRSTUVWXYZ") for _ in range(8))
