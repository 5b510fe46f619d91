"""VietQR: a bank transfer asked by a QR code, as NAPAS lays it over EMVCo's (DOMAIN.md 4.2).

A payload is a row of fields: two digits of tag, two of length, the value. Nothing here
moves money: the transfer is known when the bank reports it (`payments.bank`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno
from django.utils.translation import gettext as _

from procedures.text import fold

if TYPE_CHECKING:
    from payments.models import Payment
    from procedures.models import Agency

GUID, CURRENCY, COUNTRY = "A000000727", "704", "VN"
TO_ACCOUNT, TO_CARD = "QRIBFTTA", "QRIBFTTC"
PURPOSE_MAX = 25
LONGEST = 512  # of a whole payload, by EMVCo
MEMO_PREFIX = "MC"

# What a purpose may hold: banks fold or drop everything else on the way.
_PLAIN = re.compile(r"[A-Za-z0-9 .\-]*")
_DIGITS = re.compile(r"[0-9]+")
_ACCOUNT = re.compile(r"[A-Za-z0-9]{1,19}")


class BadPayload(ValueError):
    """What is no VietQR payload, or cannot become one; the message is for a person to read."""


@dataclass(frozen=True)
class Transfer:
    """What a code asks for: `amount` in whole đồng, None where the payer types it.

    `bin` is the bank's six digits, `account` the number there (of a card with `to_card`).
    """

    bin: str
    account: str
    amount: int | None = None
    purpose: str = ""
    bill: str = ""
    is_dynamic: bool = True
    to_card: bool = False


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE of ASCII text in four upper-case hex digits: `123456789` -> `29B1`."""
    value = 0xFFFF
    for byte in text.encode("ascii"):
        value ^= byte << 8
        for _bit in range(8):
            value = (value << 1) ^ 0x1021 if value & 0x8000 else value << 1
        value &= 0xFFFF
    return f"{value:04X}"


def encode(transfer: Transfer) -> str:
    """The payload of a code; `BadPayload` for what the format cannot carry.

    A purpose has 25 characters at most, without diacritics: banks cut or change the rest,
    and the reference in it would be lost.
    """
    _check(transfer)
    service = TO_CARD if transfer.to_card else TO_ACCOUNT
    bank = _field("00", transfer.bin) + _field("01", transfer.account)
    more = _field("01", transfer.bill) + _field("08", transfer.purpose)
    body = "".join(
        (
            _field("00", "01"),
            _field("01", "12" if transfer.is_dynamic else "11"),
            _field("38", _field("00", GUID) + _field("01", bank) + _field("02", service)),
            _field("53", CURRENCY),
            _field("54", "" if transfer.amount is None else str(transfer.amount)),
            _field("58", COUNTRY),
            _field("62", more),
            "6304",
        )
    )
    return body + crc(body)


def _field(tag: str, value: str) -> str:
    return f"{tag}{len(value):02d}{value}" if value else ""


def _check(transfer: Transfer) -> None:
    if len(transfer.bin) != 6 or not _DIGITS.fullmatch(transfer.bin):
        raise BadPayload(_("Mã ngân hàng của mã QR phải có đúng 6 chữ số."))
    if not _ACCOUNT.fullmatch(transfer.account):
        raise BadPayload(_("Số tài khoản của mã QR gồm 1 đến 19 chữ số hoặc chữ cái."))
    if transfer.amount is not None and not 0 < transfer.amount < 10**13:
        raise BadPayload(_("Số tiền của mã QR phải là số đồng lớn hơn 0, có nhiều nhất 13 chữ số."))
    for text in (transfer.purpose, transfer.bill):
        if len(text) > PURPOSE_MAX:
            raise BadPayload(_("Nội dung trong mã QR dài quá 25 ký tự."))
        if not _PLAIN.fullmatch(text):
            raise BadPayload(_("Nội dung trong mã QR không được có dấu hoặc ký tự lạ."))


def decode(payload: str) -> Transfer:
    """What a payload asks for; `BadPayload` for a wrong checksum, length, order or currency.

    Fields that we do not use are passed over, as EMVCo wants.
    """
    if len(payload) > LONGEST or not payload.isascii() or not payload.isprintable():
        raise BadPayload(_("Đây không phải nội dung của mã VietQR."))
    if payload[-8:-4] != "6304" or crc(payload[:-4]) != payload[-4:]:
        raise BadPayload(_("Mã VietQR sai tổng kiểm tra; có thể đã bị sửa hoặc đọc thiếu."))
    fields = _fields(payload)
    account = _fields(fields.get("38", ""))
    if account.get("00") != GUID or fields.get("00") != "01" or fields.get("58") != COUNTRY:
        raise BadPayload(_("Đây không phải nội dung của mã VietQR."))
    if fields.get("53") != CURRENCY:
        raise BadPayload(_("Mã VietQR này không thu bằng đồng Việt Nam."))
    bank, more = _fields(account.get("01", "")), _fields(fields.get("62", ""))
    transfer = Transfer(
        bin=bank.get("00", ""),
        account=bank.get("01", ""),
        amount=_amount(fields.get("54")),
        purpose=more.get("08", ""),
        bill=more.get("01", ""),
        is_dynamic=fields.get("01") == "12",
        to_card=account.get("02") == TO_CARD,
    )
    _check(transfer)
    return transfer


def _fields(text: str) -> dict[str, str]:
    """The fields of a text, each tag once; `BadPayload` where the lengths do not add up."""
    found: dict[str, str] = {}
    while text:
        tag, length, rest = text[:2], text[2:4], text[4:]
        is_whole = _DIGITS.fullmatch(tag + length) and len(tag + length) == 4
        if not is_whole or not 0 < int(length) <= len(rest) or tag in found:
            raise BadPayload(_("Mã VietQR có trường sai độ dài hoặc lặp lại."))
        found[tag], text = rest[: int(length)], rest[int(length) :]
    return found


def _amount(text: str | None) -> int | None:
    if text is None:
        return None
    if not _DIGITS.fullmatch(text):
        raise BadPayload(_("Số tiền của mã QR phải là số đồng lớn hơn 0, có nhiều nhất 13 chữ số."))
    return int(text)


# --- Our own codes --------------------------------------------------------------------


def plain(text: str) -> str:
    """`text` as banks carry it: without diacritics, other signs as blanks, upper case."""
    return " ".join(re.sub(r"[^a-z0-9]+", " ", fold(text)).split()).upper()


def memo(payment: Payment) -> str:
    """What the payer writes, and by which the transfer is known: 18 characters."""
    return MEMO_PREFIX + payment.reference


def account_holder(office: Agency | None) -> Agency | None:
    """The office on whose bank account an office's fees come: itself, or one above it."""
    while office is not None and not office.bank_account.get("number"):
        office = office.parent
    return office


def payload_of(payment: Payment) -> str:
    """The code for one payment; `BadPayload` where the office has no account for it."""
    holder = account_holder(payment.dossier.receiving_agency)
    if holder is None:
        raise BadPayload(_("Cơ quan chưa có tài khoản nhận chuyển khoản."))
    account = holder.bank_account
    return encode(
        Transfer(
            bin=account.get("bin", ""),
            account=account["number"],
            amount=payment.amount,
            purpose=memo(payment),
        )
    )


def image(payload: str) -> str:
    """The code as a PNG in a `data:` URI, with the quiet zone that banks' apps want: a file
    that a phone can keep and give to its banking app."""
    return segno.make_qr(payload, error="m").png_data_uri(scale=5, border=4)
