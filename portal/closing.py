"""Closing an account, as far as the law allows: filed dossiers stay, the person goes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers import personal
from payments.models import Payment
from portal.models import DataExport
from portal.sessions import end_all
from portal.tasks import send_mail, send_text
from procedures.text import in_vietnamese

if TYPE_CHECKING:
    from portal.models import User


class Obstacle(NamedTuple):
    """Why an account cannot be closed yet, and where to settle it ("" for nowhere)."""

    text: str
    url: str = ""


class Refused(Exception):
    """Something still stands against closing: `obstacles` says what."""

    def __init__(self, found: list[Obstacle]):
        super().__init__()
        self.obstacles = found


def obstacles(user: User) -> list[Obstacle]:
    """What has to end first: an office's work, open dossiers, money on either side."""
    if user.is_staff or user.is_superuser:
        return [Obstacle(_("Tài khoản của cán bộ do quản trị viên khóa, không tự đóng được."))]
    found = [
        Obstacle(
            _("Hồ sơ %(code)s đang được giải quyết (%(state)s).")
            % {"code": dossier.code, "state": dossier.get_state_display()},
            dossier.get_absolute_url(),
        )
        for dossier in personal.still_open(user)
    ]
    return found + [_owed(payment) for payment in _open_payments(user)]


def _open_payments(user: User):
    theirs = Payment.objects.filter(dossier__owner=user).select_related("dossier")
    return theirs.filter(Q(state=Payment.State.PENDING) | Q(needs_refund=True))


def _owed(payment: Payment) -> Obstacle:
    words = (
        _("Hồ sơ %(code)s: cơ quan còn phải hoàn tiền cho ông/bà.")
        if payment.needs_refund
        else _("Hồ sơ %(code)s: còn một khoản chưa nộp xong.")
    )
    return Obstacle(words % {"code": payment.dossier.code}, payment.dossier.get_absolute_url())


def close(user: User) -> None:
    """Remove what is kept about a person but the dossiers they filed.

    The row stays, without a name, so that dossiers and the ledger still hang together. The
    dossiers are locked first, as a move does: a draft is either filed before, which refuses
    the closing, or gone. A second call finds nothing to do. Raises `Refused`.
    """
    with transaction.atomic():
        personal.lock_all(user)
        locked = get_user_model().objects.select_for_update().get(pk=user.pk)
        if locked.closed_at:
            return
        if found := obstacles(locked):
            raise Refused(found)
        personal.erase(locked)
        _erase_account(locked)
        personal.forget_terms(locked)


@in_vietnamese
def _erase_account(user: User) -> None:
    end_all(user)
    copies = DataExport.objects.filter(user=user)
    for copy in copies.exclude(file=""):
        transaction.on_commit(partial(copy.file.storage.delete, copy.file.name))
    for rows in (
        copies,
        user.activations.all(),
        Authenticator.objects.filter(user=user),
        SocialAccount.objects.filter(user=user),
        EmailAddress.objects.filter(user=user),
    ):
        rows.delete()
    user.full_name = _("Tài khoản đã đóng")
    user.email = user.account_number = None
    user.phone = user.citizen_number = ""
    user.phone_verified = user.is_active = False
    user.closed_at = timezone.now()
    user.set_unusable_password()
    user.save()


@in_vietnamese
def say_goodbye(address: str | None, phone: str) -> None:
    """The last mail, to the address that the account had; without one, the last SMS."""
    if not address:
        if phone:
            send_text.enqueue(phone, _("Tài khoản của ông/bà tại cổng dịch vụ công đã đóng."))
        return
    body = _(
        "Kính gửi ông/bà,\n\nTài khoản của ông/bà tại cổng dịch vụ công đã đóng theo yêu cầu. "
        "Thông tin cá nhân, giấy tờ lưu trong ví và các bản nháp đã được xóa. Những hồ sơ đã "
        "nộp được cơ quan lưu trữ theo quy định của pháp luật.\n\nNếu không phải ông/bà yêu "
        "cầu, xin liên hệ ngay với bộ phận một cửa.\n\nTrân trọng."
    )
    send_mail.enqueue(_("[Một Cửa] Tài khoản đã đóng"), body, [address])
