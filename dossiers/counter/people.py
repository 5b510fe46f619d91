"""The person in front of the desk, as an account: the one they have, or a new one.

One card has one account, whether it was opened for its own sake (`portal.counter`) or with
the first dossier that reception entered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth import get_user_model
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from dossiers.counter.accountnumbers import new_account_number
from dossiers.workflow import NotAllowed, Refused
from procedures.text import fold

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User


def account_of(citizen_number: str) -> User | None:
    """The account opened against this card.

    Not one whose owner only typed the number: anybody can type anybody's.
    """
    if not citizen_number:
        return None
    people = get_user_model().objects.filter(citizen_number=citizen_number, closed_at=None)
    return people.exclude(identity_checked_at=None).first()


def other_name(full_name: str, citizen_number: str) -> str:
    """The name of the account of this card where it is not `full_name`; "" where it is.

    One digit mistyped leads to somebody else: the official looks at the card again.
    """
    person = account_of(citizen_number)
    if person is None or fold(person.full_name) == fold(full_name):
        return ""
    return person.full_name


@transaction.atomic
def person_for(*, full_name: str, citizen_number: str = "", phone: str = "", by: User) -> User:
    """The account of the person whose card `by` holds; made when there is none.

    A new one has no password: the person activates it, if ever, with a slip of
    `portal.counter`, which finds it by the card. A person without a number (an old paper, a
    passport) gets an account that no other visit is matched with. Name and telephone of an
    account that exists stay as they are. Raises `NotAllowed` for the official's own card.
    """
    if citizen_number and citizen_number == by.citizen_number:
        raise NotAllowed(_("Ông/bà không tự nhập hồ sơ của chính mình được; xin nhờ đồng nghiệp."))
    if known := account_of(citizen_number):
        return known
    if not citizen_number:
        return create_person(full_name=full_name, phone=phone)
    lock_accounts()
    return account_of(citizen_number) or create_person(
        full_name=full_name,
        citizen_number=citizen_number,
        phone=phone,
        identity_checked_at=timezone.now(),
        identity_checked_by=by,
    )


def lock_accounts() -> None:
    """One account is opened at a time, whoever opens it: two clerks may hold one card.

    The row that is locked is that of the kind "user", which nothing else locks.
    """
    kind = ContentType.objects.get_for_model(get_user_model())
    ContentType.objects.select_for_update().get(pk=kind.pk)


def create_person(**fields) -> User:
    """An account with a number of its own and no password; `fields` are those of the user."""
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return get_user_model().objects.create_user(
                    account_number=new_account_number(), **fields
                )
        except IntegrityError:
            continue
    raise Refused(_("Chưa cấp được số tài khoản; xin thử lại."))
