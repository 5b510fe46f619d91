"""Results that wait at the desk: the code that opens them, and who came for them."""

from __future__ import annotations

import datetime
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from dossiers import papers, searching, throttling
from dossiers.counter import cardqr
from dossiers.models import Collection, Dossier, DossierQuerySet, Paper, new_secret
from dossiers.workflow import Move, Refused
from procedures.text import fold

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

Proof, Collector = Collection.Proof, Collection.Collector
# The space of eight characters is searched by nobody at this pace.
WRONG_CODES_A_DAY = 20
_CODE = re.compile("[2-9A-HJKMNP-Z]{8}")
_TOKEN = re.compile(r"/xac-thuc/([A-Za-z0-9_-]{22})/?")
_MOST_FOUND = 20

logger = logging.getLogger(__name__)


def wait_at_desk(dossier: Dossier, now: datetime.datetime) -> Collection:
    """The row of a result that waits at the desk, with its code; made once."""
    row, _made = Collection.objects.get_or_create(
        dossier=dossier, defaults={"code": new_secret(), "ready_at": now}
    )
    dossier.collection = row
    return row


# --- Who comes ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """What was found by what a person showed, and what that proves ("" for a typed name)."""

    dossiers: list[Dossier]
    proof: str = ""
    card_name: str = ""
    card_number: str = ""


def find(shown: str, waiting: DossierQuerySet, *, by: User) -> Found:
    """The results among `waiting` that belong to what was typed or scanned.

    The code, the QR of a card, the QR or the code of the receipt, or a number or name as in the
    queue. Raises `Refused` with what to do: nothing fits, or too many wrong codes today.
    """
    text = " ".join(shown.split())
    if cardqr.looks_like_one(text):
        return _by_card(text, waiting)
    if _CODE.fullmatch(plain_code(text)):
        return _by_code(plain_code(text), waiting, by)
    if paper := _TOKEN.search(text):
        return _by_receipt(paper[1], waiting)
    return _by_words(text, waiting)


def plain_code(text: str) -> str:
    """A code as it is kept: in capitals, without spaces and dashes."""
    return re.sub(r"[\s-]", "", text).upper()


def _by_card(text: str, waiting: DossierQuerySet) -> Found:
    try:
        card = cardqr.parse(text)
    except cardqr.Unreadable as error:
        raise Refused(str(error)) from error
    found = _with_term(waiting, searching.number(card.number))
    if not found:
        raise Refused(
            _("Không có kết quả nào chờ trả cho số thẻ này. Người nhận thay thì dùng mã nhận.")
        )
    return Found(found, Proof.CARD, card.full_name, card.number[-4:])


def _with_term(waiting: DossierQuerySet, value: str) -> list[Dossier]:
    if not value:
        return []
    return list(waiting.filter(search_terms__value=value).distinct()[:_MOST_FOUND])


def _by_code(code: str, waiting: DossierQuerySet, by: User) -> Found:
    refuse_worn_out(by)
    found = list(waiting.filter(collection__code=code)[:1])
    if not found:
        _note_wrong(by)
        raise Refused(_("Không có kết quả nào chờ trả mang mã này; xin xem lại từng ký tự."))
    return Found(found, Proof.CODE)


def _by_receipt(token: str, waiting: DossierQuerySet) -> Found:
    papers_of = Paper.objects.filter(token=token, kind=Paper.Kind.RECEIPT)
    found = list(waiting.filter(pk__in=papers_of.values("dossier"))[:1])
    if not found:
        raise Refused(_("Giấy này không phải giấy hẹn của hồ sơ nào đang chờ trả kết quả."))
    return Found(found, Proof.RECEIPT)


def _by_words(text: str, waiting: DossierQuerySet) -> Found:
    """By the dossier's code, a number, or a name: that alone proves nothing."""
    typed = text.upper()
    found = list(waiting.filter(code=typed)[:1]) or _with_term(waiting, searching.number(text))
    found = found or _with_term(waiting, fold(text))
    if not found:
        raise Refused(_("Không tìm thấy kết quả nào chờ trả; xin quét lại, hoặc gõ mã hồ sơ."))
    return Found(found)


# --- The code -----------------------------------------------------------------------------


def refuse_worn_out(by: User) -> None:
    """Raise `Refused` where this official mistyped too many codes today."""
    if throttling.failures_today(f"collect:{by.pk}") >= WRONG_CODES_A_DAY:
        raise Refused(
            _(
                "Hôm nay tài khoản này đã nhập sai mã nhận kết quả nhiều lần nên tạm khóa cách "
                "này; xin dùng thẻ căn cước hoặc giấy hẹn của người đến nhận."
            )
        )


def check_code(dossier: Dossier, typed: str, *, by: User) -> None:
    """Raise `Refused` where this is not the code of the dossier; a wrong one is counted.

    Outside a transaction: what is counted must stay.
    """
    refuse_worn_out(by)
    if not is_code_of(dossier, typed):
        _note_wrong(by)
        raise Refused(_("Mã nhận kết quả không đúng với hồ sơ này."))


def is_code_of(dossier: Dossier, typed: str) -> bool:
    """Whether this is the code that waits with the dossier."""
    row = Collection.objects.filter(dossier=dossier).first()
    return row is not None and constant_time_compare(row.code, plain_code(typed))


def _note_wrong(by: User) -> None:
    throttling.note_failure(f"collect:{by.pk}")
    logger.warning("wrong collection code by official %s", by.pk)


# --- Handed over --------------------------------------------------------------------------


def record(move: Move) -> Collection:
    """Note who collected, on what proof, and by whom it was given; in the move `hand_over`.

    `collected_by`, `proof`, `collector`, `collector_number` (the last four digits), `mandate`
    and `code` are its details; who collects is the applicant unless it is said otherwise.
    """
    row = wait_at_desk(move.dossier, move.now)
    details, who = move.details, str(move.details.get("collected_by") or Collector.SELF)
    row.collector = _checked(who, Collector, _("Hãy chọn ai đến nhận kết quả."))
    row.proof = _proof(move)
    row.collector_name = move.words("collector") or _own_name(move, who)
    row.collector_number = _last_digits(str(details.get("collector_number") or ""))
    row.mandate = move.words("mandate")[:200]
    if who == Collector.AUTHORISED and not row.mandate:
        raise Refused(_("Hãy ghi giấy ủy quyền: số, ngày, nơi chứng thực hoặc người ký."))
    row.collected_at, row.handed_by = move.now, move.by
    row.save()
    return row


def _checked(value: str, choices: type, complaint: str) -> str:
    if value not in choices.values:
        raise Refused(complaint)
    return value


def _proof(move: Move) -> str:
    proof = str(move.details.get("proof") or "")
    if not proof:
        return ""
    _checked(proof, Proof, _("Hãy chọn giấy tờ đã đối chiếu."))
    if proof == Proof.CODE and not is_code_of(move.dossier, str(move.details.get("code") or "")):
        raise Refused(_("Mã nhận kết quả không đúng với hồ sơ này."))
    return proof


def _own_name(move: Move, who: str) -> str:
    if who == Collector.AUTHORISED:
        raise Refused(_("Hãy ghi họ tên người được ủy quyền nhận kết quả."))
    return papers.applicant(move.dossier)["name"]


def _last_digits(text: str) -> str:
    digits = re.sub(r"\s", "", text)
    if digits and not re.fullmatch("[0-9]{4}", digits):
        raise Refused(_("Chỉ ghi bốn số cuối của thẻ căn cước, ví dụ 1234."))
    return digits
