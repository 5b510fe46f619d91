"""SWIFT's MT940 as banks here send it: `:61:` a line, `:86:` what it was for.

`:61:` is the day (YYMMDD) and often the booking day (MMDD), the side (C, D, RC, RD), the
amount with a decimal comma, the kind (N and three letters), the payer's reference, and
after `//` the bank's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from payments.bank import credits
from payments.bank.credits import BadCell, Credit
from procedures.tables import MOST_ROWS, Unreadable

_TAG = re.compile(r":([0-9]{2}[A-Z]?):(.*)")
_LINE = re.compile(
    r"""(?P<day>[0-9]{6})(?:[0-9]{4})?(?P<side>R?[CD])[A-Z]?
        (?P<amount>[0-9]{1,12},[0-9]{0,2})
        (?:[NFS][A-Z0-9]{3})?(?P<own>[^/\n]*)(?://(?P<bank>[^\n]*))?""",
    re.VERBOSE,
)
_PART = re.compile(r"\?([0-9]{2})")


@dataclass(frozen=True)
class Entry:
    """One `:61:` with the words that follow it, and the number of its line."""

    line: int
    account: str
    currency: str
    head: str
    words: str = ""


def is_mt940(text: str) -> bool:
    """Whether a text is of this kind: an account, and a line or a balance."""
    return bool(re.search(r"^:25:", text, re.M) and re.search(r"^:(61|60F|60M|62F):", text, re.M))


def entries(text: str) -> Iterator[Entry]:
    """The entries of a file; `Unreadable` past 5.000 of them."""
    account = currency = ""
    entry: Entry | None = None
    for count, (line, tag, value) in enumerate(_tags(text)):
        if count > 3 * MOST_ROWS:
            raise Unreadable(_("Tệp có hơn 5.000 dòng; xin chia nhỏ theo ngày."))
        if tag == "86" and entry:
            entry = Entry(entry.line, entry.account, entry.currency, entry.head, value)
            continue
        if entry:
            yield entry
        entry = None
        if tag == "25":
            account = value.split("\n")[0]
        elif tag in ("60F", "60M"):
            currency = value[7:10]
        elif tag == "61":
            entry = Entry(line, account, currency, value)
    if entry:
        yield entry


def _tags(text: str) -> Iterator[tuple[int, str, str]]:
    """(line, tag, value) of every field; a value may go on over lines."""
    found: tuple[int, str, list[str]] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TAG.match(line):
            if found:
                yield found[0], found[1], "\n".join(found[2])
            found = (number, match[1], [match[2]])
        elif found and line.strip() and not line.startswith(("-", "{")):
            found[2].append(line)
    if found:
        yield found[0], found[1], "\n".join(found[2])


def credit(entry: Entry) -> Credit | None:
    """The credit of an entry, None for a debit; `BadCell` for what is neither."""
    if entry.currency not in ("", "VND"):
        raise BadCell(_("sao kê không bằng đồng Việt Nam"))
    found = _LINE.match(entry.head)
    if not found:
        raise BadCell(_("không hiểu dòng :61:"))
    if found["side"] == "RC":
        raise BadCell(_("ngân hàng thu hồi một khoản đã ghi có"))
    if found["side"] != "C":
        return None
    amount = credits.amount(found["amount"].rstrip(","))
    if not amount:
        raise BadCell(_("dòng không có số tiền"))
    day = found["day"]
    words = _words(entry.words)
    return Credit(
        amount=amount,
        booked_at=credits.moment(f"{day[4:6]}/{day[2:4]}/20{day[:2]}"),
        reference=credits.text(found["bank"] or _own(found["own"]), 300),
        memo=credits.text(words["memo"], 500),
        payer_name=credits.text(words["name"], 200),
        payer_account=credits.text(words["account"], 40),
        payer_bank=credits.text(words["bank"], 100),
    )


def _own(text: str) -> str:
    return "" if text.strip().upper() == "NONREF" else text


def _words(text: str) -> dict[str, str]:
    """The parts of `:86:`: `?20`-`?29` and `?60`-`?63` the purpose, `?30` the bank, `?31` the
    account, `?32` and `?33` the name; one text where there are no such marks."""
    said = text.replace("\n", "" if "?" in text else " ")
    parts = _PART.split(said)
    if len(parts) == 1:
        return {"memo": said, "name": "", "account": "", "bank": ""}
    pairs = list(zip(parts[1::2], parts[2::2], strict=True))

    def joined(*tags: str) -> str:
        return "".join(value for tag, value in pairs if tag in tags or tag[0] in tags)

    return {
        "memo": joined("2", "6"),
        "name": joined("32", "33"),
        "account": joined("31"),
        "bank": joined("30"),
    }
