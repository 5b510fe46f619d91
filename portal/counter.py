"""Accounts that the counter opens against an identity card, and the slip that activates them.

For people with neither e-mail nor a telephone that takes messages. The key on the slip is
kept only as its digest; a new slip makes the old ones, the password and every session void.
"""

from __future__ import annotations

import datetime
import hashlib
import secrets
from typing import TYPE_CHECKING, NamedTuple

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.counter.accountnumbers import ALPHABET, new_account_number, tidy_number
from dossiers.counter.people import account_of, create_person, lock_accounts
from dossiers.workflow import Refused
from portal.models import Activation
from portal.sessions import end_all

if TYPE_CHECKING:
    from portal.models import User


class AlreadyOpen(Exception):
    """The person with this card has an account; `user` is it."""

    def __init__(self, user: User):
        super().__init__()
        self.user = user


class Slip(NamedTuple):
    """What is printed once: whose account, and the key that nothing else knows."""

    activation: Activation
    key: str

    @property
    def url(self) -> str:
        """The address in the slip's QR code."""
        return f"{settings.SITE_URL}{reverse('activate', args=[self.key])}"


@transaction.atomic
def open_account(
    *, full_name: str, citizen_number: str, phone: str = "", email: str = "", by: User
) -> Slip:
    """Make an account for the person with this card, and its first slip.

    Telephone and e-mail are ways to call until the person confirms them. Raises
    `AlreadyOpen`, and `Refused` for an official's own card.
    """
    lock_accounts()
    if citizen_number == by.citizen_number:
        raise Refused(_("Ông/bà không tự mở tài khoản cho chính mình được; xin nhờ đồng nghiệp."))
    if existing := account_of(citizen_number):
        raise AlreadyOpen(existing)
    user = create_person(
        full_name=full_name,
        citizen_number=citizen_number,
        phone=phone,
        identity_checked_at=timezone.now(),
        identity_checked_by=by,
    )
    if email:
        EmailAddress.objects.create(user=user, email=email.lower())
    return _slip(user, by)


@transaction.atomic
def renew(user: User, *, by: User) -> Slip:
    """A new slip after the card was checked again; what let in before lets in no more.

    Raises `Refused` for officials' accounts, whose password no counter may set anew.
    """
    locked = get_user_model().objects.select_for_update().get(pk=user.pk)
    if locked.is_staff or locked.pk == by.pk:
        raise Refused(_("Tài khoản của cán bộ không được cấp lại tại quầy."))
    if not locked.is_active or locked.identity_checked_at is None:
        raise Refused(_("Không cấp phiếu cho tài khoản này được."))
    locked.set_unusable_password()
    locked.identity_checked_at, locked.identity_checked_by = timezone.now(), by
    locked.account_number = locked.account_number or new_account_number()
    locked.save()
    locked.activations.filter(used_at=None).delete()
    end_all(locked)
    return _slip(locked, by)


def find(key: str) -> Activation | None:
    """The slip with this key, if it can still be used."""
    found = Activation.objects.select_related("user").filter(digest=_digest(key)).first()
    return found if found and _is_usable(found) else None


@transaction.atomic
def activate(activation: Activation, *, password: str) -> User | None:
    """Set the password and use the slip up; None where somebody was faster."""
    # The person first, as `renew()` does: otherwise each would wait for the other.
    get_user_model().objects.select_for_update().get(pk=activation.user_id)
    locked = Activation.objects.select_related("user").filter(pk=activation.pk).first()
    if locked is None or not _is_usable(locked):
        return None
    locked.used_at = timezone.now()
    locked.save(update_fields=["used_at"])
    locked.user.set_password(password)
    locked.user.save(update_fields=["password"])
    return locked.user


def _slip(user: User, by: User) -> Slip:
    key = _new_key()
    day = timezone.localdate() + datetime.timedelta(days=settings.ACTIVATION_DAYS)
    expires_at = timezone.make_aware(datetime.datetime.combine(day, datetime.time.max))
    activation = Activation.objects.create(
        user=user, digest=_digest(key), created_by=by, expires_at=expires_at
    )
    return Slip(activation, key)


def _new_key() -> str:
    """138 random bits that can be typed from paper: seven groups of four, no look-alikes."""
    groups = ("".join(secrets.choice(ALPHABET) for _sign in range(4)) for _group in range(7))
    return "-".join(groups)


def _digest(key: str) -> str:
    return hashlib.sha256(tidy_number(key).encode()).hexdigest()


def _is_usable(activation: Activation) -> bool:
    user = activation.user
    in_time = activation.used_at is None and activation.expires_at > timezone.now()
    return in_time and user.is_active and user.closed_at is None
