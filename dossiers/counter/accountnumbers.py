"""Account numbers: what a person without e-mail and telephone logs in with, read from paper."""

from __future__ import annotations

import re
import secrets

# No 0/O, 1/I/L: people copy the number from paper.
_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"
ALPHABET = f"23456789{_LETTERS}"


def new_account_number() -> str:
    """Nine characters: a letter, so that it is no telephone, seven more, a check character."""
    body = secrets.choice(_LETTERS) + "".join(secrets.choice(ALPHABET) for _n in range(7))
    return body + check_character(body)


def check_character(body: str) -> str:
    """What follows `body` in an account number.

    The weighted sum modulo 31, the number of signs: as 31 is prime, one wrong sign and two
    that changed places always show.
    """
    total = sum(weight * ALPHABET.index(sign) for weight, sign in enumerate(body, start=1))
    return ALPHABET[total % len(ALPHABET)]


def is_account_number(text: str) -> bool:
    """Whether `text` is built as an account number; not whether there is one."""
    tidy = tidy_number(text)
    known = len(tidy) == 9 and set(tidy) <= set(ALPHABET)
    return known and check_character(tidy[:-1]) == tidy[-1]


def tidy_number(text: str) -> str:
    """An account number as it is kept: capitals, without what separates groups."""
    return re.sub(r"[\s.\-–]", "", text).upper()


def spaced_number(number: str) -> str:
    """An account number as it is printed: `K7P 4XQ 9M2`."""
    return " ".join(number[start : start + 3] for start in range(0, len(number), 3))
