"""Who may not decide because a relative of theirs stands in the dossier.

A rule of every office and of its codes of conduct (Luật Phòng, chống tham nhũng 2018,
Điều 23): whoever has an interest in a matter leaves it to another official. The portal
knows it from the relatives whom an official declared by the numbers of their cards, and
from the official's own word on one dossier, which nobody takes back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from dossiers.models import Dossier, Recusal, Relative

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser as User

# A personal number, and the nine digits of the identity cards before it.
_NUMBER = re.compile(r"\d{12}|\d{9}")


def has_conflict(dossier: Dossier, user: User) -> bool:
    """Whether `user` said so of this dossier, or declared a relative who stands in it.

    One statement. Who stands in it: the filer, the principal, everybody named by a number
    in the answers, and the participants.
    """
    in_it = dossier.participants.exclude(user__citizen_number="").values("user__citizen_number")
    named = Q(citizen_number__in=_numbers_of(dossier)) | Q(citizen_number__in=in_it)
    relatives = Relative.objects.filter(named, user=user).order_by().values("pk")
    recusals = Recusal.objects.filter(dossier=dossier, user=user).values("pk")
    return relatives.union(recusals).exists()


def _numbers_of(dossier: Dossier) -> set[str]:
    found = {dossier.owner.citizen_number, dossier.behalf.get("number", "")}
    return (found | set(_numbers_in(dossier.answers))) - {""}


def _numbers_in(value: Any) -> Iterator[str]:
    """Every number in the answers that may be a person's, whichever question it answers."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value):
            yield value
        return
    rows = value.values() if isinstance(value, dict) else value
    if isinstance(rows, str | bytes) or not hasattr(rows, "__iter__"):
        return
    for row in rows:
        yield from _numbers_in(row)
