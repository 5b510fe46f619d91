"""Vietnamese text: one spelling at the edge, one folded form for searching."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from django.utils import translation

# Controls, surrogates, private use, and the invisible marks that turn text around.
_UNWANTED = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]"
)


def normalise(text: str) -> str:
    """`text` in NFC without control, bidi, zero-width or surrogate characters.

    Applied to everything that people send: PostgreSQL refuses what SQLite takes, and the
    NFC and NFD spellings of one name would never match. Tabs and line ends stay.
    """
    return unicodedata.normalize("NFC", _UNWANTED.sub("", text))


def fold(text: str) -> str:
    """`text` without case, tone marks and other diacritics, and with đ as d.

    `Đăng ký  Khai sinh` and its NFD spelling both give `dang ky khai sinh`; so do old and
    new tone placement (hoà, hòa). Runs of white space become one space.
    """
    decomposed = unicodedata.normalize("NFD", normalise(text).lower())
    bare = "".join(char for char in decomposed if unicodedata.category(char) != "Mn")
    return " ".join(bare.replace("đ", "d").split())


def grouped(number: int) -> str:
    """A number with the Vietnamese thousands mark, which Django's own formats lack: `5.627`."""
    return f"{number:,}".replace(",", ".")


def dong(amount: int) -> str:
    """Whole đồng as people write them: 8000 -> `8.000 đồng`."""
    return f"{grouped(amount)} đồng"


def lower_first(text: str) -> str:
    """`Ngày sinh` -> `ngày sinh`, to stand inside a sentence."""
    return text[:1].lower() + text[1:]


def in_vietnamese[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """`function`, run in Vietnamese: for what is written down for other people to read.

    Whoever acts may read the portal in English; the papers and notices of the act may not.
    Not `translation.override` itself: as a decorator it keeps one state for all threads.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with translation.override("vi"):
            return function(*args, **kwargs)

    return run
